// Average pooling and the global mean over NHWC images, and their transposes. Each result is new and complete; shapes were
// checked by the caller.
#pragma once

#include "autodiff/tensor.h"

namespace tangentplane::cpu {

/// Square windows that lie wholly in the image (VALID): an odd last row or column that no window covers is dropped.
struct PoolGeometry {
  Index height = 0, width = 0, channels = 0;  ///< of an input image
  Index window = 2, stride = 2;

  Index out_height() const { return (height - window) / stride + 1; }
  Index out_width() const { return (width - window) / stride + 1; }
};

/// y[n,i,j,c] = mean over a, b < window of x[n, i s + a, j s + b, c]: x [N,H,W,C] -> [N,H',W',C].
template <class S>
Tensor<S> average_pool(const PoolGeometry& at, const Tensor<S>& x);

/// Transpose: dy [N,H',W',C] -> dx [N,H,W,C], zero where no window reaches.
template <class S>
Tensor<S> average_pool_transpose(const PoolGeometry& at, const Tensor<S>& dy);

/// Mean over rows and columns: x [N,H,W,C] -> [N,C].
template <class S>
Tensor<S> global_mean(const Tensor<S>& x);

/// Transpose: dy [N,C] -> dx [N,H,W,C].
template <class S>
Tensor<S> global_mean_transpose(Index height, Index width, const Tensor<S>& dy);

}  // namespace tangentplane::cpu
