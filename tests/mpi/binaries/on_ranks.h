// A command as mpirun starts it.
#pragma once

#include <fstream>
#include <sstream>

#include "tests/experiments/run_binary.h"

namespace tangentplane::experiments::test {

/// What mpirun is like here (tests/mpi/CMakeLists.txt, as is its command line, MPIRUN): whether it was told to keep its own advice, and
/// whether it hands nothing on once it is interrupted.
constexpr bool can_be_quiet = CAN_BE_QUIET, silent_once_interrupted = SILENT_ONCE_INTERRUPTED;

/// The command on so many ranks of one thread.
inline std::string on(int ranks, const std::string& command) {
  return fmt::format("{} -n {} {}/{} --threads 1", MPIRUN, ranks, places::binaries(), command);
}

/// The command on so many ranks, of which one runs another. By a script: a colon between two commands, any two, ends the mpirun of Open MPI
/// 5.0.7 (Debian 13) in SIGSEGV.
inline std::string on_all_but_one(const Sandbox& box, int ranks, const std::string& command, int one, const std::string& other) {
  const auto script = box / "by-rank";
  std::ofstream(script) << fmt::format("#!/bin/sh\nif [ \"${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}}\" = {} ]; then {}; else exec {}; fi\n", one,
                                       other, command);
  fs::permissions(script, fs::perms::owner_all);
  return fmt::format("{} -n {} {}", MPIRUN, ranks, script.string());
}

/// Lines of a text.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

/// Lines of standard error; of an mpirun that cannot be quiet those of the programs, which begin with their names.
inline std::vector<std::string> errors_of(const std::string& text) {
  auto lines = lines_of(text);
  if (!can_be_quiet)
    std::erase_if(lines, [](const std::string& line) {
      return !line.starts_with("compute_") && !line.starts_with("train_") && !line.starts_with("own_networks") &&
             !line.starts_with("pretrained_");
    });
  return lines;
}

}  // namespace tangentplane::experiments::test
