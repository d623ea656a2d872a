# SPDX-License-Identifier: MIT
"""test_fetch_options.py - troupe fetch: the options a curl user looks for first"""
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command import CommandTest, Web, environment, main, program, refused_url  # noqa: E402


class Options(CommandTest):
    def ask_server(self, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.web.url + path) as reply:
            return reply.read()

    def echo(self, *args, path="/echo"):
        """What the server got, of a request made with these options."""
        text, _ = self.run_troupe("fetch", "-o", "-", *args, self.web.url + path)
        page = json.loads(text)
        page["headers"] = dict(page["headers"])
        return page

    def wrong(self, *args):
        """What is said to wrong usage."""
        text, errors = self.run_troupe("fetch", *args, code=2)
        self.assertEqual(text, "")
        self.assertTrue(errors.endswith("; see: troupe fetch --help\n"), errors)
        return errors[len("troupe fetch: "):-len("; see: troupe fetch --help\n")]

    # ---- the request ----

    def test_method_headers_and_data(self):
        page = self.echo("-X", "PUT", "-H", "X-One: 1 and more", "-H", "X-Empty;", "-d", "a=1", "--data", "b=2", "-A", "me/1")
        self.assertEqual((page["method"], page["body"]), ("PUT", "a=1&b=2"))
        self.assertEqual(page["headers"]["x-one"], "1 and more")
        self.assertEqual(page["headers"]["x-empty"], "")
        self.assertEqual(page["headers"]["user-agent"], "me/1")
        self.assertEqual(page["headers"]["content-type"], "application/x-www-form-urlencoded")

    def test_data_from_a_file(self):
        path = self.dir / "data"
        path.write_bytes(b"line\r\nnext\n")
        self.assertEqual(self.echo("-d", "@%s" % path)["body"], "linenext")
        page = self.echo("--data-binary", "@%s" % path)
        self.assertEqual((page["method"], page["body"]), ("POST", "line\r\nnext\n"))

    def test_data_from_standard_input(self):
        text, _ = self.run_troupe("fetch", "-o", "-", "-d", "@-", self.web.url + "/echo", input="typed\n")
        self.assertEqual(json.loads(text)["body"], "typed")

    def test_credentials(self):
        url = self.web.url + "/auth/basic/me/pw"
        _, errors = self.run_troupe("fetch", url, code=1)
        self.assertIn("status 401 Unauthorized", errors)
        self.run_troupe("fetch", "-u", "me:pw", url)
        self.run_troupe("fetch", "--oauth2-bearer", "t0ken", self.web.url + "/auth/bearer/t0ken")

    def test_credentials_are_shown_nowhere(self):
        bad = refused_url().replace("http://", "http://me:secret@")
        _, errors = self.run_troupe("fetch", "-u", "you:hidden", "-x", "http://a:b@" + bad[len("http://me:secret@"):], bad, code=1)
        for secret in ("secret", "hidden", "a:b"):
            self.assertNotIn(secret, errors)
        self.assertNotIn("secret", self.wrong("-u", "secret", "http://host/"))

    def test_url_with_a_password_is_saved_under_a_name_without_it(self):
        out = self.dir / "out"
        self.run_troupe("fetch", "--output-dir", out, self.web.url.replace("http://", "http://me:secret@") + "/ok/5")
        self.assertEqual([p.name for p in out.iterdir()], ["127.0.0.1_%d_ok_5" % self.web.port])

    def test_cookies(self):
        jar, file = self.dir / "jar", self.dir / "file"
        self.assertEqual(self.echo("-b", "a=1; b=2", "-b", "c=3")["headers"]["cookie"], "a=1; b=2; c=3")
        self.run_troupe("fetch", "-c", jar, self.web.url + "/set-cookie/id/42/Max-Age=1000")
        self.assertIn("id\t42", jar.read_text())
        self.assertEqual(stat.S_IMODE(jar.stat().st_mode), 0o600)
        self.assertEqual(self.echo("-c", jar)["headers"]["cookie"], "id=42")
        file.write_text("127.0.0.1\tFALSE\t/\tFALSE\t0\tx\ty\n")
        self.assertEqual(self.echo("-b", file)["headers"]["cookie"], "x=y")
        self.assertEqual(file.read_text(), "127.0.0.1\tFALSE\t/\tFALSE\t0\tx\ty\n")

    def test_jar_that_cannot_be_written_is_a_failure(self):
        text, errors = self.run_troupe("fetch", "-c", "/dev/full", self.web.url + "/set-cookie/id/42", code=1)
        self.assertIn("Fetched 3 bytes", text)
        self.assertEqual(errors, "troupe: /dev/full: cannot write cookies to /dev/full: No space left on device\n")

    def test_cookie_file_that_is_not_there(self):
        _, errors = self.run_troupe("fetch", "-b", "/nowhere", self.web.url + "/ok", code=1)
        self.assertEqual(errors, "troupe fetch: cannot read /nowhere: No such file or directory\n")

    def test_head(self):
        text, _ = self.run_troupe("fetch", "-I", self.web.url + "/ok/99")
        self.assertTrue(text.startswith("HTTP/1.1 200"), text)
        self.assertIn("\ncontent-length: 99\n", text)
        self.assertTrue(text.endswith("\n\n"))

    def test_compression_can_be_refused(self):
        out = self.dir / "out"
        url = self.web.url + "/gzip/10000"
        self.run_troupe("fetch", "-o", out, "--compressed", url)
        self.assertEqual(out.read_bytes(), b"z" * 10000)
        self.run_troupe("fetch", "-o", out, "--no-compressed", url)
        self.assertEqual(out.read_bytes()[:2], b"\x1f\x8b")

    # ---- what becomes of the page ----

    def test_output_to_files_in_turn(self):
        a, b = self.dir / "a", self.dir / "b"
        a.write_text("was there before")
        text, _ = self.run_troupe("fetch", "-o", a, "-o", b, self.web.url + "/ok/5", self.web.url + "/ok/6", self.web.url + "/ok/7")
        self.assertEqual((a.read_bytes(), b.read_bytes()), (b"x" * 5, b"x" * 6))
        self.assertEqual(len(text.splitlines()), 3)
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["a", "b"])

    def test_output_to_standard_output_is_the_page_and_nothing_else(self):
        self.assertEqual(self.run_troupe("fetch", "-o", "-", self.web.url + "/chunked"), ("one,two,three", ""))

    def test_big_page_goes_through_a_slow_pipe_whole(self):
        fetch = subprocess.Popen([program(), "fetch", "-o", "-", self.web.url + "/big/5000000"], stdout=subprocess.PIPE,
                                 env=environment())
        size = 0
        while piece := fetch.stdout.read(100000):
            size += len(piece)
        fetch.stdout.close()
        self.assertEqual((size, fetch.wait(60)), (5000000, 0))

    def test_remote_name(self):
        url = self.web.url + "/ok/5?query#part"
        self.run_troupe("fetch", "-O", url, cwd=self.dir)
        self.assertEqual((self.dir / "5").read_bytes(), b"x" * 5)
        _, errors = self.run_troupe("fetch", "-O", self.web.url + "/", code=1, cwd=self.dir)
        self.assertIn("save: its URL has no file name at the end; -o gives it one", errors)

    def test_remote_name_in_a_directory(self):
        self.run_troupe("fetch", "-O", "--output-dir", self.dir / "out", self.web.url + "/ok/5")
        self.assertEqual((self.dir / "out" / "5").read_bytes(), b"x" * 5)

    def test_page_of_a_failure_is_not_saved(self):
        out = self.dir / "out"
        self.run_troupe("fetch", "-f", "-o", out, self.web.url + "/status/404", code=1)
        self.assertFalse(out.exists())
        self.run_troupe("fetch", "--no-fail", "-o", out, self.web.url + "/status/404")
        self.assertEqual(out.read_text(), "status 404")

    def test_page_that_breaks_off_leaves_no_file(self):
        out = self.dir / "out"
        out.write_text("old")
        self.run_troupe("fetch", "-o", out, self.web.url + "/stop/body", code=1)
        self.assertEqual(out.read_text(), "old")
        self.assertEqual([p.name for p in self.dir.iterdir()], ["out"])

    def test_files_that_cannot_be_written(self):
        url = self.web.url + "/ok/5"
        for file, why in ((self.dir, "save: %s is a directory; --output-dir saves pages in one" % self.dir),
                          ("/nowhere/file", "save: /nowhere/file: No such file or directory"),
                          ("/dev/full", "save: /dev/full: No space left on device")):
            _, errors = self.run_troupe("fetch", "-o", file, url, code=1)
            self.assertEqual(errors, "troupe: %s: %s\n" % (url, why))

    def test_full_standard_output(self):
        with open("/dev/full", "w") as full:
            process = self.start_troupe("fetch", "-o", "-", self.web.url + "/ok/5", stdout=full)
            _, errors = self.end(process, 1)
        self.assertIn("cannot write to standard output: No space left on device", errors)

    def test_what_a_killed_run_left_is_cleaned_by_the_next(self):
        out = self.dir / "out"
        self.ask_server("/reset")
        process = self.start_troupe("fetch", "--output-dir", out, self.web.url + "/drip")
        while not out.exists() or not list(out.iterdir()):
            self.ask_server("/slow/20")
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(len(list(out.iterdir())), 1)
        kept = [".troupe-1-2.part"]  # of one that lives; the others are no names of ours, though scanf(3) reads them so
        kept += [".troupe-%s-%s.part" % (pid, seq) for pid, seq in
                 [(" %d" % process.pid, 2), (2**32 + process.pid, 2), (process.pid, -2), (process.pid, 2**64)]]
        for name in kept:
            (out / name).write_text("not ours")
        self.run_troupe("fetch", "--output-dir", out, self.web.url + "/ok/5")
        self.assertEqual(sorted(p.name for p in out.iterdir()), sorted([*kept, "127.0.0.1_%d_ok_5" % self.web.port]))

    def test_write_out(self):
        url = self.web.url + "/redirect/1"
        text, _ = self.run_troupe("fetch", "-w", "%{http_code} %{url_effective} %{num_redirects} %{size_download} "
                                  "%{http_version} 100%%\\t%{nothing}|%x\\n", url)
        self.assertEqual(text, "200 %s/ok/10 1 10 1.1 100%%\t|%%x\n" % self.web.url)
        text, _ = self.run_troupe("fetch", "-w", "%{time_total}", url)
        self.assertGreater(float(text), 0)
        text, _ = self.run_troupe("fetch", "-s", "-w", "%{http_code} %{exitcode} %{errormsg}", refused_url(), code=1)
        self.assertRegex(text, r"^000 1 connect 127\.0\.0\.1:\d+: Connection refused$")

    def test_write_out_behind_each_page(self):
        urls = [self.web.url + "/ok/%d" % n for n in (2, 3)]
        text, _ = self.run_troupe("fetch", "-o", "-", "-o", "-", "-w", "|%{size_download}|", *urls)
        self.assertEqual(text, "xx|2|xxx|3|")

    def test_json_of_a_saved_page_names_the_file(self):
        out = self.dir / "out"
        text, _ = self.run_troupe("fetch", "--json", "-o", out, self.web.url + "/ok/5")
        page = json.loads(text)
        self.assertEqual((page["file"], page["bytes"]), (str(out), 5))
        self.assertEqual(page["info"]["address"], self.web.host)

    def test_silence(self):
        bad = refused_url()
        self.assertEqual(self.run_troupe("fetch", "-s", bad, code=1), ("", ""))
        self.assertIn("Connection refused", self.run_troupe("fetch", "-sS", bad, code=1)[1])

    def test_trace(self):
        url = self.web.url + "/ok/5"
        _, errors = self.run_troupe("fetch", "-v", url)
        self.assertIn("> %s\n< HTTP/1.1 200 \n< content-length: 5\n" % url, errors)
        self.assertRegex(errors, r"(?m)^\* 127\.0\.0\.1:%d, a new connection$" % self.web.port)
        self.assertRegex(errors, r"(?m)^\* seconds: name 0\.\d+, connect 0\.\d+, ")

    # ---- the way ----

    def test_redirects(self):
        url = self.web.url + "/redirect/2"
        _, errors = self.run_troupe("fetch", "--max-redirs", "1", url, code=1)
        self.assertIn("Maximum (1) redirects followed", errors)
        self.assertEqual(self.run_troupe("fetch", "--no-location", "-w", "%{http_code}", url)[0], "302")
        self.assertEqual(self.run_troupe("fetch", "-L", "-w", "%{http_code}", url)[0], "200")

    def test_proxy(self):
        self.ask_server("/reset")
        url = self.web.url + "/ok/5"
        self.run_troupe("fetch", "-x", self.web.url, url)
        self.assertEqual(json.loads(self.ask_server("/stats"))["proxied"], 1)
        self.run_troupe("fetch", "-x", self.web.url, "--noproxy", "*", url)
        self.assertEqual(json.loads(self.ask_server("/stats"))["proxied"], 1)
        subprocess.run([program(), "fetch", url], env={**environment(), "http_proxy": self.web.url}, check=True,
                       stdout=subprocess.DEVNULL)
        self.assertEqual(json.loads(self.ask_server("/stats"))["proxied"], 2)

    def test_proxy_that_is_not_there(self):
        proxy = refused_url()[:-1]
        _, errors = self.run_troupe("fetch", "-x", proxy, self.web.url + "/ok", code=1)
        self.assertIn("proxy %s: Connection refused" % proxy[len("http://"):], errors)

    def test_trust(self):
        web = Web("--tls")
        self.addCleanup(web.close)
        self.run_troupe("fetch", web.url + "/ok", code=1)
        self.run_troupe("fetch", "-k", web.url + "/ok")
        self.run_troupe("fetch", "--cacert", web.cert, web.url + "/ok")
        _, errors = self.run_troupe("fetch", "--cacert", "/nowhere", web.url + "/ok", code=1)
        self.assertEqual(errors, "troupe fetch: cannot read /nowhere: No such file or directory\n")

    def test_http_2(self):
        web = Web("--h2")
        self.addCleanup(web.close)
        if web.port == 0:
            self.skipTest("there is no nginx to speak HTTP/2 with")
        self.assertEqual(self.run_troupe("fetch", "-k", "--http2", "-w", "%{http_version}", web.url + "/")[0], "2")
        self.assertEqual(self.run_troupe("fetch", "-k", "--http1.1", "-w", "%{http_version}", web.url + "/")[0], "1.1")

    # ---- how long, how often ----

    def test_retry(self):
        url = self.web.url + "/flaky/command/2/503"
        text, _ = self.run_troupe("fetch", "--retry", "3", "--retry-delay", "0.01", "-w", "%{http_code} %{num_retries}", url)
        self.assertEqual(text, "200 2")

    def test_max_time_of_a_page(self):
        url = self.web.url + "/hang"
        _, errors = self.run_troupe("fetch", "-m", "0.2", url, code=1)
        self.assertIn("not done after 200 ms", errors)
        _, errors = self.run_troupe("fetch", "-m", "0.2", "-o", self.dir / "out", url, code=1)
        self.assertIn("not done after 200 ms", errors)

    def test_slow_server_is_given_up(self):
        _, errors = self.run_troupe("fetch", "-Y", "1000", "-y", "0.2", self.web.url + "/trickle/20", code=1)
        self.assertIn("too slow", errors)

    def test_limited_rate(self):
        text, _ = self.run_troupe("fetch", "--limit-rate", "1m", "-w", "%{time_total}", self.web.url + "/ok/2000000")
        self.assertGreater(float(text), 0.4)

    def test_list_given_twice_is_two_lists(self):
        lists = [self.dir / name for name in ("a", "b")]
        for n, path in enumerate(lists):
            path.write_text("%s/ok/%d\nnot a url\n" % (self.web.url, n))
        text, errors = self.run_troupe("fetch", "-i", lists[0], "-i", lists[1], code=1)
        self.assertEqual([line.split()[1] for line in text.splitlines()], ["0", "1"])
        self.assertEqual(sorted(line.split(": ")[1] for line in errors.splitlines()), ["%s:2" % path for path in lists])

    # ---- wrong usage ----

    def test_wrong_usage_is_told(self):
        url = "http://host/"
        self.assertEqual(self.wrong("--frobnicate", url), "there is no option --frobnicate")
        self.assertEqual(self.wrong("-Q", url), "there is no option -Q")
        self.assertEqual(self.wrong("-s"), "no URL is given")
        self.assertEqual(self.wrong(url, "-o"), "option -o needs a value")
        self.assertEqual(self.wrong(url, "--retry"), "option --retry needs a value")
        self.assertEqual(self.wrong("--json=x", url), "option --json=x takes no value")
        self.assertEqual(self.wrong("--retry", "many", url), '--retry takes a number from 0 to 100, not "many"')
        self.assertEqual(self.wrong("-m", "-1", url), '-m takes a number of seconds, not "-1"')
        self.assertEqual(self.wrong("--limit-rate", "fast", url), '--limit-rate takes a number of bytes, not "fast"')
        self.assertEqual(self.wrong("-H", "no colon", url), "-H takes 'NAME: VALUE', not \"no colon\"")
        self.assertEqual(self.wrong("-x", "ftp://proxy", url),
                         "option proxy must begin with http://, https://, socks4://, socks4a://, socks5:// or socks5h://")
        self.assertEqual(self.wrong("-I", "-d", "x", url), "-I and -d exclude each other")
        self.assertEqual(self.wrong("--json", "-w", "x", url), "--json and -w exclude each other")
        self.assertEqual(self.wrong("-I", "-O", url), "-I gives no page that could be saved")

    def test_wrong_method_and_header_are_told(self):
        url = self.web.url + "/ok"
        self.assertIn("option method must be the name of a method", self.run_troupe("fetch", "-X", "A B", url, code=1)[1])
        self.assertIn("option headers must be", self.run_troupe("fetch", "-H", "X Y: 1", url, code=1)[1])

    def test_data_that_cannot_be_read(self):
        _, errors = self.run_troupe("fetch", "-d", "@/nowhere", self.web.url + "/echo", code=1)
        self.assertEqual(errors, "troupe fetch: cannot read /nowhere: No such file or directory\n")

    def test_help_tells_of_every_option(self):
        text, _ = self.run_troupe("fetch", "--help")
        for option in ("-X,", "-d,", "-H,", "-u,", "-o,", "-O,", "--max-redirs", "-I,", "-s,", "-S,", "-f,", "-L ", "-w,", "--retry",
                       "-k,", "--cacert", "-x,", "-b,", "-c,", "--compressed", "-m,", "--connect-timeout", "--limit-rate", "--http2",
                       "-v,"):
            self.assertIn(option, text)


if __name__ == "__main__":
    main()
