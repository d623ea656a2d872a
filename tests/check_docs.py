#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_docs.py - links lead somewhere, and quoted code is the code that is compiled

Usage: check_docs.py [--self-test], in the top directory. In every .md file: a relative link names a file that exists,
and an anchor a heading of it; a fenced block after a line "<!-- from: path -->" stands in that file as it is (its
common indentation may differ). Blocks of C without such a line are allowed in docs/design/ and docs/decisions/ alone.
"""
import pathlib
import re
import sys
import tempfile
import textwrap

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*([\w+-]*)")
LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$")
SOURCE = re.compile(r"^\s*<!--\s*from:\s*(\S+)\s*-->\s*$")
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")
FREE_CODE = ("docs/design/", "docs/decisions/")


class Page:
    """One .md file, taken apart: links, anchors and fenced blocks, each with its line."""

    def __init__(self, path):
        self.links, self.anchors, self.blocks = [], set(), []
        fence = source = None
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if fence:
                if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                    fence = source = None
                else:
                    self.blocks[-1][3].append(line)
                continue
            opening = FENCE.match(line)
            if opening:
                fence = opening[1]
                self.blocks.append((number, opening[2].lower(), source, []))
                continue
            mark = SOURCE.match(line)
            if mark:
                source = (number, mark[1])
            elif line.strip():
                source = None
            self.prose(number, line)

    def prose(self, number, line):
        heading = HEADING.match(line)
        if heading:
            self.add_anchor(heading[1])
        self.anchors.update(re.findall(r'<a (?:id|name)="([^"]+)"', line))
        text = re.sub(r"(`+).*?\1", "", line)
        targets = LINK.findall(text) + REFERENCE.findall(text)
        self.links += [(number, target) for target in targets]

    def add_anchor(self, title):
        """GitHub's way: lower case, no punctuation, blanks become hyphens, repeats are numbered."""
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        n, unique = 0, anchor
        while unique in self.anchors:
            n += 1
            unique = f"{anchor}-{n}"
        self.anchors.add(unique)


def check_link(top, path, target, pages):
    """Why the link is wrong, or None."""
    if re.match(r"[a-zA-Z][\w+.-]*:", target):
        return None
    name, _, anchor = target.partition("#")
    base = top if name.startswith("/") else path.parent
    there = (base / name.lstrip("/") if name else path).resolve()
    if not there.exists():
        return f"{target}: there is no such file"
    if anchor and there.suffix == ".md" and there in pages and anchor not in pages[there].anchors:
        return f"{target}: there is no such heading"
    return None


def check_block(top, relative, language, source, lines):
    """Why the block is wrong, or None."""
    if source is None:
        if language in ("c", "h") and not relative.startswith(FREE_CODE):
            return 'C that no file is named for: put "<!-- from: path -->" before it'
        return None
    path = top / source[1]
    if not path.is_file():
        return f"{source[1]}: there is no such file"
    there = [line.rstrip() for line in path.read_text(encoding="utf-8").split("\n")]
    here = textwrap.dedent("\n".join(lines)).rstrip().split("\n")
    here = [line.rstrip() for line in here]
    for start in range(len(there) - len(here) + 1):
        part = textwrap.dedent("\n".join(there[start:start + len(here)])).split("\n")
        if part == here:
            return None
    return f"is not in {source[1]} as it is"


def check(top):
    paths = [p for p in sorted(top.rglob("*.md")) if not {"build", ".git"} & set(p.relative_to(top).parts)]
    pages = {path.resolve(): Page(path) for path in paths}
    problems = []
    for path in paths:
        page, relative = pages[path.resolve()], path.relative_to(top).as_posix()
        for number, target in page.links:
            why = check_link(top, path, target, pages)
            if why:
                problems.append(f"{relative}:{number}: {why}")
        for number, language, source, lines in page.blocks:
            why = check_block(top, relative, language, source, lines)
            if why:
                problems.append(f"{relative}:{number}: {why}")
    return problems, len(paths)


def self_test():
    """Each kind of mistake is found, and only these."""
    with tempfile.TemporaryDirectory() as directory:
        top = pathlib.Path(directory)
        (top / "a.c").write_text("int a;\nint f(void)\n{\n    return a;\n}\n", encoding="utf-8")
        (top / "b.md").write_text("# One `two`, three\n## Same\n## Same\n", encoding="utf-8")
        (top / "good.md").write_text(
            "[b](b.md#one-two-three) [c](b.md#same-1) [web](https://x.y/z) `[no](no.md)`\n[up](#top)\n# Top\n"
            "<!-- from: a.c -->\n\n```c\nint f(void)\n{\n    return a;\n}\n```\n"
            "<!-- from: a.c -->\n```c\nreturn a;\n```\n"
            "```sh\n[no](no.md)\n```\n", encoding="utf-8")
        (top / "bad.md").write_text(
            "[x](no.md)\n[y](b.md#four)\n\n```c\nint a;\n```\n<!-- from: a.c -->\n```c\nint b;\n```\n"
            "<!-- from: no.c -->\n```c\nint a;\n```\n", encoding="utf-8")
        found = [p.split(": ", 1)[0] for p in check(top)[0]]
    expected = [f"bad.md:{n}" for n in (1, 2, 4, 8, 12)]
    return [] if found == expected else [f"expected {expected}, found {found}"]


def main():
    if sys.argv[1:] == ["--self-test"]:
        problems, pages = self_test(), 3
    else:
        problems, pages = check(pathlib.Path("."))
    print("\n".join(problems) or f"{pages} pages are sound")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
