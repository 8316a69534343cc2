// How a page calls runs. What tells a run from the others there stands in its name, whichever option it is; what they share does not.
#pragma once

#include "experiments/claims/study/matching.h"

namespace tangentplane::experiments {

/// Sets `names` of all runs: a file's name has as much of its path as tells it from others, an option stands in the name of a run where
/// another one of the same program (network or linearization) has it otherwise, and where nothing but the tasks differs the folder does.
/// Repeats have the same names.
void name_runs(Study& study);

/// For titles and legends: "mlp (features 16,1) on cifar10", with the options in which runs of the same network differ; without "on ..."
/// where the data is said elsewhere.
std::string title_of(const Run& run, bool with_data = true);
/// The same of repeats: "mlp on cifar10, batch 32, 3 seeds". Of pairs, with what tells the linearization from others.
std::string model(const Repeats& runs);
std::string model(const PairRepeats& pairs);
/// For sentences, with the options in which any of the same program differ: "lenet on dead-leaves, 2000 training and 500 test images,
/// batch 32, 3 seeds".
std::string setting(const Run& run);
std::string setting(const Repeats& runs);
std::string setting(const PairRepeats& pairs);
/// What a run's labels are: "classes 0 to 4 against the rest", "all classes", "labels.npy, class 1 against the rest".
std::string labels_of(const Run& run);

/// "1, 2 and 5"
std::string listed(const std::vector<std::string>& names);

}  // namespace tangentplane::experiments
