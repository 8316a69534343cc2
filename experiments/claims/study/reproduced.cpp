#include "experiments/claims/study/reproduced.h"

#include <fnmatch.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "experiments/common/text/files.h"
#include "experiments/common/text/html.h"

namespace tangentplane::experiments {
namespace {

// A word that ninja passes on to a shell, as it was before both were told to change nothing in it.
std::string read_back(std::string line) {
  replace_all(line, "$$", "$");
  if (line.size() < 2 || line.front() != '\'') return line;
  line = line.substr(1, line.size() - 2);
  replace_all(line, "'\\''", "'");
  return line;
}

// "eigenfunctions-mlp" of "eigenfunctions-mlp-seed1", 1
std::pair<std::string, int> with_seed(const std::string& name) {
  static const std::regex seed("(.*)-seed([0-9]{1,4})");
  std::smatch parts;
  return std::regex_match(name, parts, seed) ? std::pair(parts[1].str(), std::stoi(parts[2])) : std::pair(name, 0);
}

}  // namespace

Reproduced Reproduced::read(const std::filesystem::path& root) {
  Reproduced found;
  if (!std::filesystem::is_regular_file(root / "build.ninja")) return found;
  std::istringstream lines(read_text(root / "build.ninja"));
  // The words of study.txt: $images --eigen $eigen, where the paper's size has other eigenpairs.
  static const std::regex kernel(
      "compute_ntk --model (?:lenet|mlp) (--data .*?)(?: --data-seed [0-9]+)?( --num-train [0-9]+ --num-test [0-9]+) "
      "--eigen ([0-9]+) .*"),
      training(".* --epochs ([0-9]+) .*"), on_eigenfunctions("train_ntk .* --index ([0-9,:]+) .*");
  std::set<std::string> epochs, targets;
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view name = "  name = ", command = "  line = ";
    std::smatch parts;
    if (line.starts_with(name)) found.steps.insert(line.substr(name.size()));
    if (!line.starts_with(command)) continue;
    const std::string of = read_back(line.substr(command.size()));
    if (found.options.empty() && std::regex_match(of, parts, kernel))
      found.options = " " + parts[1].str() + parts[2].str() + (parts[3] == "1000" ? " --full" : "");
    if (std::regex_match(of, parts, training)) epochs.insert(parts[1]);
    if (std::regex_match(of, parts, on_eigenfunctions)) targets.insert(parts[1]);
  }
  // Where all trainings have the same ones, that option was given, or changes nothing.
  if (epochs.size() == 1) found.options += " --epochs " + *epochs.begin();
  if (targets.size() == 1) found.options += " --targets " + *targets.begin();
  for (const std::string& step : found.steps) found.seeds = std::max(found.seeds, with_seed(step).second + 1);
  return found;
}

std::string Reproduced::command(const std::string& pattern, int least) const {
  const bool any =
      std::any_of(steps.begin(), steps.end(), [&](const std::string& step) { return fnmatch(pattern.c_str(), step.c_str(), 0) == 0; });
  return any ? "reproduce --out ." + options + " --seeds " + std::to_string(std::max(least, seeds)) + " --only '" + pattern + "'" : "";
}

std::string Reproduced::command_around(const std::string& step, int least) const {
  return steps.contains(step) ? command(with_seed(step).first + "*", least) : "";
}

}  // namespace tangentplane::experiments
