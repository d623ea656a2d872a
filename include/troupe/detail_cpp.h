/* SPDX-License-Identifier: MIT */
/* detail_cpp.h - how C++ turns arguments into values and pointers into destinations; nothing here to call by name */
#ifndef TROUPE_DETAIL_CPP_H
#define TROUPE_DETAIL_CPP_H

#include <initializer_list>
#include <type_traits>

#include "detail_each.h"

/* bool stands in the template, not beside it: an overload for bool would take any pointer. */
template <class T, typename std::enable_if<std::is_integral<T>::value, int>::type = 0> inline tr_value tr_v(T i)
{
    if (std::is_same<T, bool>::value)
        return tr_bool(i != 0);
    return std::is_signed<T>::value ? tr_int((int64_t) i) : tr_uint((uint64_t) i);
}
template <class T, typename std::enable_if<std::is_enum<T>::value, int>::type = 0> inline tr_value tr_v(T e)
{
    return tr_v(static_cast<typename std::underlying_type<T>::type>(e));
}
inline tr_value tr_v(float d) { return tr_float((double) d); }
inline tr_value tr_v(double d) { return tr_float(d); }
inline tr_value tr_v(const char *s) { return tr_str(s); }
inline tr_value tr_v(tr_addr a) { return tr_v_addr(a); }
inline tr_value tr_v(tr_item i) { return tr_v_item(i); }
inline tr_value tr_v(const tr_msg *m) { return tr_v_msg(m); }
inline tr_value tr_v(tr_value v) { return v; }

inline tr_dest tr_d(bool *p) { return tr_dest_make(TR_DEST_BOOL, sizeof *p, p); }
/* No plain char: an array of it looks the same, and wants a string. */
template <class T, class = typename std::enable_if<std::is_integral<T>::value && !std::is_same<T, bool>::value &&
                                                   !std::is_same<T, char>::value>::type>
inline tr_dest tr_d(T *p)
{
    return tr_dest_make(std::is_signed<T>::value ? TR_DEST_SIGNED : TR_DEST_UNSIGNED, sizeof *p, p);
}
inline tr_dest tr_d(float *p) { return tr_dest_make(TR_DEST_FLOAT, sizeof *p, p); }
inline tr_dest tr_d(double *p) { return tr_dest_make(TR_DEST_FLOAT, sizeof *p, p); }
inline tr_dest tr_d(const char **p) { return tr_dest_make(TR_DEST_STR, 0, p); }
inline tr_dest tr_d(tr_bytes *p) { return tr_dest_make(TR_DEST_BYTES, 0, p); }
inline tr_dest tr_d(tr_addr *p) { return tr_dest_make(TR_DEST_ADDR, 0, p); }
inline tr_dest tr_d(tr_item *p) { return tr_dest_make(TR_DEST_ITEM, 0, p); }
inline tr_dest tr_d(void **p) { return tr_dest_make(TR_DEST_PTR, 0, p); }
inline tr_dest tr_d(tr_dest d) { return d; }

#define TR_V(x) tr_v(x)
#define TR_DEST(p) tr_d(p)
#define TR_VALUES(...) (std::initializer_list<tr_value>{ TR_EACH(TR_V, __VA_ARGS__) }.begin()), TR_ARGC(__VA_ARGS__)
#define TR_DESTS(...) (std::initializer_list<tr_dest>{ TR_EACH(TR_DEST, __VA_ARGS__) }.begin()), TR_ARGC(__VA_ARGS__)

#endif
