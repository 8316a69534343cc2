// What the tests of experiments/ share: what is printed or thrown, as a text.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>

#include "tests/thrown.h"

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

using tangentplane::thrown;

}  // namespace tangentplane::experiments::test
