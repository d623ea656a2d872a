/* SPDX-License-Identifier: MIT */
/* test_flow.c - streams of messages: parts, credit, ends on both sides (src/share/flow.c, relay.c; docs/semantics.md,
 * S40) */
#include "support/flow_test.h"

/* ---- reading ---- */

static tr_err read_a_list(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_store(self, s);
    note_flow(self, s, NULL, "list", 3);
    note_flow(self, s, NULL, "list", 0);
    return err;
}

/* S40.1 */
static void parts_arrive_in_order_and_then_the_end(void **state)
{
    run_scene(read_a_list, "item 0 item 1 item 2 ECLOSED ECLOSED");
}

static tr_err read_again_at_the_end(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_store(self, s);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, NULL, &s->flow, "list", 1);
    (void) read_all(self, s);
    (void) read_all(self, s);
    tr_flow_close(self, &s->flow);
    (void) read_all(self, s);
    tr_flow_close(self, &s->flow);
    return err;
}

static void the_end_can_be_read_again_until_the_close(void **state)
{
    run_scene(read_again_at_the_end, "item 0 ECLOSED ECLOSED ESTATE");
}

static tr_err read_reply_values(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_store(self, s);
    note_flow(self, s, NULL, "total", 2);
    return err;
}

/* S40.6 */
static void values_of_the_reply_are_one_last_part(void **state)
{
    run_scene(read_reply_values, "item 0 item 1 \"total\" 2 ECLOSED");
}

static tr_err read_failures(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_store(self, s);
    note_flow(self, s, NULL, "break", 1);
    note(&s->notes, "[%s]", tr_error(self)->text);
    note_flow(self, s, NULL, "fail", 1);
    note(&s->notes, "[%s]", tr_error(self)->text);
    note_flow(self, s, NULL, "forget", 1);
    note_flow(self, s, NULL, "closed", 1);
    note_flow(self, s, NULL, "no such thing", 1);
    note_flow(self, s, NULL, "list", "no number");
    note_flow(self, s, NULL, "die", 1);
    note(&s->notes, "[%s]", tr_error(self)->text);
    note_flow(self, s, NULL, "list", 1);
    return err;
}

/* S40.7 */
static void every_failure_of_the_answerer_is_the_error_behind_its_parts(void **state)
{
    run_scene(
        read_failures,
        "item 0 EUSER+7 [no shelf 3] item 0 EUSER+7 [not shelf 4] item 0 ENOREPLY item 0 EFAILED EUNKNOWN EBADMSG "
        "item 0 EUSER+7 [the store burnt down] ENOPROC");
}

/* ---- credit ---- */

static tr_err read_slowly(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_flow_opts few = { .size = sizeof few, .parts_max = 4 };
    const tr_msg *part;
    tr_err err = open_store(self, s);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, &few, &s->flow, "list", 20);
    for (int i = 0; i < 4 && err == TR_OK; i++) {
        err = tr_sleep(self, 10);
        note(&s->notes, "%d", s->parts);
        if (err == TR_OK)
            err = tr_flow_next(self, &s->flow, &part);
    }
    tr_flow_close(self, &s->flow);
    return err;
}

/* S40.2: 4 are written; nothing is taken by the first read, and half is free after the third. */
static void a_slow_reader_stops_the_writer(void **state)
{
    run_scene(read_slowly, "4 4 4 6");
}

static tr_err write_large_parts(tr_self *self, void *arg)
{
    struct scene *s = arg;
    static char page[60000];
    const tr_msg *m;
    tr_flow flow;
    tr_err err = tr_recv(self, &m);
    if (err == TR_OK)
        err = tr_flow_answer(self, m, &flow);
    while (err == TR_OK && (err = tr_flow_write(self, &flow, "page", tr_bin(page, sizeof page))) == TR_OK)
        s->parts++;
    note(&s->notes, "%s", tr_err_name(err) + 3);
    return TR_OK;
}

static tr_err read_large_parts(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *part;
    tr_flow_opts opts = { .size = sizeof opts, .bytes_max = 100000 };
    tr_err err = tr_spawn(self, write_large_parts, s, &s->store);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, &opts, &s->flow, "pages");
    for (int i = 0; i < 3 && err == TR_OK; i++)
        if ((err = tr_sleep(self, 10)) == TR_OK) {
            note(&s->notes, "%d", s->parts);
            err = tr_flow_next(self, &s->flow, &part);
        }
    tr_flow_close(self, &s->flow);
    return err == TR_OK ? tr_join(self, s->store, NULL) : err;
}

