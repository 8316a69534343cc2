// Archives of named arrays, numpy's .npz: weights, statistics and whatever else belongs together.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/tensor.h"
#include "data/npy_format.h"

namespace tangentplane::data {

/// In the archive's order. Names may hold slashes: params/Conv_0/kernel.
template <class S>
using NamedTensors = std::vector<std::pair<std::string, Tensor<S>>>;

/// The tensor of that name, or nullptr.
template <class S>
const Tensor<S>* find(const NamedTensors<S>& tensors, std::string_view name) {
  for (const auto& [n, t] : tensors)
    if (n == name) return &t;
  return nullptr;
}

/// What numpy's savez or savez_compressed wrote: entries of float32, float64, integers or bool, converted to S. Throws
/// std::invalid_argument, one line naming the file and the entry, for a damaged archive (checksums are verified) or any other
/// element type.
template <class S>
NamedTensors<S> load_npz(const std::filesystem::path& path);

/// Shape and element type of each entry, without its numbers. Throws as load_npz does.
std::vector<std::pair<std::string, NpyInfo>> npz_infos(const std::filesystem::path& path);

/// Stored without compression and with one fixed date, so that equal content gives equal bytes; atomic (files.h). `single` follow as
/// float32. Throws std::invalid_argument for an empty or repeated name, std::runtime_error if it cannot be written.
template <class S>
void save_npz(const std::filesystem::path& path, const NamedTensors<S>& tensors, const NamedTensors<float>& single = {});

}  // namespace tangentplane::data
