// What the tests of experiments/ share: a folder that vanishes, and standard error as a text.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

namespace tangentplane::experiments::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tangentplane-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }

 private:
  std::filesystem::path path_;
};

/// What f writes to the file descriptor `of` (stdout 1, stderr 2).
inline std::string captured(int of, const std::function<void()>& f) {
  std::FILE* file = std::tmpfile();
  std::fflush(nullptr);
  const int before = dup(of);
  dup2(fileno(file), of);
  f();
  std::fflush(nullptr);
  dup2(before, of);
  close(before);
  std::fseek(file, 0, SEEK_END);
  std::string text(static_cast<std::size_t>(std::ftell(file)), ' ');
  std::rewind(file);
  if (std::fread(text.data(), 1, text.size(), file) != text.size()) text = "cannot be read";
  std::fclose(file);
  return text;
}

/// The message of the std::invalid_argument that f throws; "nothing thrown" otherwise.
inline std::string thrown(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "nothing thrown";
}

}  // namespace tangentplane::experiments::test
