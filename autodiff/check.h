// Errors are thrown at the call, before any work, as one line that names the op, what is wrong and what would be right.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

/// Everything of this project. Arrays in files are in tangentplane::data, eigenpairs in tangentplane::kernels, the loops in
/// tangentplane::cpu.
namespace tangentplane {

/// Throws std::invalid_argument with the formatted line unless `ok`.
template <class... Args>
void require(bool ok, fmt::format_string<Args...> line, Args&&... args) {
  if (!ok) throw std::invalid_argument(fmt::format(line, std::forward<Args>(args)...));
}

}  // namespace tangentplane
