# SPDX-License-Identifier: MIT
# flags.cmake - how everything in this tree is compiled, and where it lands

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

if(NOT CMAKE_BUILD_TYPE AND PROJECT_IS_TOP_LEVEL)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -fno-omit-frame-pointer -fno-semantic-interposition)
if(TROUPE_WERROR)
    add_compile_options(-Werror)
endif()

if(TROUPE_PLAIN_GATE)
    add_compile_definitions(TROUPE_PLAIN_GATE=1)
endif()

if(TROUPE_SANITIZE)
    add_compile_options(-fsanitize=${TROUPE_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${TROUPE_SANITIZE})
endif()
if(TROUPE_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
# Coverage-guided: all code reports its edges; only the fuzz targets bring the engine's main.
if(TROUPE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# clang leaves the sanitizers' symbols to the program, so a sanitized library has undefined ones by design.
set(TROUPE_NO_UNDEFINED -Wl,-z,defs)
if(TROUPE_SANITIZE OR TROUPE_FUZZ)
    set(TROUPE_NO_UNDEFINED "")
endif()

# Of the tests: where a report goes, and what the sanitizers must not do. Stacks are switched by hand, and ASan's fake
# stacks would be kept beyond an abandoned one.
set(TROUPE_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_stack_use_after_return=0:abort_on_error=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1"
    "PYTHONDONTWRITEBYTECODE=1"
    "TROUPE_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
