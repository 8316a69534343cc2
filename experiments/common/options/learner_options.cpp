#include "experiments/common/options/learner_options.h"

namespace tangentplane::experiments {

void add_learner_options(CommandLine& line, LearnerOptions& learner) {
  line.add_flag("--linearize", learner.linearize, "Train the linearization at the initial weights");
  line.add_flag("--without-f0", learner.without_f0, "Leave f(theta0) out of the linearization");
  add_choice(line, "--space", learner.space, {"parameters", "function"}, "Where the linearization is trained; both give the same");
}

void check_learner(const LearnerOptions& learner) {
  require(learner.linearize || !learner.without_f0, "--without-f0: only the linearization has it; give --linearize");
  require(learner.linearize || !learner.function_space(),
          "--space function: only the linearization can be trained there; give --linearize");
}

}  // namespace tangentplane::experiments
