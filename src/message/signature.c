/* SPDX-License-Identifier: MIT */
/* signature.c - what values a row wants: read once, checked for each message
 *
 * The grammar, with blanks wherever they read well:
 *
 *     signature = "" | value { "," value }
 *     value     = name ":" type [ "?" ] | name "..."      "..." only at the end
 *     name      = letter or "_", then letters, digits, "_"
 *     type      = any nil bool int uint float str bin addr array map ptr
 *
 * A value that fits a row also fits the variable that a handler reads it into: bool takes the ints 0 and 1, float takes
 * an int that a double holds exactly, and str only strings without a NUL inside, since a const char * would end there.
 * What may hold any bytes is bin, or any.
 */
#include "message/signature.h"

#include <float.h>
#include <stdarg.h>
#include <stdio.h>

#include "message/block.h"

#define BIT(type) (UINT32_C(1) << (type))
#define ANY UINT32_MAX

static const struct signature_type {
    const char *name;
    uint32_t types;
    bool not_negative;
} signature_types[] = {
    { "any", ANY, false },
    { "nil", BIT(TR_TYPE_NIL), false },
    { "bool", BIT(TR_TYPE_BOOL), false },
    { "int", BIT(TR_TYPE_INT), false },
    { "uint", BIT(TR_TYPE_INT) | BIT(TR_TYPE_UINT), true },
    { "float", BIT(TR_TYPE_FLOAT) | BIT(TR_TYPE_INT) | BIT(TR_TYPE_UINT), false },
    { "str", BIT(TR_TYPE_STR), false },
    { "bin", BIT(TR_TYPE_BIN), false },
    { "addr", BIT(TR_TYPE_ADDR), false },
    { "array", BIT(TR_TYPE_ARRAY), false },
    { "map", BIT(TR_TYPE_MAP), false },
    { "ptr", BIT(TR_TYPE_PTR), false },
};

/* ---- reading ---- */

/* A piece of the text: [at, at + len). */
struct span {
    const char *at;
    int len;
};

struct parser {
    const char *p;
    char *why;
    size_t why_size;
};

static tr_err parse_fail(struct parser *ps, const char *fmt, ...) TR_PRINTF(2, 3);
static tr_err parse_fail(struct parser *ps, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (ps->why != NULL)
        vsnprintf(ps->why, ps->why_size, fmt, args);
    va_end(args);
    return TR_EINVAL;
}

