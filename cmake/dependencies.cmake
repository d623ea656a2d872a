# SPDX-License-Identifier: MIT
# dependencies.cmake - libzmq and msgpack-c are needed; the rest belongs to parts that say so when it is missing

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(zmq REQUIRED IMPORTED_TARGET GLOBAL libzmq>=4.3)

# msgpack-c was renamed more than once; the C library has gone by all of these.
foreach(name IN ITEMS msgpack-c msgpackc msgpack libmsgpackc)
    pkg_check_modules(msgpack QUIET IMPORTED_TARGET GLOBAL ${name})
    if(msgpack_FOUND)
        set(TROUPE_MSGPACK_PC ${name})
        break()
    endif()
endforeach()
if(NOT msgpack_FOUND)
    message(FATAL_ERROR "msgpack-c (the C library) was not found; on Debian: apt-get install libmsgpack-dev")
endif()

# troupe_without(OPTION PART NEEDS): PART is left out because NEEDS is missing.
function(troupe_without option part needs)
    message(NOTICE "troupe: without ${part}: ${needs} was not found")
    set(${option} OFF PARENT_SCOPE)
endfunction()

if(TROUPE_FETCHER)
    pkg_check_modules(curl QUIET IMPORTED_TARGET GLOBAL libcurl>=7.74)
    if(NOT curl_FOUND)
        troupe_without(TROUPE_FETCHER "the fetcher" "libcurl (libcurl4-openssl-dev)")
    endif()
endif()
if(TROUPE_COMMAND)
    pkg_check_modules(jansson QUIET IMPORTED_TARGET GLOBAL jansson)
    if(NOT jansson_FOUND)
        troupe_without(TROUPE_COMMAND "the troupe command" "jansson (libjansson-dev)")
    elseif(NOT TROUPE_FETCHER)
        troupe_without(TROUPE_COMMAND "the troupe command" "the fetcher")
    endif()
endif()
if(TROUPE_TESTS)
    enable_testing()
    pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET GLOBAL cmocka)
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()
