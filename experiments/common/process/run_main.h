// What main of every experiment is: run the body, turn how it ended into the exit status and one line on standard error.
#pragma once

#include <functional>

namespace tangentplane::experiments {

/// 0 if `body` returns; 2 for std::invalid_argument (wrong usage, unusable input), 128 + signal where one stopped the run (130 after
/// Ctrl-C), 1 for any other failure, among them results that standard output did not take, and for any failure once a run has begun in a
/// folder that held nothing. What no caller could catch (std::terminate) ends in one line and status 1 too. Raises Interrupted from
/// check_interrupt on Ctrl-C. Opens what is closed of standard input, output and error to /dev/null, lest a file of results come to be one
/// of them.
int run_main(int argc, const char* const* argv, const std::function<void(int, const char* const*)>& body);

}  // namespace tangentplane::experiments
