# SPDX-License-Identifier: MIT
# options.cmake - what can be left out, and what can be turned on for checking

option(TROUPE_FETCHER "Build the fetcher actors (needs libcurl)" ON)
option(TROUPE_TLS "Build TLS for streams (needs OpenSSL)" ON)
option(TROUPE_COMMAND "Build the troupe command (needs the fetcher and jansson)" ON)
option(TROUPE_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(TROUPE_TESTS "Build the tests (needs cmocka, python3 and a C++ compiler)" OFF)
option(TROUPE_BENCH "Build the measuring programs" OFF)
option(TROUPE_FUZZ "Build the fuzz targets (needs clang)" OFF)
option(TROUPE_WERROR "A warning is an error" OFF)
option(TROUPE_COVERAGE "Count which lines run" OFF)
option(TROUPE_PLAIN_GATE "Keep workers apart by a spinlock: for kernels without membarrier(2), and what ThreadSanitizer sees" OFF)
set(TROUPE_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
set(TROUPE_TEST_WRAPPER "" CACHE STRING "A command (list) that each test program runs under")
