// Claim 3 in numbers: test accuracy along early anisotropy directions and along late ones.
#pragma once

#include "experiments/claims/numbers/measured.h"

namespace tangentplane::experiments {

/// Mean accuracy over the first third of the directions, over the last, and the first minus the last.
struct Drop {
  Estimate early = {}, late = {}, drop = {};
  bool finished = false;  ///< all of its trainings on these directions have gone to their end
};
struct DropNumbers {
  PairRepeats pairs = {};
  std::vector<RepeatedTask> tasks = {};                       ///< by direction
  std::vector<std::pair<std::string, double>> left_out = {};  ///< directions that do not count
  Drop network = {}, linear = {};
  std::optional<double> correlation = {};  ///< of the two mean accuracies over directions
};
/// Without groups of fewer than two directions, and without seeds that lack one of them.
std::vector<DropNumbers> drop_numbers(const std::vector<PairRepeats>& groups);

}  // namespace tangentplane::experiments
