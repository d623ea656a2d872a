#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_echo.py - the echo server (examples/13-echo) with as many clients at once as it should bear

Usage: test_echo.py DIRECTORY-OF-PROGRAMS. 10,000 connections at once, 1,000 of them stalled: half of those in the middle
of a line, half sending and never reading. The others are served all the same; then the server is stopped, and ends
gracefully. Fewer under a sanitizer. Where descriptors do not suffice it is skipped, with the reason.
"""
import pathlib
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time
import unittest

PROGRAM = pathlib.Path(sys.argv[1]) / "examples" / "13-echo"
PRESET = PROGRAM.parts
CLIENTS, STALLED = (600, 60) if {"asan", "tsan", "coverage"} & set(PRESET) else (10000, 1000)
SPARE = 100  # descriptors of each process beyond its connections
PATIENCE_S = 100


def raise_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = CLIENTS + SPARE
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise unittest.SkipTest(f"{CLIENTS} connections want {wanted} descriptors, and RLIMIT_NOFILE allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Echo(unittest.TestCase):
    def setUp(self):
        if "tsan" in PRESET:
            self.skipTest("ThreadSanitizer keeps a signal for the fiber that ran when it came")
        raise_descriptors()
        self.server = subprocess.Popen([PROGRAM, "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.port = int(self.server.stdout.readline().split()[1])
        self.deadline = time.monotonic() + PATIENCE_S
        self.clients = []

    def tearDown(self):
        for client in self.clients:
            client.close()
        self.server.kill()
        self.server.communicate()

    def connect_all(self):
        """All of them at once: none waits for another."""
        with selectors.EpollSelector() as selector:
            for _ in range(CLIENTS):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", self.port))
                self.clients.append(client)
                selector.register(client, selectors.EVENT_WRITE)
            left = CLIENTS
            while left > 0:
                self.assertLess(time.monotonic(), self.deadline, f"{left} of {CLIENTS} are not connected")
                for key, _ in selector.select(1):
                    self.assertEqual(key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)
                    selector.unregister(key.fileobj)
                    left -= 1

    def exchange(self, clients, word):
        """Each sends a line, all at once, and gets it back."""
        with selectors.EpollSelector() as selector:
            got = {}
            for i, client in enumerate(clients):
                client.send(b"%s %d\n" % (word, i))
                got[client] = (i, b"")
                selector.register(client, selectors.EVENT_READ)
            while got:
                self.assertLess(time.monotonic(), self.deadline, f"{len(got)} of {len(clients)} got no answer")
                for key, _ in selector.select(1):
                    i, line = got[key.fileobj]
                    line += key.fileobj.recv(100)
                    got[key.fileobj] = (i, line)
                    if line.endswith(b"\n"):
                        self.assertEqual(line, b"%s %d\n" % (word, i))
                        selector.unregister(key.fileobj)
                        del got[key.fileobj]

    @staticmethod
    def stall(clients):
        """The first half begins a line; the others send lines for ever and read nothing, until they are stopped."""
        half = len(clients) // 2
        for client in clients[:half]:
            client.send(b"half a li")
        for client in clients[half:]:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            try:
                for _ in range(100):
                    client.send(b"x" * 4000 + b"\n")
            except BlockingIOError:
                pass

    def test_serves_many_while_some_are_stalled_and_stops_gracefully(self):
        self.connect_all()
        stalled, served = self.clients[:STALLED], self.clients[STALLED:]
        self.exchange(served, b"before")
        self.stall(stalled)
        self.exchange(served, b"beside")
        self.server.send_signal(signal.SIGINT)
        begun = time.monotonic()
        for client in served:  # nothing has begun on these: they end at once
            client.settimeout(PATIENCE_S)
            self.assertEqual(client.recv(1), b"")
        out, err = self.server.communicate(timeout=PATIENCE_S)
        self.assertEqual(out, "stopped: some connections were cut off\n")
        self.assertEqual(self.server.returncode, 128 + signal.SIGINT, err)
        self.assertGreaterEqual(time.monotonic() - begun, 1.9)  # the stalled ones had their time
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.port))

    def test_ends_at_once_when_nobody_has_begun_anything(self):
        self.clients = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(10)]
        self.exchange(self.clients, b"hello")
        self.server.send_signal(signal.SIGINT)
        out, err = self.server.communicate(timeout=PATIENCE_S)
        self.assertEqual(out, "stopped: every connection had ended\n")
        self.assertEqual(self.server.returncode, 128 + signal.SIGINT, err)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
