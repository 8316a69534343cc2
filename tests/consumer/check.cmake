# cmake -D BUILD=... -D SOURCE=... -P check.cmake: install, then configure, build and run the project beside this file.
set(work ${BUILD}/consumer)
file(REMOVE_RECURSE ${work})

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${work}/prefix --component development)
file(GLOB_RECURSE package_files ${work}/prefix/*.cmake)
if(NOT package_files)
  message(FATAL_ERROR "nothing for find_package was installed")
endif()
foreach(file ${package_files})
  file(STRINGS ${file} tied REGEX "${SOURCE}/|${BUILD}/")
  if(tied)
    message(FATAL_ERROR "${file} points back into the source or build tree: ${tied}")
  endif()
endforeach()

# Every README begins with its title; a formatter for C++ that is let loose on one breaks that line first.
file(GLOB readmes ${SOURCE}/README.md ${SOURCE}/*/README.md ${SOURCE}/*/*/README.md)
foreach(readme ${readmes})
  file(STRINGS ${readme} title LIMIT_COUNT 1)
  if(NOT title MATCHES "^# ")
    message(FATAL_ERROR "${readme} begins with '${title}' instead of a title")
  endif()
endforeach()

# The first C++ block of each README is a whole program. nn's is main.cpp.
foreach(folder autodiff nn linearize kernels)
  file(READ ${SOURCE}/${folder}/README.md text)
  string(FIND "${text}" "```cpp\n" begin)
  if(begin EQUAL -1)
    message(FATAL_ERROR "${folder}/README.md has no worked example")
  endif()
  math(EXPR begin "${begin} + 7")
  string(SUBSTRING "${text}" ${begin} -1 text)
  string(FIND "${text}" "```" end)
  string(SUBSTRING "${text}" 0 ${end} example_${folder})
  file(WRITE ${work}/examples/${folder}.cpp "${example_${folder}}")
endforeach()
file(READ ${CMAKE_CURRENT_LIST_DIR}/main.cpp main)
if(NOT main STREQUAL example_nn)
  message(FATAL_ERROR "nn/README.md's example and tests/consumer/main.cpp differ")
endif()

set(flags "")
if(SANITIZE)
  set(flags "-fsanitize=${SANITIZE}")
endif()
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${work}/build -G ${GENERATOR} -D CMAKE_BUILD_TYPE=Debug
  -D CMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=${flags}" -D CMAKE_PREFIX_PATH=${work}/prefix
  -D EXAMPLES=${work}/examples)
run(${CMAKE_COMMAND} --build ${work}/build)
foreach(program main blas autodiff linearize kernels)
  run(${work}/build/${program})
endforeach()

# The library that chooses OpenBLAS's kernels must run first: OpenBLAS chooses in its constructor. The loader tells in which order it goes.
execute_process(COMMAND ${CMAKE_COMMAND} -E env LD_DEBUG=libs ${work}/build/blas ERROR_VARIABLE loaded COMMAND_ERROR_IS_FATAL ANY)
if(NOT loaded MATCHES "calling init: [^\n]*blas_core" OR loaded MATCHES "calling init: [^\n]*libopenblas.*calling init: [^\n]*blas_core")
  message(FATAL_ERROR "OpenBLAS's constructor ran before that of tangentplane_blas_core:\n${loaded}")
endif()
