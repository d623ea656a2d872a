#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_code.py - the lines of code in the tables of docs/asyncio.md compile

Usage: check_code.py CC FLAG..., in the top directory. What stands in backticks in the third column, and is a statement,
becomes a function of its own, with the variables that it names; "..." stands for what the reader would do. A name whose
type depends on the call is looked up in CASES first.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

PAGE = "docs/asyncio.md"

HEAD = r"""
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <troupe/troupe.h>
#include <troupe/debug.h>
#include <troupe/test.h>
#include <troupe/tls.h>
#include <troupe/fetcher.h>
struct job { int fd; };
struct state { tr_msg *request; };
struct ctx { int depth; };
extern tr_self *self;
extern tr_node *node;
extern void *arg, *ctx, *thing;
extern tr_err err;
extern tr_addr to, who, ch, queue, event, lock, semaphore, rate, a, b, web;
extern const tr_msg *m, *reply, *result, *page, *part;
extern tr_scope *scope;
extern int fd;
extern char buf[4096], line[256], data[100], why[200], left[200];
extern const char *url;
extern size_t n, len, i, done, ran;
extern tr_time when;
tr_err program(tr_self *, void *), body(tr_self *, void *), f(tr_self *, void *), server(tr_self *, void *),
    accept_loop(tr_self *, void *), say_goodbye(tr_self *, void *), yields(tr_self *, void *);
tr_err in_scope(tr_self *, tr_scope *, void *);
tr_err on_client(tr_self *, tr_stream, void *);
tr_err on_reply(tr_self *, void *, tr_err, const tr_msg *, void *);
int read_it(void *), hash_it(void *), fn(void *), dlopen_it(void *);
void release(void *);
void poll_for(int);
void to_syslog(void *, tr_log_level, const char *);
tr_test_seed_fn check;
"""

# name: its declaration, where nothing in HEAD says it and no case holds
NAMES = {
    "opts": "static tr_node_opts opts", "opening": "static tr_spawn_opts opening",
    "p": "static tr_pending p[8]", "outcomes": "static tr_outcome outcomes[8]", "items": "static tr_wait_item items[8]",
    "both": "static tr_pending both[2]", "pending": "static tr_pending pending", "timer": "static tr_timer timer",
    "hold": "static tr_hold hold", "died": "static bool died", "moved_on": "static bool moved_on",
    "stream": "static tr_stream stream", "s": "static tr_stream s", "ends": "static tr_stream ends[2]",
    "reader": "static tr_stream reader", "writer": "static tr_stream writer", "l": "static tr_listener l",
    "e": "static tr_endpoint e", "from": "static tr_endpoint from", "list": "static tr_endpoint list[8]",
    "udp": "static tr_udp udp", "tls": "static tr_tls *tls", "inbox": "static tr_inbox *inbox",
    "addr": "static tr_addr addr", "child": "static tr_child *child", "status": "static tr_child_status status",
    "flow": "static tr_flow flow", "stats": "static tr_node_stats stats", "hooks": "static tr_instrument hooks",
    "racers": "static tr_racer racers[4]", "winner": "static size_t winner", "value": "static const tr_msg *value",
    "port": "static int port", "job": "static struct job job", "o": "static tr_spawn_opts o",
    "in": "static tr_input *in", "watch": "static tr_addr watch", "item": "static const tr_msg *item",
}
# (what is in the code, name): its declaration there
CASES = {
    ("tr_scope_begin", "opts"): "static tr_scope_opts opts", ("tr_child_start", "opts"): "static tr_child_opts opts",
    ("tr_run", "child"): "static tr_child_opts child", ("tr_run", "result"): "static tr_run_result result",
    ("tr_offload", "result"): "static int result", ("tr_offload_own", "job"): "static void *job",
    ("tr_node_offload_set", "opts"): "static tr_offload_opts opts", ("tr_input_line", "line"): "static const char *line",
    ("tr_msg_encode", "data"): "static void *data", ("tr_node_ask", "reply"): "static tr_msg *reply",
    ("tr_inbox_recv", "m"): "static tr_msg *m", ("tr_stream_take", "item"): "static tr_item item",
    ("tr_await|tr_ask_cancel.self, p.", "p"): "static tr_pending p", ("s->request", "s"): "static struct state *s",
    ("no account", "n"): "static int n",
}


def cells(page):
    """(line, code) of each piece of code in the tables' third columns."""
    for number, row in enumerate(page.split("\n"), 1):
        columns = re.split(r"(?<!\\)\|", row)
        if row.startswith("| ") and len(columns) >= 5:
            for code in re.findall(r"`([^`]+)`", columns[3]):
                if re.search(r"[;}]\s*$|\.\.\.", code):
                    yield number, code.replace("...", ";")


def declarations(code):
    told = {name: text for (where, name), text in CASES.items() if re.search(where, code)}
    for name, text in {**NAMES, **told}.items():
        if re.search(rf"(?<![\w.>]){name}\b", code) and not re.search(rf"\b(tr_\w+|size_t|char|pid_t) \*?{name}\b", code):
            yield text + ";"


def program(page):
    out = [HEAD]
    for count, (number, code) in enumerate(cells(page)):
        out.append(f'#line {number} "{PAGE}"')
        if code.startswith(("static ", "int main")):
            out.append(re.sub(r"\b(f|main)\(", rf"\1_{count}(", code))
        else:
            out.append(f"tr_err code_{count}(void) {{ {' '.join(declarations(code))} {code} return TR_OK; }}")
    return "\n".join(out) + "\n", count + 1


def main():
    text, count = program(pathlib.Path(PAGE).read_text(encoding="utf-8"))
    with tempfile.NamedTemporaryFile("w", suffix=".c", encoding="utf-8") as source:
        source.write(text)
        source.flush()
        run = subprocess.run([*sys.argv[1:], "-std=c11", "-Wall", "-Wno-unused", "-Wno-nested-externs", "-Werror",
                              "-fsyntax-only", source.name], check=False)
    print(f"{count} pieces of code in {PAGE}")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
