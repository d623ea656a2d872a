/* SPDX-License-Identifier: MIT */
/* print.c - a message as text for people; docs/messages.md has the notation
 *
 * What is printed may come from outside and end in a log or on a terminal: nothing but printable characters leaves this
 * file, whatever a string holds. The same text comes out in every locale.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "message/block.h"
#include "message/message.h"

#define BIN_SHOWN_MAX 32

/* len is the length of the whole text, however much of it there was room for. */
struct text {
    char *buf;
    size_t size, len;
};

static void put_char(struct text *t, char c)
{
    if (t->len < t->size)
        t->buf[t->len] = c;
    t->len++;
}

static void put(struct text *t, const char *s)
{
    for (; *s != '\0'; s++)
        put_char(t, *s);
}

static void put_hex(struct text *t, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    put_char(t, digits[byte >> 4]);
    put_char(t, digits[byte & 15]);
}

/* Bytes of the printable UTF-8 character beyond ASCII at s; 0: there is none. Refused: forms longer than needed,
 * surrogates, what is above U+10FFFF, and the control characters U+0080 to U+009F. */
static size_t utf8_len(const unsigned char *s, size_t len)
{
    static const uint32_t least[] = { 0, 0, 0xa0, 0x800, 0x10000 };
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len < n)
        return 0;
    uint32_t c = s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    return c >= least[n] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) ? n : 0;
}

static void put_escaped(struct text *t, unsigned char c)
{
    put(t, "\\x");
    put_hex(t, c);
}

/* How many bytes of s it took. */
static size_t put_str_char(struct text *t, const unsigned char *s, size_t len)
{
    if (s[0] >= 0x80) {
        size_t n = utf8_len(s, len);
        for (size_t i = 0; i < n; i++)
            put_char(t, (char) s[i]);
        if (n == 0)
            put_escaped(t, s[0]);
        return n > 0 ? n : 1;
    }
    if (s[0] == '"' || s[0] == '\\') {
        put_char(t, '\\');
        put_char(t, (char) s[0]);
    } else if (s[0] == '\n') {
        put(t, "\\n");
    } else if (s[0] == '\t') {
        put(t, "\\t");
    } else if (s[0] < ' ' || s[0] == 0x7f) {
        put_escaped(t, s[0]);
    } else {
        put_char(t, (char) s[0]);
    }
    return 1;
}

static void put_str(struct text *t, const char *s, size_t len)
{
    put_char(t, '"');
    for (size_t i = 0; i < len;)
        i += put_str_char(t, (const unsigned char *) s + i, len - i);
    put_char(t, '"');
}

/* A tag stands without quotes; what would end it, or make it look like a string, is escaped. */
static void put_tag(struct text *t, const char *tag, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) tag[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\')
            put_escaped(t, c);
        else
            put_char(t, (char) c);
    }
}

static void put_bin(struct text *t, const char *data, uint32_t len)
{
    char head[24];
    snprintf(head, sizeof head, "bin(%u)\"", len);
    put(t, head);
    for (size_t i = 0; i < len && i < BIN_SHOWN_MAX; i++)
        put_hex(t, (unsigned char) data[i]);
    put(t, len > BIN_SHOWN_MAX ? "...\"" : "\"");
}

/* The fewest digits that read back as the same number. A locale may have put anything for the point, of any length:
 * whatever is no digit, sign or exponent becomes one point. */
static void put_float(struct text *t, double d)
{
    char digits[64];
    if (isnan(d) || isinf(d)) {
        put(t, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
        return;
    }
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, d);
        if (strtod(digits, NULL) == d)
            break;
    }
    bool marked = false, in_point = false;
    for (const char *p = digits; *p != '\0'; p++) {
        bool plain = strchr("0123456789+-e", *p) != NULL;
        if (plain)
            put_char(t, *p);
        else if (!in_point)
            put_char(t, '.');
        in_point = !plain;
        marked |= !plain || *p == 'e';
    }
    if (!marked)
        put(t, ".0");
}

static void put_slot(struct text *t, const struct tr_msg *body, const struct msg_slot *s);

static void put_array(struct text *t, const struct tr_msg *body, const struct msg_slot *s)
{
    const struct msg_slot *child = slot_at(body, s->v.at);
    put_char(t, '[');
    for (size_t i = 0; i < s->len; i++) {
        put(t, i > 0 ? ", " : "");
        put_slot(t, body, &child[i]);
    }
    put_char(t, ']');
}

static void put_map(struct text *t, const struct tr_msg *body, const struct msg_slot *s)
{
    const struct msg_slot *child = slot_at(body, s->v.at);
    put_char(t, '{');
    for (size_t i = 0; i < s->len; i++) {
        put(t, i == 0 ? "" : i % 2 == 1 ? ": " : ", ");
        put_slot(t, body, &child[i]);
    }
    put_char(t, '}');
}

static void put_word(struct text *t, const struct tr_msg *body, const struct msg_slot *s)
{
    char word[TR_ADDR_TEXT_MAX];
    if (s->type == TR_TYPE_INT)
        snprintf(word, sizeof word, "%lld", (long long) s->v.i);
    else if (s->type == TR_TYPE_UINT)
        snprintf(word, sizeof word, "%llu", (unsigned long long) s->v.u);
    else if (s->type == TR_TYPE_PTR)
        snprintf(word, sizeof word, "ptr(0x%llx)", (unsigned long long) (uintptr_t) s->v.p);
    else
        tr_addr_text(slot_addr(body, s), word);
    put(t, word);
}

static void put_slot(struct text *t, const struct tr_msg *body, const struct msg_slot *s)
{
    switch (s->type) {
    case TR_TYPE_NIL:
        put(t, "nil");
        break;
    case TR_TYPE_BOOL:
        put(t, s->v.u != 0 ? "true" : "false");
        break;
    case TR_TYPE_FLOAT:
        put_float(t, s->v.d);
        break;
    case TR_TYPE_STR:
        put_str(t, slot_bytes(body, s), s->len);
        break;
    case TR_TYPE_BIN:
        put_bin(t, slot_bytes(body, s), s->len);
        break;
    case TR_TYPE_ARRAY:
        put_array(t, body, s);
        break;
    case TR_TYPE_MAP:
        put_map(t, body, s);
        break;
    default:
        put_word(t, body, s);
        break;
    }
}

size_t tr_msg_print(const tr_msg *m, char *buf, size_t size)
{
    struct text t = { buf, size, 0 };
    put_tag(&t, tr_tag(m), m->tag_len);
    for (size_t i = 0; i < m->argc; i++) {
        put(&t, i > 0 || m->tag_len > 0 ? " " : "");
        put_slot(&t, m->body, &m->body->slot[i]);
    }
    if (size > 0)
        buf[t.len < size ? t.len : size - 1] = '\0';
    return t.len;
}
