#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_layers.py - the layer test: who may include what, and who alone may touch what

Usage: check_layers.py [--self-test | --order LAYER], in the top directory. Reads the #include lines and the calls of
src/, include/, actors/ and examples/ against the tables below; prints each violation with its place and its cure.
--order prints an order of a layer's files that the #include lines allow, to be pasted into the table.
"""
import graphlib
import pathlib
import re
import sys

# Lowest layer first; in a layer, from left to right. A file includes its own header, what stands to its left, and lower
# layers. "noun" is noun.h and noun.c; "noun.h" is the header alone, where the data stands lower than the code.
LAYERS = {
    "base": "sanitizer errand.h list alloc buffer clock sys helpers random heap slab log err",
    "message": "message.h small.h block.h signature.h codec.h build value message error_message signature small codec valid print",
    "coro": "fiber valgrind switch_x86_64 switch_aarch64 switch_ucontext switch stack",
    "actor": "gate.h debug.h table.h cell.h fd_claim.h timer.h owner.h self.h world.h worker.h suspend.h watch.h ask.h call.h cancel.h "
             "cell_ext.h deadletter.h deadlock.h end.h ender.h error.h fd.h mailbox.h mail.h note.h offload.h spawn.h state.h "
             "tick.h turn.h wait.h registry.h scope_kernel.h signal.h remote.h probe.h start.h stop.h "
             "gate answer ask call cancel cell cell_ext deadletter deadline deadlock debug describe end ender error fd fd_claim gather "
             "mail mailbox note offload owner probe race recv registry remote resolve scope send signal spawn start stop table "
             "tick timer turn wait",
    "share": "hand.h line.h stock.h relay.h hand line stock channel event flow permit rate relay work",
    "sched": "poll.h ticker.h post.h share.h compact.h sched.h shuffle.h poll post share compact ticker shuffle loop worker",
    "stream": "port.h stream.h layer.h quota.h give.h address.h listener.h port source sink layer quota stream once "
              "read write give listener listen accept connect serve udp",
    "net": "",
    "machine": "close_from.h quiet launch signal_name signal_hub signal child.h child child_io run input",
    "tls": "context.h context session",
    "node": "module overflow kit.h node.h inbox.h print.h node inbox offload_set thread main print expect fault match record "
            "seeds test_kit",
    "debug": "peek registers symbols here thread_stack place capture snapshot report listing watcher nodes mode",
    "cli": "cli urls status progress json report save output download run options fetch main",
}

# Other people's headers: who may include them. What is not named here is the C library's and the system's.
FOREIGN = {
    r"msgpack(/.*)?\.h": {"src/message/codec.c"},
    r"zmq(_utils)?\.h": {"src/sched/poll.c"},
    r"dlfcn\.h": {"src/node/module.c", "src/debug/symbols.c"},
    r"curl/.*\.h": {"actors/fetcher/"},
    r"jansson\.h": {"src/cli/"},
    r"elfutils/.*\.h|dwarf\.h": {"names/"},
    r"openssl/.*\.h": {"src/tls/"},
    r"cmocka\.h": set(),
    r"valgrind/.*\.h": {"src/coro/valgrind.h"},
    r"sanitizer/.*\.h": {"src/coro/fiber.h", "src/base/sanitizer.h"},
}

# The seams: calls that only these files of src/ make. The command is a program and no part of the library.
CALLS = {
    r"_?exit|quick_exit": {"src/cli/"},
    r"v?f?printf|puts|fputs|putchar|perror": {"src/cli/", "src/node/main.c", "src/node/print.c", "src/debug/report.c"},
    r"clock_gettime|gettimeofday|time": {"src/cli/", "src/base/clock.c"},
    r"getrandom|rand|random": {"src/base/random.c"},
    r"malloc|calloc|realloc|aligned_alloc|posix_memalign|strdup|free":
        {"src/cli/", "src/base/alloc.c", "src/debug/watcher.c"},
    r"dlopen|dlsym": {"src/node/module.c"},
    r"epoll_(create1|ctl|wait)|timerfd_(create|settime)|eventfd|mmap|pthread_create": {"src/cli/", "src/base/sys.h"},
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')


def allowed(path, places):
    return any(path == place or (place.endswith("/") and path.startswith(place)) for place in places)


def rank_of(layers, path):
    """(layer, place in it) of "layer/file.c"; None if the tables do not know it."""
    layer, _, name = path.partition("/")
    names = layers.get(layer, "").split()
    for key in (name, name.rsplit(".", 1)[0]):
        if key in names:
            return list(layers).index(layer), names.index(key)
    return None


def blank(match):
    """As many lines as the match had, and nothing on them."""
    return "\n" * match.group().count("\n")


class Checker:
    """Checks a tree given as {path: text}."""

    def __init__(self, tree, layers):
        self.tree, self.layers, self.problems = tree, layers, []

    def run(self):
        for path, text in sorted(self.tree.items()):
            code = COMMENT.sub(blank, text)
            for match in INCLUDE.finditer(code):
                line = code.count("\n", 0, match.start()) + 1
                self.include(f"{path}:{line}", path, match[1] == "<", match[2])
            if path.startswith("src/"):
                self.src(path, STRING.sub('""', code))
        return self.problems

    def src(self, path, code):
        if rank_of(self.layers, path[len("src/"):]) is None:
            self.problems.append(f"{path}: in no layer; add it to the table in tests/check_layers.py")
        for names, places in CALLS.items():
            for match in re.finditer(rf"(?<![\w.>])({names})[ ]?\(", code):
                if not allowed(path, places):
                    line = code.count("\n", 0, match.start()) + 1
                    self.problems.append(f"{path}:{line}: {match[1]}() belongs to {', '.join(sorted(places))} alone")

    def include(self, place, path, system, name):
        if system:
            self.system(place, path, name)
        elif path.startswith("src/"):
            self.inner(place, path, name)
        elif not self.own(path, name):
            self.problems.append(f'{place}: "{name}" is not its own; include <troupe/...>')

    def system(self, place, path, name):
        for pattern, places in FOREIGN.items():
            if re.fullmatch(pattern, name) and not allowed(path, places):
                where = ", ".join(sorted(places)) or "the tests"
                self.problems.append(f"{place}: <{name}> belongs to {where} alone")

    def inner(self, place, path, name):
        beside = str(pathlib.PurePosixPath(path).parent / name)
        name = beside[len("src/"):] if beside in self.tree else name
        mine, theirs = rank_of(self.layers, path[len("src/"):]), rank_of(self.layers, name)
        if path.rsplit(".", 1)[0] == "src/" + name.rsplit(".", 1)[0] or mine is None:
            return
        if theirs is None:
            self.problems.append(f'{place}: "{name}" is in no layer; name it as "layer/file.h", or add it to the table')
        elif theirs > mine:
            what = "a higher layer" if theirs[0] > mine[0] else "to its right in its layer"
            self.problems.append(f'{place}: "{name}" is {what}')

    def own(self, path, name):
        """Quoted: beside the file, or (the ladder builds on itself) in another example."""
        near = str(pathlib.PurePosixPath(path).parent / name)
        if near in self.tree:
            return True
        return path.startswith("examples/") and any(
            p.startswith("examples/") and p.endswith("/" + name.rsplit("/", 1)[-1]) for p in self.tree)


def read_tree():
    tree = {}
    for top in ("src", "include", "actors", "examples", "names"):
        for path in pathlib.Path(top).rglob("*.[ch]"):
            if "tests" not in path.parts:
                tree[path.as_posix()] = path.read_text(encoding="utf-8")
    return tree


def print_order(layer):
    """An order of a layer's headers that their #include lines allow, then its code, which no one includes."""
    files = {p[len("src/"):]: t for p, t in read_tree().items() if p.startswith(f"src/{layer}/")}
    graph = {name: sorted({i[2] for i in INCLUDE.finditer(COMMENT.sub(blank, text)) if i[2] in files})
             for name, text in sorted(files.items())}
    try:
        order = list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        sys.exit("a cycle: " + " -> ".join(error.args[1]))
    headers = [name.split("/")[1] for name in order if name.endswith(".h")]
    code = sorted(name.split("/")[1][:-2] for name in files if name.endswith(".c"))
    print(" ".join(headers + code))


