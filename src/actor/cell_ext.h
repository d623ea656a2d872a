/* SPDX-License-Identifier: MIT */
/* cell_ext.h - what few actors need: made on first use, gone with the actor */
#ifndef ACTOR_CELL_EXT_H
#define ACTOR_CELL_EXT_H

#include "actor/worker.h"

/* What an actor holds beyond memory: released with its memory, however it ends, the newest first. */
struct thing {
    struct list link;                                   /* cell_ext.things */
    void (*release)(struct worker *w, struct thing *t); /* takes it off the list */
};

struct cell_ext {
    struct list names;      /* struct name.link */
    struct tr_msg *kept;    /* by next and prev: messages from tr_keep */
    struct list ticks;      /* struct tick.link */
    struct list watches;    /* struct fd_watch.link */
    struct list things;     /* struct thing.link */
    struct list thens;      /* struct ask.link: open asks of tr_ask_then */
    struct list thens_done; /* struct ask.link: answered, to be called back */
    struct list enders;     /* struct ender.link: who waits for this actor's end */
    struct list senders;    /* struct sender.link: who waits for room in its mailbox, first come first */
    struct temp *memory;    /* tr_alloc */
    struct tr_msg *start_args;
    struct tr_msg *result;
    struct tr_msg *end_error; /* CELL_END: in words, or NULL */
    char *cancel_reason;
    struct tr_msg *start; /* the request of the one who started it, until it is ready */
    char *stop_reason;
    bool was_ready;
    bool start_told; /* it failed before it was ready, and that was told to the one who started it */
    bool stopping;
    struct cell *stop_next; /* while a request to stop goes down the tree */
    size_t stack_size;
    uint64_t
        stands_for;   /* an actor's id: what this one gives out that one has, and who waits here waits for it; or 0 */
    const char *name; /* the first registered one, for people; lives as long as it is registered */
    /* Also read by senders on other workers, who see CELL_BOUNDED as ext being there. */
    uint32_t len_max, bytes_max;
    uint32_t full_policy; /* tr_full_policy */
};

#define MAILBOX_LEN_MAX 8192u
#define MAILBOX_BYTES_MAX (4u * 1024u * 1024u)

void cell_ext_set_bounds(struct cell_ext *e, uint32_t len_max, uint32_t bytes_max, tr_full_policy policy);

/* NULL: out of memory. */
struct cell_ext *cell_ext_get(struct worker *w, struct cell *c);
void things_release(struct worker *w, struct cell *c); /* ext must be there */
void cell_ext_free(struct worker *w, struct cell *c);

/* What people call it: its name, its behaviour's name, or "body". c's home is here. */
const char *cell_label(const struct cell *c);

/* The same of one that may be elsewhere, whose name is not looked at. */
const char *cell_label_any(const struct worker *w, const struct cell *c);

/* "label <slot.gen>" in buf. */
#define CELL_TEXT_MAX 128
const char *cell_text(const struct cell *c, char buf[CELL_TEXT_MAX]);
const char *cell_text_any(const struct worker *w, const struct cell *c, char buf[CELL_TEXT_MAX]);
const char *cell_text_far(const struct cell *c, char buf[CELL_TEXT_MAX]); /* without its name */

#endif
