# SPDX-License-Identifier: MIT
"""web.py - a web server that does what web servers do when they are bad, for the tests of the fetcher and the command.

It binds port 0 and prints its port (and, with --tls, the file of its certificate) on the first line; it ends when its standard
input is closed, so that no test leaves one behind. Each path is a behaviour: see PAGES.

A plain server is a proxy as well: for http, with CONNECT, and for SOCKS 5. With --h2 it is an nginx that speaks HTTP/2 over TLS;
where there is none, its port is 0.
"""
import base64
import gzip
import json
import os
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import zlib

WAIT_S = 20


class Counts:
    """What the server saw, for /stats."""

    def __init__(self):
        self.changed = threading.Condition()
        self.values = {"connections": 0, "open": 0, "requests": 0, "active": 0, "peak": 0, "hanging": 0, "hung_up": 0,
                       "proxied": 0, "sent": 0, "received": 0, "go": 0}

    def add(self, name, n=1):
        with self.changed:
            self.values[name] += n
            self.values["peak"] = max(self.values["peak"], self.values["active"])
            self.changed.notify_all()

    def reset(self):
        """Once nobody hangs any more from before."""
        with self.changed:
            self.changed.wait_for(lambda: self.values["hanging"] == 0, WAIT_S)
            self.values.update(connections=0, requests=0, peak=0, hung_up=0, proxied=0, sent=0, received=0, go=0)

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


class Tries:
    """How often each key has come by."""

    def __init__(self):
        self.lock = threading.Lock()
        self.values = {}

    def next(self, key):
        with self.lock:
            self.values[key] = self.values.get(key, 0) + 1
            return self.values[key]


COUNTS = Counts()
TRIES = Tries()
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
        names = dict(self.headers)
        if names.get("transfer-encoding", "").lower() == "chunked":
            self.left = None
        else:
            self.left = int(names.get("content-length", 0))
        if names.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.body = b""
        if not self.target.startswith("/upload"):  # which takes it as it comes
            self.body = b"".join(self.parts())

    def parts(self):
        """The body of the request, piece by piece."""
        while self.left is None:
            size = int(self.file.readline(100).split(b";")[0], 16)
            piece = self.file.read(size)
            self.file.readline(100)
            if size == 0:
                self.left = 0
                return
            yield piece
        while self.left > 0:
            piece = self.file.read1(min(self.left, 65536))
            if not piece:
                raise Gone
            self.left -= len(piece)
            yield piece

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


def slow_redirect(c, ms, *url):
    time.sleep(int(ms) / 1000)
    to(c, *url)


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


def flaky(c, key, n, how, *after):
    """Fails so often for each key: with a status (and Retry-After), or by closing; then says how often it was tried."""
    count = TRIES.next(key)
    if count > int(n):
        c.page(b"try %d" % count)
    elif how == "close":
        raise Gone
    else:
        c.page(b"later", int(how), [("Retry-After", urllib.parse.unquote(after[0]))] if after else [])


def tries(c, key):
    c.page(b"%d" % (TRIES.next(key) - 1))


def need_auth(c, *words):
    """Only for the one who knows: /auth/basic/name/password or /auth/bearer/token."""
    if words[0] == "basic":
        wanted = "Basic " + base64.b64encode(":".join(words[1:]).encode()).decode()
    else:
        wanted = "Bearer " + words[1]
    if dict(c.headers).get("authorization") == wanted:
        c.page(b"welcome")
    else:
        c.page(b"who are you?", 401, [("WWW-Authenticate", 'Basic realm="tests"')])


def set_cookie(c, name, value, *attributes):
    c.page(b"set", headers=[("Set-Cookie", "; ".join(["%s=%s" % (name, value), "Path=/", *attributes]))])


def big(c, size):
    """That many bytes, counted in "sent" as they go out."""
    size = int(size)
    c.head(headers=[("Content-Length", str(size))])
    piece = bytes(range(256)) * 256
    while size > 0:
        n = min(size, len(piece))
        c.send(piece[:n])
        COUNTS.add("sent", n)
        size -= n


def upload(c, how="all"):
    """Takes a body: all of it, counted in "received", or none until it is told to go on by /wait."""
    size, crc = 0, 0
    chunked = c.left is None
    if how == "refuse":
        c.page(b"no", 413, [("Connection", "close")])
        raise Gone
    if how == "deaf":  # takes nothing, until somebody asks for /go
        with COUNTS.changed:
            COUNTS.values["hanging"] += 1
            COUNTS.changed.notify_all()
            COUNTS.changed.wait_for(lambda: COUNTS.values["go"], WAIT_S)
            COUNTS.values["hanging"] -= 1
    for piece in c.parts():
        size += len(piece)
        crc = zlib.crc32(piece, crc)
        COUNTS.add("received", len(piece))
    c.page(json.dumps({"size": size, "crc": crc, "chunked": chunked, "method": c.method}).encode())


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


def go(c):
    """Lets a deaf upload go on."""
    COUNTS.add("go")
    c.page(b"ok")


def reset(c):
    COUNTS.reset()
    c.page(b"ok")


