/* SPDX-License-Identifier: MIT */
/* deadletter.c - what did not arrive: counted by reason, shown to the program's hook */
#include "actor/deadletter.h"

#include "actor/ask.h"

void deadletter_note(struct worker *w, tr_dead_reason reason, const struct tr_msg *m, uint64_t to)
{
    struct world *world = w->world;
    w->dead[reason]++;
    if (world->opts.on_dead_letter == NULL)
        return;
    tr_dead_letter letter = { reason, m->from, { 0, to }, m };
    world_hooks_lock(world);
    world->opts.on_dead_letter(world->opts.ctx, &letter);
    world_hooks_unlock(world);
}

void deadletter_discard(struct worker *w, struct tr_msg *m, tr_dead_reason reason, tr_err err, const char *text)
{
    if (m->kind == MSG_ASK && ask_is_owed(m))
        ask_answer_error(w, m, err, text, "ask", NULL);
    else if (m->kind == MSG_ASK)
        reason = TR_DEAD_CANCELED;
    if (m->kind == MSG_ASK || m->kind == MSG_SEND)
        deadletter_note(w, reason, m, m->to);
    if (m->kind == MSG_GONE)
        msg_unref(&w->msgs, m->source);
    msg_unref(&w->msgs, m);
}

const char *tr_dead_reason_name(tr_dead_reason reason)
{
    static const char *const names[TR_DEAD_REASONS] = {
        [TR_DEAD_NOPROC] = "noproc",   [TR_DEAD_ENDED] = "ended",   [TR_DEAD_FULL] = "full",
        [TR_DEAD_UNKNOWN] = "unknown", [TR_DEAD_FAILED] = "failed", [TR_DEAD_CANCELED] = "canceled",
        [TR_DEAD_LATE] = "late",
    };
    return (unsigned) reason < TR_DEAD_REASONS ? names[reason] : "?";
}
