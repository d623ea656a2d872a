// SPDX-License-Identifier: MIT
// skynet.cpp - skynet: a tree of event-based actors of CAF, ten to each branch, N leaves; each sends its parent its sum
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <caf/all.hpp>

static const int ways = 10;

struct sums {
    int64_t total = 0;
    int missing = ways;
};

static caf::behavior branch(caf::stateful_actor<sums> *self, const caf::actor &parent, int64_t first, int64_t leaves)
{
    if (leaves == 1) {
        self->send(parent, first);
        return {};
    }
    int64_t part = leaves / ways;
    auto me = caf::actor_cast<caf::actor>(self);
    for (int i = 0; i < ways; i++)
        self->spawn(branch, me, first + i * part, part);
    return {[=](int64_t sum) {
        self->state.total += sum;
        if (--self->state.missing == 0) {
            self->send(parent, self->state.total);
            self->quit();
        }
    }};
}

int main(int argc, char **argv)
{
    int64_t n = argc > 1 ? std::atoll(argv[1]) : 1000000;
    caf::actor_system_config config;
    config.set("scheduler.max-threads", argc > 2 ? std::atol(argv[2]) : 1);
    caf::actor_system system{config};
    caf::scoped_actor self{system};
    auto start = std::chrono::steady_clock::now();
    int64_t total = 0;
    self->spawn(branch, caf::actor_cast<caf::actor>(self), int64_t{0}, n);
    self->receive([&](int64_t sum) { total = sum; });
    std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
    std::printf("skynet %.3f ms %lld\n", spent.count(), static_cast<long long>(total));
    return 0;
}
