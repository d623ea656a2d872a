/* SPDX-License-Identifier: MIT */
/* unit.h - what every unit test includes: cmocka and what it wants before it */
#ifndef SUPPORT_UNIT_H
#define SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
