/* SPDX-License-Identifier: MIT */
/* test_stack.c - the pool of stacks: recycling, guards, sizes, giving back */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coro/stack.h"
#include "support/unit.h"

#define ROOM 256
#define MANY (STACK_KEPT + 200) /* TSan has room for 8,128 fibers */

struct fixture {
    struct stack_pool pool;
};

static void never_entered(void *coro)
{
    (void) coro;
}

static int setup(void **state)
{
    static struct fixture f;
    stack_pool_init(&f.pool, 64 * 1024, ROOM, never_entered);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    stack_pool_fini(&f->pool);
    return 0;
}

static void stack_that_was_put_is_got_again_last_in_first_out(void **state)
{
    struct fixture *f = *state;
    bool fresh;
    struct coro *a = stack_get(&f->pool, &fresh);
    assert_true(fresh);
    struct coro *b = stack_get(&f->pool, &fresh);
    assert_ptr_not_equal(a, b);
    assert_int_equal(f->pool.in_use, 2);
    stack_put(&f->pool, a);
    stack_put(&f->pool, b);
    assert_int_equal(f->pool.in_use, 0);
    assert_ptr_equal(stack_get(&f->pool, &fresh), b);
    assert_false(fresh);
    assert_ptr_equal(stack_get(&f->pool, &fresh), a);
    stack_put(&f->pool, a);
    stack_put(&f->pool, b);
}

static void fresh_stack_has_its_size_and_zeroed_room_behind_it(void **state)
{
    static const char zeros[ROOM - sizeof(struct coro)];
    struct fixture *f = *state;
    bool fresh;
    struct coro *c = stack_get(&f->pool, &fresh);
    assert_int_equal(c->kind, STACK_POOLED);
    assert_int_equal(c->size + ROOM + STACK_GUARD, 64 * 1024);
    assert_ptr_equal((char *) c->base + c->size, c);
    assert_memory_equal((char *) c + sizeof *c, zeros, sizeof zeros);
    memset(c->base, 1, 16); /* the lowest byte can be written ... */
    memset(c->base, 0, 16);
    memset((char *) c + sizeof *c, 1, sizeof zeros); /* ... and the highest */
    stack_put(&f->pool, c);
}

static void size_has_a_minimum_and_is_whole_pages(void **state)
{
    struct stack_pool pool;
    bool fresh;
    (void) state;
    stack_pool_init(&pool, 1, ROOM, never_entered);
    assert_int_equal(pool.stack_size, STACK_SIZE_MIN);
    stack_put(&pool, stack_get(&pool, &fresh));
    stack_pool_fini(&pool);
    stack_pool_init(&pool, STACK_SIZE_MIN + 1, ROOM, never_entered);
    assert_int_equal(pool.stack_size, STACK_SIZE_MIN + 4096);
    stack_pool_fini(&pool);
}

static void stack_of_another_size_is_not_pooled(void **state)
{
    struct fixture *f = *state;
    struct coro *c = stack_get_sized(&f->pool, 1 << 20);
    assert_non_null(c);
    assert_int_equal(c->kind, STACK_OWN_SIZE);
    assert_true(c->size + ROOM >= 1 << 20);
    assert_int_equal(f->pool.in_use, 1);
    memset(c->base, 0, c->size);
    stack_put(&f->pool, c);
    assert_int_equal(f->pool.in_use, 0);
    assert_int_equal(f->pool.idle_len, 0);
}

/* How a child ends that writes a byte at p. */
static int status_of_write(char *p)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit no_core = { 0, 0 };
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *) p = 1;
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return status;
}

static void page_below_a_stack_is_guarded(void **state)
{
    struct fixture *f = *state;
    bool fresh;
    struct coro *own = stack_get_sized(&f->pool, 1 << 20);
    struct coro *c = stack_get(&f->pool, &fresh);
    assert_int_equal(status_of_write(c->base), 0);
    assert_int_not_equal(status_of_write((char *) c->base - 1), 0);
    assert_int_not_equal(status_of_write((char *) c->base - STACK_GUARD), 0);
    assert_int_not_equal(status_of_write((char *) own->base - 1), 0);
    stack_put(&f->pool, own);
    stack_put(&f->pool, c);
}

static void overrun_is_told_from_other_addresses(void **state)
{
    struct fixture *f = *state;
    bool fresh;
    struct coro thread;
    struct coro *c = stack_get(&f->pool, &fresh);
    const char *base = c->base;
    assert_true(stack_is_overrun(c, base - 1));
    assert_true(stack_is_overrun(c, base - STACK_GUARD));
    assert_false(stack_is_overrun(c, base));
    assert_false(stack_is_overrun(c, base - STACK_GUARD - 1));
    assert_false(stack_is_overrun(c, NULL));
    stack_adopt_thread(&thread);
    assert_false(stack_is_overrun(&thread, (char *) thread.base - 1));
    stack_put(&f->pool, c);
}

