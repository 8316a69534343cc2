// Claim 5 in numbers: how fast the linearizations at the initial and at the trained weights fit the training set.
#pragma once

#include "experiments/claims/numbers/measured.h"

namespace tangentplane::experiments {

/// One task under one seed.
struct Comparison {
  std::string target = {};  ///< index, or "labels"
  Training network = {}, init = {}, trained = {};
  Index epochs_init = 0, epochs_trained = 0;  ///< until the best training accuracy of the model linearized at init; 0: never

  bool reached() const { return epochs_trained > 0; }
  /// The network and the model linearized at init have gone to their end: there are trained weights, and a training that fits the images.
  bool finished() const { return network.finished() && init.finished(); }
  /// epochs_init over epochs_trained; where that was never reached, over one epoch more than there were.
  double speedup() const;
  /// Standard error of its logarithm that comes from counting in whole epochs: each count is off by up to half an epoch.
  double rounding() const;
};

struct TrainedNumbers {
  Repeats runs = {};
  std::vector<std::vector<Comparison>> seeds = {};            ///< for each run: its targets that count
  std::vector<std::pair<std::string, double>> left_out = {};  ///< targets that do not count
  bool finished = false, reached = false;                     ///< all comparisons are
  /// Natural logarithm of the speedup, the median over targets, over seeds.
  Estimate log_speedup = {};
  std::size_t faster = 0, compared = 0;  ///< trainings, of all targets and seeds, that took fewer epochs; and all
  /// Of test accuracy, at the trained weights minus at the initial ones, mean over targets; paired.
  std::optional<Estimate> difference = {};

  std::vector<std::string> targets() const;  ///< of all seeds
};
std::vector<TrainedNumbers> trained_numbers(const std::vector<Repeats>& groups);

}  // namespace tangentplane::experiments
