/* SPDX-License-Identifier: MIT */
/* fields.c - tables of options: a key, where its value goes, and the range it must lie in */
#include <stdio.h>
#include <string.h>

#include "fields.h"

const struct field *field_find(const struct field *fields, const char *key)
{
    const struct field *f = fields;
    while (f->key != NULL && strcmp(f->key, key) != 0)
        f++;
    return f->key != NULL ? f : NULL;
}

static void *field_at(const struct field *f, void *base)
{
    return (char *) base + f->offset;
}

static bool field_set_int(const struct field *f, tr_item value, void *base)
{
    int64_t n;
    if (tr_read(value, &n) != TR_OK || n < f->min || n > f->max)
        return false;
    if (f->kind == FIELD_UNSIGNED)
        *(unsigned *) field_at(f, base) = (unsigned) n;
    else
        *(int64_t *) field_at(f, base) = n;
    return true;
}

bool field_set(const struct field *f, tr_item value, void *base)
{
    switch (f->kind) {
    case FIELD_BOOL:
        return tr_read(value, (bool *) field_at(f, base)) == TR_OK;
    case FIELD_STR:
        return tr_read(value, (const char **) field_at(f, base)) == TR_OK;
    case FIELD_ADDR:
        return tr_read(value, (tr_addr *) field_at(f, base)) == TR_OK;
    case FIELD_PTR:
        return tr_read(value, (void **) field_at(f, base)) == TR_OK;
    default:
        return field_set_int(f, value, base);
    }
}

static int64_t field_number(const struct field *f, const void *base)
{
    const void *at = (const char *) base + f->offset;
    return f->kind == FIELD_UNSIGNED ? (int64_t) * (const unsigned *) at : *(const int64_t *) at;
}

bool field_is_in_range(const struct field *f, const void *base)
{
    if (f->kind != FIELD_UNSIGNED && f->kind != FIELD_INT)
        return true;
    int64_t n = field_number(f, base);
    return n >= f->min && n <= f->max;
}

/* False: it has its default, zero. */
static bool field_value(const struct field *f, const void *base, tr_value *v)
{
    const void *at = (const char *) base + f->offset;
    switch (f->kind) {
    case FIELD_BOOL:
        *v = tr_bool(*(const bool *) at);
        return *(const bool *) at;
    case FIELD_STR:
        *v = tr_str(*(const char *const *) at);
        return *(const char *const *) at != NULL;
    case FIELD_ADDR:
        *v = tr_v_addr(*(const tr_addr *) at);
        return !tr_addr_is_nil(*(const tr_addr *) at);
    case FIELD_PTR:
        *v = tr_local_ptr(*(void *const *) at);
        return *(void *const *) at != NULL;
    default:
        *v = tr_int(field_number(f, base));
        return field_number(f, base) != 0;
    }
}

size_t fields_values(const struct field *fields, const void *base, tr_value *kv)
{
    size_t n = 0;
    for (const struct field *f = fields; f->key != NULL; f++) {
        if (!field_value(f, base, &kv[n + 1]))
            continue;
        kv[n] = tr_str(f->key);
        n += 2;
    }
    return n;
}

const char *field_wants(const struct field *f, char *buf, size_t size)
{
    static const char *const words[] = {
        [FIELD_BOOL] = "true or false", [FIELD_STR] = "a string", [FIELD_ADDR] = "an address", [FIELD_PTR] = "a pointer"
    };
    if (f->kind != FIELD_UNSIGNED && f->kind != FIELD_INT)
        return words[f->kind];
    if (f->max == INT64_MAX)
        snprintf(buf, size, "a number, at least %lld", (long long) f->min);
    else
        snprintf(buf, size, "a number from %lld to %lld", (long long) f->min, (long long) f->max);
    return buf;
}
