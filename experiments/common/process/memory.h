// How much memory a run may take and how much it took.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "autodiff/cpu/memory.h"

namespace tangentplane::experiments {

/// Bytes that this process can still take without swapping: the smallest of the kernel's MemAvailable, what is left under each memory
/// limit of its control groups (v1 and v2), pages of files that can be dropped counted as free, and what ulimit -v and -d leave. `root` is
/// the file system read (tests give their own). Throws std::runtime_error if root/proc/meminfo does not say.
std::uint64_t available_memory(const std::filesystem::path& root = "/");

/// Largest resident size of this process so far, in bytes (VmHWM).
std::uint64_t peak_memory();

/// What a run takes besides its tensors: the program, its threads, BLAS's buffers.
inline constexpr double program_bytes = 48 << 20;

/// A part of what a run holds at once, and what makes it smaller ("fewer images (--num-train)"); empty where nothing does.
struct Held {
  std::string what;
  double bytes = 0;
  std::string smaller = {};
};
double bytes_of(const std::vector<Held>& parts);
/// Throws std::invalid_argument naming --memory unless all parts together take less than `allowed` bytes: it says how much they take, what
/// the largest of them is (of a single part how it takes them: "alone"), and which options make that smaller. `task` is what takes them:
/// "training on 8 images takes".
void require_room(std::string_view task, const std::vector<Held>& parts, std::uint64_t allowed);

/// Bytes that f() takes at its peak, in tensors.
template <class F>
double bytes_taken(const F& f) {
  const auto held = [] { return static_cast<double>(cpu::memory_use().live + cpu::memory_use().pooled); };
  cpu::trim_memory();  // from here on blocks are handed out again: what f adds is its peak
  const double before = held();
  f();
  return held() - before;
}

}  // namespace tangentplane::experiments