/* S40.2 */
static void credit_counts_bytes_too(void **state)
{
    run_scene(read_large_parts, "2 2 2 EDOWN");
}

static tr_err write_without_waiting(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_flow_opts few = { .size = sizeof few, .parts_max = 2 };
    tr_err err = open_store(self, s);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, &few, &s->flow, "sum");
    for (int i = 0; i < 3; i++)
        note_err(&s->notes, tr_flow_try_write(self, &s->flow, "item", 1));
    note_err(&s->notes, tr_flow_end(self, &s->flow));
    note_err(&s->notes, tr_flow_try_write(self, &s->flow, "item", 1));
    note_err(&s->notes, tr_flow_write(self, &s->flow, "item", 1));
    note_err(&s->notes, tr_flow_end(self, &s->flow));
    note_err(&s->notes, tr_flow_fail(self, &s->flow, TR_EUSER, NULL));
    (void) read_all(self, s);
    tr_flow_close(self, &s->flow);
    return err;
}

/* S40.3 */
static void try_write_refuses_without_credit_and_after_the_end(void **state)
{
    run_scene(write_without_waiting, "OK OK EFULL OK ESTATE ESTATE ESTATE ESTATE store:ECLOSED sum 2 ECLOSED");
}

/* ---- the other way ---- */

static tr_err write_up(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_flow_opts few = { .size = sizeof few, .parts_max = 2 };
    tr_err err = open_store(self, s);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, &few, &s->flow, "sum");
    for (int i = 1; i <= 100 && err == TR_OK; i++)
        err = tr_flow_write(self, &s->flow, "item", i);
    if (err == TR_OK)
        err = tr_flow_end(self, &s->flow);
    (void) read_all(self, s);
    tr_flow_close(self, &s->flow);
    return err;
}

/* S40.5 */
static void the_asker_writes_parts_too(void **state)
{
    run_scene(write_up, "store:ECLOSED sum 5050 ECLOSED");
}

static tr_err fail_up(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_store(self, s);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, NULL, &s->flow, "sum");
    note_err(&s->notes, tr_flow_fail(self, &s->flow, TR_OK, NULL));
    note_err(&s->notes, tr_flow_fail(self, &s->flow, NO_SHELF, "no more %s", "of it"));
    (void) read_all(self, s);
    note(&s->notes, "[%s]", tr_error(self)->text);
    tr_flow_close(self, &s->flow);
    return err;
}

/* S40.7 */
static void the_askers_failure_is_the_answerers_error(void **state)
{
    run_scene(fail_up, "EINVAL OK store:EUSER+7 EUSER+7 [no more of it]");
}

static tr_err write_to_one_that_answers(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_flow_opts few = { .size = sizeof few, .parts_max = 2 };
    tr_err err = open_store(self, s);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, &few, &s->flow, "break", 0);
    while (err == TR_OK)
        err = tr_flow_write(self, &s->flow, "item", 1);
    note_err(&s->notes, err);
    note(&s->notes, "[%s]", tr_error(self)->text);
    (void) read_all(self, s);
    tr_flow_close(self, &s->flow);
    return TR_OK;
}

/* S40.9 */
static void a_writer_learns_that_the_other_side_has_ended(void **state)
{
    run_scene(write_to_one_that_answers, "EUSER+7 [no shelf 3] EUSER+7");
}

/* ---- giving up ---- */

static tr_err close_early(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *part;
    tr_err err = open_store(self, s);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, NULL, &s->flow, s->stop_at == 0 ? "endless" : "sleepy");
    if (err == TR_OK)
        err = tr_flow_next(self, &s->flow, &part);
    if (err == TR_OK)
        err = tr_sleep(self, 10);
    tr_flow_close(self, &s->flow);
    return err == TR_OK ? tr_sleep(self, 10) : err;
}

/* S40.8 */
static void closing_ends_the_writers_wait_at_once(void **state)
{
    run_scene(close_early, "store:EDOWN:1@10");
}

static void closing_cancels_a_handler_whose_row_says_so(void **state)
{
    struct scene s = { .stop_at = 1 };
    (void) state;
    assert_int_equal(run_actor(close_early, &s), TR_OK);
    assert_string_equal(s.notes.text, "asleep:ECANCELED:1@10");
}

