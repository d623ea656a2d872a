#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tally.py - what a run of ctest came to: what failed, with its output, and how many test cases ran

Usage: tally.py BUILD-DIR. Reads BUILD-DIR/tests.xml (ctest's JUnit file). A program that says how many cases it ran
(cmocka, Python's unittest, or a closing line like ours) counts as that many, any other as one. Writes the three
numbers to BUILD-DIR/tally too. Exit code 1 if anything failed or nothing ran.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree

CMOCKA = {
    "passed": re.compile(r"^\[  PASSED  \] (\d+) test", re.M),
    "failed": re.compile(r"^\[  FAILED  \] (\d+) test", re.M),
    "skipped": re.compile(r"^\[  SKIPPED \] (\d+) test", re.M),
}
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.M)
UNITTEST_END = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.M)
PLAIN = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def cases_of(output):
    """(passed, failed, skipped) as the program itself tells it; None if it does not."""
    counts = [sum(map(int, pattern.findall(output))) for pattern in CMOCKA.values()]
    if any(counts):
        return tuple(counts)
    ran = UNITTEST.search(output)
    if ran:
        end = UNITTEST_END.search(output, ran.end())
        parts = dict(re.findall(r"(\w+)=(\d+)", end.group(1) or "")) if end else {}
        failed = int(parts.get("failures", 0)) + int(parts.get("errors", 0))
        skipped = int(parts.get("skipped", 0))
        return max(int(ran.group(1)) - failed - skipped, 0), failed, skipped
    plain = list(PLAIN.finditer(output))
    if plain:
        return tuple(int(n or 0) for n in plain[-1].groups())
    return None


def count(case):
    """(passed, failed, skipped) of one ctest entry: ctest's verdict holds over what the program says."""
    status = case.get("status")
    passed, failed, skipped = cases_of(case.findtext("system-out") or "") or (0, 0, 0)
    if status == "run":
        return (passed, 0, skipped) if passed + skipped else (1, 0, 0)
    if status in ("disabled", "notrun") and case.find("skipped") is not None:
        return 0, 0, 1
    return passed, max(failed, 1), skipped


def main():
    build = pathlib.Path(sys.argv[1])
    report = build / "tests.xml"
    cases = list(xml.etree.ElementTree.parse(report).getroot().iter("testcase")) if report.exists() else []
    total = [0, 0, 0]
    for case in sorted(cases, key=lambda c: c.get("name")):
        counts = count(case)
        total = [a + b for a, b in zip(total, counts)]
        if counts[1]:
            print(f"\n---- {case.get('name')} failed ({case.get('time')} s); its output:")
            print((case.findtext("system-out") or "").rstrip())
            failure = case.find("failure")
            if failure is not None and failure.get("message"):
                print(f"---- {case.get('name')}: {failure.get('message')}")
    failed = [case.get("name") for case in cases if count(case)[1]]
    if failed:
        print("\nfailed: " + " ".join(sorted(failed)))
    if not cases:
        print(f"no test ran; see {build / 'tests.log'}")
    print(f"{total[0]} passed, {total[1]} failed" + (f", {total[2]} skipped" if total[2] else ""))
    (build / "tally").write_text(" ".join(map(str, total)) + "\n", encoding="utf-8")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
