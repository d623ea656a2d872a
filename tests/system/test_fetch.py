# SPDX-License-Identifier: MIT
"""test_fetch.py - troupe fetch: what it prints, in which order, and how it ends"""
import json
import os
import pathlib
import pty
import resource
import signal
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command import CommandTest, Web, main, refused_url  # noqa: E402


def fetched(url, size):
    return "Fetched %d bytes from %s\n" % (size, url)


def limit_files():
    """Of the command: writing more than 1,000 bytes to a file fails, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


class Fetch(CommandTest):
    def ask_server(self, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.web.url + path) as reply:
            return reply.read()

    def write_list(self, text):
        path = self.dir / "urls.txt"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    # ---- what is printed ----

    def test_one_page(self):
        url = self.web.url + "/ok/1234"
        self.assertEqual(self.run_troupe("fetch", url), (fetched(url, 1234), ""))

    def test_pages_are_printed_in_the_order_given(self):
        slow, fast = self.web.url + "/barrier/order/2", self.web.url + "/barrier/order/2?second"
        last = self.web.url + "/ok/7"
        text, errors = self.run_troupe("fetch", slow, last, fast)
        self.assertEqual(text, fetched(slow, 10) + fetched(last, 7) + fetched(fast, 10))
        self.assertEqual(errors, "")

    def test_url_without_scheme_is_http_and_printed_as_given(self):
        url = self.web.host + "/ok/5"
        self.assertEqual(self.run_troupe("fetch", url)[0], fetched(url, 5))

    def test_tls_is_verified(self):
        web = Web("--tls")
        self.addCleanup(web.close)
        url = web.url + "/ok/3"
        _, errors = self.run_troupe("fetch", url, code=1)
        self.assertRegex(errors, r"^troupe: https://\S+: tls 127\.0\.0\.1:\d+: SSL certificate problem: ")
        self.assertEqual(self.run_troupe("fetch", "--ca-file", web.cert, url)[0], fetched(url, 3))
        self.assertEqual(self.run_troupe("fetch", "--insecure", url)[0], fetched(url, 3))

    # ---- failures ----

    def test_failure_names_phase_and_reason_and_the_rest_is_fetched(self):
        good, bad = self.web.url + "/ok/1", refused_url()
        text, errors = self.run_troupe("fetch", bad, good, "http://nohost.invalid/", code=1)
        self.assertEqual(text, fetched(good, 1))
        host = bad[len("http://"):-1]
        self.assertEqual(sorted(errors.splitlines()),
                         ["troupe: %s: connect %s: Connection refused" % (bad, host),
                          "troupe: http://nohost.invalid/: resolve nohost.invalid:80: Couldn't resolve host name"])

    def test_status_of_400_or_more_is_a_failure(self):
        url = self.web.url + "/status/404"
        self.assertEqual(self.run_troupe("fetch", url, code=1), ("", "troupe: %s: status 404 Not Found\n" % url))

    def test_url_that_is_none_is_a_failure(self):
        self.assertEqual(self.run_troupe("fetch", "ftp://host/x", code=1),
                         ("", 'troupe: ftp://host/x: url "ftp://host/x": only http and https are fetched\n'))

    def test_page_over_max_size_is_a_failure(self):
        url = self.web.url + "/ok/2049"
        _, errors = self.run_troupe("fetch", "--max-size", "2k", url, code=1)
        self.assertIn("more than 2048 bytes, the limit", errors)
        self.run_troupe("fetch", "--max-size", "3k", url)

    def test_terminal_escapes_in_a_url_are_not_obeyed(self):
        _, errors = self.run_troupe("fetch", "http://host/\x1b[2J", code=1)
        self.assertNotIn("\x1b", errors)

    # ---- lists ----

    def test_list_from_a_file(self):
        a, b = self.web.url + "/ok/1", self.web.url + "/ok/2"
        path = self.write_list("# a comment\r\n\n  %s  \r\n%s" % (a, b))
        self.assertEqual(self.run_troupe("fetch", "-i", path), (fetched(a, 1) + fetched(b, 2), ""))

    def test_arguments_come_before_the_list(self):
        a, b = self.web.url + "/ok/1", self.web.url + "/ok/2"
        self.assertEqual(self.run_troupe("fetch", "-i", self.write_list(b), a)[0], fetched(a, 1) + fetched(b, 2))

    def test_failures_of_a_list_name_the_line(self):
        good = self.web.url + "/ok/1"
        path = self.write_list("#\nnot a url\n%s\n%s\nhttp://a\0b/\n" % (good, "http://host/" + "x" * 9000))
        text, errors = self.run_troupe("fetch", "-i", path, code=1)
        self.assertEqual(text, fetched(good, 1))
        self.assertEqual(sorted(errors.splitlines()),
                         ['troupe: %s:2: not a url: url "http://not a url": it has a space or a control character' % path,
                          "troupe: %s:4: (line): url: longer than 8192 bytes" % path,
                          'troupe: %s:5: http://a?b/: url "http://a?b/": it has a space or a control character' % path])

    def test_line_longer_than_the_buffer_is_told_once(self):
        good = self.web.url + "/ok/1"
        path = self.write_list("x" * 200000 + "\n" + good + "\n" + "y" * 100000)
        text, errors = self.run_troupe("fetch", "-i", path, code=1)
        self.assertEqual(text, fetched(good, 1))
        self.assertEqual(errors, "troupe: %s:1: (line): url: longer than 8192 bytes\ntroupe: %s:3: (line): url: longer than 8192 bytes\n"
                         % (path, path))

    def test_list_from_standard_input_is_fetched_while_it_is_written(self):
        process = self.start_troupe("fetch", "-i", "-", stdin=subprocess.PIPE)
        for i in range(3):
            url = self.web.url + "/ok/%d" % i
            process.stdin.write(url + "\n")
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), fetched(url, i))
        self.assertEqual(self.end(process, 0), ("", ""))

    def test_empty_list_is_fine(self):
        self.assertEqual(self.run_troupe("fetch", "-i", self.write_list("")), ("", ""))
        self.assertEqual(self.run_troupe("fetch", "-i", "/dev/null"), ("", ""))

    def test_list_that_is_not_there(self):
        _, errors = self.run_troupe("fetch", "-i", self.dir / "none", code=1)
        self.assertEqual(errors, "troupe fetch: cannot read %s: No such file or directory\n" % (self.dir / "none"))

    def test_thousand_pages_in_order_with_a_bad_one_among_them(self):
        urls = [self.web.url + "/ok/%d" % n for n in range(1000)]
        bad = refused_url()
        path = self.write_list("\n".join(urls[:500] + [bad] + urls[500:]))
        text, errors = self.run_troupe("fetch", "--parallel-max", 20, "-i", path, code=1)
        self.assertEqual(text, "".join(fetched(url, n) for n, url in enumerate(urls)))
        self.assertEqual(len(errors.splitlines()), 1)

    def test_pages_at_a_time(self):
        self.ask_server("/reset")
        urls = [self.web.url + "/slow/10?%d" % n for n in range(20)]
        self.run_troupe("fetch", "--parallel-max", 3, *urls)
        self.assertEqual(json.loads(self.ask_server("/stats"))["peak"], 3)

    # ---- saving ----

    def test_pages_are_saved_whole_under_names_of_their_own(self):
        out = self.dir / "out"
        urls = [self.web.url + path for path in ("/ok/5", "/ok/5", "/ok/../ok/6", "/gzip/100?a=b/c")]
        self.run_troupe("fetch", "--output-dir", out, *urls)
        stem = "127.0.0.1_%d" % self.web.port
        files = {p.name: p.read_bytes() for p in out.iterdir()}
        self.assertEqual(len(files), 4)
        self.assertEqual(files[stem + "_gzip_100_a_b_c"], b"z" * 100)
        self.assertEqual(files[stem + "_ok_.._ok_6"], b"x" * 6)
        self.assertEqual([n for n in sorted(files) if n.startswith(stem + "_ok_5")][0], stem + "_ok_5")

    def test_second_run_replaces_nothing(self):
        out = self.dir / "out"
        for _ in range(3):
            self.run_troupe("fetch", "--output-dir", out, self.web.url + "/ok/5")
        self.assertEqual(len(list(out.iterdir())), 3)

    def test_page_that_cannot_be_saved_is_a_failure(self):
        out = self.dir / "file"
        out.write_text("x")
        _, errors = self.run_troupe("fetch", "--output-dir", out, self.web.url + "/ok/5", code=1)
        self.assertEqual(errors, "troupe fetch: cannot open directory %s: Not a directory\n" % out)

    def test_file_too_big_for_its_place_is_a_failure_and_leaves_nothing(self):
        out = self.dir / "out"
        url = self.web.url + "/ok/5000"
        _, errors = self.run_troupe("fetch", "--output-dir", out, url, code=1, preexec_fn=limit_files)
        self.assertEqual(errors, "troupe: %s: save: File too large\n" % url)
        self.assertEqual(list(out.iterdir()), [])

    # ---- JSON ----

    def test_json_is_an_object_a_page(self):
        good, bad = self.web.url + "/redirect/1", refused_url()
        text, _ = self.run_troupe("fetch", "--json", good, bad, self.web.url + "/status/500", code=1)
        pages = {page["url"]: page for page in map(json.loads, text.splitlines())}
        self.assertEqual(len(pages), 3)
        self.assertEqual((pages[good]["ok"], pages[good]["status"], pages[good]["bytes"]), (True, 200, 10))
        self.assertEqual(pages[good]["final_url"], self.web.url + "/ok/10")
        self.assertEqual(pages[good]["info"]["redirects"], 1)
        self.assertEqual((pages[bad]["ok"], pages[bad]["phase"], pages[bad]["code"]), (False, "connect", "TR_FETCH_CONNECT"))
        self.assertEqual(pages[self.web.url + "/status/500"]["error"], "status 500 Internal Server Error")

    def test_json_comes_as_pages_complete(self):
        urls = [self.web.url + "/hang", self.web.url + "/ok/1"]
        process = self.start_troupe("fetch", "--json", *urls)
        self.assertEqual(json.loads(process.stdout.readline())["url"], urls[1])
        process.send_signal(signal.SIGINT)
        self.end(process, 130)

    def test_url_that_is_no_utf8_is_still_json(self):
        text, _ = self.run_troupe("fetch", "--json", "-i", self.write_list(b"ftp://h/\xff\xc3\xa9\"\n"), code=1)
        self.assertEqual(json.loads(text)["url"], "ftp://h/\ufffd\u00e9\"")

    # ---- early ends ----

    def test_time_limit_of_the_run(self):
        done, hangs = self.web.url + "/ok/1", self.web.url + "/hang"
        text, errors = self.run_troupe("fetch", "-t", "0.5", hangs, done, code=1)
        self.assertEqual(text, fetched(done, 1))
        self.assertIn("troupe: %s: not fetched: the 0.5 s of -t are over\n" % hangs, errors)
        self.assertRegex(errors, r"troupe: stopped: 1 page fetched, 1 bytes in \d\.\d s; 1 failed\n")

    def test_interrupt_stops_at_once_and_tells_what_was_done(self):
        out = self.dir / "out"
        self.ask_server("/reset")
        done = [self.web.url + "/ok/%d" % n for n in range(5)]
        process = self.start_troupe("fetch", "--output-dir", out, *done, self.web.url + "/hang", self.web.url + "/drip")
        self.assertEqual([process.stdout.readline() for _ in done], [fetched(url, n) for n, url in enumerate(done)])
        self.ask_server("/wait/hanging/1")
        process.send_signal(signal.SIGINT)
        text, errors = self.end(process, 130)
        self.assertEqual(text, "")
        self.assertRegex(errors, r"(?m)^troupe: interrupted: 5 pages fetched, 10 bytes in \d\.\d s; 0 failed$")
        self.assertEqual(len(list(out.iterdir())), 5)

    def test_interrupt_prints_pages_that_waited_for_their_turn(self):
        hangs, done = self.web.url + "/hang", self.web.url + "/ok/9"
        self.ask_server("/reset")
        # The second to hang is asked for when the third is done, so the first has long been seen by then.
        process = self.start_troupe("fetch", "--parallel-max", "2", hangs, done, done + "?2", done + "?3", hangs)
        self.ask_server("/wait/hanging/2")
        process.send_signal(signal.SIGINT)
        text, _ = self.end(process, 130)
        self.assertIn(fetched(done, 9), text)

    def test_reader_that_goes_away_is_an_error(self):
        urls = self.write_list("".join(self.web.url + "/ok/1?%d\n" % n for n in range(2000)))
        process = self.start_troupe("fetch", "-i", urls)
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn("troupe: cannot write to standard output: Broken pipe\n", errors)

    def test_full_disk_is_an_error(self):
        with open("/dev/full", "w") as full:
            process = self.start_troupe("fetch", self.web.url + "/ok/1", stdout=full)
            _, errors = self.end(process, 1)
        self.assertIn("troupe: cannot write to standard output: No space left on device\n", errors)

    def test_reader_that_does_not_read_does_not_stop_the_interrupt(self):
        urls = self.write_list("".join(self.web.url + "/ok/1?%s%d\n" % ("x" * 200, n) for n in range(2000)))
        self.ask_server("/reset")
        process = self.start_troupe("fetch", "-i", urls)
        self.ask_server("/wait/requests/440")  # the pipe holds 258 lines, and 200 are under way
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        self.assertEqual(process.returncode, 130)
        process.communicate()

    # ---- terminals ----

    def test_terminal_gets_a_bar_that_goes_away(self):
        master, slave = pty.openpty()
        process = self.start_troupe("fetch", self.web.url + "/slow/400", self.web.url + "/ok/1", stderr=slave)
        os.close(slave)
        text, _ = process.communicate(timeout=60)
        shown = b""
        try:
            while chunk := os.read(master, 65536):
                shown += chunk
        except OSError:
            pass
        os.close(master)
        self.assertEqual(len(text.splitlines()), 2)
        self.assertIn(b"] of 2: ", shown)
        self.assertIn(b"2 pages fetched", shown.split(b"\x1b[K")[-1])


if __name__ == "__main__":
    main()
