// A network run forward once on a batch, to be pulled back for one output after another: for whoever takes the factors of each output as
// they come, and lets them go. FactoredJacobian (factored_jacobian.h) holds those of all outputs.
#pragma once

#include <optional>

#include "autodiff/transforms.h"
#include "linearize/outputs.h"
#include "nn/network.h"

namespace tangentplane {

/// A forward pass over N images in evaluation mode, and the R reverse passes that `outputs` asks for.
template <class S>
class OutputPasses {
 public:
  /// Runs the network. Without `outputs` it is the only one, or trace if there are several. Throws std::invalid_argument for no images,
  /// weights that are not finite, an output that does not exist, and a network whose examples are coupled.
  OutputPasses(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
               const std::optional<Outputs>& outputs = {});

  Index examples() const { return value_.rows(); }     ///< N
  Index outputs() const { return value_.shape()[1]; }  ///< R
  Outputs::Kind kind() const { return chosen_.kind; }  ///< as asked for
  /// f(images) [N, R].
  const Tensor<S>& value() const { return value_; }

  /// Runs reverse pass number `output` of the R and hands over its factors, each of N rows, last op first. What a layer saw is the same
  /// tensor in every pass, unless it came with the cotangent. Throws std::invalid_argument for a parameter that meets other rows than the
  /// examples'.
  void factors(Index output, const FactorSink<Tensor<S>>& sink) const;

 private:
  Pullback<Tensor<S>> back_;
  std::vector<std::string> paths_;
  Outputs chosen_;
  Tensor<S> value_;
};

}  // namespace tangentplane
