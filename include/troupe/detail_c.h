/* SPDX-License-Identifier: MIT */
/* detail_c.h - how C11 turns arguments into values and pointers into destinations; nothing here to call by name */
#ifndef TROUPE_DETAIL_C_H
#define TROUPE_DETAIL_C_H

#include "detail_each.h"

static inline tr_value tr_v_i(long long i)
{
    return tr_int(i);
}

static inline tr_value tr_v_u(unsigned long long u)
{
    return tr_uint(u);
}

/* clang-format off */
#define TR_V(x) _Generic((x),                                                                            \
    _Bool: tr_bool, char: tr_v_i, signed char: tr_v_i, short: tr_v_i, int: tr_v_i, long: tr_v_i,         \
    long long: tr_v_i, unsigned char: tr_v_u, unsigned short: tr_v_u, unsigned: tr_v_u,                  \
    unsigned long: tr_v_u, unsigned long long: tr_v_u, float: tr_float, double: tr_float,                \
    char *: tr_str, const char *: tr_str, tr_addr: tr_v_addr, tr_value: tr_v_value,                      \
    tr_item: tr_v_item, tr_msg *: tr_v_msg, const tr_msg *: tr_v_msg)(x)

#define TR_DEST_FN(name, kind, type)                       \
    static inline tr_dest tr_d_##name(type *p)             \
    {                                                      \
        return tr_dest_make(TR_DEST_##kind, sizeof *p, p); \
    }
TR_DEST_FN(bool, BOOL, _Bool)
TR_DEST_FN(schar, SIGNED, signed char)
TR_DEST_FN(short, SIGNED, short)
TR_DEST_FN(int, SIGNED, int)
TR_DEST_FN(long, SIGNED, long)
TR_DEST_FN(llong, SIGNED, long long)
TR_DEST_FN(uchar, UNSIGNED, unsigned char)
TR_DEST_FN(ushort, UNSIGNED, unsigned short)
TR_DEST_FN(uint, UNSIGNED, unsigned)
TR_DEST_FN(ulong, UNSIGNED, unsigned long)
TR_DEST_FN(ullong, UNSIGNED, unsigned long long)
TR_DEST_FN(float, FLOAT, float)
TR_DEST_FN(double, FLOAT, double)
TR_DEST_FN(str, STR, const char *)
TR_DEST_FN(bytes, BYTES, tr_bytes)
TR_DEST_FN(addr, ADDR, tr_addr)
TR_DEST_FN(item, ITEM, tr_item)
TR_DEST_FN(ptr, PTR, void *)
#undef TR_DEST_FN

#define TR_DEST(p) _Generic((p),                                                                               \
    _Bool *: tr_d_bool, signed char *: tr_d_schar, short *: tr_d_short, int *: tr_d_int,     \
    long *: tr_d_long, long long *: tr_d_llong, unsigned char *: tr_d_uchar, unsigned short *: tr_d_ushort,     \
    unsigned *: tr_d_uint, unsigned long *: tr_d_ulong, unsigned long long *: tr_d_ullong,                      \
    float *: tr_d_float, double *: tr_d_double, const char **: tr_d_str, tr_bytes *: tr_d_bytes,                \
    tr_addr *: tr_d_addr, tr_item *: tr_d_item, void **: tr_d_ptr, tr_dest: tr_d_dest)(p)

#define TR_VALUES(...) ((const tr_value[]){ TR_EACH(TR_V, __VA_ARGS__) }), (size_t) TR_ARGC(__VA_ARGS__)
#define TR_DESTS(...) ((const tr_dest[]){ TR_EACH(TR_DEST, __VA_ARGS__) }), (size_t) TR_ARGC(__VA_ARGS__)
/* clang-format on */

#endif