static tr_err reader(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_flow_open(self, s->store, NULL, &s->flow, "endless");
    const tr_msg *part;
    for (int i = 0; i < 3 && err == TR_OK; i++)
        err = tr_flow_next(self, &s->flow, &part);
    if (s->stop_at == 1)
        return err; /* without a close */
    if (s->stop_at == 2)
        tr_fail(self, TR_EUSER, "the reader fell over");
    err = tr_sleep(self, 1000);
    note(&s->notes, "reader:%s", tr_err_name(err) + 3);
    return err;
}

static tr_err end_the_reader(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_store(self, s);
    for (s->stop_at = 1; s->stop_at <= 4 && err == TR_OK; s->stop_at++) {
        err = tr_spawn(self, reader, s, &s->other);
        if (err == TR_OK)
            err = tr_sleep(self, 10);
        if (s->stop_at == 3)
            tr_cancel(self, s->other, "enough");
        if (s->stop_at == 4)
            tr_kill(self, s->other, "enough");
        if (tr_join(self, s->other, NULL) == TR_ETIMEDOUT)
            return TR_EFAILED;
        if (err == TR_OK)
            err = tr_sleep(self, 10);
    }
    return err;
}

/* S40.8 */
static void the_readers_end_is_told_to_the_writer_however_it_ends(void **state)
{
    run_scene(end_the_reader, "store:EDOWN:1@0 store:EDOWN:1@20 reader:ECANCELED store:EDOWN:1@50 store:EDOWN:1@70");
}

static tr_err kill_the_store(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *part;
    tr_err err = open_store(self, s);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, NULL, &s->flow, "endless");
    if (err == TR_OK)
        err = tr_flow_next(self, &s->flow, &part);
    tr_kill(self, s->store, "enough");
    int parts = 1;
    while (err == TR_OK && (err = tr_flow_next(self, &s->flow, &part)) == TR_OK)
        parts++;
    note(&s->notes, "%d %s@%ld", parts, tr_err_name(err) + 3, now_ms(self));
    tr_flow_close(self, &s->flow);
    return tr_join(self, s->store, NULL) == TR_EKILLED ? TR_OK : TR_EFAILED;
}

/* S40.7 */
static void a_killed_writer_is_an_error_behind_its_parts(void **state)
{
    run_scene(kill_the_store, "32 EKILLED@0");
}

static tr_err end_before_the_relay_has_run(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = open_store(self, s);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, NULL, &s->flow, "endless");
    tr_flow_close(self, &s->flow);
    return err;
}

static void a_flow_that_is_closed_at_once_leaves_nothing(void **state)
{
    run_scene(end_before_the_relay_has_run, "");
}

static tr_err leave_a_part_unread(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_pending pending;
    tr_err err = open_store(self, s);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, NULL, &s->flow, "list", 2);
    if (err == TR_OK)
        err = tr_ask_start(self, s->flow.relay, &pending, "flow.next", 0, tr_bool(false));
    (void) tr_sleep(self, 5);
    tr_ask_cancel(self, pending); /* the answer is there */
    (void) read_all(self, s);
    tr_flow_close(self, &s->flow);
    return err;
}

/* S40.4 */
static void a_part_that_was_answered_and_not_read_is_the_next_again(void **state)
{
    run_scene(leave_a_part_unread, "item 0 item 1 ECLOSED");
}

/* ---- deadlines ---- */

static tr_err read_impatiently(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *part;
    tr_err err = tr_spawn(self, late_writer, s, &s->store);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, NULL, &s->flow, "list");
    for (int i = 0; i < 10 && err == TR_OK; i++) {
        tr_err next = tr_flow_next_for(self, &s->flow, 5, &part);
        (void) note_part(s, next, part);
        err = next == TR_ETIMEDOUT ? TR_OK : next;
    }
    tr_flow_close(self, &s->flow);
    return TR_OK;
}

/* S40.4 */
static void a_next_that_timed_out_has_taken_nothing(void **state)
{
    run_scene(read_impatiently,
              "ETIMEDOUT ETIMEDOUT item 0 ETIMEDOUT ETIMEDOUT item 1 ETIMEDOUT writer:OK ETIMEDOUT item 2 ECLOSED");
}

static tr_err look_now(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *part;
    tr_err err = tr_spawn(self, late_writer, s, &s->store);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, NULL, &s->flow, "list");
    for (int i = 0; i < 5 && err == TR_OK; i++) {
        tr_err next = tr_flow_next_for(self, &s->flow, 0, &part);
        (void) note_part(s, next, part);
        err = tr_sleep(self, 15);
    }
    tr_flow_close(self, &s->flow);
    return err;
}

static void a_timeout_of_nothing_is_what_is_there(void **state)
{
    run_scene(look_now, "ETIMEDOUT item 0 item 1 writer:OK item 2 ECLOSED");
}

