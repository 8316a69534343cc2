// A user's own tasks (--labels of train_ntk and train_cifar) in numbers.
#pragma once

#include "experiments/claims/numbers/measured.h"

namespace tangentplane::experiments {

/// A network and its linearization on the same labels.
struct OwnComparison {
  PairRepeats pairs = {};
  RepeatedTask task = {};
  Estimate lead = {};  ///< of the network
  bool counts = true;  ///< the rarer class has enough images, under every seed
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
