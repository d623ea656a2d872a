/* SPDX-License-Identifier: MIT */
/* value.c - reading messages: items, arguments, and into variables
 *
 * Storing has two steps, so that a message that does not fit changes nothing: first every value is held against its
 * destination, then all are stored, which cannot fail.
 */
#include <float.h>
#include <math.h>

#include "message/block.h"
#include "message/message.h"

const char *tr_type_name(tr_type type)
{
    static const char *const names[] = { "invalid", "nil",   "bool", "int", "uint", "float", "str", "bin",
                                         "addr",    "array", "map",  "ptr", "blob", "item",  "msg" };
    return (size_t) type < sizeof names / sizeof names[0] ? names[type] : "invalid";
}

/* ---- items ---- */

static const struct msg_slot *item_slot(tr_item item)
{
    return item.msg != NULL && item.at != 0 ? slot_at(item.msg, item.at) : NULL;
}

/* Child i of s, or the zero item. */
static tr_item slot_child(const struct tr_msg *body, const struct msg_slot *s, size_t i)
{
    return i < s->len ? slot_item(body, slot_at(body, s->v.at) + i) : (tr_item){ 0 };
}

tr_type tr_item_type(tr_item item)
{
    const struct msg_slot *s = item_slot(item);
    return s != NULL ? (tr_type) s->type : TR_TYPE_INVALID;
}

size_t tr_item_count(tr_item item)
{
    const struct msg_slot *s = item_slot(item);
    if (s == NULL || !slot_is_container(s))
        return 0;
    return s->type == TR_TYPE_MAP ? s->len / 2 : s->len;
}

tr_item tr_item_at(tr_item item, size_t i)
{
    if (i >= tr_item_count(item))
        return (tr_item){ 0 };
    const struct msg_slot *s = item_slot(item);
    return slot_child(item.msg, s, s->type == TR_TYPE_MAP ? i * 2 + 1 : i);
}

tr_item tr_item_key(tr_item item, size_t i)
{
    const struct msg_slot *s = item_slot(item);
    if (s == NULL || s->type != TR_TYPE_MAP || i >= s->len / 2)
        return (tr_item){ 0 };
    return slot_child(item.msg, s, i * 2);
}

static bool slot_is_text(const struct tr_msg *body, const struct msg_slot *s, const char *text, size_t len)
{
    return s->type == TR_TYPE_STR && s->len == len && memcmp(slot_bytes(body, s), text, len) == 0;
}

tr_item tr_item_get(tr_item item, const char *key)
{
    const struct msg_slot *s = item_slot(item);
    if (s == NULL || s->type != TR_TYPE_MAP)
        return (tr_item){ 0 };
    size_t len = strlen(key);
    const struct msg_slot *pair = slot_at(item.msg, s->v.at);
    for (size_t i = 0; i < s->len; i += 2)
        if (slot_is_text(item.msg, &pair[i], key, len))
            return slot_item(item.msg, &pair[i + 1]);
    return (tr_item){ 0 };
}

/* ---- what fits ---- */

static bool fits_signed(const struct msg_slot *s, size_t size)
{
    if (s->type != TR_TYPE_INT)
        return false;
    unsigned spare = 64 - (unsigned) size * 8;
    int64_t max = INT64_MAX >> spare;
    return s->v.i <= max && s->v.i >= -max - 1;
}

static bool fits_unsigned(const struct msg_slot *s, size_t size)
{
    if (s->type != TR_TYPE_UINT && (s->type != TR_TYPE_INT || s->v.i < 0))
        return false;
    return s->v.u <= UINT64_MAX >> (64 - (unsigned) size * 8);
}

static bool fits_float(const struct msg_slot *s, size_t size)
{
    if (s->type == TR_TYPE_INT || s->type == TR_TYPE_UINT)
        return slot_int_is_exact(s, size == sizeof(float) ? FLT_MANT_DIG : DBL_MANT_DIG);
    if (s->type != TR_TYPE_FLOAT)
        return false;
    double d = s->v.d;
    if (size == sizeof(double) || isnan(d) || isinf(d))
        return true;
    return fabs(d) <= (double) FLT_MAX && (double) (float) d == d;
}

static bool fits_bool(const struct msg_slot *s)
{
    return s->type == TR_TYPE_BOOL || (s->type == TR_TYPE_INT && s->v.u <= 1);
}

static bool fits_str(const struct tr_msg *body, const struct msg_slot *s)
{
    return s->type == TR_TYPE_STR && memchr(slot_bytes(body, s), 0, s->len) == NULL;
}

