# SPDX-License-Identifier: MIT
"""fetch.py - the fetch workload: pages of 1 KiB from an nginx of our own, a hundred at a time.

The server gets a core to itself where there are two, the client the other. Every client prints a line a page, which is
what is checked; what a client costs is read from its rusage. curl gets a list, as we do; curl-range the same pages as
one URL with a range in it, which spares it the list.
"""
import os
import shutil
import socket
import subprocess
import tempfile

from measure import Failed, Goal, Metric, Row, Skip, System, all_cores, run_program

PAGE_BYTES = 1024
CONCURRENCY = 100

NGINX_CONF = """\
daemon off;
worker_processes 1;
{user}
pid {dir}/pid;
error_log {dir}/error.log crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type text/plain;
    keepalive_requests 1000000000;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "{page}"; }}
    }}
}}
"""


class Server:
    """An nginx that listens on a socket made here, so that the port is free and connecting needs no waiting."""

    def __init__(self, directory):
        nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if nginx is None:
            raise Skip("nginx is not installed")
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        self.port = listener.getsockname()[1]
        conf = os.path.join(directory, "nginx.conf")
        with open(conf, "w") as f:
            f.write(NGINX_CONF.format(user="user nobody nogroup;" if os.geteuid() == 0 else "", dir=directory,
                                      port=self.port, page="x" * PAGE_BYTES))
        cpus = all_cores()[:1]
        self.process = subprocess.Popen([nginx, "-p", directory, "-c", conf], pass_fds=[listener.fileno()],
                                        env=dict(os.environ, NGINX="%d;" % listener.fileno()),
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        listener.close()

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Pages:
    """The list of pages, as each client wants it, and the server behind it. Made when first asked for."""

    def __init__(self, count):
        self.count = count
        self.directory = None

    def open(self):
        if self.directory is not None:
            return
        self.directory = tempfile.mkdtemp(prefix="troupe-bench-")
        self.server = None
        self.server = Server(self.directory)
        base = "http://127.0.0.1:%d/page/" % self.server.port
        self.urls = [base + str(i) for i in range(1, self.count + 1)]
        self.lines = ["Fetched %d bytes from %s" % (PAGE_BYTES, url) for url in self.urls]
        self.list = os.path.join(self.directory, "urls")
        with open(self.list, "w") as f:
            f.writelines(url + "\n" for url in self.urls)
        self.config = os.path.join(self.directory, "curlrc")
        with open(self.config, "w") as f:
            f.writelines('url="%s"\noutput=/dev/null\n' % url for url in self.urls)
        self.range = "%s[1-%d]" % (base, self.count)

    def close(self):
        if self.directory is not None:
            if self.server is not None:
                self.server.stop()
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def check(self, path, ordered):
        with open(path) as f:
            got = f.read().splitlines()
        if got != self.lines and (ordered or sorted(got) != sorted(self.lines)):
            raise Failed("%d of %d lines are what they should be" % (len(set(got) & set(self.lines)), self.count))


def run_client(pages, rusage, command, ordered=False):
    """Pages a second, microseconds of CPU a page, MiB at the peak."""
    out = os.path.join(pages.directory, "out")
    with open(out, "w") as f:
        _, err = run_program([rusage] + command, all_cores()[-1:], stdout=f)
    pages.check(out, ordered)
    words = err.splitlines()[-1].split() if err else []
    if len(words) != 4 or words[0] != "rusage":
        raise Failed("no rusage line")
    wall_ns, cpu_us, resident_kib = (int(word) for word in words[1:])
    return [pages.count * 1e9 / wall_ns, cpu_us / pages.count, resident_kib / 1024]


def fetch_row(count, programs, peers_dir, python):
    pages = Pages(count)

    def ours():
        rusage = programs.find("bench-rusage")
        troupe = programs.find("troupe")
        pages.open()
        return run_client(pages, rusage, [troupe, "fetch", "-i", pages.list, "-c", str(CONCURRENCY)], ordered=True)

    def curl(source):
        if shutil.which("curl") is None:
            raise Skip("not installed")
        rusage = programs.find("bench-rusage")
        pages.open()
        # -q: no .curlrc. -w: the line a page that is checked; it makes no difference to the figures.
        return run_client(pages, rusage, ["curl", "-q", "-s", "--parallel", "--parallel-max", str(CONCURRENCY),
                                          "-w", "Fetched %{size_download} bytes from %{url_effective}\\n"] + source())

    def aiohttp():
        if subprocess.call([python, "-c", "import aiohttp"], stderr=subprocess.DEVNULL) != 0:
            raise Skip("%s has no aiohttp" % python)
        rusage = programs.find("bench-rusage")
        pages.open()
        program = os.path.join(str(peers_dir), "fetch.py")
        return run_client(pages, rusage, [python, program, pages.list, str(CONCURRENCY)])

    metrics = [Metric("fetch", "pages/s", "higher", [Goal(1, "curl")]),
               Metric("fetch-cpu", "us/page", "lower", [Goal(1, "curl")]),
               Metric("fetch-memory", "MiB", "lower", [Goal(32)])]
    row = Row("fetch", 1, metrics, [
        System("troupe", ours), System("curl", lambda: curl(lambda: ["-K", pages.config])),
        System("curl-range", lambda: curl(lambda: ["-o", "/dev/null", pages.range])), System("aiohttp", aiohttp)])
    row.close = pages.close
    return row
