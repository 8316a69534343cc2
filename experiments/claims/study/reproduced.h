// What experiments/reproduce has made of a folder, read from its build.ninja: advice to run more of it names the same sizes and data.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace tangentplane::experiments {

struct Reproduced {
  std::set<std::string> steps = {};  ///< names of all that are listed; none: another has filled the folder
  std::string options = {};          ///< " --data cifar10 --data-dir /data --num-train 2000 --num-test 500"
  int seeds = 0;

  static Reproduced read(const std::filesystem::path& root);

  /// The command, for a shell in the folder, that runs the steps of that pattern ("classes-*") with its options under `seeds` seeds or as
  /// many as there are; empty where there is no such step.
  std::string command(const std::string& pattern, int seeds = 1) const;
  /// The same for the runs that belong to a step's, by its name; empty where it is no step.
  std::string command_around(const std::string& step, int seeds) const;
};

}  // namespace tangentplane::experiments
