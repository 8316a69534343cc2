# cmake -D SOURCE=DIR -D VERSION=1.2.3 -D FILE=FILE.cpp -P built_from.cmake
# Writes FILE, the C++ source that names version and commit of SOURCE; a + behind the commit where tracked files differ from it or sources
# were added. Where SOURCE is not the root of a git checkout it is the commit of the archive that this file came in, and "unknown" if it
# came in none. FILE stays as it is where it would say the same.
set(commit [[$Format:%H$]])  # git archive replaces it (.gitattributes)
if(NOT commit MATCHES "^[0-9a-f]+$")
  set(commit unknown)
endif()
find_program(git git)
if(git)
  set(in_source ${git} -C ${SOURCE} --no-optional-locks)
  execute_process(COMMAND ${in_source} rev-parse --show-toplevel OUTPUT_VARIABLE root ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND ${in_source} rev-parse HEAD OUTPUT_VARIABLE head RESULT_VARIABLE no_commit ERROR_QUIET
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  file(REAL_PATH "${SOURCE}" here)
  if(root STREQUAL here AND no_commit EQUAL 0)
    execute_process(COMMAND ${in_source} status --porcelain --untracked-files=no OUTPUT_VARIABLE changed ERROR_QUIET)
    execute_process(COMMAND ${in_source} ls-files --others --exclude-standard -- *.cpp *.h *.cmake *CMakeLists.txt OUTPUT_VARIABLE added
      ERROR_QUIET)
    set(commit ${head})
    if(NOT "${changed}${added}" STREQUAL "")
      string(APPEND commit +)
    endif()
  endif()
endif()

set(text "#include \"experiments/common/run/provenance.h\"

namespace tangentplane::experiments {
std::string version() { return \"${VERSION}\"; }
std::string commit() { return \"${commit}\"; }
}  // namespace tangentplane::experiments
")
set(before "")
if(EXISTS "${FILE}")
  file(READ "${FILE}" before)
endif()
if(NOT text STREQUAL before)
  file(WRITE "${FILE}" "${text}")
endif()
