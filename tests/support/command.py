# SPDX-License-Identifier: MIT
"""command.py - what the system tests of the command share: the server of web.py, and runs of `troupe`"""
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import unittest

SUPPORT = pathlib.Path(__file__).resolve().parent
WATCHDOG_S = 60


def program():
    """build/<preset>/bin/troupe: the directory is the first argument, or TROUPE_BIN."""
    directory = sys.argv[1] if len(sys.argv) > 1 else os.environ["TROUPE_BIN"]
    return str(pathlib.Path(directory) / "troupe")


def environment():
    """Without the proxies of whoever runs the tests."""
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


class Web:
    """The server, until close."""

    def __init__(self, *args):
        self.process = subprocess.Popen([sys.executable, str(SUPPORT / "web.py"), *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        self.port = int(words[0])
        self.cert = words[1] if len(words) > 1 else None
        self.host = "127.0.0.1:%d" % self.port
        self.url = ("https://" if self.cert else "http://") + self.host

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def refused_url():
    """Of a port on which nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return "http://127.0.0.1:%d/" % s.getsockname()[1]


def without_warnings(errors):
    """A slow machine, or a sanitizer, makes the runtime warn of slow handlers; that is not what the tests are about."""
    return "".join(line for line in errors.splitlines(True) if " has held its worker for " not in line)


class CommandTest(unittest.TestCase):
    """With a server for the class and a directory for each test."""

    @classmethod
    def setUpClass(cls):
        cls.web = Web()

    @classmethod
    def tearDownClass(cls):
        cls.web.close()

    def setUp(self):
        if re.search("interrupt|json_comes", self._testMethodName) and "tsan" in pathlib.Path(program()).parts:
            self.skipTest("ThreadSanitizer keeps a signal for the fiber that ran when it came")
        directory = tempfile.TemporaryDirectory(prefix="troupe-test-")
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)

    def run_troupe(self, *args, code=0, **options):
        """stdout and stderr of a run that ended with this code."""
        options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
        if options["stdin"] is None:
            del options["stdin"]
        result = subprocess.run([program(), *map(str, args)], capture_output=True, text=True, errors="replace",
                                env=environment(), timeout=WATCHDOG_S, check=False, **options)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout, without_warnings(result.stderr)

    def start_troupe(self, *args, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen([program(), *map(str, args)], text=True, env=environment(), **options)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def end(self, process, code):
        """stdout and stderr of a started run."""
        stdout, stderr = process.communicate(timeout=WATCHDOG_S)
        self.assertEqual(process.returncode, code, stderr)
        return stdout, without_warnings(stderr)


def main():
    unittest.main(argv=sys.argv[:1])
