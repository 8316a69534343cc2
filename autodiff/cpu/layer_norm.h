// LayerNorm over the rows of an array [rows, C], each example on its own, in as few sweeps as it takes.
#pragma once

#include "autodiff/tensor.h"

namespace tangentplane::cpu {

/// What the way back needs of the way forward.
template <class S>
struct RowMoments {
  std::vector<S> mean, inverse_deviation;  ///< of each row
  std::vector<S> missed;                   ///< what the mean lost when it was rounded
};

/// (x - mean) / sqrt(variance + epsilon) * scale + bias over the last axis, which scale and bias [C] have; the moments where they are
/// wanted.
template <class S>
Tensor<S> layer_norm(const Tensor<S>& x, const Tensor<S>& scale, const Tensor<S>& bias, double epsilon, RowMoments<S>* moments);

/// (x - mean) / sqrt(variance + epsilon).
template <class S>
Tensor<S> normalised_rows(const Tensor<S>& x, const RowMoments<S>& moments);

/// The cotangent of x.
template <class S>
Tensor<S> layer_norm_pullback(const Tensor<S>& x, const RowMoments<S>& moments, const Tensor<S>& scale, const Tensor<S>& dy);

}  // namespace tangentplane::cpu
