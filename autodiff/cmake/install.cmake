# cmake --install: the library, the headers and what find_package(tangentplane) reads. The component development needs nothing but the library
# to be built; the experiments' own files are in experiments/CMakeLists.txt.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tangentplane)

set_target_properties(tangentplane_blas_core PROPERTIES EXPORT_NAME blas_core)
# As a shared library it needs blas_core beside it, and another minor version is another library.
set_target_properties(tangentplane PROPERTIES INSTALL_RPATH $ORIGIN VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
install(TARGETS tangentplane tangentplane_blas_core EXPORT tangentplane-targets COMPONENT development)
install(EXPORT tangentplane-targets NAMESPACE tangentplane:: DESTINATION ${package_folder} COMPONENT development)
foreach(folder autodiff nn linearize kernels data)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${folder})
    install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tangentplane COMPONENT development FILES_MATCHING PATTERN "*.h"
      PATTERN cmake EXCLUDE PATTERN nn/onnx/read EXCLUDE)
  endif()
endforeach()
# The checker of ops, which a test program compiles for itself: it is Catch2's user.
install(FILES tests/check.h tests/check.cpp tests/catch.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tangentplane/tests COMPONENT development)

configure_package_config_file(autodiff/cmake/tangentplane-config.cmake.in ${PROJECT_BINARY_DIR}/tangentplane-config.cmake
  INSTALL_DESTINATION ${package_folder} PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tangentplane-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tangentplane-config.cmake ${PROJECT_BINARY_DIR}/tangentplane-config-version.cmake
  DESTINATION ${package_folder} COMPONENT development)
