// The labels of --labels as what is trained takes them.
#pragma once

#include "experiments/common/options/task_options.h"
#include "experiments/common/training/target.h"

namespace tangentplane::experiments {

/// Of n images: 0 or 1 for one output; for several a class for each, 0 to outputs - 1; with --positive any classes, of which some are 1.
/// Throws std::invalid_argument naming the file for other labels, and --positive for classes that there are not.
Target labels_of_file(const CommonOptions& o, const TaskOptions& task, Index n, Index outputs);
/// Any classes, none negative, of n images.
std::vector<int> classes_of_file(const CommonOptions& o, Index n);

}  // namespace tangentplane::experiments
