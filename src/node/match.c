/* SPDX-License-Identifier: MIT */
/* match.c - comparing messages with what a test expects
 *
 * What stands for a value is a tr_value that no program makes: a pointer to a thing of our own. */
#include <string.h>

#include "message/message.h"
#include "node/kit.h"

enum stand_in { ANY = 1, ANY_OF, ANY_MORE };

static char stands_in;

static tr_value stand_in(enum stand_in kind, tr_type type)
{
    tr_value v = tr_local_ptr(&stands_in);
    v.len = kind;
    v.x.u = type;
    return v;
}

tr_value tr_any(void)
{
    return stand_in(ANY, TR_TYPE_INVALID);
}

tr_value tr_any_of(tr_type type)
{
    return stand_in(ANY_OF, type);
}

tr_value tr_any_more(void)
{
    return stand_in(ANY_MORE, TR_TYPE_INVALID);
}

static enum stand_in stand_in_of(const tr_value *v)
{
    return v->type == TR_TYPE_PTR && v->v.p == &stands_in ? (enum stand_in) v->len : 0;
}

/* ---- one value ---- */

static bool item_equals(tr_item item, const tr_value *v, int depth);

static bool bytes_equal(tr_item item, const tr_value *v)
{
    tr_bytes b;
    return tr_read(item, &b) == TR_OK && b.len == v->len && (b.len == 0 || memcmp(b.data, v->v.p, b.len) == 0);
}

static bool array_equals(tr_item item, const tr_value *v, int depth)
{
    const tr_value *items = v->v.p;
    if (tr_item_count(item) != v->len)
        return false;
    for (size_t i = 0; i < v->len; i++)
        if (!item_equals(tr_item_at(item, i), &items[i], depth + 1))
            return false;
    return true;
}

/* In any order; keys are strings or numbers. */
static bool map_equals(tr_item item, const tr_value *v, int depth)
{
    const tr_value *kv = v->v.p;
    if (tr_item_count(item) != v->len / 2)
        return false;
    for (size_t i = 0; i < v->len; i += 2) {
        bool found = false;
        for (size_t k = 0; k < v->len / 2 && !found; k++)
            found = item_equals(tr_item_key(item, k), &kv[i], depth + 1) &&
                    item_equals(tr_item_at(item, k), &kv[i + 1], depth + 1);
        if (!found)
            return false;
    }
    return true;
}

static bool scalar_equals(tr_item item, const tr_value *v)
{
    bool b;
    int64_t i;
    uint64_t u;
    double d;
    tr_addr a;
    void *p;
    switch (v->type) {
    case TR_TYPE_NIL:
        return true;
    case TR_TYPE_BOOL:
        return tr_read(item, &b) == TR_OK && b == (v->v.u != 0);
    case TR_TYPE_INT:
        return tr_read(item, &i) == TR_OK && i == v->v.i;
    case TR_TYPE_UINT:
        return tr_read(item, &u) == TR_OK && u == v->v.u;
    case TR_TYPE_FLOAT:
        return tr_read(item, &d) == TR_OK && d == v->v.d;
    case TR_TYPE_ADDR:
        return tr_read(item, &a) == TR_OK && a.node == v->v.u && a.actor == v->x.u;
    case TR_TYPE_PTR:
        return tr_read(item, &p) == TR_OK && p == v->v.p;
    default:
        return false;
    }
}

static bool item_equals(tr_item item, const tr_value *v, int depth)
{
    tr_type type = tr_item_type(item);
    enum stand_in any = stand_in_of(v);
    if (any != 0)
        return type != TR_TYPE_INVALID && (any == ANY || (any == ANY_OF && type == (tr_type) v->x.u));
    if (depth > MSG_DEPTH_MAX || type != (v->type == TR_TYPE_BLOB ? TR_TYPE_BIN : (tr_type) v->type))
        return false;
    switch (type) {
    case TR_TYPE_STR:
    case TR_TYPE_BIN:
        return bytes_equal(item, v);
    case TR_TYPE_ARRAY:
        return array_equals(item, v, depth);
    case TR_TYPE_MAP:
        return map_equals(item, v, depth);
    default:
        return scalar_equals(item, v);
    }
}

/* ---- a message ---- */

static bool tag_equals(const tr_msg *m, const tr_value *v)
{
    if (stand_in_of(v) == ANY)
        return true;
    return v->type == TR_TYPE_STR && strlen(tr_tag(m)) == v->len && memcmp(tr_tag(m), v->v.p, v->len) == 0;
}

bool tr_matches_values(const tr_msg *m, const tr_value *values, size_t n)
{
    size_t tagged = tr_tag(m)[0] != '\0' && n > 0;
    if (tagged && !tag_equals(m, &values[0]))
        return false;
    size_t i = tagged;
    for (; i < n && stand_in_of(&values[i]) != ANY_MORE; i++)
        if (!item_equals(tr_arg(m, i - tagged), &values[i], 1))
            return false;
    return i < n || tr_argc(m) == n - tagged;
}

size_t match_print(const tr_value *values, size_t n, char *buf, size_t size)
{
    static const char *const names[] = { [ANY] = "(any)", [ANY_OF] = "(any of a type)", [ANY_MORE] = "(any more)" };
    tr_value shown[TR_ARGS_MAX + 1];
    tr_msg *m;
    if (size > 0)
        buf[0] = '\0';
    for (size_t i = 0; i < n && i <= TR_ARGS_MAX; i++)
        shown[i] = stand_in_of(&values[i]) != 0 ? tr_str(names[stand_in_of(&values[i])]) : values[i];
    if (n > TR_ARGS_MAX + 1 || tr_msg_make(&m, shown, n) != TR_OK)
        return 0;
    size_t len = tr_msg_print(m, buf, size);
    tr_msg_free(&m);
    return len;
}
