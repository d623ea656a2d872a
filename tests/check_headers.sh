#!/bin/sh
# SPDX-License-Identifier: MIT
# check_headers.sh - each public header compiles alone, without a warning, as C11 and as C++17; what must not, does not
#
# Usage: check_headers.sh [CC [CXX]], in the top directory. detail_*.h are parts of other headers. An actor's
# public header counts too.
set -eu
cc=${1-cc} cxx=${2-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checked=0 failed=0

# try COMPILER... : the last argument is the file that includes the header.
try()
{
    checked=$((checked + 1))
    if ! "$@" -Wall -Wextra -Wpedantic -Wshadow -Werror -Iinclude -fsyntax-only "$work/one.c"; then
        failed=$((failed + 1))
        echo "$header alone does not compile: $*" >&2
    fi
}

for header in include/troupe/*.h actors/*/include/troupe/*.h names/include/troupe/*.h; do
    case $header in */detail_*.h | *'*'*) continue ;; esac
    # Twice: it guards itself.
    printf '#include "%s"\n#include "%s"\nint main(void) { return 0; }\n' "$PWD/$header" "$PWD/$header" >"$work/one.c"
    try "$cc" -std=c11 -Wstrict-prototypes
    try "$cxx" -x c++ -std=c++17
done
# refuse WHAT EXPRESSION : neither language compiles it.
refuse()
{
    printf '#include <troupe/troupe.h>\nvoid f(tr_self *s, tr_msg *m);\nvoid f(tr_self *s, tr_msg *m) { %s }\n' "$2" >"$work/one.c"
    for compile in "$cc -std=c11" "$cxx -x c++ -std=c++17"; do
        checked=$((checked + 1))
        # shellcheck disable=SC2086 # a command and its options
        if $compile -Iinclude -fsyntax-only "$work/one.c" 2>/dev/null; then
            failed=$((failed + 1))
            echo "$1 compiles: $compile" >&2
        fi
    done
}

refuse "sending a pointer" 'int i = 0; (void) m; (void) tr_send(s, tr_self_addr(s), "x", &i);'
refuse "sending a function" '(void) m; (void) tr_send(s, tr_self_addr(s), "x", f);'
refuse "sending a structure" 'struct { int i; } v = { 0 }; (void) m; (void) tr_send(s, tr_self_addr(s), "x", v);'
refuse "reading a string into an array" 'char name[8]; (void) s; (void) tr_args(m, name);'
[ "$checked" -gt 0 ] || { echo "there is no header" >&2; exit 1; }
echo "$((checked - failed)) of $checked header compilations are clean"
[ "$failed" -eq 0 ]
