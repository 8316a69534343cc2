#include "experiments/claims/numbers/trained.h"

#include <algorithm>
#include <cmath>

#include "experiments/claims/statistics/statistics.h"

namespace tangentplane::experiments {
namespace {

double best_training_accuracy(const History& history) {
  double best = 0;
  for (const EpochRecord& r : history) best = std::max(best, r.train_accuracy);
  return best;
}

/// The first epoch in which the training accuracy had reached `level`; 0: never.
Index epochs_to(const History& history, double level) {
  for (const EpochRecord& r : history)
    if (r.train_accuracy >= level) return r.epoch;
  return 0;
}

/// Those of one run; targets that do not count are noted in `n`.
std::vector<Comparison> comparisons(const Run& run, TrainedNumbers& n) {
  std::vector<std::string> names;
  for (Index target : targets(run)) names.push_back(std::to_string(target));
  if (run.own_labels()) names.emplace_back("labels");
  std::vector<Comparison> all;
  for (const std::string& name : names) {
    const auto folder = target_folder(run, name);
    Comparison c{name, load_training(folder / "network"), load_training(folder / "linear_init"), load_training(folder / "linear_trained")};
    if (const double rarer = c.init.rarer(); rarer < least_share_of_rarer_class) {
      n.left_out.emplace_back(name, rarer);
      continue;
    }
    const double level = best_training_accuracy(c.init.history);
    c.epochs_init = epochs_to(c.init.history, level), c.epochs_trained = epochs_to(c.trained.history, level);
    all.push_back(std::move(c));
  }
  return all;
}

/// Differences of test accuracy over seeds, with the error of the test images.
std::optional<Estimate> difference_of(const TrainedNumbers& n) {
  std::vector<double> differences;
  std::vector<std::vector<double>> of_seeds;
  for (const auto& seed : n.seeds) {
    std::vector<double> images(seed.front().init.correct.size());
    double sum = 0;
    const double count = static_cast<double>(seed.size());
    for (const Comparison& c : seed) {
      if (c.init.correct.size() != images.size() || c.trained.correct.size() != images.size() || images.empty()) return {};
      sum += c.trained.test_accuracy() - c.init.test_accuracy();
      for (std::size_t i = 0; i < images.size(); ++i) images[i] += (c.trained.correct[i] - c.init.correct[i]) / count;
    }
    differences.push_back(sum / count), of_seeds.push_back(std::move(images));
  }
  return estimate(differences, measurement(test_images(n.runs, std::vector<std::string>(n.runs.size())), of_seeds, 1));
}

}  // namespace

double Comparison::speedup() const {
  const Index after = reached() ? epochs_trained : trained.epochs() + 1;
  return static_cast<double>(epochs_init) / static_cast<double>(after);
}

double Comparison::rounding() const {
  const double after = static_cast<double>(reached() ? epochs_trained : trained.epochs() + 1);
  return std::hypot(1 / static_cast<double>(epochs_init), 1 / after) / std::sqrt(12);  // uniform over one epoch
}

std::vector<std::string> TrainedNumbers::targets() const {
  std::vector<std::string> names;
  for (const auto& seed : seeds)
    for (const Comparison& c : seed)
      if (std::find(names.begin(), names.end(), c.target) == names.end()) names.push_back(c.target);
  return names;
}

std::vector<TrainedNumbers> trained_numbers(const std::vector<Repeats>& groups) {
  std::vector<TrainedNumbers> all;
  for (const Repeats& runs : groups) {
    TrainedNumbers n{.finished = true, .reached = true};
    std::vector<double> speedups, roundings;
    for (const Run* run : runs) {
      auto seed = comparisons(*run, n);
      if (seed.empty()) continue;
      std::vector<double> logarithms;
      for (const Comparison& c : seed) {
        logarithms.push_back(std::log(c.speedup())), roundings.push_back(c.rounding());
        n.faster += c.speedup() > 1, ++n.compared;
        n.finished = n.finished && c.finished(), n.reached = n.reached && c.reached();
      }
      speedups.push_back(median(logarithms));
      n.runs.push_back(run), n.seeds.push_back(std::move(seed));
    }
    if (n.runs.empty()) continue;
    n.left_out = join_left_out(n.left_out, [&](const std::string& target) {
      return static_cast<std::size_t>(std::count_if(n.seeds.begin(), n.seeds.end(), [&](const auto& seed) {
        return std::any_of(seed.begin(), seed.end(), [&](const Comparison& c) { return c.target == target; });
      }));
    });
    n.log_speedup = estimate(speedups, {root_mean_square(roundings), false});
    n.difference = difference_of(n);
    all.push_back(std::move(n));
  }
  return all;
}

}  // namespace tangentplane::experiments
