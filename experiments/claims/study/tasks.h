// What trainings left of a task, and the same task under every seed.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/claims/study/matching.h"
#include "experiments/common/training/end_of_training.h"

namespace tangentplane::experiments {

/// A training, as its folder tells of it.
struct Training {
  History history = {};
  std::vector<int> labels = {};      ///< [N], training images first
  std::vector<double> logits = {};   ///< of the test images; empty for more than two classes
  std::vector<double> correct = {};  ///< of each test image, 1 or 0
  double auc = 0;                    ///< of the test logits; NaN without, and where all test images are of one class
  std::string test_rows = {};        ///< which of the data's images test, where a subset was chosen; else empty

  double train_accuracy() const { return history.back().train_accuracy; }
  double test_accuracy() const;  ///< the share of `correct`; NaN without test images
  Index epochs() const { return history.back().epoch; }
  std::size_t num_train() const { return labels.size() - correct.size(); }
  bool finished() const { return trained_to_the_end(history); }  ///< at least 99 % of its training images are right in the last epoch

  double rarer_train() const;  ///< rarest_share of the training images
  double rarer_test() const;   ///< rarest_share of the test images
  double rarer() const { return correct.empty() ? rarer_train() : std::min(rarer_train(), rarer_test()); }
};
/// Of history.csv, labels.npy and test_logits.npy; what is said of the test images is from the logits alone. Throws std::invalid_argument
/// naming the file where one is missing or damaged, or says another test accuracy than the logits do.
Training load_training(const std::filesystem::path& folder);
/// Of every target in a run's accuracy.csv, by the target's name; those without test images are left out. Throws as load_training.
std::vector<std::pair<std::string, Training>> load_trainings(const Run& run);

/// Share of the rarest of the classes that `labels` has, among labels [begin, end); 0 where there is one class, or none of the images.
double rarest_share(const std::vector<int>& labels, std::size_t begin, std::size_t end);
/// A task counts if that share is no less among the training images nor among the test images.
inline constexpr double least_share_of_rarer_class = 0.05;

/// A task under one seed, learnt by both of a pair.
struct Task {
  Training network = {}, linear = {};
  double balance = 0;  ///< share of ones among all images
  double rarer = 0;    ///< of both, whose labels are the same
  bool counts() const { return rarer >= least_share_of_rarer_class; }
  bool finished() const { return network.finished() && linear.finished(); }
  double lead() const { return network.test_accuracy() - linear.test_accuracy(); }  ///< of the network
};
/// One task under every seed.
struct RepeatedTask {
  std::string name = {};                        ///< index, number of training images, or "labels"
  std::vector<std::optional<Task>> under = {};  ///< one for each of the pairs; nothing where a seed has no such task
  std::size_t other_labels = 0;                 ///< seeds under which the two learnt other labels

  Index number() const;   ///< the name as a number
  bool finished() const;  ///< under every seed that has it
  bool under_some_seed() const;
  bool under_every_seed() const;
  /// One number for each of the pairs, NaN where there is none.
  template <class F>
  std::vector<double> values(const F& number_of) const {
    std::vector<double> all;
    for (const auto& task : under) all.push_back(task ? static_cast<double>(number_of(*task)) : std::numeric_limits<double>::quiet_NaN());
    return all;
  }
};
/// The tasks that both of a pair have, by number.
std::vector<RepeatedTask> tasks(const PairRepeats& pairs);
/// Those that count, under the seeds under which they do.
std::vector<RepeatedTask> counting(const std::vector<RepeatedTask>& tasks);
/// "1", or "1 under 2 of 3 seeds" where a task is left out under some of those that have it.
std::string under_some(const std::string& task, std::size_t left_out, std::size_t seeds);
/// The same of what each seed left out, a name for each, where a task counts under `counting(name)` others; each with its least share.
std::vector<std::pair<std::string, double>> join_left_out(const std::vector<std::pair<std::string, double>>& of_seeds,
                                                          const std::function<std::size_t(const std::string&)>& counting);
/// Those that do not count under some seed, as under_some names them, with the least share of the rarer class.
std::vector<std::pair<std::string, double>> left_out(const std::vector<RepeatedTask>& tasks);

/// What the test images of several seeds have to do with each other.
enum class TestImages {
  same,        ///< every seed has the very same
  own,         ///< every seed has its own
  overlapping  ///< others, out of one set
};
/// `rows` as test_rows, one for each run that is not left out; by the fingerprints of the images or, without, by the configuration.
TestImages test_images(const std::vector<const Run*>& runs, const std::vector<std::string>& rows);
/// Of a task of these pairs.
TestImages test_images(const PairRepeats& pairs, const RepeatedTask& task);

}  // namespace tangentplane::experiments
