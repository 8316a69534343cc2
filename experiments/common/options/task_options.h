// What of a network with several logits is trained, and on which labels.
#pragma once

#include "experiments/common/options/options.h"
#include "linearize/outputs.h"

namespace tangentplane::experiments {

/// Adds --outputs.
void add_outputs_option(CommandLine& line, std::optional<Outputs>& outputs, const std::string& help);
/// What --outputs asks of a network with so many logits: `asked`, or the only one, or trace. Throws std::invalid_argument for a logit that
/// there is not.
Outputs chosen_outputs(const CommonOptions& o, const std::optional<Outputs>& asked, Index logits);

struct TaskOptions {
  std::optional<Outputs> outputs;              ///< --outputs: one function of the logits; none: all of them
  std::optional<std::vector<Index>> positive;  ///< --positive: the classes that are labelled 1

  /// Logits of what is trained, of a network's: 1 where that is one function of them.
  Index trained(Index logits) const { return outputs ? 1 : logits; }
};
/// Adds --outputs, and --positive if that is wanted.
void add_task_options(CommandLine& line, TaskOptions& task, bool positive = true);
/// Throws std::invalid_argument naming --outputs unless they name one function of so many logits; of a single logit nothing is left of
/// them.
void check_task(const CommonOptions& o, TaskOptions& task, Index logits);

}  // namespace tangentplane::experiments