/* Where there is no guard, the word above is looked at when the stack comes back. */
static void stack_that_was_used_to_its_last_word_is_reported(void **state)
{
    struct fixture *f = *state;
    bool fresh;
    struct coro *c = stack_get(&f->pool, &fresh);
    *(uint64_t *) c->base = 1;
    c->guarded = true;
    assert_true(stack_is_intact(c)); /* the guard would have told */
    c->guarded = false;
    assert_false(stack_is_intact(c));
    stack_put(&f->pool, c);
}

static void trim_gives_back_what_is_idle_beyond_the_kept_and_it_can_be_used_again(void **state)
{
    static struct coro *stacks[MANY];
    struct fixture *f = *state;
    bool fresh;
    for (size_t i = 0; i < MANY; i++)
        assert_non_null(stacks[i] = stack_get(&f->pool, &fresh));
    for (size_t i = 0; i < MANY; i++)
        stack_put(&f->pool, stacks[i]);
    assert_int_equal(f->pool.idle_len, MANY);
    assert_int_equal(stack_pool_trim(&f->pool, 50), 150);
    assert_int_equal(stack_pool_trim(&f->pool, 1000), 0);
    assert_int_equal(f->pool.idle_len, STACK_KEPT);
    size_t regions = f->pool.regions.len;
    for (size_t i = 0; i < MANY; i++) {
        assert_non_null(stacks[i] = stack_get(&f->pool, &fresh));
        if (fresh)
            assert_int_equal(*(char *) stacks[i]->base, 0);
    }
    assert_int_equal(f->pool.regions.len, regions);
    for (size_t i = 0; i < MANY; i++)
        stack_put(&f->pool, stacks[i]);
}

static void abandoned_stack_comes_back_to_the_pool(void **state)
{
    struct fixture *f = *state;
    bool fresh;
    struct coro *c = stack_get(&f->pool, &fresh);
    stack_put_abandoned(&f->pool, c);
    assert_int_equal(f->pool.in_use, 0);
    assert_ptr_equal(stack_get(&f->pool, &fresh), c);
    stack_put(&f->pool, c);
}

/* ---- several pools ---- */

struct pair {
    struct stack_depot depot;
    struct stack_pool a, b;
};

static void pair_init(struct pair *p)
{
    stack_depot_init(&p->depot);
    stack_pool_init(&p->a, 64 * 1024, ROOM, never_entered);
    stack_pool_init(&p->b, 64 * 1024, ROOM, never_entered);
    stack_pool_join(&p->a, &p->depot);
    stack_pool_join(&p->b, &p->depot);
}

static void pair_fini(struct pair *p)
{
    stack_pool_fini(&p->a); /* whose stacks b has */
    stack_pool_fini(&p->b);
    stack_depot_fini(&p->depot);
}

/* n stacks at once, which all come back. Returns how many were fresh. */
static size_t use(struct stack_pool *p, size_t n)
{
    static struct coro *stacks[MANY];
    size_t fresh_ones = 0;
    for (size_t i = 0; i < n; i++) {
        bool fresh;
        assert_non_null(stacks[i] = stack_get(p, &fresh));
        fresh_ones += fresh;
    }
    for (size_t i = 0; i < n; i++)
        stack_put(p, stacks[i]);
    return fresh_ones;
}

static void what_one_pool_leaves_at_the_depot_another_takes(void **state)
{
    struct pair p;
    (void) state;
    pair_init(&p);
    assert_int_equal(use(&p.a, 500), 500);
    stack_pool_give(&p.a);
    assert_int_equal(p.a.idle_len, STACK_BATCH);
    assert_int_equal(p.depot.idle_len, 500 - STACK_BATCH);
    assert_int_equal(use(&p.b, 500 - STACK_BATCH), 0);
    assert_int_equal(p.depot.idle_len, 0);
    assert_int_equal(use(&p.b, 500), STACK_BATCH);
    pair_fini(&p);
}

static void a_few_idle_stacks_stay_and_the_depot_takes_only_so_many(void **state)
{
    struct pair p;
    (void) state;
    pair_init(&p);
    (void) use(&p.a, 2 * STACK_BATCH);
    stack_pool_give(&p.a);
    assert_int_equal(p.depot.idle_len, 0);
    (void) use(&p.a, MANY);
    stack_pool_give(&p.a);
    stack_pool_give(&p.a);
    assert_int_equal(p.depot.idle_len, STACK_KEPT);
    assert_int_equal(p.a.idle_len, MANY - STACK_KEPT);
    pair_fini(&p);
}

#define stack_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stack_test(stack_that_was_put_is_got_again_last_in_first_out),
        stack_test(fresh_stack_has_its_size_and_zeroed_room_behind_it),
        cmocka_unit_test(size_has_a_minimum_and_is_whole_pages),
        stack_test(stack_of_another_size_is_not_pooled),
        stack_test(page_below_a_stack_is_guarded),
        stack_test(overrun_is_told_from_other_addresses),
        stack_test(stack_that_was_used_to_its_last_word_is_reported),
        stack_test(trim_gives_back_what_is_idle_beyond_the_kept_and_it_can_be_used_again),
        stack_test(abandoned_stack_comes_back_to_the_pool),
        cmocka_unit_test(what_one_pool_leaves_at_the_depot_another_takes),
        cmocka_unit_test(a_few_idle_stacks_stay_and_the_depot_takes_only_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
