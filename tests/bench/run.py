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
import shutil
import subprocess
import sys

import fetch
from measure import (Failed, Goal, Metric, Row, Skip, System, all_cores, cores_for, progress_to_terminal, row_lines,
                     run_program, run_row, table_head, value_of_line, write_results)

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PEERS = HERE / "peers"

CHECKS = {  # what a program that did all its work says, by N
    "ask": lambda n: n * (n + 1) // 2,
    "ring": lambda n: n % 503,
    "count": lambda n: n,
    "skynet": lambda n: n * (n - 1) // 2,
    "spawn": lambda n: n,
    "idle": lambda n: n,
    "timers": lambda n: n,
}


class Programs:
    """Our programs, where the build put them."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def find(self, name):
        for path in (self.directory / name, self.directory / "bench" / name):
            if path.is_file():
                return path
        raise Skip("%s is not in %s" % (name, self.directory))


class Peers:
    """The peers' programs: each is built when it is first wanted."""

    def __init__(self, out):
        self.out = out
        self.python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
        self.built = {}

    def build(self, command, target):
        if shutil.which(command[0]) is None:
            raise Skip("not installed")
        if target not in self.built:
            done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  universal_newlines=True)
            self.built[target] = done.returncode == 0 or done.stdout.strip()
        if self.built[target] is not True:
            raise Failed("does not build: %s" % self.built[target])

    def go(self, program):
        target = self.out / ("go-" + program)
        self.build(["go", "build", "-o", target, PEERS / (program + ".go")], target)
        return target

    def erlang(self, program):
        target = self.out / (program + ".beam")
        self.build(["erlc", "-o", self.out, PEERS / (program + ".erl")], target)


