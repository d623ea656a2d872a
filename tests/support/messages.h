/* SPDX-License-Identifier: MIT */
/* messages.h - messages for tests: a pool that every test must leave empty, and short ways to fill it
 *
 * message_test(name) runs a test with a fresh pool; a block that is still out when it ends fails it. */
#ifndef SUPPORT_MESSAGES_H
#define SUPPORT_MESSAGES_H

#include "message/message.h"
#include "support/unit.h"

static struct msg_pool pool;

static inline int pool_setup(void **state)
{
    (void) state;
    msg_pool_init(&pool);
    return 0;
}

static inline size_t pool_live(void)
{
    return msg_pool_live(&pool);
}

static inline int pool_teardown(void **state)
{
    (void) state;
    size_t live = pool_live();
    msg_pool_fini(&pool);
    if (live != 0)
        print_error("blocks are left over\n");
    return live == 0 ? 0 : -1;
}

static inline struct tr_msg *make_values(const tr_value *values, size_t n, bool tagged)
{
    struct tr_msg *m = NULL;
    const char *why = "";
    if (msg_build(&pool, values, n, tagged, &m, &why) != TR_OK)
        fail_msg("no message: %s", why);
    return m;
}

static inline void drop(struct tr_msg *m)
{
    msg_unref(&pool, m);
}

static inline const char *text_of(const struct tr_msg *m)
{
    static char text[4096];
    tr_msg_print(m, text, sizeof text);
    return text;
}

#define make_reply_values(...) make_values(__VA_ARGS__, false)
#define make_send_values(...) make_values(__VA_ARGS__, true)
#define make(...) make_send_values(TR_VALUES(__VA_ARGS__))        /* make("tag", values...) */
#define make_reply(...) make_reply_values(TR_VALUES(__VA_ARGS__)) /* make_reply(values...) */

#define message_test(name) cmocka_unit_test_setup_teardown(name, pool_setup, pool_teardown)

#endif
