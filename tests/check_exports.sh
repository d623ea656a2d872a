#!/bin/sh
# SPDX-License-Identifier: MIT
# check_exports.sh - the shared library shows exactly the symbols of exports.txt, all of them tr_*
#
# Usage: check_exports.sh LIBRARY [--update], in the top directory. The list is reviewed: what is in it is promised to
# programs that are already compiled.
set -eu
library=$1 list=tests/exports.txt
shown=$(nm -D --defined-only --format=posix "$library" | cut -d' ' -f1 | sed 's/@.*//' |
    grep -vxE '_init|_fini|__bss_start|_edata|_end' | LC_ALL=C sort)
if [ "${2-}" = --update ]; then
    echo "$shown" >"$list"
    exit 0
fi
foreign=$(echo "$shown" | grep -v '^tr_' || true)
if [ -n "$foreign" ]; then
    echo "symbols that are not tr_*:" "$foreign" >&2
    exit 1
fi
if ! echo "$shown" | diff -u "$list" - >&2; then
    echo "$library does not show what $list says; if that is meant: tests/check_exports.sh LIBRARY --update" >&2
    exit 1
fi
