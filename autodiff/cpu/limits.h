// What the system lets this process have: CPUs by affinity and by the quota of its control groups (containers, batch systems), and address
// space by ulimit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace tangentplane::cpu {

/// A folder in which a control group's limits stand.
struct ControlGroup {
  std::filesystem::path folder;  ///< where its files are
  int version;                   ///< of the interface, 1 or 2: files have other names
};
/// This process's group under that controller ("cpu", "memory") and its parents, which limit it too. Some of them may not be seen.
/// `root` is the file system read, here and below (tests give their own).
std::vector<ControlGroup> control_groups(std::string_view controller, const std::filesystem::path& root = "/");

/// CPUs' worth of time that the smallest quota of its groups gives this process; nothing without one.
std::optional<double> cpu_quota(const std::filesystem::path& root = "/");
/// That, rounded up, and the CPUs in the process's affinity mask: the smaller of the two, at least 1.
int usable_cpus(const std::filesystem::path& root = "/");

/// Bytes of address space that ulimit -v and ulimit -d still leave; nothing without a limit.
std::optional<std::uint64_t> address_space_left(const std::filesystem::path& root = "/");

/// The first number in a file; nothing where there is none ("max": no limit) or no file.
std::optional<std::uint64_t> number_in(const std::filesystem::path& path);
/// The number after `key` at the beginning of a line.
std::optional<std::uint64_t> number_after(const std::filesystem::path& path, std::string_view key);

}  // namespace tangentplane::cpu
