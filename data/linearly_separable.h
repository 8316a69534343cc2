// The study's data for neural anisotropy directions: two classes that one direction separates, and noise in all others.
#pragma once

#include <cstdint>
#include <vector>

#include "autodiff/tensor.h"

namespace tangentplane::data {

/// One task.
struct LinearlySeparable {
  Tensor<double> direction;           ///< v [H, W, C]; its norm does not matter
  double epsilon = 1;                 ///< distance of the classes along v
  double sigma = 1;                   ///< deviation of the noise in each direction across v
  std::uint64_t seed = 0, index = 0;  ///< of the samples; `index` is the direction's number, so that tasks have noise of their own
};

/// Images and their labels.
template <class S>
struct Samples {
  Tensor<S> images;         ///< [count, H, W, C]
  std::vector<int> labels;  ///< [count]: 1 where y = +1, 0 where y = -1
};

/// Samples [first, first + count): x = (epsilon / 2) y v + (I - v v^T) sigma N(0, I) with v of unit norm and y = +1 or -1 with equal
/// probability (Ortiz-Jimenez et al., "Neural anisotropy directions", NeurIPS 2020). Sample i depends on (seed, index, i) and the
/// direction alone. Throws std::invalid_argument for a direction that is not an image [H, W, C] or zero, and for negative numbers.
template <class S>
Samples<S> linearly_separable(const LinearlySeparable& task, Index first, Index count);

}  // namespace tangentplane::data
