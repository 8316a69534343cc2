// How a process ends where it cannot return: at once, with one line, and with all other ranks of the run.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

#include "autodiff/cpu/ranks.h"

namespace tangentplane::experiments {

/// Writes the line to standard error and ends every rank of the run with that status. Of ranks that fail at once one line is written.
[[noreturn]] inline void end_run(int status, const std::string& line) {
  cpu::end_all_ranks(status, line, [](const std::string& text) { static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr)); });
}

}  // namespace tangentplane::experiments