static bool is_word(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static void skip_blanks(struct parser *ps)
{
    while (*ps->p == ' ' || *ps->p == '\t' || *ps->p == '\n')
        ps->p++;
}

static bool take(struct parser *ps, const char *what)
{
    skip_blanks(ps);
    size_t len = strlen(what);
    if (strncmp(ps->p, what, len) != 0)
        return false;
    ps->p += len;
    return true;
}

static struct span take_word(struct parser *ps)
{
    skip_blanks(ps);
    struct span w = { ps->p, 0 };
    while (is_word(w.at[w.len], w.len == 0))
        w.len++;
    ps->p += w.len;
    return w;
}

static const struct signature_type *type_find(struct span w)
{
    for (size_t i = 0; i < sizeof signature_types / sizeof signature_types[0]; i++) {
        const char *name = signature_types[i].name;
        if (strlen(name) == (size_t) w.len && memcmp(name, w.at, (size_t) w.len) == 0)
            return &signature_types[i];
    }
    return NULL;
}

static tr_err parse_typed(struct parser *ps, struct span name, struct signature *s)
{
    struct span word = take_word(ps);
    const struct signature_type *type = type_find(word);
    if (type == NULL)
        return parse_fail(ps, "'%.*s:%.*s': no type \"%.*s\" (any nil bool int uint float str bin addr array map ptr)",
                          name.len, name.at, word.len, word.at, word.len, word.at);
    if (s->count == TR_ARGS_MAX)
        return parse_fail(ps, "'%.*s': a message has at most %d values", name.len, name.at, TR_ARGS_MAX);
    bool optional = take(ps, "?");
    s->arg[s->count].types = type->types | (optional ? BIT(TR_TYPE_NIL) : 0);
    s->arg[s->count].not_negative = type->not_negative;
    s->count++;
    if (!optional)
        s->required = s->count;
    return TR_OK;
}

static tr_err parse_value(struct parser *ps, struct signature *s)
{
    struct span name = take_word(ps);
    if (name.len == 0)
        return parse_fail(ps, "a name is missing at '%.20s'", ps->p);
    if (take(ps, "...")) {
        s->rest = true;
        return TR_OK;
    }
    if (!take(ps, ":"))
        return parse_fail(ps, "'%.*s': ':' and a type are missing", name.len, name.at);
    return parse_typed(ps, name, s);
}

tr_err signature_parse(const char *text, struct signature *s, char *why, size_t why_size)
{
    struct parser ps = { text != NULL ? text : "", why, why_size };
    struct signature read = { 0 };
    skip_blanks(&ps);
    while (*ps.p != '\0') {
        tr_err err = parse_value(&ps, &read);
        if (err != TR_OK)
            return err;
        skip_blanks(&ps);
        if (*ps.p == '\0')
            break;
        if (read.rest)
            return parse_fail(&ps, "'%.20s': nothing can follow \"...\"", ps.p);
        if (!take(&ps, ","))
            return parse_fail(&ps, "'%.20s': ',' is missing", ps.p);
        skip_blanks(&ps);
        if (*ps.p == '\0')
            return parse_fail(&ps, "a name is missing after the last ','");
    }
    read.one_int = read.count == 1 && read.required == 1 && !read.rest && read.arg[0].types == BIT(TR_TYPE_INT) &&
                   !read.arg[0].not_negative;
    *s = read;
    return TR_OK;
}

/* ---- checking ---- */

static bool slot_fits_row(const struct signature *s, size_t i, const struct tr_msg *body)
{
    const struct msg_slot *v = &body->slot[i];
    uint32_t types = s->arg[i].types;
    if ((types & BIT(v->type)) == 0)
        return (types & BIT(TR_TYPE_BOOL)) != 0 && v->type == TR_TYPE_INT && v->v.u <= 1;
    if (types == ANY)
        return true;
    if (v->type == TR_TYPE_INT || v->type == TR_TYPE_UINT) {
        if (s->arg[i].not_negative && v->type == TR_TYPE_INT && v->v.i < 0)
            return false;
        return (types & BIT(TR_TYPE_FLOAT)) == 0 || slot_int_is_exact(v, DBL_MANT_DIG);
    }
    return v->type != TR_TYPE_STR || memchr(slot_bytes(body, v), 0, v->len) == NULL;
}

static bool count_fits(const struct signature *s, size_t argc)
{
    return argc >= s->required && (argc <= s->count || s->rest);
}

/* Index of the first value that does not fit; the number of checked values if all do. */
static size_t first_misfit(const struct signature *s, const struct tr_msg *m)
{
    size_t n = m->argc < s->count ? m->argc : s->count;
    size_t i = 0;
    while (i < n && slot_fits_row(s, i, m->body))
        i++;
    return i;
}

static bool all_fit(const struct signature *s, const struct tr_msg *m)
{
    return first_misfit(s, m) == (m->argc < s->count ? m->argc : s->count);
}

bool signature_fits_slow(const struct signature *s, const struct tr_msg *m)
{
    return count_fits(s, m->argc) && all_fit(s, m);
}

/* ---- explaining ---- */

/* Value i of a signature that has been parsed, as it is written: "n:int". */
static struct span text_of_value(const char *text, size_t i)
{
    for (; i > 0; i--) {
        const char *comma = strchr(text, ',');
        if (comma == NULL)
            break;
        text = comma + 1;
    }
    text += strspn(text, " \t\n");
    struct span value = { text, (int) strcspn(text, ",") };
    while (value.len > 0 && (value.at[value.len - 1] == ' ' || value.at[value.len - 1] == '\t'))
        value.len--;
    return value;
}

static const char *value_words(const struct signature *s, size_t i, const struct msg_slot *v)
{
    if (v->type == TR_TYPE_STR && (s->arg[i].types & BIT(TR_TYPE_STR)) != 0)
        return "a str with a NUL inside";
    if (v->type == TR_TYPE_INT && s->arg[i].not_negative)
        return "a negative int";
    if ((v->type == TR_TYPE_INT || v->type == TR_TYPE_UINT) && (s->arg[i].types & BIT(TR_TYPE_FLOAT)) != 0)
        return "an int that no float holds exactly";
    if (v->type == TR_TYPE_UINT)
        return "an int above 2^63-1";
    return tr_type_name((tr_type) v->type);
}

void signature_explain(const struct signature *s, const char *text, const struct tr_msg *m, char *why, size_t why_size)
{
    const char *tag = m->tag != 0 ? tr_tag(m) : "reply";
    text = text != NULL ? text : "";
    if (!count_fits(s, m->argc)) {
        snprintf(why, why_size, "%s: %u value%s, the row wants \"%s\"", tag, (unsigned) m->argc,
                 m->argc == 1 ? "" : "s", text);
        return;
    }
    if (all_fit(s, m)) {
        snprintf(why, why_size, "%s: the values fit", tag);
        return;
    }
    size_t i = first_misfit(s, m);
    struct span wanted = text_of_value(text, i);
    snprintf(why, why_size, "%s: value %zu is %s, the row wants %.*s", tag, i + 1, value_words(s, i, &m->body->slot[i]),
             wanted.len, wanted.at);
}
