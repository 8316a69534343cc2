// What the tests of experiments/ share: what is printed or thrown, as a text.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>

namespace tangentplane::experiments::test {

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
