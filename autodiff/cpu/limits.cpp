#include "autodiff/cpu/limits.h"

#include <tbb/info.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

namespace tangentplane::cpu {
namespace fs = std::filesystem;

namespace {

std::optional<double> quota_of(const ControlGroup& group) {
  double quota = 0, period = 0;
  if (group.version == 1) {
    std::ifstream of_quota(group.folder / "cpu.cfs_quota_us"), of_period(group.folder / "cpu.cfs_period_us");
    if (!(of_quota >> quota && of_period >> period)) return std::nullopt;
  } else {
    std::ifstream both(group.folder / "cpu.max");  // "max 100000" without a limit
    if (!(both >> quota >> period)) return std::nullopt;
  }
  return quota > 0 && period > 0 ? std::optional(quota / period) : std::nullopt;  // version 1 says -1 without a limit
}

}  // namespace

std::optional<std::uint64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> number_after(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    std::istringstream rest(line.substr(key.size()));
    std::uint64_t value = 0;
    return rest >> value ? std::optional(value) : std::nullopt;  // "unlimited"
  }
  return std::nullopt;
}

std::vector<ControlGroup> control_groups(std::string_view controller, const fs::path& root) {
  std::vector<ControlGroup> all;
  std::ifstream groups(root / "proc/self/cgroup");  // lines of id:controllers:path; version 2 has no controllers
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool v1 = controllers.find("," + std::string(controller) + ",") != std::string::npos;
    if (!v1 && controllers != ",,") continue;
    const fs::path mount = v1 ? root / "sys/fs/cgroup" / controller : root / "sys/fs/cgroup";
    // Inside a container the path may be the host's, of which only the mount's root is seen.
    for (fs::path group = fs::path(line.substr(second + 1)).relative_path();; group = group.parent_path()) {
      all.push_back({mount / group, v1 ? 1 : 2});
      if (group.empty()) break;
    }
  }
  return all;
}

std::optional<double> cpu_quota(const fs::path& root) {
  std::optional<double> smallest;
  for (const ControlGroup& group : control_groups("cpu", root))
    if (const auto quota = quota_of(group); quota && !(smallest && *smallest <= *quota)) smallest = quota;
  return smallest;
}

int usable_cpus(const fs::path& root) {
  const int in_mask = std::max(1, tbb::info::default_concurrency());
  const auto quota = cpu_quota(root);
  return quota ? static_cast<int>(std::clamp(std::ceil(*quota), 1., static_cast<double>(in_mask))) : in_mask;
}

std::optional<std::uint64_t> address_space_left(const fs::path& root) {
  std::optional<std::uint64_t> left;
  const auto take = [&](std::string_view limit_name, std::string_view use_name) {
    const auto limit = number_after(root / "proc/self/limits", limit_name);
    if (!limit) return;
    const std::uint64_t used = number_after(root / "proc/self/status", use_name).value_or(0) * 1024, here = *limit - std::min(*limit, used);
    left = std::min(left.value_or(here), here);
  };
  take("Max address space", "VmSize:");
  take("Max data size", "VmData:");
  return left;
}

}  // namespace tangentplane::cpu
