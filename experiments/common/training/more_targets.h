// A training on targets that comes back to its folder for others: those that are there stay, finished or half trained.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/common/training/target.h"

namespace tangentplane::experiments {

/// The targets of a run into a folder by what is asked of it and what is there.
struct AllTargets {
  std::string index;         ///< of all of them, as --index takes it
  std::vector<Index> there;  ///< those of the run that is there, if one of this experiment is
};
/// `asked` is --index. Throws std::invalid_argument for one that is none.
AllTargets all_targets(const std::filesystem::path& folder, const std::string& experiment, const std::string& asked);

/// Throws std::invalid_argument unless the targets that are there have these labels; `source` is the option that they come from.
void require_same_labels(const std::filesystem::path& folder, const AllTargets& all, const std::vector<Target>& targets,
                         const std::string& source);

/// Makes room in a folder of these targets for more: its only target's files get the folder that one of several has, and what targets that
/// are trained side by side share until they are finished goes.
void make_room(const std::filesystem::path& folder, const std::vector<Index>& there, bool side_by_side);

}  // namespace tangentplane::experiments
