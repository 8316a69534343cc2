// Softmax over one axis, and its pull-back, each in one look at the array.
#pragma once

#include "autodiff/tensor.h"

namespace tangentplane::cpu {

/// An array [outer, extent, inner], normalised over the middle axis.
struct SoftmaxGeometry {
  Index outer;   ///< of all axes before
  Index extent;  ///< of the axis
  Index inner;   ///< of all axes after
};

/// e^x over its sum along the axis.
template <class S>
Tensor<S> softmax(const SoftmaxGeometry& at, const Tensor<S>& x);
/// y (dy - sum y dy).
template <class S>
Tensor<S> softmax_pullback(const SoftmaxGeometry& at, const Tensor<S>& y, const Tensor<S>& dy);
/// x less the logarithm of the sum of e^x along the axis.
template <class S>
Tensor<S> log_softmax(const SoftmaxGeometry& at, const Tensor<S>& x);
/// dy - e^y sum dy.
template <class S>
Tensor<S> log_softmax_pullback(const SoftmaxGeometry& at, const Tensor<S>& y, const Tensor<S>& dy);

}  // namespace tangentplane::cpu
