#include "experiments/common/process/memory.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>

#include "autodiff/cpu/limits.h"
#include "experiments/common/text/parse.h"

namespace tangentplane::experiments {
namespace {

namespace fs = std::filesystem;
using cpu::number_after;
using cpu::number_in;

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

  for (const auto& [folder, version] : cpu::control_groups("memory", root)) {
    const auto left = version == 1 ? left_in(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
                                   : left_in(folder, "memory.max", "memory.current", "inactive_file");
    if (left) available = std::min(available, *left);
  }
  if (const auto left = cpu::address_space_left(root)) available = std::min(available, *left);
  return available;
}

double bytes_of(const std::vector<Held>& parts) {
  double sum = 0;
  for (const Held& part : parts) sum += part.bytes;
  return sum;
}

void require_room(std::string_view task, const std::vector<Held>& parts, std::uint64_t allowed) {
  const double sum = bytes_of(parts), limit = static_cast<double>(allowed);
  if (sum < limit) return;
  const Held& largest = *std::max_element(parts.begin(), parts.end(), [](const Held& a, const Held& b) { return a.bytes < b.bytes; });
  const std::string what =
      parts.size() == 1 ? " " + largest.what + "," : fmt::format(", {} of it for {},", format_size(largest.bytes), largest.what);
  require(false, "--memory: {} {}{} {} are allowed; give more{}{}", task, format_size(sum), what, format_size(limit),
          largest.smaller.empty() ? "" : ", or ", largest.smaller);
}

std::uint64_t peak_memory() { return number_after("/proc/self/status", "VmHWM:").value_or(0) * 1024; }

}  // namespace tangentplane::experiments
