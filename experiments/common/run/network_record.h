// What a run says of a network with several logits, or from a file.
#pragma once

#include "experiments/common/options/task_options.h"
#include "experiments/common/run/run_record.h"

namespace tangentplane::experiments {

/// "trained: conv1.weight, ... (12 of 14 arrays)", for a network from a file; empty for others. A second line says that images are
/// generated where none were given: a network of one's own was hardly made for them.
std::string trainable_line(const CommonOptions& o);
/// The number of parameters, of several logits how many and what of them (`outputs`), and of a file the names of what is trained and what
/// is not, which it says on standard output too.
void record_network(const CommonOptions& o, double parameters, Index logits, const std::string& outputs, RunRecord& record);

}  // namespace tangentplane::experiments
