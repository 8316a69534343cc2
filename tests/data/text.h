// What the tests of files share: a file's bytes as a text.
#pragma once

#include <filesystem>
#include <string>

#include "data/files.h"

namespace tangentplane {

inline std::string text(const std::filesystem::path& path) {
  const auto bytes = data::read_bytes(path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace tangentplane
