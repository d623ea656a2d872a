# SPDX-License-Identifier: MIT
# files.cmake - lists and directories agree: what is listed exists, what exists is listed

# troupe_files(LIST BASE DIR...): the files named in LIST, relative to BASE, are exactly the .c files of BASE/DIR...;
# makes them absolute. DIR "." is BASE itself. A file that is in no list would not be built, nor tested: an error.
function(troupe_files list base)
    cmake_path(ABSOLUTE_PATH base)
    foreach(dir IN LISTS ARGN)
        file(GLOB found RELATIVE ${base} CONFIGURE_DEPENDS ${base}/${dir}/*.c)
        list(APPEND there ${found})
    endforeach()
    set(unlisted ${there})
    list(REMOVE_ITEM unlisted ${${list}} "")
    if(unlisted)
        message(FATAL_ERROR "in ${base}, but in no list of CMake: ${unlisted}")
    endif()
    list(TRANSFORM ${list} PREPEND ${base}/)
    set(${list} ${${list}} PARENT_SCOPE)
endfunction()
