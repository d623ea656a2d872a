// SPDX-License-Identifier: MIT
// ask.cpp - ask: an event-based actor of CAF asks another N times, each time when the answer to the last has come
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <caf/all.hpp>

using clock_type = std::chrono::steady_clock;

struct progress {
    int64_t next = 0, sum = 0;
    clock_type::time_point start;
};

static caf::behavior successor()
{
    return {[](int64_t n) { return n + 1; }};
}

// From before 0, for the warm-up, to n.
static void ask_next(caf::stateful_actor<progress> *self, const caf::actor &to, int64_t n)
{
    if (self->state.next == 0) {
        self->state.sum = 0;
        self->state.start = clock_type::now();
    }
    if (self->state.next == n) {
        std::chrono::duration<double, std::nano> spent = clock_type::now() - self->state.start;
        std::printf("ask %.3f ns %lld\n", spent.count() / n, static_cast<long long>(self->state.sum));
        self->send_exit(to, caf::exit_reason::user_shutdown);
        return self->quit();
    }
    self->request(to, caf::infinite, self->state.next++).then([=](int64_t next) {
        self->state.sum += next;
        ask_next(self, to, n);
    });
}

static void asker(caf::stateful_actor<progress> *self, const caf::actor &to, int64_t n)
{
    self->state.next = -n / 10;
    ask_next(self, to, n);
}

int main(int argc, char **argv)
{
    int64_t n = argc > 1 ? std::atoll(argv[1]) : 5000000;
    caf::actor_system_config config;
    config.set("scheduler.max-threads", argc > 2 ? std::atol(argv[2]) : 1);
    caf::actor_system system{config};
    system.spawn(asker, system.spawn(successor), n);
    system.await_all_actors_done();
    return 0;
}
