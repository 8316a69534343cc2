// The file that --config reads and every results folder holds: key = value lines of TOML. Lists are kept joined by commas, so
// that features = "6,16" and features = [6, 16] mean what --features 6,16 means.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "experiments/common/text/parse.h"

namespace tangentplane::experiments {

class Config {
 public:
  using Entry = std::pair<std::string, std::string>;

  /// Sets or replaces; the order is that of the first setting.
  void set(std::string_view key, std::string value);
  template <Number T>
  void set(std::string_view key, T value) {
    set(key, fmt::format("{}", value));
  }
  void erase(std::string_view key);
  /// Null if the key is not there.
  const std::string* find(std::string_view key) const;
  const std::vector<Entry>& entries() const { return entries_; }

  /// As TOML: numbers and truth values bare, everything else quoted.
  std::string toml() const;
  /// Throws std::invalid_argument naming `name` and the line for anything but key = value with strings, numbers, truth values and
  /// lists of them, and for a key that comes twice.
  static Config parse(std::string_view text, std::string_view name);
  static Config read(const std::filesystem::path& path);

 private:
  std::vector<Entry> entries_;
};

}  // namespace tangentplane::experiments
