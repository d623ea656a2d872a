/* SPDX-License-Identifier: MIT */
/* main.c - channels: a pipeline of a producer, three workers and a consumer, none of which gets ahead of the others */
#include <inttypes.h>
#include <stdio.h>

#include <troupe/troupe.h>

#define NUMBERS 100
#define WORKERS 3
#define ROOM 4 /* of each channel */

struct line {
    tr_addr numbers, squares;
    int64_t sent, seen, ahead; /* bodies of one spawner share memory, as coroutines of one thread do */
};

static tr_err produce(tr_self *self, void *arg)
{
    struct line *line = arg;
    tr_err err = TR_OK;
    for (int64_t n = 1; n <= NUMBERS && err == TR_OK; n++) {
        err = tr_channel_send(self, line->numbers, "number", n); /* suspends while the channel is full */
        line->sent++;
        if (line->sent - line->seen > line->ahead)
            line->ahead = line->sent - line->seen;
    }
    return err == TR_OK ? tr_channel_close(self, line->numbers) : err;
}

static tr_err square(tr_self *self, void *arg)
{
    const struct line *line = arg;
    const tr_msg *m;
    int64_t n;
    tr_err err;
    while ((err = tr_channel_recv(self, line->numbers, &m)) == TR_OK) {
        tr_check(self, tr_is(m, "number", &n));
        if ((err = tr_channel_send(self, line->squares, "square", n * n)) != TR_OK)
            break;
    }
    return err == TR_ECLOSED ? TR_OK : err;
}

static tr_err add_up(tr_self *self, void *arg)
{
    struct line *line = arg;
    const tr_msg *m;
    int64_t n, sum = 0;
    tr_err err;
    while ((err = tr_channel_recv(self, line->squares, &m)) == TR_OK) {
        tr_check(self, tr_is(m, "square", &n));
        sum += n;
        line->seen++;
        if ((err = tr_sleep(self, 1)) != TR_OK) /* the slowest sets the pace */
            break;
    }
    return err == TR_ECLOSED ? tr_result(self, sum) : err;
}

/* The scope ends when the producer and its workers have: then no more squares come. */
static tr_err start(tr_self *self, tr_scope *scope, void *arg)
{
    tr_err err = tr_spawn_in(self, scope, produce, arg, NULL);
    for (int i = 0; i < WORKERS && err == TR_OK; i++)
        err = tr_spawn_in(self, scope, square, arg, NULL);
    return err;
}

static tr_err pipeline(tr_self *self, void *arg)
{
    (void) arg;
    struct line *line = tr_alloc(self, sizeof *line);
    tr_addr consumer;
    const tr_msg *result;
    int64_t sum = 0;
    if (line == NULL)
        return tr_fail_with(self, TR_ENOMEM, "out of memory");
    tr_err err = tr_channel_create(self, ROOM, NULL, &line->numbers);
    if (err == TR_OK)
        err = tr_channel_create(self, ROOM, NULL, &line->squares);
    if (err == TR_OK)
        err = tr_spawn(self, add_up, line, &consumer);
    if (err == TR_OK)
        err = tr_scope_run(self, NULL, start, line);
    if (err == TR_OK)
        err = tr_channel_close(self, line->squares);
    if (err == TR_OK)
        err = tr_join(self, consumer, &result);
    if (err == TR_OK)
        err = tr_args(result, &sum);
    if (err != TR_OK)
        return err;
    printf("the squares of 1 to %d add up to %" PRId64 "\n", NUMBERS, sum);
    printf("the producer was never more than %d ahead: %s\n", 2 * ROOM + 2 * WORKERS,
           line->ahead <= 2 * ROOM + 2 * WORKERS ? "true" : "false");
    return TR_OK;
}

int main(void)
{
    return tr_main(pipeline, NULL);
}
