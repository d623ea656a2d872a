/* SPDX-License-Identifier: MIT */
/* internal.h - what the files of the process actor share */
#ifndef PROCESS_INTERNAL_H
#define PROCESS_INTERNAL_H

#include <troupe/process.h>

/* What a request asks for; strings are lent by it, arrays are the call's (tr_temp). */
struct order {
    tr_child_opts child;
    tr_run_opts run;
};

/* Fills in an order from "argv:array, options:map?". Errors in words on self: TR_EINVAL names the option. */
tr_err order_read(tr_self *self, const tr_msg *m, struct order *order);

/* One process and whom it talks to; its first message is a request "start". */
tr_err talk_body(tr_self *self, void *arg);

#endif
