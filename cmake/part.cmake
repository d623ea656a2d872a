# SPDX-License-Identifier: MIT
# part.cmake - the pkg-config file of a static library that stands on troupe: an actor, TLS

# A static library, so what it needs in its turn is needed by whoever links it: Requires, not Requires.private.
function(troupe_part_pc name requires)
    set(TROUPE_PART ${name})
    list(JOIN requires " " TROUPE_PART_REQUIRES)
    file(RELATIVE_PATH TROUPE_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    string(REGEX REPLACE "/$" "" TROUPE_PC_TO_PREFIX "${TROUPE_PC_TO_PREFIX}")
    configure_file(${PROJECT_SOURCE_DIR}/cmake/troupe-part.pc.in ${PROJECT_BINARY_DIR}/troupe_${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/troupe_${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
