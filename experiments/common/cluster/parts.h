// Parts of a kernel that jobs of an array have computed, each in a folder of its own below the results folder: parts/I-of-P.
#pragma once

#include <filesystem>
#include <vector>

#include "experiments/common/run/config.h"
#include "experiments/common/run/fingerprints.h"

namespace tangentplane::experiments {

/// The folder of part I of P.
std::filesystem::path part_folder(const std::filesystem::path& results, Index part, Index parts);
/// What a part's results are called in their config.toml.
std::string part_name(const std::string& experiment, Index part, Index parts);

/// P, where the results folder holds parts, else 0. Throws std::invalid_argument naming the part that is missing, not finished, of another
/// number of parts, or of a run whose configuration or inputs are not these.
Index find_parts(const std::filesystem::path& results, const std::string& experiment, const Config& config, const Fingerprints& made);
/// Whether there are any.
bool has_parts(const std::filesystem::path& results);
/// Those of P that are missing or not finished.
std::vector<Index> missing_parts(const std::filesystem::path& results, Index parts);

}  // namespace tangentplane::experiments