def self_test():
    """Each rule finds its violation, and says nothing about good code."""
    layers = {"base": "list heap", "actor": "cell.h timer cell", "cli": "main"}
    good = {
        "src/base/heap.c": '#include "base/heap.h"\n#include "base/list.h"\n#include <string.h>\n/* exit(1) "x" */\n',
        "src/actor/timer.c": '#include "actor/cell.h"\nint f(void) { return on_exit("malloc(3)"); }\n',
        "src/actor/cell.c": '#include "actor/cell.h"\n#include "actor/timer.h"\n',
        "src/cli/main.c": "int main(void) { exit(0); }\n",
        "include/troupe/troupe.h": '#include "base.h"\n', "include/troupe/base.h": "#include <stdint.h>\n",
        "examples/1/main.c": '#include <troupe/troupe.h>\n#include "web.h"\n', "examples/2/web.h": "",
    }
    bad = {
        "to its right": ("src/base/list.c", '#include "base/heap.h"\n'),
        "a higher layer": ("src/base/list.c", '#include "actor/cell.h"\n'),
        "in no layer; add": ("src/base/new.c", ""),
        '"heap.h" is in no layer': ("src/base/list.c", '#include "heap.h"\n'),
        "<zmq.h> belongs": ("src/base/list.c", "#include <zmq.h>\n"),
        "<curl/curl.h> belongs": ("src/cli/main.c", "#include <curl/curl.h>\n"),
        ":2: exit() belongs": ("src/base/list.c", "/* \n */ int f(void) { exit(1); }\n"),
        "malloc() belongs": ("src/actor/cell.c", "void *p = malloc(1);\n"),
        "not its own": ("actors/a/a.c", '#include "base/list.h"\n'),
        "is not its own;": ("include/troupe/x.h", '#include "actor/cell.h"\n'),
    }
    failures = [f"good code: {problem}" for problem in Checker(good, layers).run()]
    for expected, (path, text) in bad.items():
        found = Checker({**good, path: text}, layers).run()
        if len(found) != 1 or expected not in found[0]:
            failures.append(f"{path} {text!r}: expected one problem with {expected!r}, found {found}")
    return failures, 1 + len(bad)


def main():
    if sys.argv[1:2] == ["--order"]:
        print_order(sys.argv[2])
        return 0
    if sys.argv[1:] == ["--self-test"]:
        problems, ran = self_test()
        print("\n".join(problems + [f"{ran - len(problems)} of {ran} rules hold"]))
        return 1 if problems else 0
    tree = read_tree()
    problems = Checker(tree, LAYERS).run() if tree else ["there is no source file here"]
    print("\n".join(problems) or f"{len(tree)} files keep to their layers")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
