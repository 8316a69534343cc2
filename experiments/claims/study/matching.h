// Which runs belong together: a network and its linearization, and repeats of one comparison under several seeds. Decided by the
// fingerprints of weights and images; of older results, which have none, by their configurations.
#pragma once

#include <string>
#include <vector>

#include "experiments/claims/study/runs.h"

namespace tangentplane::experiments {

/// A network and its linearization after the same recipe (the number of epochs apart) from the same weights on the same images.
struct Pair {
  const Run *network, *linear;
};

/// Runs, or pairs of runs, that differ in their seeds alone (and in those of the runs that they build on), in the order of their folders:
/// images and labels that a user gave are the same, and where weights are given, they are to all. What differs under the same seeds is no
/// repeat.
using Repeats = std::vector<const Run*>;
using PairRepeats = std::vector<Pair>;

/// A run that no comparison counts.
struct NotCounted {
  enum class Why {
    alone,        ///< a network without a linearization, or the other way about
    second_form,  ///< a linearization that was trained in other ways too (in the other space, for other epochs): `counted` counts
    same_start    ///< weights and images are those of `counted`: no second sample
  };
  const Run* run;
  Why why;
  const Run* counted = nullptr;
};

template <class T>
struct Grouped {
  std::vector<std::vector<T>> groups = {};
  std::vector<NotCounted> not_counted = {};
};

/// All pairs of one experiment, on given labels or not, by repeats. A network has one linearization: of several the one that learnt most of
/// the network's tasks to the end, then one on the same list of tasks, then of as many epochs, then one with f0, then one of more epochs,
/// then the first by name. Of two pairs with the same weights and images (and, for train_cifar, the same subset) the first counts.
Grouped<Pair> matched_pairs(const Study& study, std::string_view experiment, bool own_labels = false);
/// The same for single runs.
Grouped<const Run*> matched_runs(const Study& study, const std::vector<const Run*>& runs);
/// Its groups alone.
std::vector<Repeats> repeated(const Study& study, const std::vector<const Run*>& runs);

/// The seed of each one's weights, "0", "1_data_5", told apart by folders where two are alike.
std::vector<std::string> seeds_of(const Repeats& runs);
std::vector<std::string> seeds_of(const PairRepeats& pairs);
/// "seed_0", "seed_1": names for what a figure's means are taken over; none for a single run.
std::vector<std::string> seed_columns(const Repeats& runs);
std::vector<std::string> seed_columns(const PairRepeats& pairs);

}  // namespace tangentplane::experiments
