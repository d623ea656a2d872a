# SPDX-License-Identifier: MIT
# install.cmake - headers, the library, the command, and how others find them; each actor installs itself
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/troupe)

install(DIRECTORY include/troupe DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS troupe EXPORT troupe-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET troupe_debug)
    install(TARGETS troupe_debug EXPORT troupe-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(FILES names/include/troupe/debug_names.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/troupe)
endif()
install(FILES share/gdb/troupe-gdb.py DESTINATION ${CMAKE_INSTALL_DATADIR}/troupe)
if(TARGET troupe_command)
    install(TARGETS troupe_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(EXPORT troupe-targets NAMESPACE troupe:: DESTINATION ${package_dir})

configure_package_config_file(cmake/troupe-config.cmake.in ${PROJECT_BINARY_DIR}/troupe-config.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/troupe-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/troupe-config.cmake ${PROJECT_BINARY_DIR}/troupe-config-version.cmake
    DESTINATION ${package_dir})

# Relative to where the file lies, so that cmake --install --prefix may put it anywhere.
file(RELATIVE_PATH TROUPE_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" TROUPE_PC_TO_PREFIX "${TROUPE_PC_TO_PREFIX}")
configure_file(cmake/troupe.pc.in ${PROJECT_BINARY_DIR}/troupe.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/troupe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
