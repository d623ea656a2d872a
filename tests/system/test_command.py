# SPDX-License-Identifier: MIT
"""test_command.py - troupe itself: help, version, and what it says to wrong usage"""
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command import CommandTest, main, program  # noqa: E402


class Command(CommandTest):
    def test_version_is_printed(self):
        self.assertTrue(re.fullmatch(r"troupe \d+\.\d+\.\d+\n", self.run_troupe("version")[0]))
        self.assertEqual(self.run_troupe("--version"), self.run_troupe("version"))

    def test_help_names_every_command(self):
        text, _ = self.run_troupe("help")
        for command in ("fetch", "version", "help"):
            self.assertRegex(text, r"(?m)^  %s " % command)
        self.assertEqual(self.run_troupe("--help")[0], text)

    def test_each_command_has_help(self):
        for command in ("fetch", "version", "help"):
            text, errors = self.run_troupe(command, "--help")
            self.assertIn("usage: troupe", text)
            self.assertEqual(errors, "")
        self.assertEqual(self.run_troupe("help", "fetch"), self.run_troupe("fetch", "--help"))

    def test_wrong_usage_is_one_line_and_code_2(self):
        for args, words in (((), "troupe: no command is given; see: troupe help"),
                            (("fly",), 'troupe: there is no command "fly"; see: troupe help'),
                            (("--fly",), 'troupe: there is no option "--fly"; see: troupe help'),
                            (("help", "fly"), 'troupe: there is no command "fly"; see: troupe help'),
                            (("version", "x"), 'troupe version: it takes no argument "x"; see: troupe version --help'),
                            (("fetch",), "troupe fetch: no URL is given; see: troupe fetch --help"),
                            (("fetch", "-Q"), "troupe fetch: there is no option -Q; see: troupe fetch --help"),
                            (("fetch", "--fly"), "troupe fetch: there is no option --fly; see: troupe fetch --help"),
                            (("fetch", "-i"), "troupe fetch: option -i needs a value; see: troupe fetch --help"),
                            (("fetch", "--json=1", "u"), "troupe fetch: option --json=1 takes no value; see: troupe fetch --help"),
                            (("fetch", "--parallel-max", "0", "u"), 'troupe fetch: --parallel-max takes a number from 1 to 100000, not "0"; see: troupe fetch --help'),
                            (("fetch", "-t", "x", "u"), 'troupe fetch: -t takes a number of seconds, not "x"; see: troupe fetch --help'),
                            (("fetch", "--max-size", "1z", "u"),
                             'troupe fetch: --max-size takes a number of bytes, not "1z"; see: troupe fetch --help')):
            with self.subTest(args=args):
                text, errors = self.run_troupe(*args, code=2)
                self.assertEqual(text, "")
                self.assertEqual(errors, words + "\n")

    def test_closed_output_is_an_error_and_no_hang(self):
        for command in ("fetch", "http://127.0.0.1:1/"), ("version",):
            result = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", program(), *command], stderr=subprocess.PIPE,
                                    text=True, timeout=60)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr, "troupe: cannot write to standard output: Bad file descriptor\n")

    def test_full_disk_is_an_error(self):
        with open("/dev/full", "w") as full:
            process = self.start_troupe("help", stdout=full)
            _, errors = self.end(process, 1)
        self.assertEqual(errors, "troupe: cannot write to standard output: No space left on device\n")


if __name__ == "__main__":
    main()
