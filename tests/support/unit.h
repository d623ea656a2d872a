/* SPDX-License-Identifier: MIT */
/* unit.h - what every unit test includes: cmocka and what it wants before it */
#ifndef SUPPORT_UNIT_H
#define SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SKIP_UNDER_VALGRIND_BECAUSE(why)                               \
    do {                                                               \
        const char *preload = getenv("LD_PRELOAD");                    \
        if (preload != NULL && strstr(preload, "vgpreload") != NULL) { \
            print_message("skipped: under Valgrind " why "\n");        \
            skip();                                                    \
        }                                                              \
    } while (0)

/* Valgrind delivers signals at its own pace and writes on standard error: what is about either is skipped there. */
#define SKIP_UNDER_VALGRIND() SKIP_UNDER_VALGRIND_BECAUSE("signals and standard error differ")

#endif
