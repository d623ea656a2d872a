#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py - measures troupe next to its peers: run.py [--bin DIR] [--out DIR] [--quick] [WORKLOAD...]

Ours and the peers' programs run in turn, so that a slow phase of the machine hits all of them. docs/performance.md
tells how to read what is printed. A goal that is missed does not fail the run; a wrong result does.
"""
import argparse
import os
import pathlib
import platform
import sys

import fetch
from measure import (Goal, Metric, Row, all_cores, progress_to_terminal, row_lines, run_row, table_head,
                     write_results)
from programs import PEERS, Peers, Programs, Systems

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SPEED_UP = 1.75  # what two workers are to be worth


class Suite:
    """The rows, by what was asked for."""

    def __init__(self, systems, quick):
        self.systems = systems
        self.quick = quick

    def size(self, full, quick):
        return quick if self.quick else full

    def cores(self):
        """One core, and all of them where there are more."""
        every = len(all_cores())
        return [1] if every == 1 else [1, every]

    def full(self, *systems):
        """Who is left out when there is little time."""
        return [] if self.quick else list(systems)

    def against_one(self, cores, program, unit, n, variant=None):
        return [self.systems.one_worker(program, unit, n, variant)] if cores > 1 else []

    def messages(self, workload, sizes, goal):
        """A row of nanoseconds on one core and on all: sizes are N of ours and Go, and of Erlang."""
        n, few = sizes
        s = self.systems
        for cores in self.cores():
            yield Row(workload, cores, [Metric(workload, "ns", goals=[goal] if cores == 1 else [])],
                      [s.ours(workload, "ns", n, cores), s.go(workload, "ns", n, cores),
                       s.erlang(workload, "ns", few, cores)] + self.against_one(cores, workload, "ns", n))

    def ask(self):
        for row in self.messages("ask", (self.size(5000000, 1000000), self.size(2000000, 500000)), Goal(7, "go")):
            row.systems.append(self.systems.caf("ask", "ns", self.size(1000000, 300000), row.cores))
            if row.cores == 1:
                row.systems.append(self.systems.asyncio("ask", "ns", self.size(300000, 50000)))
            yield row

    def ring(self):
        return self.messages("ring", (self.size(5000000, 1000000),) * 2, Goal(6, "go"))

    def count(self):
        return self.messages("count", (self.size(5000000, 2000000), self.size(5000000, 1000000)), Goal(3, "go"))

    def big(self):
        s, n = self.systems, self.size(20000, 4000)
        for cores in self.cores():
            goals = [Goal(SPEED_UP, "troupe-1")] if cores > 1 else []
            yield Row("big", cores, [Metric("big", "ns", goals=goals)],
                      [s.ours("big", "ns", n, cores), s.go("big", "ns", n, cores), s.erlang("big", "ns", n, cores)] +
                      self.against_one(cores, "big", "ns", n))

    def fork_join(self):
        s, n = self.systems, self.size(100000, 50000)
        for cores in self.cores():
            goals = [Goal(SPEED_UP, "troupe-1")] if cores > 1 else []
            yield Row("fork-join", cores, [Metric("fork-join", "ms", goals=goals)],
                      [s.ours("fork-join", "ms", n, cores), s.go("fork-join", "ms", n, cores),
                       s.erlang("fork-join", "ms", n, cores)] + self.against_one(cores, "fork-join", "ms", n))

    def skynet(self):
        s, n = self.systems, 1000000
        for cores in self.cores():
            goals = [Goal(15, "go"), Goal(SPEED_UP, "troupe-1")] if cores > 1 else []
            slow = [s.asyncio("skynet", "ms", n)] if cores == 1 else []
            yield Row("skynet", cores, [Metric("skynet", "ms", goals=goals)],
                      [s.ours("skynet", "ms", n, cores, "behaviours"), s.go("skynet", "ms", n, cores)] +
                      self.against_one(cores, "skynet", "ms", n, "behaviours") +
                      self.full(s.erlang("skynet", "ms", n, cores), s.caf("skynet", "ms", n, cores), *slow))
            yield Row("skynet-bodies", cores, [Metric("skynet-bodies", "ms", goals=goals)],
                      [s.ours("skynet", "ms", n, cores, "bodies"), s.go("skynet", "ms", n, cores)] +
                      self.against_one(cores, "skynet", "ms", n, "bodies"))

    def spawn(self):
        s, n, few = self.systems, 1000000, self.size(1000000, 200000)
        for cores in self.cores():
            goals = [Goal(100), Goal(8, "caf")] if cores == 1 else []
            yield Row("spawn", cores, [Metric("spawn", "ns", goals=goals)],
                      [s.ours("spawn", "ns", n, cores, "cold"), s.go("spawn", "ns", few, cores, "cold"),
                       s.erlang("spawn", "ns", few, cores), s.caf("spawn", "ns", few, cores)])
            yield Row("spawn-recycled", cores, [Metric("spawn-recycled", "ns", goals=[Goal(20)] if cores == 1 else [])],
                      [s.ours("spawn", "ns", n, cores, "recycled"), s.go("spawn", "ns", n, cores, "recycled")])

    def idle(self):
        s = self.systems
        for cores in self.cores():
            yield Row("idle", cores, [Metric("idle", "bytes", goals=[Goal(208)])],
                      [s.ours("idle", "bytes", 1000000, cores, "behaviour"),
                       s.go("idle", "bytes", self.size(1000000, 200000), cores)])
            yield Row("idle-messaged", cores, [Metric("idle-messaged", "bytes")],
                      [s.ours("idle", "bytes", 1000000, cores, "messaged")])
            yield Row("idle-body", cores, [Metric("idle-body", "bytes", goals=[Goal(5120)])],
                      [s.ours("idle", "bytes", 100000, cores, "body")])

    def timers(self):
        s, n = self.systems, 100000
        for cores in self.cores():
            slow = [s.asyncio("timers", "ms", n)] if cores == 1 else []
            yield Row("timers", cores, [Metric("timers", "ms")],
                      [s.ours("timers", "ms", n, cores, "cold"), s.go("timers", "ms", n, cores)] +
                      self.full(s.erlang("timers", "ms", n, cores), *slow))
            yield Row("timers-recycled", cores, [Metric("timers-recycled", "ms", goals=[Goal(1030)])],
                      [s.ours("timers", "ms", n, cores, "recycled"), s.go("timers", "ms", n, cores, "recycled")])
            yield Row("timers-tick", cores, [Metric("timers-tick", "ms", goals=[Goal(1030)])],
                      [s.ours("timers", "ms", n, cores, "tick")])

    def pull(self):
        for cores in self.cores()[1:]:
            yield Row("pull", cores, [Metric("pull", "ns", goals=[Goal(2000)])],
                      [self.systems.ours("pull", "ns", 10000, cores)])

    def cross(self):
        for cores in self.cores()[1:]:
            yield Row("cross", cores, [Metric("cross", "ns")],
                      [self.systems.ours("ask", "ns", self.size(1000000, 200000), cores, "cross")])

    def stuck(self):
        s, n = self.systems, self.size(20, 5)
        for cores in self.cores():
            yield Row("stuck", cores, [Metric("stuck", "ms")],
                      [s.ours("stuck", "ms", n, cores), s.go("stuck", "ms", n, cores),
                       s.erlang("stuck", "ms", n, cores)])

    def fetch(self):
        yield fetch.fetch_row(self.size(20000, 5000), self.systems.programs, PEERS, self.systems.peers.python)


WORKLOADS = ["ask", "ring", "count", "skynet", "spawn", "idle", "timers", "fork-join", "big", "pull", "cross", "stuck",
             "fetch"]


def machine():
    model = platform.machine()
    try:
        with open("/proc/cpuinfo") as f:
            model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), model)
    except OSError:
        pass
    return "%s, %d cores, Linux %s, load %.1f" % (model, len(all_cores()), platform.release(), os.getloadavg()[0])


def measure(suite, names, runs, results_path):
    """Measures row after row; what is done is told and written at once. Returns whether ours did all its work."""
    rows = []
    print(machine())
    print(table_head(), flush=True)
    for name in names:
        for row in getattr(suite, name.replace("-", "_"))():
            try:
                run_row(row, runs, progress_to_terminal)
            finally:
                getattr(row, "close", lambda: None)()
            rows.append(row)
            print("\n".join(row_lines(row)), flush=True)
            write_results(results_path, rows)
    return not any(row.failed for row in rows)


def main():
    parser = argparse.ArgumentParser(description="Measures troupe next to its peers.")
    parser.add_argument("--bin", default=str(ROOT / "build" / "release" / "bin"), help="where our programs are")
    parser.add_argument("--out", default=str(ROOT / "build" / "bench"),
                        help="where the peers are built and results.json goes")
    parser.add_argument("--quick", action="store_true", help="three short runs, fewer peers")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="of: " + " ".join(WORKLOADS))
    args = parser.parse_args()
    unknown = [name for name in args.workloads if name not in WORKLOADS]
    if unknown:
        parser.error("no workload %s; there are %s" % (", ".join(unknown), " ".join(WORKLOADS)))
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    suite = Suite(Systems(Programs(args.bin), Peers(out)), args.quick)
    done = measure(suite, args.workloads or WORKLOADS, 3 if args.quick else 5, out / "results.json")
    print("ratio: how many times better than the peer. Figures: %s" % (out / "results.json"))
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
