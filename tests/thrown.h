// What a test expects to be refused, and with which words.
#pragma once

#include <stdexcept>
#include <string>

namespace tangentplane {

/// The message of the E that f throws, which must be of one line; "nothing thrown" if it throws nothing.
template <class E = std::invalid_argument, class F>
std::string thrown(const F& f) {
  try {
    f();
  } catch (const E& e) {
    const std::string line = e.what();
    return line.find('\n') == std::string::npos ? line : "more than one line";
  }
  return "nothing thrown";
}

}  // namespace tangentplane
