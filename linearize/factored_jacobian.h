// J, the derivative of a network's output with respect to its parameters, on a batch of images, as one reverse pass leaves it: a list of
// factors (activation, cotangent) that nobody has multiplied out (after Novak, Sohl-Dickstein and Schoenholz, ICML 2022).
#pragma once

#include <optional>

#include "nn/network.h"

namespace tangentplane {

/// The Jacobian [N, P] of one output of a network in evaluation mode, at fixed parameters, for N images.
template <class S>
class FactoredJacobian {
 public:
  /// Runs the network and one reverse pass. `output` chooses among several logits; none stands for the only one. Throws
  /// std::invalid_argument for no images, weights that are not finite, an output that does not exist or is not chosen, and a network whose
  /// examples are coupled or meet a parameter in other rows than their own.
  FactoredJacobian(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, std::optional<Index> output = {});
  /// The factors of a pull-back whose cotangent was one for each example's output. Throws std::invalid_argument unless value is [N] with
  /// N > 0 and every factor has N rows, an example each, and one of the parameters.
  FactoredJacobian(Tensor<S> value, std::vector<Factor<Tensor<S>>> factors, std::vector<Shape> parameter_shapes);

  Index examples() const { return value_.rows(); }  ///< N
  /// f(images) [N].
  const Tensor<S>& value() const { return value_; }
  /// In the order of the reverse pass. A parameter on which no output depends has none.
  const std::vector<Factor<Tensor<S>>>& factors() const { return factors_; }
  const std::vector<Shape>& parameter_shapes() const { return shapes_; }  ///< in order

  /// J v [N], without running the network again: the sum of <cotangent, B(activation, v)>.
  Tensor<S> times(const std::vector<Tensor<S>>& v) const;
  /// J^T u for u [N]: one tensor a parameter, none where it is exactly zero.
  std::vector<std::optional<Tensor<S>>> transpose_times(const Tensor<S>& u) const;
  /// J itself [N, P], parameters in order; for small problems and tests.
  Tensor<S> rows() const;
  /// J J^T [N, N] by rows.
  Tensor<S> gram() const;

 private:
  Tensor<S> value_;
  std::vector<Factor<Tensor<S>>> factors_;
  std::vector<Shape> shapes_;
};

}  // namespace tangentplane
