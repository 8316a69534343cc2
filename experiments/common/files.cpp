#include "experiments/common/files.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "autodiff/check.h"

namespace tangentplane::experiments {

void replace_file(const std::filesystem::path& path, const std::function<void(const std::filesystem::path&)>& write) {
  std::filesystem::path beside = path;
  // The extension stays: writers choose a format by it.
  beside.replace_filename(fmt::format(".{}.{}{}", path.stem().string(), getpid(), path.extension().string()));
  try {
    write(beside);
    std::filesystem::rename(beside, path);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
    throw;
  }
}

void replace_text(const std::filesystem::path& path, std::string_view text) {
  replace_file(path, [&](const std::filesystem::path& beside) {
    errno = 0;
    std::ofstream file(beside, std::ios::binary);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    if (!file) throw std::runtime_error(fmt::format("{}: cannot write: {}", path.string(), std::strerror(errno)));
  });
}

std::string read_text(const std::filesystem::path& path) {
  std::error_code error;
  require(std::filesystem::is_regular_file(path, error), "{}: no such file", path.string());
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  require(file.good(), "{}: cannot be read; check its permissions", path.string());
  return text.str();
}

}  // namespace tangentplane::experiments