static tr_err next_one(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *part;
    tr_err err = tr_flow_next(self, &s->flow, &part);
    return note_part(s, err, part);
}

static tr_err read_within(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, late_writer, s, &s->store);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, NULL, &s->flow, "list");
    note_err(&s->notes, tr_within(self, 10, next_one, s)); /* the part is written at that very time */
    (void) read_all(self, s);
    tr_flow_close(self, &s->flow);
    return err;
}

/* S40.4 */
static void a_next_that_was_cancelled_has_taken_nothing(void **state)
{
    run_scene(read_within, "ECANCELED ETIMEDOUT item 0 item 1 writer:OK item 2 ECLOSED");
}

static tr_err read_under_a_deadline(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_flow_opts opts = { .size = sizeof opts, .timeout_ms = 25 };
    tr_err err = tr_spawn(self, late_writer, s, &s->store);
    note_flow(self, s, &opts, "list");
    note(&s->notes, "@%ld", now_ms(self));
    return err == TR_OK ? tr_join(self, s->store, NULL) : err;
}

struct moved {
    struct scene *s;
    tr_scope *scope;
    bool by_another;
};

static tr_err moves_at_15(tr_self *self, void *arg)
{
    struct moved *moved = arg;
    tr_err err = tr_sleep(self, 15);
    return err == TR_OK ? tr_scope_set_deadline(self, moved->scope, tr_now(self) + 20 * INT64_C(1000000)) : err;
}

/* 20 ms for each part, as one would with a scope. */
static tr_err read_and_move(tr_self *self, tr_scope *scope, void *arg)
{
    struct moved *moved = arg;
    const tr_msg *part;
    moved->scope = scope;
    tr_err err = tr_flow_open(self, moved->s->store, NULL, &moved->s->flow, "list");
    if (err == TR_OK && moved->by_another)
        err = tr_spawn_in(self, scope, moves_at_15, moved, NULL);
    while (err == TR_OK && (err = tr_flow_next(self, &moved->s->flow, &part)) == TR_OK) {
        (void) note_part(moved->s, err, part);
        if (!moved->by_another)
            err = tr_scope_set_deadline(self, scope, tr_now(self) + 20 * INT64_C(1000000));
    }
    note(&moved->s->notes, "%s@%ld", tr_err_name(err) + 3, now_ms(self));
    tr_flow_close(self, &moved->s->flow);
    return TR_OK;
}

static tr_err read_under_one_that_moves(tr_self *self, void *arg)
{
    struct moved moved = { .s = arg };
    const tr_scope_opts opts = { .size = sizeof opts, .timeout_ms = 20 };
    tr_err err = TR_OK;
    for (int i = 0; i < 2 && err == TR_OK; i++) {
        moved.by_another = i == 1;
        err = tr_spawn(self, late_writer, arg, &moved.s->store);
        if (err == TR_OK)
            err = tr_scope_run(self, &opts, read_and_move, &moved);
    }
    return err;
}

/* S40.10, S52.5: the answerer writes at 10, 20 and 30 */
static void a_flow_follows_the_deadline_of_its_scope(void **state)
{
    run_scene(read_under_one_that_moves, "item 0 item 1 writer:OK item 2 ECLOSED@30 item 0 item 1 writer:OK item 2 "
                                         "ECLOSED@60");
}

/* S40.10 */
static void the_deadline_of_a_flow_ends_both_sides(void **state)
{
    run_scene(read_under_a_deadline, "item 0 item 1 ETIMEDOUT @25 writer:EDOWN");
}

/* ---- misuse ---- */

static tr_err misuse(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *part;
    tr_flow_opts wrong = { .size = 1 }, many = { .size = sizeof many, .parts_max = 1000000 };
    tr_err err = open_store(self, s);
    note_err(&s->notes, tr_flow_next(self, &s->flow, &part));
    note_err(&s->notes, tr_flow_open(self, TR_ADDR_NIL, NULL, &s->flow, "list"));
    note_err(&s->notes, tr_flow_open(self, s->store, &wrong, &s->flow, "list"));
    note_err(&s->notes, tr_flow_open(self, s->store, &many, &s->flow, "list"));
    note_err(&s->notes, tr_flow_open(self, s->store, NULL, &s->flow, 42));
    note_err(&s->notes, tr_flow_open(self, tr_self_addr(self), NULL, &s->flow, "list"));
    note_err(&s->notes, tr_ask(self, s->store, &part, "list", 3));
    note_err(&s->notes, tr_flow_open(self, s->store, NULL, &s->flow, "sum"));
    note_err(&s->notes, tr_flow_write(self, &s->flow, "flow.end"));
    note_err(&s->notes, tr_flow_write(self, &s->flow, 42));
    note_err(&s->notes, tr_flow_next_then(self, &s->flow, NULL, NULL));
    note_err(&s->notes, tr_flow_room_then(self, &s->flow, NULL, NULL));
    tr_flow_close(self, &s->flow);
    return err == TR_OK ? tr_yield(self) : err;
}

