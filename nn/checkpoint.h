// Weights and statistics in .npz files, under flax's paths: params/Conv_0/kernel, batch_stats/bn_init/mean.
#pragma once

#include <filesystem>

#include "data/npz.h"
#include "nn/network.h"

namespace tangentplane {

/// What stands before a path in the keys of a file.
struct VariableKeys {
  std::string parameters = "params/";       ///< before a parameter's path
  std::string statistics = "batch_stats/";  ///< before a statistic's

  /// The paths alone, as other tools name their weights.
  static VariableKeys plain() { return {"", ""}; }
};

/// What load_variables reads back as it was, statistics of a float32 file included.
template <class S>
void save_variables(const std::filesystem::path& path, const Variables<S>& variables, const VariableKeys& keys = {});

/// Reads a file for the network whose variables `like` names: every parameter and statistic of it, no others, each of its shape, all
/// finite, and every variance (batch_stats/.../var) above -1e-5, of which BatchNorm takes the root after adding 1e-5. Names, shapes and
/// types are checked before any numbers are read. Throws std::invalid_argument with one line that names the file and the key.
template <class S>
Variables<S> load_variables(const std::filesystem::path& path, const Variables<S>& like, const VariableKeys& keys = {});

/// Throws std::invalid_argument naming file and key unless BatchNorm can take the root of a variance plus its epsilon.
void require_variance(const std::string& file, const std::string& name, double variance, double epsilon);

/// Throws std::invalid_argument naming file and key unless the values of a parameter, a statistic or whatever belongs to one (its momentum)
/// are finite, and those of a variance above -1e-5.
template <class S>
void require_usable(const std::string& file, const std::string& name, const Tensor<S>& values);

/// Of all parameters and statistics with their names and shapes (data/hash.h): equal for a float32 network and the float64 one that is read
/// from its file.
template <class S>
std::string fingerprint(const Variables<S>& variables);

}  // namespace tangentplane
