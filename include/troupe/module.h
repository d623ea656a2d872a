/* SPDX-License-Identifier: MIT */
/* module.h - actors in shared objects: the record that a module exports */
#ifndef TROUPE_MODULE_H
#define TROUPE_MODULE_H

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TR_MODULE_ABI 1

typedef struct tr_module {
    uint32_t abi;  /* TR_MODULE_ABI */
    uint32_t size; /* sizeof(tr_module) */
    const char *version;
    const tr_behaviour *const *behaviours; /* ends with NULL */
} tr_module;

/* TR_MODULE(&first, &second, ...): what this shared object offers. Once, at file scope. */
#define TR_MODULE(...)                                                               \
    static const tr_behaviour *const tr_module_behaviours[] = { __VA_ARGS__, NULL }; \
    __attribute__((visibility("default"))) extern const tr_module tr_module_record;  \
    const tr_module tr_module_record = { TR_MODULE_ABI, (uint32_t) sizeof(tr_module), NULL, tr_module_behaviours };

#ifdef __cplusplus
}
#endif
#endif
