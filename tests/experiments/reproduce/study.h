// The study by its script, as small as it can be, with the built binaries.
#pragma once

#include "experiments/common/text/files.h"
#include "tests/experiments/cluster/shell.h"

namespace tangentplane::experiments::test {

/// A training on eigenfunctions of the mlp's kernel, and what it needs; further words are the script's options.
inline std::string study(const std::string& options, const std::string& out = "results", const std::string& bin = places::binaries()) {
  return places::reproduce() + " --bin " + bin + " --out " + out + " --num-train 300 --seeds 1 --epochs 2 " + options;
}
inline const std::string few_steps = "--num-test 40 --targets 1:31:2 --only @(eigenfunctions|classes)-mlp*";

/// The words of a command, for a shell that is to change nothing in them.
inline std::string for_shell(const std::string& command) {
  std::istringstream words(command);
  std::string line;
  for (std::string word; words >> word;) line += "'" + word + "' ";
  return line;
}

using Times = std::map<std::string, fs::file_time_type>;
/// When each file below a folder was last written, by its name there.
inline Times times(const fs::path& folder) {
  Times all;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) all[entry.path().lexically_relative(folder).string()] = fs::last_write_time(entry.path());
  return all;
}
/// The names of those that were written between the two, or are in one of them only.
inline std::string written(const Times& before, const Times& after) {
  std::string names;
  for (const auto& [name, time] : after)
    if (!before.count(name) || before.at(name) != time) names += name + " ";
  for (const auto& [name, time] : before)
    if (!after.count(name)) names += name + " ";
  return names;
}

/// The steps' folders.
inline std::vector<std::string> steps_in(const fs::path& results) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(results))
    if (fs::exists(entry.path() / "config.toml")) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// What the steps left, byte by byte, without the times that they took and the places where they lay.
inline std::map<std::string, std::string> bytes_of_steps(const Sandbox& box, const std::string& results) {
  std::map<std::string, std::string> all;
  for (const std::string& step : steps_in(box / results)) {
    for (auto& [name, bytes] : box.results(results + "/" + step)) {
      if (name == "config.toml")
        for (const char* key : {"ntk = ", "nads = "})
          if (const auto at = bytes.find(key); at != std::string::npos) bytes.erase(at, bytes.find('\n', at) + 1 - at);
      all[step + "/" + name] = bytes;
    }
  }
  return all;
}

/// The names of the steps that the script said it ran.
inline std::vector<std::string> ran(const std::string& out) {
  std::vector<std::string> names;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("[")) names.push_back(line.substr(line.find("] ") + 2));
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

}  // namespace tangentplane::experiments::test
