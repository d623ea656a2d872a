// SPDX-License-Identifier: MIT
// spawn.cpp - spawn: what an event-based actor of CAF costs to make, N in a row, all alive; the last answers before the
// clock stops
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <caf/all.hpp>

static caf::behavior idler()
{
    return {[](int n) { return n; }};
}

static size_t running(caf::actor_system &system)
{
    return system.registry().running();
}

int main(int argc, char **argv)
{
    long n = argc > 1 ? std::atol(argv[1]) : 1000000;
    caf::actor_system_config config;
    config.set("scheduler.max-threads", argc > 2 ? std::atol(argv[2]) : 1);
    caf::actor_system system{config};
    caf::scoped_actor self{system};
    std::vector<caf::actor> made(n); // an actor that nobody can reach ends
    size_t before = running(system);
    auto start = std::chrono::steady_clock::now();
    for (auto &actor : made)
        actor = self->spawn(idler);
    self->request(made.back(), caf::infinite, 1).receive([](int) {}, [](caf::error &) { std::exit(1); });
    std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    std::printf("spawn %.3f ns %zu\n", spent.count() / n, running(system) - before);
    std::fflush(stdout);
    for (auto &actor : made)
        self->send_exit(actor, caf::exit_reason::user_shutdown);
    return 0;
}
