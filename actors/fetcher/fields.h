/* SPDX-License-Identifier: MIT */
/* fields.h - tables of options: a key, where its value goes in a struct, and the range it must lie in
 *
 * A table ends with a row without a key. An unknown key is an error that names it, since an option that is silently
 * ignored is a limit that silently does not hold.
 */
#ifndef TROUPE_FETCHER_FIELDS_H
#define TROUPE_FETCHER_FIELDS_H

#include <stddef.h>

#include <troupe/troupe.h>

enum field_kind { FIELD_UNSIGNED, FIELD_INT, FIELD_BOOL, FIELD_STR, FIELD_ADDR, FIELD_PTR };

struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;
    int64_t min, max;
};

/* One row, for the member name of a type. */
#define FIELD(type, name, kind, min, max)           \
    {                                               \
#name, kind, offsetof(type, name), min, max \
    }
#define FIELD_END                \
    {                            \
        NULL, FIELD_INT, 0, 0, 0 \
    }

/* NULL: there is none. */
const struct field *field_find(const struct field *fields, const char *key);
/* False: the value has another type or is out of range. Strings stay inside the message. */
bool field_set(const struct field *f, tr_item value, void *base);
bool field_is_in_range(const struct field *f, const void *base);
/* What is not zero, as keys and values; returns how many stand in kv, two for each. */
size_t fields_values(const struct field *fields, const void *base, tr_value *kv);
/* In words, what the value of a field must be. */
const char *field_wants(const struct field *f, char *buf, size_t size);

#endif
