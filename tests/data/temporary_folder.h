// A folder of its own for each test case, removed with all that is in it.
#pragma once

#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>

#include "autodiff/check.h"
#include "data/files.h"

struct TemporaryFolder {
  std::filesystem::path path;

  TemporaryFolder() {
    static std::atomic<int> count{0};
    path = std::filesystem::temp_directory_path() / fmt::format("tangentplane-test-{}-{}", ::getpid(), count++);
    std::filesystem::create_directories(path);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path / name; }
  /// Writes bytes under a name (folders included) and gives the path.
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path / name;
  }
  std::filesystem::path write_gzipped(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((path / name).parent_path());
    gzFile file = gzopen((path / name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    return path / name;
  }
  std::size_t files() const {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path)) ++n;
    return n;
  }
};

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
