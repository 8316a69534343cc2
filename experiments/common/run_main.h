// What main of every experiment is: run the body, turn how it ended into the exit status and one line on standard error.
#pragma once

#include <functional>

namespace tangentplane::experiments {

/// 0 if `body` returns; 2 for std::invalid_argument (wrong usage, unusable input), 130 after Ctrl-C, 1 for any other failure. Raises
/// Interrupted from check_interrupt on Ctrl-C.
int run_main(int argc, const char* const* argv, const std::function<void(int, const char* const*)>& body);

}  // namespace tangentplane::experiments
