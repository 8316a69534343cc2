// A folder of its own for each test case, removed with all that is in it.
#pragma once

#include <stdlib.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace tangentplane {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tangentplane-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  /// Writes bytes under a name (folders included) and gives the path.
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(made(name), std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path_ / name;
  }
  std::filesystem::path write_gzipped(const std::string& name, const std::string& bytes) const {
    gzFile file = gzopen(made(name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    return path_ / name;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator()));
  }

 private:
  /// The path of that name, in a folder that exists.
  std::filesystem::path made(const std::string& name) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    return path_ / name;
  }

  std::filesystem::path path_;
};

}  // namespace tangentplane
