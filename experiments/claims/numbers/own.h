// A user's own tasks (train_ntk --labels) in numbers.
#pragma once

#include "experiments/claims/numbers/measured.h"

namespace tangentplane::experiments {

/// A network and its linearization on the same labels.
struct OwnComparison {
  PairRepeats pairs = {};
  RepeatedTask task = {};
  Estimate lead = {};  ///< of the network
};
/// One of the two without the other.
struct OwnTraining {
  const Run* run;
  Training training = {};
};
struct OwnTasks {
  std::vector<OwnComparison> compared = {};
  std::vector<OwnTraining> alone = {};
};
OwnTasks own_tasks(const Grouped<Pair>& found);

}  // namespace tangentplane::experiments
