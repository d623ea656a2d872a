/* SPDX-License-Identifier: MIT */
/* detail_each.h - counting macro arguments and wrapping each; nothing here to call by name */
#ifndef TROUPE_DETAIL_EACH_H
#define TROUPE_DETAIL_EACH_H

/* clang-format off */
/* How many arguments there are (1 to 33), and a macro put around each. Maps take up to 16 pairs. */
#define TR_ARGC(...) TR_ARGC_(__VA_ARGS__, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, \
                              14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define TR_ARGC_(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, \
                 a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, a33, n, ...) n
#define TR_CAT(a, b) TR_CAT_(a, b)
#define TR_CAT_(a, b) a##b
#define TR_EACH(f, ...) TR_CAT(TR_EACH_, TR_ARGC(__VA_ARGS__))(f, __VA_ARGS__)
#define TR_EACH_1(f, a) f(a)
#define TR_EACH_2(f, a, ...) f(a), TR_EACH_1(f, __VA_ARGS__)
#define TR_EACH_3(f, a, ...) f(a), TR_EACH_2(f, __VA_ARGS__)
#define TR_EACH_4(f, a, ...) f(a), TR_EACH_3(f, __VA_ARGS__)
#define TR_EACH_5(f, a, ...) f(a), TR_EACH_4(f, __VA_ARGS__)
#define TR_EACH_6(f, a, ...) f(a), TR_EACH_5(f, __VA_ARGS__)
#define TR_EACH_7(f, a, ...) f(a), TR_EACH_6(f, __VA_ARGS__)
#define TR_EACH_8(f, a, ...) f(a), TR_EACH_7(f, __VA_ARGS__)
#define TR_EACH_9(f, a, ...) f(a), TR_EACH_8(f, __VA_ARGS__)
#define TR_EACH_10(f, a, ...) f(a), TR_EACH_9(f, __VA_ARGS__)
#define TR_EACH_11(f, a, ...) f(a), TR_EACH_10(f, __VA_ARGS__)
#define TR_EACH_12(f, a, ...) f(a), TR_EACH_11(f, __VA_ARGS__)
#define TR_EACH_13(f, a, ...) f(a), TR_EACH_12(f, __VA_ARGS__)
#define TR_EACH_14(f, a, ...) f(a), TR_EACH_13(f, __VA_ARGS__)
#define TR_EACH_15(f, a, ...) f(a), TR_EACH_14(f, __VA_ARGS__)
#define TR_EACH_16(f, a, ...) f(a), TR_EACH_15(f, __VA_ARGS__)
#define TR_EACH_17(f, a, ...) f(a), TR_EACH_16(f, __VA_ARGS__)
#define TR_EACH_18(f, a, ...) f(a), TR_EACH_17(f, __VA_ARGS__)
#define TR_EACH_19(f, a, ...) f(a), TR_EACH_18(f, __VA_ARGS__)
#define TR_EACH_20(f, a, ...) f(a), TR_EACH_19(f, __VA_ARGS__)
#define TR_EACH_21(f, a, ...) f(a), TR_EACH_20(f, __VA_ARGS__)
#define TR_EACH_22(f, a, ...) f(a), TR_EACH_21(f, __VA_ARGS__)
#define TR_EACH_23(f, a, ...) f(a), TR_EACH_22(f, __VA_ARGS__)
#define TR_EACH_24(f, a, ...) f(a), TR_EACH_23(f, __VA_ARGS__)
#define TR_EACH_25(f, a, ...) f(a), TR_EACH_24(f, __VA_ARGS__)
#define TR_EACH_26(f, a, ...) f(a), TR_EACH_25(f, __VA_ARGS__)
#define TR_EACH_27(f, a, ...) f(a), TR_EACH_26(f, __VA_ARGS__)
#define TR_EACH_28(f, a, ...) f(a), TR_EACH_27(f, __VA_ARGS__)
#define TR_EACH_29(f, a, ...) f(a), TR_EACH_28(f, __VA_ARGS__)
#define TR_EACH_30(f, a, ...) f(a), TR_EACH_29(f, __VA_ARGS__)
#define TR_EACH_31(f, a, ...) f(a), TR_EACH_30(f, __VA_ARGS__)
#define TR_EACH_32(f, a, ...) f(a), TR_EACH_31(f, __VA_ARGS__)
#define TR_EACH_33(f, a, ...) f(a), TR_EACH_32(f, __VA_ARGS__)


/* 1 for one argument, N for more. */
#define TR_ONE_OR_MORE(...) TR_ARGC_(__VA_ARGS__, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, \
                                     N, N, N, N, N, N, N, N, N, 1, 0)
/* clang-format on */
#endif
