# SPDX-License-Identifier: MIT
"""test_bench.py - the measuring programs do all their work, on one worker and on two; and what their reader says"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
sys.path.insert(0, str(HERE.parent / "bench"))
from command import main, program  # noqa: E402
from measure import (Failed, Goal, Metric, Row, Skip, System, results, row_lines, run_row, value_of_line,  # noqa: E402
                     write_results)
from programs import CHECKS  # noqa: E402

RUNS = [  # program, unit, N, variant
    ("ask", "ns", 1000, "near"), ("ring", "ns", 5000, None), ("count", "ns", 20000, None),
    ("skynet", "ms", 1000, "behaviours"), ("skynet", "ms", 1000, "bodies"), ("spawn", "ns", 2000, "cold"),
    ("spawn", "ns", 2000, "recycled"), ("idle", "bytes", 500, "behaviour"), ("idle", "bytes", 500, "messaged"),
    ("idle", "bytes", 500, "body"), ("timers", "ms", 500, "cold"), ("timers", "ms", 500, "recycled"),
    ("timers", "ms", 500, "tick"), ("fork-join", "ms", 500, None), ("big", "ns", 50, None), ("stuck", "ms", 2, None)]
ACROSS = [("ask", "ns", 200, "cross"), ("pull", "ns", 200, None)]  # these want two workers


def bench_program(name):
    return pathlib.Path(program()).parent / "bench" / ("bench-" + name)


def constant(name, values):
    """A system that yields these values, one a run."""
    left = list(values)
    return System(name, lambda: [left.pop(0)])


def failing(name, error):
    def run():
        raise error

    return System(name, run)


def measured(goals, **systems):
    row = Row("work", 2, [Metric("work", "ns", goals=goals)], [constant(*item) for item in systems.items()])
    run_row(row, 3, lambda text: None)
    return row


class Programs(unittest.TestCase):
    def setUp(self):
        if not bench_program("ask").exists():
            self.skipTest("built without TROUPE_BENCH")

    def run_program(self, name, n, variant, workers):
        words = [str(bench_program(name)), str(n)] + ([variant] if variant else []) + ["--workers", str(workers)]
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)

    def check(self, name, unit, n, variant, workers):
        with self.subTest(name=name, variant=variant, workers=workers):
            done = self.run_program(name, n, variant, workers)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreaterEqual(value_of_line(done.stdout, unit, CHECKS[name](n)), 0)

    def test_all_work_is_done_on_one_worker(self):
        for run in RUNS:
            self.check(*run, 1)

    def test_all_work_is_done_on_two_workers(self):
        for run in RUNS + ACROSS:
            self.check(*run, 2)

    def test_what_wants_two_workers_says_so(self):
        for name, _, n, variant in ACROSS:
            done = self.run_program(name, n, variant, 1)
            self.assertEqual(done.returncode, 1)
            self.assertIn("wants two workers", done.stderr)

    def test_wrong_arguments_are_code_2(self):
        for words in (["x"], ["0"], ["1", "near", "more"], ["1", "--workers"], ["1", "--workers", "65"]):
            done = subprocess.run([str(bench_program("ask")), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, timeout=120)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("usage:", done.stderr)


class Reader(unittest.TestCase):
    def test_a_wrong_result_fails(self):
        self.assertEqual(value_of_line("ask 12.500 ns 55\n", "ns", 55), 12.5)
        for line in ("ask 12.5 ns 54\n", "ask 12.5 ms 55\n", "ask 12.5 ns\n", ""):
            with self.assertRaises(Failed):
                value_of_line(line, "ns", 55)

    def test_warm_up_is_not_counted(self):
        row = measured([], troupe=[1000, 10, 11, 12])
        self.assertEqual(row.samples["work", "troupe"], [10, 11, 12])

    def test_each_goal_has_its_verdict(self):
        row = measured([Goal(20), Goal(3, "go"), Goal(1.75, "troupe-1")], troupe=[10] * 4, go=[40] * 4,
                       **{"troupe-1": [12] * 4})
        own, go, one = row_lines(row)
        self.assertRegex(own, r"<= 20 ns +met$")
        self.assertRegex(go, r"go .* 4\.00x +>= 3x go +met$")
        self.assertRegex(one, r"troupe-1 .* 1\.20x +>= 1\.75x troupe-1 MISSED$")

    def test_a_noisy_machine_is_no_verdict(self):
        row = measured([Goal(3, "go")], troupe=[10, 10, 10, 16], go=[40] * 4)
        self.assertRegex(row_lines(row)[0], r"noisy \(met by medians\)$")
        row = measured([], troupe=[10, 10, 10, 16], go=[40] * 4)
        self.assertRegex(row_lines(row)[0], r" noisy$")

    def test_who_is_missing_is_named(self):
        row = Row("work", 1, [Metric("work", "ns", goals=[Goal(8, "caf")])],
                  [constant("troupe", [1] * 4), failing("caf", Skip("not installed"))])
        run_row(row, 3, lambda text: None)
        self.assertFalse(row.failed)
        self.assertIn("  work, caf: not installed", row_lines(row))
        self.assertRegex(row_lines(row)[0], r"caf .*>= 8x caf +no figure$")

    def test_our_own_failure_is_one(self):
        row = Row("work", 1, [Metric("work", "ns")], [failing("troupe", Failed("died"))])
        run_row(row, 3, lambda text: None)
        self.assertTrue(row.failed)

    def test_results_have_one_object_for_each_system(self):
        row = measured([Goal(1.75, "troupe-1")], troupe=[10, 10, 12, 11], **{"troupe-1": [20] * 4})
        row.systems[1].cores = 1
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "results.json"
            write_results(path, [row])
            self.assertEqual(json.loads(path.read_text()), results([row]))
        self.assertEqual(results([row])[0], {"workload": "work", "system": "troupe", "cores": 2, "value": 11,
                                             "unit": "ns", "better": "lower", "runs": 3, "min": 10, "max": 12})
        self.assertEqual(results([row])[1]["cores"], 1)


if __name__ == "__main__":
    main()
