// What a call that must be refused says.
#pragma once

#include <stdexcept>
#include <string>

namespace tangentplane {

/// The line of the std::invalid_argument that f throws; a sentence of its own where it throws none, or more than a line.
template <class F>
std::string line_of(const F& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    const std::string line = e.what();
    return line.find('\n') == std::string::npos ? line : "more than one line: " + line;
  }
  return "nothing was thrown";
}

}  // namespace tangentplane
