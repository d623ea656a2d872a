# SPDX-License-Identifier: MIT
"""web.py - a web server that does what web servers do when they are bad, for the tests of the fetcher and the command.

It binds port 0 and prints its port (and, with --tls, the file of its certificate) on the first line; it ends when its standard
input is closed, so that no test leaves one behind. Each path is a behaviour: see PAGES.
"""
import gzip
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

WAIT_S = 20


class Counts:
    """What the server saw, for /stats."""

    def __init__(self):
        self.changed = threading.Condition()
        self.values = {"connections": 0, "open": 0, "requests": 0, "active": 0, "peak": 0, "hanging": 0, "hung_up": 0}

    def add(self, name, n=1):
        with self.changed:
            self.values[name] += n
            self.values["peak"] = max(self.values["peak"], self.values["active"])
            self.changed.notify_all()

    def reset(self):
        """Once nobody hangs any more from before."""
        with self.changed:
            self.changed.wait_for(lambda: self.values["hanging"] == 0, WAIT_S)
            self.values.update(connections=0, requests=0, peak=0, hung_up=0)

    def wait(self, name, n):
        with self.changed:
            return self.changed.wait_for(lambda: self.values[name] >= n, WAIT_S)


class Barrier:
    """Lets requests go only when n of them are inside at the same time."""

    def __init__(self):
        self.changed = threading.Condition()
        self.inside = {}

    def enter(self, key, n):
        with self.changed:
            self.inside[key] = self.inside.get(key, 0) + 1
            self.changed.notify_all()
            return self.changed.wait_for(lambda: self.inside[key] >= n, WAIT_S)


COUNTS = Counts()
BARRIER = Barrier()


class Gone(Exception):
    """The connection is to be closed."""


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")
        self.is_active = False

    def read_request(self):
        if self.file.peek(1)[:1] == b"\x16":  # a TLS handshake, which need not have an end of line
            self.send(b"HTTP/1.1 400 No TLS Here\r\n\r\n")
            raise Gone
        line = self.file.readline(65536)
        if not line.strip():
            raise Gone
        self.method, self.target, _ = line.decode("latin-1").split(" ", 2)
        self.headers = []
        while True:
            line = self.file.readline(65536).decode("latin-1").strip()
            if not line:
                break
            name, _, value = line.partition(":")
            self.headers.append((name.lower(), value.strip()))
        self.body = self.file.read(int(dict(self.headers).get("content-length", 0)))

    def enter(self):
        self.is_active = True
        COUNTS.add("requests")
        COUNTS.add("active")

    def leave(self):
        """Before the answer goes out: whoever gets it may send the next request on another connection at once."""
        if self.is_active:
            COUNTS.add("active", -1)
        self.is_active = False

    def send(self, data):
        self.sock.sendall(data)

    def head(self, status=200, headers=()):
        self.leave()
        lines = ["HTTP/1.1 %d Some Words" % status] + ["%s: %s" % pair for pair in headers]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def page(self, body, status=200, headers=()):
        head = "HTTP/1.1 %d Some Words\r\nContent-Length: %d\r\n" % (status, len(body))
        head += "".join("%s: %s\r\n" % pair for pair in headers) + "\r\n"
        self.leave()
        self.send(head.encode("latin-1") + (b"" if self.method == "HEAD" else body))

    def wait_for_end(self):
        """Until the other side closes."""
        self.leave()
        COUNTS.add("hanging")
        try:
            self.sock.settimeout(WAIT_S)
            while self.sock.recv(4096):
                pass
        except OSError:
            pass
        finally:
            COUNTS.add("hanging", -1)
            COUNTS.add("hung_up")
        raise Gone


def ok(c, size="1024"):
    c.page(b"x" * int(size), headers=[("Content-Type", "text/plain")])


def slow(c, ms):
    time.sleep(int(ms) / 1000)
    ok(c)


def drip(c):
    c.head(headers=[("Content-Length", "1000")])
    while True:
        c.send(b"x")
        time.sleep(1)


def drip_header(c):
    c.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        c.send(b"x")
        time.sleep(1)


def trickle(c, ms):
    """A byte every so many milliseconds: never idle, always slow."""
    c.head(headers=[("Content-Length", "100000")])
    while True:
        c.send(b"x")
        time.sleep(int(ms) / 1000)


def garbage(c):
    c.send(bytes(range(128, 256)) * 4 + b"\r\n\r\n")
    raise Gone


