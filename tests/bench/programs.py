# SPDX-License-Identifier: MIT
"""programs.py - our programs and the peers': found, built, started, and what they say checked."""
import os
import pathlib
import shutil
import subprocess
import sys

from measure import Failed, Skip, System, cores_for, run_program, value_of_line

PEERS = pathlib.Path(__file__).resolve().parent / "peers"


def fork_join_sum(n):
    """Each leaf does 4,500 steps x -> (x * 1103515 + 12345) mod 2^31 from its number: together one such step."""
    mul, add = 1, 0
    for _ in range(4500):
        mul, add = mul * 1103515 % 2**31, (add * 1103515 + 12345) % 2**31
    return sum((mul * seed + add) % 2**31 for seed in range(n))


CHECKS = {  # what a program that did all its work says, by N
    "ask": lambda n: n * (n + 1) // 2,
    "ring": lambda n: n % 503,
    "count": lambda n: n,
    "skynet": lambda n: n * (n - 1) // 2,
    "spawn": lambda n: n,
    "idle": lambda n: n,
    "timers": lambda n: n,
    "fork-join": fork_join_sum,
    "big": lambda n: 2 * 120 * n,
    "pull": lambda n: n,
    "stuck": lambda n: 100 * n,
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

    def caf(self, program):
        if not any(os.path.exists(prefix + "/include/caf/all.hpp") for prefix in ("/usr", "/usr/local")):
            raise Skip("not installed")
        target = self.out / ("caf-" + program)
        self.build(["g++", "-std=c++17", "-O2", "-DNDEBUG", "-o", target, PEERS / (program + ".cpp"),
                    "-lcaf_core", "-pthread"], target)
        return target

    def erlang(self, program):
        target = self.out / (program + ".beam")
        self.build(["erlc", "-o", self.out, PEERS / (program + ".erl")], target)


class Systems:
    """Who does a workload: systems whose run() starts one program and takes its figure from what it prints."""

    def __init__(self, programs, peers):
        self.programs = programs
        self.peers = peers
        self.wanted = {}

    def value(self, out, program, unit, n):
        if (program, n) not in self.wanted:
            self.wanted[program, n] = CHECKS[program](n)
        return [value_of_line(out, unit, self.wanted[program, n])]

    def ours(self, program, unit, n, cores, variant=None):
        return self.troupe("troupe", program, unit, n, cores, variant)

    def one_worker(self, program, unit, n, variant=None):
        """Ourselves on one core, in the same round: what more workers are worth."""
        system = self.troupe("troupe-1", program, unit, n, 1, variant)
        system.cores = 1
        return system

    def troupe(self, name, program, unit, n, cores, variant):
        def run():
            words = [self.programs.find("bench-" + program), n] + ([variant] if variant else [])
            out, _ = run_program(words + ["--workers", cores], cores_for(cores))
            return self.value(out, program, unit, n)

        return System(name, run)

    def go(self, program, unit, n, cores, variant=None):
        def run():
            words = [self.peers.go(program), n] + ([variant] if variant else [])
            out, _ = run_program(words, cores_for(cores), {"GOMAXPROCS": str(cores)})
            return self.value(out, program, unit, n)

        return System("go", run)

    def erlang(self, program, unit, n, cores):
        module = program.replace("-", "_")

        def run():
            self.peers.erlang(module)
            words = ["erl", "+S", "%d:%d" % (cores, cores), "+P", "4194304", "-noinput", "-pa", self.peers.out]
            out, _ = run_program(words + ["-eval", "%s:main(%d), halt()." % (module, n)], cores_for(cores))
            return self.value(out, program, unit, n)

        return System("erlang", run)

    def caf(self, program, unit, n, cores):
        def run():
            out, _ = run_program([self.peers.caf(program), n, cores], cores_for(cores))
            return self.value(out, program, unit, n)

        return System("caf", run)

    def asyncio(self, program, unit, n):
        def run():
            out, _ = run_program([self.peers.python, PEERS / (program + ".py"), n], cores_for(1))
            return self.value(out, program, unit, n)

        return System("asyncio", run)
