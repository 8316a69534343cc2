// Networks in which the examples meet a weight that is computed from parameters (weight normalisation, a product of two parameters): there
// are gradients, J v and J^T u, but nothing by example, for the weight's cotangent is summed over the examples before it reaches them.
#pragma once

#include <string>

#include "nn/network.h"

namespace tangentplane {

/// The sentence that says so of such a network, begun by `what`; empty for all others. From a pass over the first of `images`.
template <class S>
std::string computed_weight(const std::string& what, const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images);

}  // namespace tangentplane
