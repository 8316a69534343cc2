// What a run says, and of several ranks only the first. Nothing here throws: a closed or full stream must not end the work, and run_main
// looks in the end whether the results came out.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "autodiff/cpu/ranks.h"

namespace tangentplane::experiments {

/// Writes the text as it is; a failure stays with the stream (ferror).
inline void put(std::FILE* to, const std::string& text) noexcept {
  if (cpu::Ranks::world().first()) static_cast<void>(std::fwrite(text.data(), 1, text.size(), to));
}

/// Results, on standard output. Where they cannot be written the run ends with status 1.
template <class... T>
void tell(fmt::format_string<T...> text, T&&... arguments) {
  put(stdout, fmt::format(text, std::forward<T>(arguments)...));
}

/// A remark on standard error, lost where that cannot be written.
template <class... T>
void remark(fmt::format_string<T...> text, T&&... arguments) noexcept {
  try {
    put(stderr, fmt::format(text, std::forward<T>(arguments)...));
  } catch (...) {  // no memory left for a remark
  }
}

}  // namespace tangentplane::experiments
