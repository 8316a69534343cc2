// J, the derivative of a network's outputs with respect to its parameters, on a batch of images, as reverse passes leave it: a list of
// factors (activation, cotangent) that nobody has multiplied out (after Novak, Sohl-Dickstein and Schoenholz, ICML 2022).
#pragma once

#include <optional>

#include "linearize/outputs.h"
#include "nn/network.h"

namespace tangentplane {

/// The Jacobian [N R, P] of R outputs of a network in evaluation mode, at fixed parameters, for N images: R is 1 for one output or the sum
/// of all, and O for trace and full, row n R + o being that of output o of image n.
template <class S>
class FactoredJacobian {
 public:
  /// Runs the network and one reverse pass for each of the R outputs, which share what the layers saw. Without `outputs` it is the only
  /// one, or trace if there are several. Throws std::invalid_argument for no images, weights that are not finite, an output that does not
  /// exist, and a network whose examples are coupled or meet a parameter in other rows than their own.
  FactoredJacobian(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
                   const std::optional<Outputs>& outputs = {});
  /// Of one output.
  FactoredJacobian(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index output)
      : FactoredJacobian(network, variables, images, std::optional(Outputs::one(output))) {}
  /// The factors of pull-backs whose cotangents were one for each example's output: activations of N rows (N R where they differ from
  /// output to output), cotangents of N R. Throws std::invalid_argument unless value is [N] or [N, R] with N > 0 and every factor has such
  /// rows and one of the parameters.
  FactoredJacobian(Tensor<S> value, std::vector<Factor<Tensor<S>>> factors, std::vector<Shape> parameter_shapes,
                   Outputs::Kind kind = Outputs::Kind::full);

  Index examples() const { return value_.rows(); }     ///< N
  Index outputs() const { return value_.shape()[1]; }  ///< R
  /// As asked for: tells trace from full.
  Outputs::Kind kind() const { return kind_; }
  /// f(images) [N, R].
  const Tensor<S>& value() const { return value_; }
  /// In the order of the reverse pass. A parameter on which no output depends has none. An activation has N rows, since all outputs share
  /// what a layer saw, and a cotangent N R, example by example.
  const std::vector<Factor<Tensor<S>>>& factors() const { return factors_; }
  const std::vector<Shape>& parameter_shapes() const { return shapes_; }  ///< in order

  /// J v [N, R], without running the network again: the sums of <cotangent, B(activation, v)>.
  Tensor<S> times(const std::vector<Tensor<S>>& v) const;
  /// J^T u for u [N, R] (or [N] where R is 1): one tensor a parameter, none where it is exactly zero. One sweep, whatever R is.
  std::vector<std::optional<Tensor<S>>> transpose_times(const Tensor<S>& u) const;
  /// J itself [N R, P], parameters in order; for small problems and tests.
  Tensor<S> rows() const;
  /// The kernel by rows: J J^T [N R, N R]; for trace the mean of the outputs' [N, N].
  Tensor<S> gram() const;

 private:
  Tensor<S> value_;
  std::vector<Factor<Tensor<S>>> factors_;
  std::vector<Shape> shapes_;
  Outputs::Kind kind_ = Outputs::Kind::one;
};

}  // namespace tangentplane
