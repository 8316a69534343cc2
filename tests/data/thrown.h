// What the tests of files share: a file's text, and what is thrown at a wrong one.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "data/files.h"
#include "tests/temporary_folder.h"

using tangentplane::TemporaryFolder;

inline std::string text(const std::filesystem::path& path) {
  const auto bytes = tangentplane::data::read_bytes(path);
  return {bytes.begin(), bytes.end()};
}

/// The message of what f throws, which must be an E of one line; empty if it throws nothing.
template <class E = std::invalid_argument, class F>
std::string thrown(const F& f) {
  try {
    f();
  } catch (const E& e) {
    const std::string line = e.what();
    return line.find('\n') == std::string::npos ? line : "more than one line";
  }
  return "";
}
