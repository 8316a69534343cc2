// A command as mpirun starts it.
#pragma once

#include <sstream>

#include "tests/experiments/run_binary.h"

namespace tangentplane::experiments::test {

/// mpirun without its own advice where it can be told so (-q; not Open MPI 5), for any user and more ranks than cores.
inline std::string mpirun() {
  return fmt::format("{}{} --oversubscribe --allow-run-as-root --bind-to none", MPIRUN, MPIRUN_CAN_BE_QUIET ? " -q" : "");
}

/// The command on so many ranks of one thread.
inline std::string on(int ranks, const std::string& command) {
  return fmt::format("{} -n {} {}/{} --threads 1", mpirun(), ranks, places::binaries(), command);
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
  if (!MPIRUN_CAN_BE_QUIET)
    std::erase_if(lines, [](const std::string& line) {
      return !line.starts_with("compute_") && !line.starts_with("train_") && !line.starts_with("own_networks") &&
             !line.starts_with("pretrained_");
    });
  return lines;
}

}  // namespace tangentplane::experiments::test
