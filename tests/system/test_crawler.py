# SPDX-License-Identifier: MIT
"""test_crawler.py - the crawler of the examples, interrupted: it ends in order and says what is known"""
import pathlib
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command import WATCHDOG_S, environment, main, program, without_warnings  # noqa: E402


class Crawler(unittest.TestCase):
    def setUp(self):
        self.program = pathlib.Path(program()).parent / "examples" / "18-crawler"
        if not self.program.exists():
            self.skipTest("built without the fetcher, or without examples")
        if "tsan" in self.program.parts:
            self.skipTest("ThreadSanitizer keeps a signal for the fiber that ran when it came")

    def crawl(self, url, **options):
        process = subprocess.Popen([str(self.program), url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=environment(), **options)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def serve_one(self, server, body):
        connection = server.accept()[0]
        while not connection.recv(4096).endswith(b"\r\n\r\n"):
            pass
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        connection.close()

    def test_interrupted_it_prints_what_it_has_and_ends_with_130(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(WATCHDOG_S)
            process = self.crawl("http://127.0.0.1:%d" % server.getsockname()[1])
            self.serve_one(server, b'<a href="/first"></a> <a href="/second"></a>')
            waiting = [server.accept()[0], server.accept()[0]]  # both links are being fetched, and get no answer
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=WATCHDOG_S)
            for connection in waiting:
                connection.close()
        self.assertEqual(process.returncode, 130, stderr)
        self.assertEqual(stdout, "200 /, 2 links\n--- /first, it was cancelled\n"
                                 "--- /second, it was cancelled\n", without_warnings(stderr))


if __name__ == "__main__":
    main()
