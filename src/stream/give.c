/* SPDX-License-Identifier: MIT */
/* give.c - a stream goes to another actor, on whatever worker, inside of a message
 *
 * A parcel is a blob of no bytes: encoded it is nothing, and its address says nothing to who reads the message. It
 * holds the stream, which is registered nowhere meanwhile, until one receiver takes it or the last message with it is
 * gone. Between pack and unpack the stream is nobody's; only code that cannot suspend may stand between them. */
#include "stream/give.h"

#include <stdatomic.h>

#include "actor/error.h"
#include "base/alloc.h"
#include "message/block.h"
#include "stream/quota.h"

struct parcel {
    _Atomic(struct stream *) stream; /* taken by exchange: a message may have many readers */
};

/* Thread: any; the last message with it is gone. */
static void parcel_free(void *data)
{
    struct parcel *parcel = data;
    struct stream *s = atomic_exchange_explicit(&parcel->stream, NULL, memory_order_acq_rel);
    if (s != NULL)
        s->port.destroy(&s->port);
    mem_free(parcel);
}

tr_err stream_pack(struct tr_self *self, tr_stream stream, tr_value *value)
{
    struct port *p;
    tr_err err = port_get(self, stream.id, PORT_STREAM, "give", &p);
    if (err != TR_OK)
        return err;
    if (p->cell != self->cell)
        return error_set(self, TR_ESTATE, "give", "the stream is another actor's");
    if (p->hook.reader != NULL || p->hook.writer != NULL)
        return error_set(self, TR_EBUSY, "give", "someone reads or writes this stream");
    struct parcel *parcel = mem_alloc(sizeof *parcel);
    if (parcel == NULL)
        return error_set(self, TR_ENOMEM, "give", "out of memory");
    stream_passive(stream_of(p));
    quota_unlist(stream_of(p));
    port_detach(p);
    atomic_init(&parcel->stream, stream_of(p));
    *value = tr_blob(parcel, 0, parcel_free);
    return TR_OK;
}

void stream_unpack(struct tr_self *self, tr_value value)
{
    struct parcel *parcel = (void *) (uintptr_t) value.v.p;
    struct stream *s = atomic_load_explicit(&parcel->stream, memory_order_relaxed);
    /* Cannot fail: its descriptor has a place in the table, and its owner the list it was on. */
    if (port_attach(self->worker, self->cell, &s->port) == TR_OK) {
        atomic_store_explicit(&parcel->stream, NULL, memory_order_relaxed);
        quota_list(s);
        stream_want(s);
    }
    parcel_free(parcel);
}

tr_err tr_stream_give_values(tr_self *self, tr_stream stream, tr_addr to, const tr_value *values, size_t n)
{
    tr_value all[TR_ARGS_MAX + 1];
    if (!self_is_current(self))
        return TR_ESTATE;
    if (n == 0 || n > TR_ARGS_MAX)
        return error_set(self, TR_EINVAL, "give", "a tag, and at most %d values", TR_ARGS_MAX - 1);
    all[0] = values[0];
    for (size_t i = 1; i < n; i++)
        all[i + 1] = values[i];
    tr_err err = stream_pack(self, stream, &all[1]);
    if (err != TR_OK)
        return err;
    err = tr_try_send_values(self, to, all, n + 1);
    if (err != TR_OK)
        stream_unpack(self, all[1]);
    return err;
}

/* The parcel in an item, or NULL. */
static struct parcel *parcel_of(tr_item item)
{
    if (tr_item_type(item) != TR_TYPE_BIN)
        return NULL;
    const struct msg_slot *slot = slot_at(item.msg->body, item.at);
    return slot->blob && slot->v.blob->free_fn == parcel_free ? slot->v.blob->data : NULL;
}

tr_err tr_stream_take(tr_self *self, tr_item item, tr_stream *stream)
{
    if (!self_is_current(self))
        return TR_ESTATE;
    struct parcel *parcel = parcel_of(item);
    if (parcel == NULL)
        return error_set(self, TR_EBADMSG, "take", "the value is no stream");
    struct stream *s = atomic_exchange_explicit(&parcel->stream, NULL, memory_order_acq_rel);
    if (s == NULL)
        return error_set(self, TR_ECLOSED, "take", "the stream was taken already");
    tr_err err = port_attach(self->worker, self->cell, &s->port);
    if (err != TR_OK) {
        atomic_store_explicit(&parcel->stream, s, memory_order_release);
        return error_set(self, TR_ENOMEM, "take", "out of memory");
    }
    quota_list(s);
    stream_want(s);
    *stream = (tr_stream){ s->port.hook.id };
    return TR_OK;
}