static bool slot_fits(const struct tr_msg *body, const struct msg_slot *s, const tr_dest *d)
{
    switch (d->kind) {
    case TR_DEST_SIGNED:
        return fits_signed(s, d->size);
    case TR_DEST_UNSIGNED:
        return fits_unsigned(s, d->size);
    case TR_DEST_STR:
        return fits_str(body, s);
    case TR_DEST_BOOL:
        return fits_bool(s);
    case TR_DEST_FLOAT:
        return fits_float(s, d->size);
    case TR_DEST_BYTES:
        return s->type == TR_TYPE_BIN || s->type == TR_TYPE_STR;
    case TR_DEST_ADDR:
        return s->type == TR_TYPE_ADDR;
    case TR_DEST_PTR:
        return s->type == TR_TYPE_PTR;
    case TR_DEST_ITEM:
    case TR_DEST_SKIP:
        return true;
    default:
        return false;
    }
}

/* ---- storing what fits ---- */

/* The low bytes of u; the value is known to fit in them. */
static void store_word(void *ptr, uint64_t u, size_t size)
{
    if (size == 8) {
        memcpy(ptr, &u, 8);
    } else if (size == 4) {
        uint32_t w = (uint32_t) u;
        memcpy(ptr, &w, 4);
    } else if (size == 2) {
        uint16_t h = (uint16_t) u;
        memcpy(ptr, &h, 2);
    } else {
        uint8_t b = (uint8_t) u;
        memcpy(ptr, &b, 1);
    }
}

static void store_float(const struct msg_slot *s, const tr_dest *d)
{
    double x = s->type == TR_TYPE_FLOAT ? s->v.d : s->type == TR_TYPE_INT ? (double) s->v.i : (double) s->v.u;
    if (d->size == sizeof(float))
        *(float *) d->ptr = (float) x;
    else
        *(double *) d->ptr = x;
}

static void slot_store(const struct tr_msg *body, const struct msg_slot *s, const tr_dest *d)
{
    switch (d->kind) {
    case TR_DEST_SIGNED:
    case TR_DEST_UNSIGNED:
        store_word(d->ptr, s->v.u, d->size);
        break;
    case TR_DEST_STR:
        *(const char **) d->ptr = slot_bytes(body, s);
        break;
    case TR_DEST_BOOL:
        *(bool *) d->ptr = s->v.u != 0;
        break;
    case TR_DEST_FLOAT:
        store_float(s, d);
        break;
    case TR_DEST_BYTES:
        *(tr_bytes *) d->ptr = (tr_bytes){ slot_bytes(body, s), s->len };
        break;
    case TR_DEST_ADDR:
        *(tr_addr *) d->ptr = slot_addr(body, s);
        break;
    case TR_DEST_PTR:
        *(void **) d->ptr = s->v.p;
        break;
    case TR_DEST_ITEM:
        *(tr_item *) d->ptr = slot_item(body, s);
        break;
    default:
        break;
    }
}

/* All or nothing. */
static bool slots_read(const struct tr_msg *body, const struct msg_slot *s, const tr_dest *dests, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!slot_fits(body, &s[i], &dests[i]))
            return false;
    for (size_t i = 0; i < n; i++)
        slot_store(body, &s[i], &dests[i]);
    return true;
}

tr_err tr_item_read(tr_item item, tr_dest dest)
{
    const struct msg_slot *s = item_slot(item);
    return s != NULL && slots_read(item.msg, s, &dest, 1) ? TR_OK : TR_EBADMSG;
}

/* ---- messages ---- */

const char *tr_tag(const tr_msg *m)
{
    if (m->tag_at != 0)
        return (const char *) m->body + m->tag_at;
    return (const char *) &m->tag; /* zeros for no tag, and at least one behind a short one */
}

size_t tr_argc(const tr_msg *m)
{
    return m->argc;
}

tr_item tr_arg(const tr_msg *m, size_t i)
{
    return i < m->argc ? slot_item(m->body, &m->body->slot[i]) : (tr_item){ 0 };
}

tr_addr tr_sender(const tr_msg *m)
{
    return m->from;
}

/* A tag holds no NUL, so that the first difference comes no later than the end of either. */
static bool tag_is(const struct tr_msg *m, const char *tag)
{
    const char *have = tr_tag(m);
    size_t i = 0;
    while (i < m->tag_len && have[i] == tag[i])
        i++;
    return i == m->tag_len && tag[i] == '\0';
}

bool tr_msg_is(const tr_msg *m, const char *tag, const tr_dest *dests, size_t n)
{
    const struct tr_msg *body = m->body;
    const struct msg_slot *s = body->slot;
    if (m->tag != 0)
        return m->argc == n && tag_is(m, tag) && slots_read(body, s, dests, n);
    return m->argc == n + 1 && slot_is_text(body, s, tag, strlen(tag)) && slots_read(body, s + 1, dests, n);
}

tr_err tr_msg_args(const tr_msg *m, const tr_dest *dests, size_t n)
{
    const struct msg_slot *s = m->body->slot;
    if (n == 1 && m->argc == 1 && s->type == TR_TYPE_INT && dests->kind == TR_DEST_SIGNED && dests->size == 8) {
        memcpy(dests->ptr, &s->v.i, 8); /* most messages */
        return TR_OK;
    }
    return m->argc == n && slots_read(m->body, m->body->slot, dests, n) ? TR_OK : TR_EBADMSG;
}
