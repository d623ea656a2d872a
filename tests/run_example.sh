#!/bin/sh
# SPDX-License-Identifier: MIT
# run_example.sh - runs an example and compares what it prints with its expected.txt
#
# Usage: run_example.sh PROGRAM DIR. DIR/expected.sed, if there is one, is applied to the output first (ports, times);
# DIR/arguments, if there is one, holds the arguments, one a line; DIR/stdin.sh, if there is one, writes its input.
set -eu
program=$1 dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

set --
if [ -f "$dir/arguments" ]; then
    while IFS= read -r argument; do
        set -- "$@" "$argument"
    done <"$dir/arguments"
fi
status=0 input=/dev/null
if [ -f "$dir/stdin.sh" ]; then
    input=$work/input
    mkfifo "$input"
    sh "$dir/stdin.sh" >"$input" &
fi
"$program" "$@" >"$work/printed" 2>"$work/errors" <"$input" || status=$?
cat "$work/errors" >&2
if [ -f "$dir/expected.sed" ]; then
    sed -f "$dir/expected.sed" "$work/printed" >"$work/output"
else
    mv "$work/printed" "$work/output"
fi
if ! diff -u "$dir/expected.txt" "$work/output" >&2; then
    echo "$program does not print what $dir/expected.txt says" >&2
    exit 1
fi
if [ "$status" -ne 0 ]; then
    echo "$program ended with exit code $status" >&2
    exit 1
fi
