// What is trained: the network or its linearization, in parameter or in function space.
#pragma once

#include "experiments/common/options/options.h"

namespace tangentplane::experiments {

struct LearnerOptions {
  bool linearize = false, without_f0 = false;
  std::string space = "parameters";

  bool function_space() const { return space == "function"; }
};

/// Adds --linearize, --without-f0 and --space.
void add_learner_options(CommandLine& line, LearnerOptions& learner);
/// Throws std::invalid_argument for options that only the linearization has.
void check_learner(const LearnerOptions& learner);

}  // namespace tangentplane::experiments
