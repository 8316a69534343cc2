// How much memory a run may take and how much it took.
#pragma once

#include <cstdint>
#include <filesystem>

namespace tangentplane::experiments {

/// Bytes that this process can still take without swapping: the smallest of the kernel's MemAvailable and what is left under each memory
/// limit of its control groups (v1 and v2), pages of files that can be dropped counted as free. `root` is the file system read
/// (tests give their own). Throws std::runtime_error if root/proc/meminfo does not say.
std::uint64_t available_memory(const std::filesystem::path& root = "/");

/// Largest resident size of this process so far, in bytes (VmHWM).
std::uint64_t peak_memory();

}  // namespace tangentplane::experiments