class Suite:
    """The rows, by what was asked for."""

    def __init__(self, programs, peers, quick):
        self.programs = programs
        self.peers = peers
        self.quick = quick

    def size(self, full, quick):
        return quick if self.quick else full

    def ours(self, program, unit, n, cores, variant=None):
        def run():
            words = [self.programs.find("bench-" + program), n] + ([variant] if variant else [])
            out, _ = run_program(words, cores_for(cores))
            return [value_of_line(out, unit, CHECKS[program](n))]

        return System("troupe", run)

    def go(self, program, unit, n, cores, variant=None):
        def run():
            words = [self.peers.go(program), n] + ([variant] if variant else [])
            out, _ = run_program(words, cores_for(cores), {"GOMAXPROCS": str(cores)})
            return [value_of_line(out, unit, CHECKS[program](n))]

        return System("go", run)

    def erlang(self, program, unit, n, cores):
        def run():
            self.peers.erlang(program)
            words = ["erl", "+S", "%d:%d" % (cores, cores), "+P", "4194304", "-noinput", "-pa", self.peers.out]
            out, _ = run_program(words + ["-eval", "%s:main(%d), halt()." % (program, n)], cores_for(cores))
            return [value_of_line(out, unit, CHECKS[program](n))]

        return System("erlang", run)

    def asyncio(self, program, unit, n):
        def run():
            out, _ = run_program([self.peers.python, PEERS / (program + ".py"), n], cores_for(1))
            return [value_of_line(out, unit, CHECKS[program](n))]

        return System("asyncio", run)

    def cores(self):
        """One core, and all of them where there are more and there is time."""
        every = len(all_cores())
        return [1] if self.quick or every == 1 else [1, every]

    def ask(self):
        for cores in self.cores():
            systems = [self.ours("ask", "ns", self.size(5000000, 2000000), cores),
                       self.go("ask", "ns", self.size(5000000, 1000000), cores),
                       self.erlang("ask", "ns", self.size(2000000, 500000), cores)]
            if cores == 1:
                systems.append(self.asyncio("ask", "ns", self.size(300000, 50000)))
            yield Row("ask", cores, [Metric("ask", "ns", goal=Goal(7, "go") if cores == 1 else None)], systems)

    def ring(self):
        for cores in self.cores():
            systems = [self.ours("ring", "ns", self.size(5000000, 2000000), cores),
                       self.go("ring", "ns", self.size(5000000, 1000000), cores),
                       self.erlang("ring", "ns", self.size(5000000, 1000000), cores)]
            yield Row("ring", cores, [Metric("ring", "ns", goal=Goal(6, "go") if cores == 1 else None)], systems)

    def count(self):
        for cores in self.cores():
            systems = [self.ours("count", "ns", self.size(5000000, 2000000), cores),
                       self.go("count", "ns", self.size(5000000, 2000000), cores),
                       self.erlang("count", "ns", self.size(5000000, 1000000), cores)]
            yield Row("count", cores, [Metric("count", "ns", goal=Goal(3, "go") if cores == 1 else None)], systems)

    def skynet(self):
        n = 1000000
        for cores in self.cores():
            goal = Goal(15, "go") if cores > 1 else None
            peers = [self.go("skynet", "ms", n, cores)]
            full = [] if self.quick else [self.erlang("skynet", "ms", n, cores)]
            slow = [self.asyncio("skynet", "ms", n)] if not self.quick and cores == 1 else []
            yield Row("skynet", cores, [Metric("skynet", "ms", goal=goal)],
                      [self.ours("skynet", "ms", n, cores, "behaviours")] + peers + full + slow)
            yield Row("skynet-bodies", cores, [Metric("skynet-bodies", "ms", goal=goal)],
                      [self.ours("skynet", "ms", n, cores, "bodies")] + peers)

    def spawn(self):
        n = 1000000
        yield Row("spawn", 1, [Metric("spawn", "ns", goal=Goal(100))],
                  [self.ours("spawn", "ns", n, 1, "cold"), self.go("spawn", "ns", self.size(n, 200000), 1, "cold"),
                   self.erlang("spawn", "ns", self.size(n, 200000), 1)])
        yield Row("spawn-recycled", 1, [Metric("spawn-recycled", "ns", goal=Goal(20))],
                  [self.ours("spawn", "ns", n, 1, "recycled"), self.go("spawn", "ns", n, 1, "recycled")])

    def idle(self):
        yield Row("idle", 1, [Metric("idle", "bytes", goal=Goal(208))],
                  [self.ours("idle", "bytes", 1000000, 1, "behaviour"),
                   self.go("idle", "bytes", self.size(1000000, 200000), 1)])
        yield Row("idle-messaged", 1, [Metric("idle-messaged", "bytes")],
                  [self.ours("idle", "bytes", 1000000, 1, "messaged")])
        yield Row("idle-body", 1, [Metric("idle-body", "bytes", goal=Goal(5120))],
                  [self.ours("idle", "bytes", 100000, 1, "body")])

    def timers(self):
        n = 100000
        slow = [] if self.quick else [self.erlang("timers", "ms", n, 1), self.asyncio("timers", "ms", n)]
        yield Row("timers", 1, [Metric("timers", "ms")],
                  [self.ours("timers", "ms", n, 1, "cold"), self.go("timers", "ms", n, 1)] + slow)
        yield Row("timers-recycled", 1, [Metric("timers-recycled", "ms", goal=Goal(1030))],
                  [self.ours("timers", "ms", n, 1, "recycled"), self.go("timers", "ms", n, 1, "recycled")])
        yield Row("timers-tick", 1, [Metric("timers-tick", "ms", goal=Goal(1030))],
                  [self.ours("timers", "ms", n, 1, "tick")])

    def fetch(self):
        yield fetch.fetch_row(self.size(20000, 5000), self.programs, PEERS, self.peers.python)


WORKLOADS = ["ask", "ring", "count", "skynet", "spawn", "idle", "timers", "fetch"]


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
        for row in getattr(suite, name)():
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
    parser.add_argument("--quick", action="store_true", help="three short runs, one core, fewer peers")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="of: " + " ".join(WORKLOADS))
    args = parser.parse_args()
    unknown = [name for name in args.workloads if name not in WORKLOADS]
    if unknown:
        parser.error("no workload %s; there are %s" % (", ".join(unknown), " ".join(WORKLOADS)))
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    suite = Suite(Programs(args.bin), Peers(out), args.quick)
    done = measure(suite, args.workloads or WORKLOADS, 3 if args.quick else 5, out / "results.json")
    print("ratio: how many times better than the peer. Figures: %s" % (out / "results.json"))
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
