// The Jacobian of many images at one point, kept: what training the linearization needs again and again, since its activations and
// cotangents never change. A layer is kept by its factors or multiplied out into rows, whichever is smaller (convolutions with few
// channels: rows; dense layers: factors).
#pragma once

#include <functional>

#include "linearize/factored_jacobian.h"

namespace tangentplane {

/// For one image.
struct KeptCost {
  double bytes = 0;  ///< kept, besides the image itself
  double flops = 0;  ///< of its part of J v, or of J^T u, all outputs
};

/// The Jacobian of many images, of which batches are taken.
template <class S>
class KeptJacobian {
 public:
  /// Computes it for all `images` [N, H, W, C] in batches; `progress` is told the fraction done after each and may throw to stop. `outputs`
  /// as FactoredJacobian takes it. Throws std::invalid_argument as that does, and for a batch below 1.
  KeptJacobian(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index batch = 128,
               const std::function<void(double)>& progress = {}, const std::optional<Outputs>& outputs = {});
  /// Known before it is computed, from a pass over the first of `images`.
  static KeptCost cost(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
                       const std::optional<Outputs>& outputs = {});

  Index examples() const { return value_.rows(); }     ///< N
  Index outputs() const { return value_.shape()[1]; }  ///< R
  /// f(images) [N, R].
  const Tensor<S>& value() const { return value_; }

  /// The Jacobian of these images, in this order. Throws std::invalid_argument for none and for images that are not there, as the next
  /// does.
  FactoredJacobian<S> of(std::span<const Index> images) const;
  /// Of images [begin, end), which are not copied.
  FactoredJacobian<S> of(Index begin, Index end) const;

 private:
  template <class Pick>
  FactoredJacobian<S> pick(const Pick& rows) const;

  Tensor<S> value_;                         // [N, R]
  std::vector<Factor<Tensor<S>>> factors_;  // over all images; rows are a factor whose activation is them and whose cotangent is 1
  std::vector<Shape> shapes_;
  Outputs::Kind kind_ = Outputs::Kind::one;
};

}  // namespace tangentplane
