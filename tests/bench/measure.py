# SPDX-License-Identifier: MIT
"""measure.py - running programs in turn, and what their figures say."""
import json
import os
import signal
import statistics
import subprocess
import sys

TIMEOUT_S = 300
NOISY = 0.25  # (max - min) / median from which a verdict that the extremes contradict is not given


class Skip(Exception):
    """A system that cannot be measured here; the text says why."""


class Failed(Exception):
    """A program that crashed, hung, or did not do its work."""


class Goal:
    """A bound: on the ratio to a peer (how many times better we are), or on our own value."""

    def __init__(self, bound, peer=None):
        self.bound = bound
        self.peer = peer


class Metric:
    """What one run yields. better is "lower" or "higher". At most one goal for each peer, and one of our own."""

    def __init__(self, name, unit, better="lower", goals=()):
        self.name = name
        self.unit = unit
        self.better = better
        self.goals = list(goals)

    def goal(self, peer=None):
        return next((goal for goal in self.goals if goal.peer == peer), None)


class System:
    """Somebody who does the work: run() does it once and returns one value for each metric of its row."""

    def __init__(self, name, run, cores=None):
        self.name = name
        self.run = run
        self.cores = cores  # None: its row's


class Row:
    """One workload on so many cores; the first system is ours."""

    def __init__(self, workload, cores, metrics, systems):
        self.workload = workload
        self.cores = cores
        self.metrics = metrics
        self.systems = systems
        self.samples = {}  # (metric, system) names -> values
        self.notes = []    # (system, why it has no figures)
        self.failed = False  # ours did


class Figure:
    def __init__(self, samples):
        self.median = statistics.median(samples)
        self.min = min(samples)
        self.max = max(samples)
        self.runs = len(samples)

    def spread(self):
        return (self.max - self.min) / self.median if self.median else 0.0


# Running ------------------------------------------------------------------------------------------------------------


def all_cores():
    return sorted(os.sched_getaffinity(0))


def cores_for(count):
    """The last ones: the first is where interrupts tend to be served."""
    return all_cores()[-count:]


def death(status):
    if status < 0:
        return "killed by " + signal.Signals(-status).name
    return "exit status %d" % status


