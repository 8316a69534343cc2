#include "experiments/common/files.h"

#include <ostream>

#include "data/files.h"

namespace tangentplane::experiments {

void replace_text(const std::filesystem::path& path, std::string_view text) {
  data::write_atomically(path, [text](std::ostream& out) { out << text; });
}

std::filesystem::path normal_path(const std::filesystem::path& path) {
  const auto normal = path.lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

std::string read_text(const std::filesystem::path& path) {
  const auto bytes = data::read_bytes(path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace tangentplane::experiments
