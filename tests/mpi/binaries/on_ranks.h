// A command as mpirun starts it.
#pragma once

#include "tests/experiments/run_binary.h"

namespace tangentplane::experiments::test {

/// The command on so many ranks of one thread.
inline std::string on(int ranks, const std::string& command) {
  return fmt::format("{} -q -n {} --oversubscribe --allow-run-as-root --bind-to none {}/{} --threads 1", MPIRUN, ranks, places::binaries(),
                     command);
}

}  // namespace tangentplane::experiments::test
