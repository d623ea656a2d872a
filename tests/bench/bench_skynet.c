/* SPDX-License-Identifier: MIT */
/* bench_skynet.c - skynet: a tree of actors, ten to each branch, N leaves; the leaves' numbers are added up on the way
 * back
 *
 * N is a power of ten: 1,000,000 leaves make 1,111,111 actors. check is the sum, N * (N - 1) / 2.
 * As behaviours, a branch counts the sums its children send it; as bodies, it joins its children and adds their
 * results.
 */
#include "bench.h"

#define WAYS 10

struct branch {
    tr_addr parent;
    int64_t sum;
    int missing;
};

static tr_err on_grow(tr_self *self, void *state, const tr_msg *m);

static tr_err on_sum(tr_self *self, void *state, const tr_msg *m)
{
    struct branch *b = state;
    int64_t sum;
    tr_args(m, &sum);
    b->sum += sum;
    if (--b->missing > 0)
        return TR_OK;
    BENCH_TRY(tr_send(self, b->parent, "sum", b->sum));
    return TR_STOP;
}

static const tr_handler handlers[] = {
    { .tag = "grow", .args = "first:int, leaves:int", .run = on_grow, .doc = "be the tree of these leaves" },
    { .tag = "sum", .args = "sum:int", .run = on_sum, .doc = "what one child's tree adds up to" },
    { 0 },
};
static const tr_behaviour branch = {
    .name = "branch", .state_size = sizeof(struct branch), .handlers = handlers, .doc = "A tree of leaves that adds up."
};

static tr_err on_grow(tr_self *self, void *state, const tr_msg *m)
{
    struct branch *b = state;
    int64_t first, leaves;
    tr_args(m, &first, &leaves);
    b->parent = tr_sender(m);
    if (leaves == 1) {
        BENCH_TRY(tr_send(self, b->parent, "sum", first));
        return TR_STOP;
    }
    b->missing = WAYS;
    for (int i = 0; i < WAYS; i++) {
        tr_addr child;
        BENCH_TRY(tr_spawn(self, &branch, NULL, &child));
        BENCH_TRY(tr_send(self, child, "grow", first + i * (leaves / WAYS), leaves / WAYS));
    }
    return TR_OK;
}

static tr_err grow_behaviours(tr_self *self, int64_t leaves, int64_t *sum)
{
    tr_addr root;
    const tr_msg *m;
    BENCH_TRY(tr_spawn(self, &branch, NULL, &root));
    BENCH_TRY(tr_send(self, root, "grow", 0, leaves));
    BENCH_TRY(tr_recv(self, &m));
    return tr_is(m, "sum", sum) ? TR_OK : TR_EBADMSG;
}

/* A body's argument is a pointer that must outlive its spawner's frame should that return early; so the two numbers go
 * in the pointer itself: first leaf and how many levels are below. */
static void *tree_pack(int64_t first, int levels)
{
    return (void *) (intptr_t) (first * 16 + levels);
}

static tr_err tree(tr_self *self, void *arg);

/* A body that is given a pointer stays with its spawner, since the two share memory. This one is no pointer, and the
 * tree may spread over all workers. */
static tr_err tree_spawn(tr_self *self, int64_t first, int levels, tr_addr *to)
{
    tr_spawn_opts opts = { .size = sizeof opts, .body = tree, .arg = tree_pack(first, levels), .place = TR_PLACE_ANY };
    return tr_spawn_with(self, &opts, to);
}

static tr_err tree_join(tr_self *self, const tr_addr child[WAYS], int64_t *sum)
{
    *sum = 0;
    for (int i = 0; i < WAYS; i++) {
        const tr_msg *result;
        int64_t part;
        BENCH_TRY(tr_join(self, child[i], &result));
        BENCH_TRY(tr_args(result, &part));
        *sum += part;
    }
    return TR_OK;
}

static tr_err tree(tr_self *self, void *arg)
{
    int levels = (int) ((intptr_t) arg % 16);
    int64_t first = (intptr_t) arg / 16, step = 1, sum;
    tr_addr child[WAYS];
    if (levels == 0)
        return tr_result(self, first);
    for (int i = 1; i < levels; i++)
        step *= WAYS;
    for (int i = 0; i < WAYS; i++)
        BENCH_TRY(tree_spawn(self, first + i * step, levels - 1, &child[i]));
    BENCH_TRY(tree_join(self, child, &sum));
    return tr_result(self, sum);
}

static tr_err grow_bodies(tr_self *self, int64_t leaves, int64_t *sum)
{
    int levels = 0;
    tr_addr root;
    const tr_msg *result;
    for (; leaves > 1; leaves /= WAYS)
        levels++;
    BENCH_TRY(tree_spawn(self, 0, levels, &root));
    BENCH_TRY(tr_join(self, root, &result));
    return tr_args(result, sum);
}

struct plan {
    int64_t leaves;
    tr_err (*grow)(tr_self *self, int64_t leaves, int64_t *sum);
};

static tr_err gardener(tr_self *self, void *arg)
{
    const struct plan *plan = arg;
    int64_t sum;
    int64_t start = bench_now_ns();
    BENCH_TRY(plan->grow(self, plan->leaves, &sum));
    bench_print("skynet", (double) (bench_now_ns() - start) / 1e6, "ms", sum);
    return TR_OK;
}

int main(int argc, char **argv)
{
    struct bench_args args = bench_args_read(argc, argv, 1000000, "behaviours");
    struct plan plan = { args.n, grow_behaviours };
    if (strcmp(args.variant, "bodies") == 0)
        plan.grow = grow_bodies;
    return bench_main(&args, gardener, &plan);
}
