#include "experiments/common/memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

namespace tangentplane::experiments {
namespace {

namespace fs = std::filesystem;

// "max" (no limit) and files that are not there give nothing.
std::optional<std::uint64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

// The number after `key` in a file of "key number" lines.
std::optional<std::uint64_t> number_after(const fs::path& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return std::stoull(line.substr(key.size()));
  return std::nullopt;
}

// What one group leaves; limits hold for its usage as a whole.
std::optional<std::uint64_t> left_in(const fs::path& group, const char* limit_file, const char* usage_file, const char* droppable) {
  const auto limit = number_in(group / limit_file), usage = number_in(group / usage_file);
  if (!limit || !usage) return std::nullopt;
  const std::uint64_t dropped = number_after(group / "memory.stat", std::string(droppable) + " ").value_or(0);
  const std::uint64_t held = *usage - std::min(*usage, dropped);
  return *limit - std::min(*limit, held);
}

}  // namespace

std::uint64_t available_memory(const fs::path& root) {
  const auto kib = number_after(root / "proc/meminfo", "MemAvailable:");
  if (!kib) throw std::runtime_error("/proc/meminfo: no MemAvailable; give --memory");
  std::uint64_t available = *kib * 1024;

  std::ifstream groups(root / "proc/self/cgroup");  // lines of id:controllers:path; v2 has no controllers
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool v1 = controllers.find(",memory,") != std::string::npos;
    if (!v1 && controllers != ",,") continue;
    const fs::path mount = root / (v1 ? "sys/fs/cgroup/memory" : "sys/fs/cgroup");
    // Inside a container the path may be the host's, of which only the mount's root is seen; parents limit their children.
    for (fs::path group = fs::path(line.substr(second + 1)).relative_path();; group = group.parent_path()) {
      const auto left = v1 ? left_in(mount / group, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
                           : left_in(mount / group, "memory.max", "memory.current", "inactive_file");
      if (left) available = std::min(available, *left);
      if (group.empty()) break;
    }
  }
  return available;
}

std::uint64_t peak_memory() { return number_after("/proc/self/status", "VmHWM:").value_or(0) * 1024; }

}  // namespace tangentplane::experiments
