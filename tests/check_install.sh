#!/bin/sh
# SPDX-License-Identifier: MIT
# check_install.sh - what is installed can be compiled against, through find_package and through pkg-config; a program
# outside of this tree can test its actors with the test kit and a test framework of its own
#
# Usage: check_install.sh CMAKE BUILD-DIR CC, in the top directory.
set -eu
cmake=$1 build=$2 cc=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$cmake" --install "$build" --prefix "$work/prefix" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

mkdir "$work/user"
cat >"$work/user/main.c" <<'END'
#include <stdio.h>
#include <troupe/troupe.h>
int main(void) { return puts(tr_err_name(TR_OK)) < 0; }
END
cp tests/outside/kit_user.c "$work/user/"
cat >"$work/user/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(user C)
find_package(troupe REQUIRED)
add_executable(user main.c)
target_link_libraries(user PRIVATE troupe::troupe)
find_package(PkgConfig REQUIRED)
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
add_executable(kit_user kit_user.c)
target_link_libraries(kit_user PRIVATE troupe::troupe PkgConfig::cmocka)
END
{
    "$cmake" -G Ninja -S "$work/user" -B "$work/user/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_COMPILER="$cc"
    "$cmake" --build "$work/user/build"
} >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
[ "$("$work/user/build/user")" = TR_OK ]
"$work/user/build/kit_user" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
TROUPE_SEED=17 "$work/user/build/kit_user" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

[ -f "$work/prefix/share/troupe/troupe-gdb.py" ]

pc=$(dirname "$(find "$work/prefix" -name troupe.pc)")
# The file names the prefix of configuring; --define-variable moves it, as packagers do.
version=$(PKG_CONFIG_PATH=$pc pkg-config --modversion troupe)
PKG_CONFIG_PATH=$pc pkg-config --cflags --libs troupe >"$work/log"
grep -q -e -ltroupe "$work/log"

# Each actor that was built brings a file of its own, and that alone is enough to link it.
cat >"$work/user/page.c" <<'END'
#include <stdio.h>
#include <troupe/fetcher.h>
int main(void) { return puts(tr_fetcher_err_name(TR_FETCH_URL)) < 0; }
END
if [ -f "$pc/troupe_fetcher.pc" ]; then
    libdir=$(PKG_CONFIG_PATH=$pc pkg-config --variable=libdir troupe)
    # Words that pkg-config has made are meant to be split.
    # shellcheck disable=SC2046
    "$cc" -std=c11 "$work/user/page.c" $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs troupe_fetcher) \
        -Wl,-rpath,"$libdir" -o "$work/user/page"
    [ "$("$work/user/page")" = TR_FETCH_URL ]
fi
cat >"$work/user/tls.c" <<'END'
#include <stdio.h>
#include <troupe/tls.h>
int main(void)
{
    char why[100] = "";
    tr_tls *tls = NULL;
    const tr_tls_opts opts = { .size = sizeof opts, .ca_pem = "none" };
    return tr_tls_create(&opts, &tls, why, sizeof why) != TR_EINVAL || puts("no authority") < 0;
}
END
if [ -f "$pc/troupe_tls.pc" ]; then
    # shellcheck disable=SC2046
    "$cc" -std=c11 "$work/user/tls.c" $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs troupe_tls) \
        -Wl,-rpath,"$(PKG_CONFIG_PATH=$pc pkg-config --variable=libdir troupe)" -o "$work/user/tls"
    [ "$("$work/user/tls")" = "no authority" ]
fi
echo "troupe $version can be installed and used"
