// The results folders of a study, as the report reads them.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiments/common/run/config.h"

namespace tangentplane::experiments {

/// A finished run.
struct Run {
  std::filesystem::path folder;
  std::string experiment;
  Config config;

  std::string name() const { return folder.filename().string(); }
  std::string get(std::string_view key) const;  ///< empty if it has none
  bool linearized() const { return get("linearize") == "true"; }
  std::string model() const;    ///< "lenet", "resnet18 of 8 filters"
  std::string data() const;     ///< "dead-leaves", or a file's name
  double test_images() const;   ///< 0 if there are none
  std::string seed() const;     ///< "0"; "0_data_1" where the images come from another
  std::string setting() const;  ///< "lenet on dead-leaves, 2000 training and 500 test images"
};

struct Study {
  std::filesystem::path root;
  std::vector<Run> runs;                ///< by name
  std::vector<std::string> unfinished;  ///< folders of runs that have begun and not ended

  std::vector<const Run*> of(std::string_view experiment) const;
  /// The run whose folder an option of `run` names (--ntk, --nads); found also where the whole study was moved.
  const Run* source(const Run& run, std::string_view option) const;
};

/// Every folder in `root` that an experiment left. Throws std::invalid_argument naming the folder if there is none.
Study read_study(const std::filesystem::path& root);

/// A network and its linearization after the same recipe on the same tasks.
struct Pair {
  const Run *network, *linear;
};
/// The pairs among the runs of one experiment: all options agree but those by which the two differ and the list of tasks.
std::vector<Pair> pairs(const Study& study, std::string_view experiment);

/// Runs, or pairs of runs, that differ in their seeds alone (and in those of the runs that they build on), in the order of their folders.
/// Of two under the same seeds the first counts.
using Repeats = std::vector<const Run*>;
using PairRepeats = std::vector<Pair>;
std::vector<Repeats> repeated(const Study& study, const std::vector<const Run*>& runs);
std::vector<PairRepeats> repeated(const Study& study, const std::vector<Pair>& pairs);

/// "lenet on dead-leaves, 2000 training and 500 test images, 3 seeds"
std::string setting(const Repeats& runs);
std::string setting(const PairRepeats& pairs);
/// "lenet, 3 seeds"
std::string model(const Repeats& runs);
std::string model(const PairRepeats& pairs);
/// "seed_0", "seed_1": names for what a figure's means are taken over; none for a single run.
std::vector<std::string> seed_columns(const Repeats& runs);
std::vector<std::string> seed_columns(const PairRepeats& pairs);

/// A row of accuracy.csv with a number for its name and a test accuracy.
struct Accuracy {
  double balance = 0, test = 0;
};
std::map<Index, Accuracy> accuracies(const Run& run);

/// A row that both of a pair have.
struct Task {
  double balance = 0, network = 0, linear = 0;
  bool one_class() const { return balance == 0 || balance == 1; }  ///< nothing to learn
};
/// One task under every seed.
struct RepeatedTask {
  Index name = 0;                                         ///< index, or number of training images
  std::vector<std::optional<Task>> under;                 ///< one for each of the pairs; nothing where a seed has no such row
  std::vector<double> values(double Task::*value) const;  ///< one for each of the pairs, NaN where there is none
  std::vector<double> leads() const;                      ///< network - linearization, the same
};
std::vector<RepeatedTask> tasks(const PairRepeats& pairs);
/// Without what has one class only; tasks of which nothing is left are dropped.
std::vector<RepeatedTask> learnable(std::vector<RepeatedTask> tasks);

/// The targets of --index; nothing for a run on given labels.
std::vector<Index> targets(const Run& run);

/// The folder of one of a run's targets: the run's own if it has only one.
std::filesystem::path target_folder(const Run& run, Index target);

}  // namespace tangentplane::experiments
