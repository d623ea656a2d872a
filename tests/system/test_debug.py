# SPDX-License-Identifier: MIT
"""test_debug.py - a program that hangs is looked at from outside: by a signal, by gdb, and as a core"""
import os
import pathlib
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["TROUPE_BIN"]).resolve()
TOP = pathlib.Path(__file__).resolve().parents[2]
DEBUGGEE = BIN / "tests" / "debuggee"
NAMES = BIN.parent / "lib" / "libtroupe_debug.so"
SCRIPT = TOP / "share" / "gdb" / "troupe-gdb.py"
WATCHDOG_S = 60

# The waits, and the frames of a suspended stack: static functions of the program, by name and line.
WAITS = r"main <1\.1>, waiting, mailbox 0 \(0 bytes\)\n +waits for an answer of clerk <3\.1>, for \d+\.\d{3} s, at most another 3\d{3}\.\d{3} s\n"
FRAMES = r"#\d+ tr_ask_small at \S*src/actor/ask\.c:\d+\n +#\d+ tr_ask_any at \S*detail_small\.h:\d+ \(inlined\)\n +#\d+ crawl at \S*debuggee\.c:\d+\n +#\d+ tr_scope_run at \S*scope\.c:\d+\n +#\d+ program at \S*debuggee\.c:\d+\n"
RUNS = r"runs\n(?: +#\d+ .*\n)* +#\d+ hold_the_loop at \S*debuggee\.c:\d+\n"


class Debug(unittest.TestCase):
    def setUp(self):
        if {"asan", "tsan"} & set(BIN.parts):
            self.skipTest("a sanitizer wants to be loaded first, and keeps signals to itself")

    def start(self, *args, env=None, **options):
        process = subprocess.Popen([DEBUGGEE, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, **(env or {})}, **options)
        self.addCleanup(self.end, process)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def end(self, process):
        process.kill()
        process.communicate()

    def read_until(self, stream, words):
        """What comes, until the words are in it."""
        text, until = "", time.monotonic() + WATCHDOG_S
        while words not in text and time.monotonic() < until:
            if select.select([stream], [], [], 1)[0]:
                part = os.read(stream.fileno(), 65536).decode()
                if not part:
                    break
                text += part
        return text

    # ---- by signal

    def test_signal_lists_a_stuck_program_with_names_that_were_preloaded(self):
        if not NAMES.exists():
            self.skipTest("troupe_debug was not built: libdw is missing")
        process = self.start(env={"LD_PRELOAD": str(NAMES), "TROUPE_DEBUG": "listing"})
        process.send_signal(signal.SIGUSR1)
        text = self.read_until(process.stderr, "hold_the_loop at")
        text += self.read_until(process.stderr, "page at") if "page at" not in text else ""
        self.assertRegex(text, r"main: 4 actors\nworker 0 \(thread \d+\) runs body <4\.1>")
        self.assertRegex(text, WAITS)
        self.assertRegex(text, FRAMES)
        self.assertRegex(text, RUNS)
        self.assertRegex(text, r"in its scope crawl \(1 alive\), at most another 7\d{3}\.\d{3} s\n +body <2\.1>")

    def test_slow_handler_is_reported_with_its_stack(self):
        if not NAMES.exists():
            self.skipTest("troupe_debug was not built: libdw is missing")
        process = self.start(env={"LD_PRELOAD": str(NAMES), "TROUPE_DEBUG": "slow"})
        text = self.read_until(process.stderr, "hold_the_loop at")
        self.assertRegex(text, r"body <4\.1> has held its worker for \d+ ms")
        self.assertRegex(text, r"#\d+ hold_the_loop at \S*debuggee\.c:\d+")

    def test_word_that_debug_mode_does_not_know_is_a_warning(self):
        process = self.start("rest", env={"TROUPE_DEBUG": "everything"})
        self.assertIn("TROUPE_DEBUG says something that debug mode does not know",
                      self.read_until(process.stderr, "know"))

    # ---- by gdb

    def gdb(self, *args):
        if shutil.which("gdb") is None:
            self.skipTest("gdb is not installed")
        commands = ("source %s" % SCRIPT, "troupe actors stacks", "troupe stack page", "troupe stack 2.1",
                    "troupe stack clerk", "troupe scopes")
        result = subprocess.run(["gdb", "-nx", "-batch", *map(str, args), *(w for c in commands for w in ("-ex", c))],
                                capture_output=True, text=True, timeout=WATCHDOG_S, check=False,
                                env={**os.environ, "DEBUGINFOD_URLS": ""})
        if re.search(r"ptrace: |Could not attach", result.stderr):
            self.skipTest("this machine lets no debugger attach: " + result.stderr.strip())
        if "Python scripting is not supported" in result.stdout + result.stderr:
            self.skipTest("this gdb was built without Python")
        return result.stdout, result.stderr

    def see(self, text, errors):
        self.assertRegex(text, r"main: 4 actors\n")
        self.assertRegex(text, WAITS)
        self.assertRegex(text, FRAMES)
        self.assertRegex(text, r"body <2\.1>, waiting, mailbox 0 \(0 bytes\)\n +waits for a time.*\n +#0 ")
        self.assertRegex(text, r"#\d+ tr_sleep at \S*tick\.c:\d+\n +#\d+ page at \S*debuggee\.c:\d+\n")
        self.assertRegex(text, r"main\n  main <1\.1>.*\n    clerk <3\.1>.*\n    body <4\.1>.*\n    scope crawl \(1 alive\)")
        self.assertIn("no actor is called page; troupe actors lists them", errors)

    def test_gdb_shows_a_live_process_that_is_stuck(self):
        process = self.start()
        text, errors = self.gdb("-p", process.pid)
        self.see(text, errors)
        self.assertRegex(text, RUNS)
        self.assertIn("clerk <3.1>, ready, mailbox 1", text)
        self.assertIsNone(process.poll())

    def test_gdb_shows_a_live_process_at_rest(self):
        process = self.start("rest")
        text, errors = self.gdb("-p", process.pid)
        self.see(text, errors)
        self.assertRegex(text, r'clerk <3\.1>, waiting, mailbox 0 \(0 bytes\)\n +waits for a time.*\(handling "add"\)\n')
        self.assertRegex(text, r"#\d+ on_add at \S*debuggee\.c:\d+\n")

    def test_gdb_shows_a_core(self):
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip()
        if "/" in pattern or pattern.startswith("|"):
            self.skipTest("cores go to %s here, not to the working directory" % pattern)
        if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
            self.skipTest("the limit of cores cannot be raised here")
        with tempfile.TemporaryDirectory(prefix="troupe-test-") as directory:
            process = self.start(cwd=directory, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
            process.send_signal(signal.SIGABRT)
            process.wait(WATCHDOG_S)
            cores = list(pathlib.Path(directory).iterdir())
            if not cores:
                self.skipTest("the kernel wrote no core")
            text, errors = self.gdb(DEBUGGEE, cores[0])
            self.see(text, errors)
            self.assertRegex(text, RUNS)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