def wait(c, name, n):
    """Answers when a count has reached n."""
    c.page(b"ok", 200 if COUNTS.wait(name, int(n)) else 500)


PAGES = {"": ok, "ok": ok, "slow": slow, "drip": drip, "drip-header": drip_header, "trickle": trickle, "garbage": garbage,
         "stop": stop, "redirect": redirect, "loop": loop, "to": to, "gzip": zipped, "bomb": bomb, "bad-gzip": bad_gzip,
         "endless": endless, "chunked": chunked, "status": status, "headers": headers, "close": close,
         "quiet-close": quiet_close, "close-next": close_next, "echo": echo, "hang": hang, "barrier": barrier, "stats": stats,
         "reset": reset, "wait": wait, "flaky": flaky, "tries": tries, "auth": need_auth, "set-cookie": set_cookie, "big": big,
         "upload": upload, "go": go, "slow-redirect": slow_redirect}


# ---- as a proxy ----


def relay(one, other):
    """Both ways, until one side ends."""
    try:
        while True:
            for sock in select.select([one, other], [], [], WAIT_S)[0]:
                data = sock.recv(65536)
                if not data:
                    raise Gone
                (other if sock is one else one).sendall(data)
    finally:
        other.close()


def tunnel(c):
    if dict(c.headers).get("proxy-authorization") == "Basic " + base64.b64encode(b"no:entry").decode():
        c.page(b"not through here", 403)
        raise Gone
    host, _, port = c.target.rpartition(":")
    try:
        other = socket.create_connection((host.strip("[]"), int(port)), WAIT_S)
    except OSError:
        c.page(b"nobody there", 502)
        raise Gone from None
    COUNTS.add("proxied")
    c.leave()
    c.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    relay(c.sock, other)


def forward(c):
    """http://host:port/path, on a connection of its own."""
    host, _, path = c.target[len("http://"):].partition("/")
    name, _, port = host.partition(":")
    try:
        other = socket.create_connection((name, int(port or 80)), WAIT_S)
    except OSError:
        c.page(b"nobody there", 502)
        return
    COUNTS.add("proxied")
    lines = ["%s /%s HTTP/1.1" % (c.method, path)]
    lines += ["%s: %s" % pair for pair in c.headers if not pair[0].startswith("proxy-")] + ["Connection: close", "", ""]
    other.sendall("\r\n".join(lines).encode("latin-1") + c.body)
    c.leave()
    while data := other.recv(65536):
        c.send(data)
    other.close()
    raise Gone


def socks(sock, file):
    """SOCKS 5 without authentication (RFC 1928)."""
    file.read(file.read(2)[1])
    sock.sendall(b"\x05\x00")
    kind = file.read(4)[3]
    host = socket.inet_ntoa(file.read(4)) if kind == 1 else file.read(file.read(1)[0]).decode()
    port = struct.unpack(">H", file.read(2))[0]
    other = socket.create_connection((host, port), WAIT_S)
    COUNTS.add("proxied")
    sock.sendall(b"\x05\x00\x00\x01" + bytes(6))
    relay(sock, other)


def answer(c):
    if c.method == "CONNECT":
        tunnel(c)
    if c.target.startswith("http://"):
        forward(c)
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
        if context is None and c.file.peek(1)[:1] == b"\x05":
            socks(sock, c.file)
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


NGINX = """\
daemon off;
worker_processes 1;
pid {dir}/pid;
error_log {dir}/error.log crit;
{user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        location / {{ return 200 "$server_protocol"; }}
        location /file {{ root {dir}; }}
    }}
}}
"""


def serve_h2(directory):
    """An nginx that takes over a socket made here, so that its port is free."""
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if nginx is None:
        print(0, flush=True)
        return
    cert, _ = make_certificate(directory)
    os.chmod(directory, 0o755)
    with open(os.path.join(directory, "file"), "wb") as f:
        f.write(b"f" * 3000000)
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    port = listener.getsockname()[1]
    conf = os.path.join(directory, "nginx.conf")
    with open(conf, "w") as f:
        f.write(NGINX.format(dir=directory, port=port, cert=cert, key=cert.replace("cert.pem", "key.pem"),
                             user="user nobody nogroup;" if os.geteuid() == 0 else ""))
    process = subprocess.Popen([nginx, "-p", directory, "-c", conf], pass_fds=[listener.fileno()],
                               env=dict(os.environ, NGINX="%d;" % listener.fileno()), stdin=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    listener.close()
    print(port, cert, flush=True)
    sys.stdin.read()
    process.terminate()
    process.wait()


def accept_all(listener, context):
    while True:
        sock, _ = listener.accept()
        COUNTS.add("connections")
        threading.Thread(target=serve, args=(sock, context), daemon=True).start()


def main():
    cert, context = "", None
    with tempfile.TemporaryDirectory(prefix="troupe-web-") as directory:
        if "--h2" in sys.argv:
            serve_h2(directory)
            return
        if "--tls" in sys.argv:
            cert, context = make_certificate(directory)
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        threading.Thread(target=accept_all, args=(listener, context), daemon=True).start()
        print(listener.getsockname()[1], cert, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
