/* SPDX-License-Identifier: MIT */
/* kit.h - what the test kit keeps with a node */
#ifndef NODE_KIT_H
#define NODE_KIT_H

#include <troupe/test.h>

#include "actor/watch.h"
#include "base/random.h"

struct kit {
    struct random random; /* of tr_test_shuffle */
    struct watch watch;
    struct list records; /* struct tr_record.link */
    uint64_t sends;      /* since tr_test_fail_send */
    uint64_t send_at;    /* the one that fails; 0: none */
    tr_err send_err;
};

void kit_init(struct kit *kit);

/* Records that are open outlive their node. */
void kit_fini(struct kit *kit);

/* From now on the kit sees what is sent on the node. */
void kit_watch(tr_node *node);

/* m was delivered: into every record that wants it. */
void record_add(struct kit *kit, struct worker *w, const struct cell *c, const struct tr_msg *m);

/* A record's node is gone. */
void record_orphan(struct list *link);

/* The pattern as people would write it. */
size_t match_print(const tr_value *values, size_t n, char *buf, size_t size);

#endif