static void misuse_is_refused(void **state)
{
    run_scene(misuse, "ESTATE EINVAL EINVAL EINVAL EINVAL EDEADLK ESTATE OK EINVAL EINVAL EINVAL EINVAL");
}

/* ---- out of memory ---- */

/* Nothing may be lost or left, whatever allocation fails; what is said is TR_ENOMEM or what follows from it. */
static tr_err read_without_memory(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *part;
    int n = 0, expected = 0;
    tr_err err = open_store(self, s);
    (void) tr_test_fail_alloc(s->fail_at);
    if (err == TR_OK)
        err = tr_flow_open(self, s->store, NULL, &s->flow, "list", 5);
    while (err == TR_OK && (err = tr_flow_next(self, &s->flow, &part)) == TR_OK) {
        if (!tr_is(part, "item", &n) || n != expected++)
            s->stop_at = -1;
    }
    tr_flow_close(self, &s->flow);
    if (err == TR_ECLOSED && expected != 5)
        s->stop_at = -1;
    return err == TR_ECLOSED ? TR_OK : err;
}

static void whatever_allocation_fails_no_part_is_lost_unseen(void **state)
{
    (void) state;
    for (uint64_t n = 1; n < 200; n++) {
        struct scene s = { .stop_at = 0 };
        tr_node *node;
        char left[512] = "";
        const tr_node_opts opts = { .size = sizeof opts, .virtual_clock = true };
        const tr_spawn_opts spawn = { .size = sizeof spawn, .body = read_without_memory, .arg = &s };
        assert_int_equal(tr_node_create(&opts, &node), TR_OK);
        assert_int_equal(tr_node_spawn(node, &spawn, NULL), TR_OK);
        alarm(WATCHDOG_S);
        s.fail_at = n;
        (void) tr_node_run(node);
        uint64_t made = tr_test_fail_alloc(0);
        alarm(0);
        size_t things = tr_test_leftovers(node, left, sizeof left);
        tr_node_destroy(&node);
        if (things > 0)
            fail_msg("allocation %u: left over: %s", (unsigned) n, left);
        assert_int_equal(s.stop_at, 0);
        if (made < n)
            return;
    }
    fail_msg("there is no end of allocations");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_arrive_in_order_and_then_the_end),
        cmocka_unit_test(the_end_can_be_read_again_until_the_close),
        cmocka_unit_test(values_of_the_reply_are_one_last_part),
        cmocka_unit_test(every_failure_of_the_answerer_is_the_error_behind_its_parts),
        cmocka_unit_test(a_slow_reader_stops_the_writer),
        cmocka_unit_test(credit_counts_bytes_too),
        cmocka_unit_test(try_write_refuses_without_credit_and_after_the_end),
        cmocka_unit_test(the_asker_writes_parts_too),
        cmocka_unit_test(the_askers_failure_is_the_answerers_error),
        cmocka_unit_test(a_writer_learns_that_the_other_side_has_ended),
        cmocka_unit_test(closing_ends_the_writers_wait_at_once),
        cmocka_unit_test(closing_cancels_a_handler_whose_row_says_so),
        cmocka_unit_test(the_readers_end_is_told_to_the_writer_however_it_ends),
        cmocka_unit_test(a_killed_writer_is_an_error_behind_its_parts),
        cmocka_unit_test(a_flow_that_is_closed_at_once_leaves_nothing),
        cmocka_unit_test(a_next_that_timed_out_has_taken_nothing),
        cmocka_unit_test(a_timeout_of_nothing_is_what_is_there),
        cmocka_unit_test(a_next_that_was_cancelled_has_taken_nothing),
        cmocka_unit_test(a_flow_follows_the_deadline_of_its_scope),
        cmocka_unit_test(the_deadline_of_a_flow_ends_both_sides),
        cmocka_unit_test(a_part_that_was_answered_and_not_read_is_the_next_again),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(whatever_allocation_fails_no_part_is_lost_unseen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
