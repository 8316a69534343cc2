// Pooling of NHWC images: averages over windows and over whole images, with their transposes, and the places of window maxima.
#pragma once

#include <memory>
#include <vector>

#include "autodiff/tensor.h"

namespace tangentplane::cpu {

/// Square windows over images of one size; a window that would stick out is left out (VALID).
struct PoolGeometry {
  Index height = 0, width = 0, channels = 0;  ///< of an input image
  Index window = 2, stride = 2;               ///< down and across

  Index out_height() const { return (height - window) / stride + 1; }  ///< of an output image
  Index out_width() const { return (width - window) / stride + 1; }    ///< of an output image
};

/// [N, H, W, C] -> [N, H', W', C].
template <class S>
Tensor<S> average_pool(const PoolGeometry& at, const Tensor<S>& x);
template <class S>
Tensor<S> average_pool_transpose(const PoolGeometry& at, const Tensor<S>& y);

/// [N, H, W, C] -> [N, C].
template <class S>
Tensor<S> global_mean(const Tensor<S>& x);
template <class S>
Tensor<S> global_mean_transpose(Index height, Index width, const Tensor<S>& y);

/// For each entry of [N, H', W', C] the index into x of its window's largest entry, the first in row order where several are; of its first
/// NaN where it holds one.
template <class S>
std::shared_ptr<const std::vector<Index>> window_maxima(const PoolGeometry& at, const Tensor<S>& x);

}  // namespace tangentplane::cpu