def stop(c, where):
    if where == "headers":
        c.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    elif where == "body":
        c.head(headers=[("Content-Length", "1000")])
        c.send(b"x" * 10)
    elif where == "chunk":
        c.head(headers=[("Transfer-Encoding", "chunked")])
        c.send(b"64\r\nxxx")
    raise Gone


def redirect(c, n):
    c.page(b"", 302, [("Location", "/redirect/%d" % (int(n) - 1) if int(n) > 1 else "/ok/10")])


def loop(c):
    c.page(b"", 302, [("Location", "/loop")])


def to(c, *url):
    """/to/http/host:port/path"""
    c.page(b"", 302, [("Location", url[0] + "://" + "/".join(url[1:]))])


def zipped(c, size="10000"):
    c.page(gzip.compress(b"z" * int(size)), headers=[("Content-Encoding", "gzip")])


BOMB = gzip.compress(b"\0" * (64 << 20), 9)


def bomb(c):
    c.page(BOMB, headers=[("Content-Encoding", "gzip")])


def bad_gzip(c):
    c.page(b"this is no gzip", headers=[("Content-Encoding", "gzip")])


def endless(c):
    """A body without an announced length and without an end."""
    c.head(headers=[("Connection", "close")])
    while True:
        c.send(b"y" * 65536)


def chunked(c):
    c.head(headers=[("Transfer-Encoding", "chunked")])
    for part in (b"one,", b"two,", b"three"):
        c.send(b"%x\r\n%s\r\n" % (len(part), part))
    c.send(b"0\r\n\r\n")


def status(c, n):
    c.page(b"status " + n.encode(), int(n))


def headers(c, n):
    c.page(b"ok", headers=[("X-%d" % i, "v" * 20) for i in range(int(n))])


def close(c):
    c.page(b"closing", headers=[("Connection", "close")])
    raise Gone


def quiet_close(c):
    """Closes a connection that it said nothing about."""
    c.page(b"closing")
    raise Gone


def close_next(c):
    """Takes the next request on this connection, and closes it without a word."""
    c.page(b"closing")
    c.read_request()
    raise Gone


def echo(c):
    c.page(json.dumps({"method": c.method, "target": c.target, "headers": c.headers,
                       "body": c.body.decode("latin-1")}).encode())


def hang(c):
    c.wait_for_end()


def barrier(c, key, n):
    if BARRIER.enter(key, int(n)):
        ok(c, "10")
    else:
        c.page(b"never were there so many", 500)


def stats(c):
    with COUNTS.changed:
        values = dict(COUNTS.values)
    values["active"] -= 1
    c.page(json.dumps(values).encode())


def reset(c):
    COUNTS.reset()
    c.page(b"ok")


def wait(c, name, n):
    """Answers when a count has reached n."""
    c.page(b"ok", 200 if COUNTS.wait(name, int(n)) else 500)


PAGES = {"": ok, "ok": ok, "slow": slow, "drip": drip, "drip-header": drip_header, "trickle": trickle, "garbage": garbage,
         "stop": stop, "redirect": redirect, "loop": loop, "to": to, "gzip": zipped, "bomb": bomb, "bad-gzip": bad_gzip,
         "endless": endless, "chunked": chunked, "status": status, "headers": headers, "close": close,
         "quiet-close": quiet_close, "close-next": close_next, "echo": echo, "hang": hang, "barrier": barrier, "stats": stats, "reset": reset, "wait": wait}


def answer(c):
    parts = [p for p in c.target.split("?")[0].split("/") if p] or [""]
    page = PAGES.get(parts[0])
    if page is None:
        c.page(b"no such page", 404)
    else:
        page(c, *parts[1:])


def serve(sock, context):
    COUNTS.add("open")
    try:
        if context is not None:
            sock = context.wrap_socket(sock, server_side=True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        c = Connection(sock)
        while True:
            c.read_request()
            c.enter()
            try:
                answer(c)
            finally:
                c.leave()
    except (Gone, OSError, ValueError):
        pass
    finally:
        COUNTS.add("open", -1)
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()


def make_certificate(directory):
    cert = os.path.join(directory, "cert.pem")
    key = os.path.join(directory, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert,
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


def accept_all(listener, context):
    while True:
        sock, _ = listener.accept()
        COUNTS.add("connections")
        threading.Thread(target=serve, args=(sock, context), daemon=True).start()


def main():
    cert, context = "", None
    with tempfile.TemporaryDirectory(prefix="troupe-web-") as directory:
        if "--tls" in sys.argv:
            cert, context = make_certificate(directory)
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        threading.Thread(target=accept_all, args=(listener, context), daemon=True).start()
        print(listener.getsockname()[1], cert, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
