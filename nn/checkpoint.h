// Weights and statistics in .npz files, under flax's paths: params/Conv_0/kernel, batch_stats/bn_init/mean.
#pragma once

#include <filesystem>

#include "data/npz.h"
#include "nn/network.h"

namespace tangentplane {

/// What load_variables reads back as it was, statistics of a float32 file included.
template <class S>
void save_variables(const std::filesystem::path& path, const Variables<S>& variables);

/// Reads a file for the network whose variables `like` names: every parameter and statistic of it, no others, each of its shape, all
/// finite. Throws std::invalid_argument with one line that names the file and the key.
template <class S>
Variables<S> load_variables(const std::filesystem::path& path, const Variables<S>& like);

}  // namespace tangentplane
