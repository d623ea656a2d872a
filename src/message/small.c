/* SPDX-License-Identifier: MIT */
/* small.c - a short message as its values again */
#include "message/small.h"

const tr_value *small_unpack(const tr_small *s, struct small_values *values)
{
    const size_t tag_len = (s->shape >> 32) & UINT16_MAX, argc = s->shape >> 48;
    values->n = 0;
    if (tag_len > 0) {
        memcpy(values->tag, &s->tag, sizeof values->tag);
        values->value[values->n++] = tr_strn(values->tag, tag_len);
    }
    for (size_t i = 0; i < argc; i++) {
        tr_value v = tr_value_make((tr_type) (s->shape >> i * 8 & UINT8_MAX), 0);
        v.v.u = s->value[i];
        values->value[values->n++] = v;
    }
    return values->value;
}
