/* SPDX-License-Identifier: MIT */
/* register.c - the way into the runtime: by a call, or by being loaded */
#include <troupe/debug_names.h>

#include "names.h"

tr_err tr_debug_names(void)
{
    return tr_debug_symbols_set(&names_by_libdw);
}

/* So that LD_PRELOAD is enough. */
__attribute__((constructor)) static void loaded(void)
{
    (void) tr_debug_names();
}
