/* SPDX-License-Identifier: MIT */
/* test_table.c - a behaviour's rows: found by tag, checked by shape, refused when they are wrong (src/actor/table.c) */
#include "support/actor_test.h"

#define ROWS 100

struct scene {
    struct notes notes;
    tr_addr to;
};

static struct scene *scene; /* of the test that runs */

#define run_scene(body, expected)                        \
    do {                                                 \
        struct scene s_ = { 0 };                         \
        scene = &s_;                                     \
        assert_int_equal(run_actor((body), &s_), TR_OK); \
        assert_string_equal(s_.notes.text, (expected));  \
    } while (0)

static tr_err on_any(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    note(&scene->notes, "%s", tr_tag(m));
    return tr_is_request(m) ? tr_reply(self, m, tr_tag(m)) : TR_OK;
}

static tr_err on_other(tr_self *self, void *state, const tr_msg *m)
{
    (void) state;
    note(&scene->notes, "other:%s", tr_tag(m));
    return tr_is_request(m) ? tr_reply(self, m) : TR_OK;
}

/* ---- shapes ---- */

static const tr_handler strict_rows[] = {
    { "add", "n:int, name:str?", "", on_any, NULL, 0, NULL },
    { "addition", "x:float", "", on_any, NULL, 0, NULL },
    { "all", "first:int, rest...", "", on_any, NULL, 0, NULL },
    { 0 },
};
static const tr_behaviour strict = { .name = "strict", .handlers = strict_rows };

static tr_err ask_in_shapes(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, &strict, NULL, &s->to);
    note_err(&s->notes, tr_ask(self, s->to, NULL, "add", 1));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "add", 1, "x"));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "add", 1, tr_nil()));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "addition", 1));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "all", 1, "two", 3.0));
    return err;
}

/* S2.16 */
static void what_fits_a_rows_shape_is_handled(void **state)
{
    (void) state;
    run_scene(ask_in_shapes, "add OK add OK add OK addition OK all OK");
}

static tr_err ask_in_wrong_shapes(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, &strict, NULL, &s->to);
    note_err(&s->notes, tr_ask(self, s->to, NULL, "add"));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "add", "one"));
    note(&s->notes, strstr(tr_error(self)->text, "n:int") != NULL ? "named" : "not named");
    note_err(&s->notes, tr_ask(self, s->to, NULL, "add", 1, "x", 2));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "all"));
    note_err(&s->notes, tr_send(self, s->to, "add", "one"));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "ad", 1));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "adding", 1));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "additional", 1.0));
    note(&s->notes, "unknown:%u", dead_letters(self, TR_DEAD_UNKNOWN));
    return err;
}

/* S2.16, S2.17: no handler ran */
static void another_shape_is_ebadmsg_and_another_tag_eunknown(void **state)
{
    (void) state;
    run_scene(ask_in_wrong_shapes, "EBADMSG EBADMSG named EBADMSG EBADMSG OK EUNKNOWN EUNKNOWN EUNKNOWN unknown:1");
}

static const tr_behaviour tolerant = { .name = "tolerant", .handlers = strict_rows, .other = on_other };
static const tr_behaviour rowless = { .name = "rowless", .other = on_other };

static tr_err ask_the_tolerant(tr_self *self, void *arg)
{
    struct scene *s = arg;
    tr_err err = tr_spawn(self, &tolerant, NULL, &s->to);
    note_err(&s->notes, tr_ask(self, s->to, NULL, "strange", 1));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "add", "one"));
    if (err == TR_OK)
        err = tr_spawn(self, &rowless, NULL, &s->to);
    note_err(&s->notes, tr_ask(self, s->to, NULL, "add", "one"));
    return err;
}

/* S2.17: other is for tags that no row has, not for shapes that a row refuses */
static void other_takes_what_no_row_has(void **state)
{
    (void) state;
    run_scene(ask_the_tolerant, "other:strange OK EBADMSG other:add OK");
}

/* ---- many rows ---- */

static char tags[ROWS][32];
static tr_handler many_rows[ROWS + 1];
static const tr_behaviour many = { .name = "many", .handlers = many_rows };

static tr_err ask_all(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_msg *r;
    const char *tag;
    int right = 0;
    tr_err err = tr_spawn(self, &many, NULL, &s->to);
    for (int i = 0; i < ROWS && err == TR_OK; i++) {
        s->notes.len = 0;
        err = tr_ask(self, s->to, &r, tags[i]);
        right += err == TR_OK && tr_args(r, &tag) == TR_OK && strcmp(tag, tags[i]) == 0;
    }
    s->notes.len = 0;
    note(&s->notes, "%d", right);
    note_err(&s->notes, tr_ask(self, s->to, NULL, "a common beginning 0"));
    note_err(&s->notes, tr_ask(self, s->to, NULL, "a common beginning"));
    return err;
}

/* Half of the tags differ in their first eight bytes, half only behind them. */
static void a_row_is_found_among_many(void **state)
{
    (void) state;
    for (int i = 0; i < ROWS; i++) {
        snprintf(tags[i], sizeof tags[i], i % 2 != 0 ? "%d" : "a common beginning %d!", i);
        many_rows[i] = (tr_handler){ .tag = tags[i], .args = "", .run = on_any };
    }
    run_scene(ask_all, "100 EUNKNOWN EUNKNOWN");
}

/* ---- wrong tables ---- */

static const tr_handler no_run[] = {
    { "good", "", NULL, on_any, NULL, 0, NULL },
    { "lame", "", NULL, NULL, NULL, 0, NULL },
    { 0 },
};
static const tr_handler twice[] = {
    { "same", "", NULL, on_any, NULL, 0, NULL },
    { "same", "n:int", NULL, on_any, NULL, 0, NULL },
    { 0 },
};
static const tr_handler bad_shape[] = { { "odd", "n:integer", NULL, on_any, NULL, 0, NULL }, { 0 } };
static const tr_handler no_tag[] = { { "", "", NULL, on_any, NULL, 0, NULL }, { 0 } };
static const tr_behaviour wrong[] = {
    { .name = "no run", .handlers = no_run },
    { .name = "twice", .handlers = twice },
    { .name = "bad shape", .handlers = bad_shape },
    { .name = "no tag", .handlers = no_tag },
};
static const char *const wrong_row[] = { "\"lame\"", "\"same\"", "\"odd\"", "\"\"" };

static tr_err spawn_wrong_ones(tr_self *self, void *arg)
{
    struct scene *s = arg;
    const tr_node_stats none = { .size = sizeof none };
    tr_node_stats stats = none;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        note_err(&s->notes, tr_spawn(self, &wrong[i], NULL, &s->to));
        note(&s->notes, "%s", strstr(tr_error(self)->text, wrong_row[i]) != NULL ? "named" : tr_error(self)->text);
    }
    tr_node_stats_get(tr_self_node(self), &stats);
    note(&s->notes, "%zu", stats.actors);
    return TR_OK;
}

/* S7.18 */
static void a_wrong_table_is_einval_names_the_row_and_makes_no_actor(void **state)
{
    (void) state;
    run_scene(spawn_wrong_ones, "EINVAL named EINVAL named EINVAL named EINVAL named 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_a_rows_shape_is_handled),
        cmocka_unit_test(another_shape_is_ebadmsg_and_another_tag_eunknown),
        cmocka_unit_test(other_takes_what_no_row_has),
        cmocka_unit_test(a_row_is_found_among_many),
        cmocka_unit_test(a_wrong_table_is_einval_names_the_row_and_makes_no_actor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
