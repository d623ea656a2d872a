#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tidy.py - clang-tidy over the files that changed since it last had nothing to say of them

Usage: tidy.py BUILD-DIR FILE..., in the top directory. A file that BUILD-DIR does not compile is left out. What a file
is judged by is its preprocessed text with its comments (NOLINT is one), its command, .clang-tidy and clang-tidy's
version: their hash is kept in BUILD-DIR/tidy once the file is clean. What several files say of one header is printed
once. Exit code 1 if there are findings.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

FINDING = re.compile(r"^(\S+?:\d+:\d+): (?:error|warning): ", re.M)


def preprocessor(command):
    """The command that compiles, as one that only preprocesses, with clang's eyes."""
    words, out = shlex.split(command), ["clang", "-E", "-C", "-w"]
    rest = iter(words[1:])
    for word in rest:
        if word in ("-o", "-MF", "-MT"):
            next(rest)
        elif word not in ("-c", "-MD"):
            out.append(word)
    return out


def key_of(entry, judges):
    text = subprocess.run(preprocessor(entry["command"]), cwd=entry["directory"], capture_output=True, check=False)
    if text.returncode != 0:
        return None  # clang-tidy will say why
    return hashlib.sha256(b"\0".join([judges, entry["command"].encode(), text.stdout])).hexdigest()


def tidy(build, entry, judges):
    """Findings of one file, as text; None: it did not change."""
    key = key_of(entry, judges)
    stamp = build / "tidy" / (key or "none")
    if key is not None and stamp.exists():
        return None
    run = subprocess.run(["clang-tidy", "-p", build, "--quiet", "--warnings-as-errors=*", entry["file"]],
                         capture_output=True, text=True, check=False)
    if run.returncode == 0:
        stamp.touch()
        return ""
    # On standard error it counts, beside what else went wrong, the warnings that it does not show.
    errors = [line for line in run.stderr.splitlines() if not re.search(r"^\d+ warnings? (generated|treated)", line)]
    return run.stdout + "\n".join(errors) + "\n"


def findings(text):
    """(place, text) of each."""
    starts = [m.start() for m in FINDING.finditer(text)] or [0]
    for start, end in zip(starts, starts[1:] + [len(text)]):
        yield text[start:text.find("\n", start)], text[start:end]


def main():
    build = pathlib.Path(sys.argv[1])
    wanted = {str(pathlib.Path(name).resolve()) for name in sys.argv[2:]}
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    entries = {entry["file"]: entry for entry in commands if entry["file"] in wanted}
    if not entries:
        sys.exit(f"tidy.py: {build} compiles none of these files")
    (build / "tidy").mkdir(exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    judges = version + pathlib.Path(".clang-tidy").read_bytes()
    shown, files = set(), []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda entry: tidy(build, entry, judges), entries.values()))
    for name, text in zip(entries, results):
        if text:
            files.append(os.path.relpath(name))
            for place, finding in findings(text):
                if place not in shown:
                    shown.add(place)
                    print(finding, end="")
    read = sum(text is not None for text in results)
    print(f"{read} of {len(entries)} files read, {len(shown)} findings" + (" in: " + " ".join(files) if files else ""))
    return 1 if files else 0


if __name__ == "__main__":
    sys.exit(main())
