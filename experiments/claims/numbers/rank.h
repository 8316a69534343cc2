// Claim 1 in numbers: do network and linearization find the same tasks hard?
#pragma once

#include "experiments/claims/numbers/measured.h"

namespace tangentplane::experiments {

/// Eigenfunctions of a kernel, learnt by a network and by its linearization.
struct RankNumbers {
  PairRepeats pairs = {};
  std::vector<RepeatedTask> tasks = {};      ///< all, those too that do not count
  std::vector<RepeatedTask> counted = {};    ///< those that do, under the seeds under which they do
  std::vector<std::size_t> counts = {};      ///< how many do, a seed each
  std::vector<double> correlations = {};     ///< Spearman's, of the areas under the ROC curves, a seed each; NaN where there is no order
  std::optional<Estimate> correlation = {};  ///< of these, if all seeds have one; with the error of the test images (bootstrap)
  std::optional<Estimate> by_accuracy = {};  ///< the same of test accuracies, spread over seeds alone

  std::size_t fewest() const;  ///< of counts
};

/// A group of repeats each; without those in which nothing was learnt by both. Throws as `tasks`.
std::vector<RankNumbers> rank_numbers(const std::vector<PairRepeats>& groups);

}  // namespace tangentplane::experiments