def run_program(command, cpus, env=None, stdout=subprocess.PIPE):
    """Runs a command on these CPUs and returns (standard output, standard error)."""
    env = dict(os.environ, **(env or {}))
    process = subprocess.Popen([str(word) for word in command], env=env, stdin=subprocess.DEVNULL, stdout=stdout,
                               stderr=subprocess.PIPE, universal_newlines=True,
                               preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed("not done after %d s" % TIMEOUT_S)
    if process.returncode != 0:
        words = err.strip().splitlines()
        raise Failed(death(process.returncode) + (": " + words[-1] if words else ""))
    return out, err


def value_of_line(out, unit, check):
    """The value in "name value unit check", after a look at the other fields."""
    words = out.split()
    if len(words) != 4 or words[2] != unit:
        raise Failed("said %r" % out[:80])
    if words[3] != str(check):
        raise Failed("its result is %s, not %s" % (words[3], check))
    return float(words[1])


def run_row(row, runs, progress):
    """A warm-up round, then so many rounds, everybody once in each."""
    systems = list(row.systems)
    for turn in range(runs + 1):
        for system in list(systems):
            progress("%s: %s, run %d of %d" % (row.workload, system.name, turn, runs))
            try:
                values = system.run()
            except (Skip, Failed) as why:
                systems.remove(system)
                row.notes.append((system.name, str(why)))
                if isinstance(why, Failed) and system is row.systems[0]:
                    row.failed = True
                continue
            if turn > 0:
                for metric, value in zip(row.metrics, values):
                    row.samples.setdefault((metric.name, system.name), []).append(value)
    progress("")


def figure(row, metric, system_name):
    samples = row.samples.get((metric.name, system_name))
    return Figure(samples) if samples else None


# Judging ------------------------------------------------------------------------------------------------------------


def times_better(ours, theirs, better):
    top, bottom = (theirs, ours) if better == "lower" else (ours, theirs)
    return top / bottom if bottom else float("inf")


def unjudged(*figures):
    """Where there is no goal: whether the figures are worth a look."""
    return "noisy" if any(fig and fig.spread() > NOISY for fig in figures) else ""


def judge(met_by_median, met_at_worst, met_at_best, spread):
    if met_at_worst != met_at_best and spread > NOISY:
        return "noisy (%s by medians)" % ("met" if met_by_median else "missed")
    return "met" if met_by_median else "MISSED"


def verdict_ratio(metric, goal, ours, theirs):
    if metric.better == "lower":
        worst, best = theirs.min / ours.max, theirs.max / ours.min
    else:
        worst, best = ours.min / theirs.max, ours.max / theirs.min
    bound = goal.bound
    median = times_better(ours.median, theirs.median, metric.better)
    return judge(median >= bound, worst >= bound, best >= bound, max(ours.spread(), theirs.spread()))


def verdict_own(metric, goal, ours):
    def met(value):
        return value <= goal.bound if metric.better == "lower" else value >= goal.bound

    return judge(met(ours.median), met(ours.max), met(ours.min), ours.spread())


# Telling ------------------------------------------------------------------------------------------------------------

COLUMNS = "%-16s %5s  %-32s %-10s %-32s %7s  %-14s %s"


def number(value):
    if abs(value) >= 1000:
        return "{:,.0f}".format(value)
    return ("%.0f" if abs(value) >= 100 else "%.1f" if abs(value) >= 10 else "%.2f") % value


def shown(fig, unit):
    return "%s %s (%s-%s)" % (number(fig.median), unit, number(fig.min), number(fig.max)) if fig else "-"


def goal_shown(metric, goal):
    if goal is None:
        return ""
    if goal.peer:
        return ">= %gx %s" % (goal.bound, goal.peer)
    return "%s %g %s" % ("<=" if metric.better == "lower" else ">=", goal.bound, metric.unit)


def table_head():
    return COLUMNS % ("workload", "cores", "troupe: median (min-max)", "peer", "median (min-max)", "ratio", "goal",
                      "verdict")


def peer_line(row, metric, ours, name):
    theirs = figure(row, metric, name)
    ratio = "%.2fx" % times_better(ours.median, theirs.median, metric.better) if ours and theirs else "-"
    goal = metric.goal(name)
    if goal is None:
        verdict = unjudged(ours, theirs)
    else:
        verdict = verdict_ratio(metric, goal, ours, theirs) if ours and theirs else "no figure"
    return COLUMNS % (metric.name, row.cores, shown(ours, metric.unit), name, shown(theirs, metric.unit), ratio,
                      goal_shown(metric, goal), verdict)


def metric_lines(row, metric):
    ours = figure(row, metric, row.systems[0].name)
    peers = [system.name for system in row.systems[1:]
             if figure(row, metric, system.name) or metric.goal(system.name)]
    lines = []
    goal = metric.goal()
    if goal or not peers:
        verdict = (verdict_own(metric, goal, ours) if ours else "no figure") if goal else unjudged(ours)
        lines.append(COLUMNS % (metric.name, row.cores, shown(ours, metric.unit), "-", "-", "-",
                                goal_shown(metric, goal), verdict))
    lines += [peer_line(row, metric, ours, name) for name in peers]
    return [line.rstrip() for line in lines]


def row_lines(row):
    lines = [line for metric in row.metrics for line in metric_lines(row, metric)]
    lines += ["  %s, %s: %s" % (row.workload, name, why) for name, why in row.notes]
    return lines


def results(rows):
    """What results.json holds: one object for each workload, system and number of cores."""
    out = []
    for row in rows:
        for metric in row.metrics:
            for system in row.systems:
                fig = figure(row, metric, system.name)
                if fig:
                    out.append({"workload": metric.name, "system": system.name, "cores": system.cores or row.cores,
                                "value": round(fig.median, 3), "unit": metric.unit, "better": metric.better,
                                "runs": fig.runs, "min": round(fig.min, 3), "max": round(fig.max, 3)})
    return out


def write_results(path, rows):
    partial = str(path) + ".partial"
    with open(partial, "w") as f:
        json.dump(results(rows), f, indent=1)
        f.write("\n")
    os.replace(partial, str(path))


def progress_to_terminal(text):
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()
