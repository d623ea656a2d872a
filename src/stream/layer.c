/* SPDX-License-Identifier: MIT */
/* layer.c - calling what stands between a stream's bytes and those on the wire */
#include "stream/layer.h"

#include <stdarg.h>
#include <stdio.h>

#include "actor/error.h"
#include "base/alloc.h"

struct tr_layer_io {
    struct stream *stream;
    const void *data;
    size_t len;
    bool decode, end;
    bool no_memory;
    tr_err err;
};

tr_err tr_layer_plain(tr_layer_io *io, const void *data, size_t len)
{
    io->no_memory = io->no_memory || !buffer_append(&io->stream->in, data, len);
    return io->no_memory ? TR_ENOMEM : TR_OK;
}

tr_err tr_layer_wire(tr_layer_io *io, const void *data, size_t len)
{
    io->no_memory = io->no_memory || !buffer_append(&io->stream->out, data, len);
    return io->no_memory ? TR_ENOMEM : TR_OK;
}

tr_err tr_layer_fail(tr_layer_io *io, tr_err err, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    mem_free(io->stream->why);
    io->stream->why = mem_strdup(text); /* NULL: the code alone */
    return err;
}

static int layer_run(void *arg)
{
    tr_layer_io *io = arg;
    const struct stream *s = io->stream;
    io->err = (io->decode ? s->layer->decode : s->layer->encode)(s->layer_state, io->data, io->len, io->end, io);
    if (io->no_memory)
        io->err = TR_ENOMEM;
    return 0;
}

static tr_err layer_call(tr_layer_io *io)
{
    (void) worker_call(io->stream->port.worker->self, layer_run, io);
    return io->err;
}

bool layer_decode(struct stream *s, const void *wire, size_t len, bool end)
{
    tr_layer_io io = { .stream = s, .data = wire, .len = len, .decode = true, .end = end };
    tr_err err = layer_call(&io);
    if (err != TR_OK)
        s->in_err = err;
    return err != TR_ENOMEM;
}

tr_err layer_encode(struct stream *s, const void *plain, size_t len, bool end)
{
    tr_layer_io io = { .stream = s, .data = plain, .len = len, .end = end };
    tr_err err = layer_call(&io);
    if (err != TR_OK)
        s->out_err = err;
    return err;
}

tr_err tr_stream_layer_state(tr_self *self, tr_stream stream, const tr_stream_layer *layer, const void **state)
{
    struct port *p;
    tr_err err = port_get(self, stream.id, PORT_STREAM, "layer", &p);
    if (err != TR_OK)
        return err;
    if (layer == NULL || stream_of(p)->layer != layer)
        return error_set(self, TR_EINVAL, "layer", "the stream has no such layer");
    *state = stream_of(p)->layer_state;
    return TR_OK;
}

tr_err tr_stream_layer_add(tr_self *self, tr_stream stream, const tr_stream_layer *layer, void *state)
{
    struct port *p;
    tr_err err = port_get(self, stream.id, PORT_STREAM, "layer", &p);
    if (err != TR_OK)
        return err;
    struct stream *s = stream_of(p);
    if (layer == NULL || layer->size < sizeof *layer || layer->decode == NULL || layer->encode == NULL)
        return error_set(self, TR_EINVAL, "layer", "a layer needs its size, decode and encode");
    if (s->layer != NULL || p->hook.reader != NULL || p->hook.writer != NULL || s->once.state != ONCE_OFF)
        return error_set(self, TR_EBUSY, "layer", "the stream has a layer, or is being read or written");
    s->layer = layer;
    s->layer_state = state;
    err = stream_decode_rest(s);
    if (err != TR_OK) {
        s->layer = NULL;
        return error_set(self, err, "layer", "out of memory");
    }
    (void) stream_flush(s);
    stream_want(s);
    return TR_OK;
}
