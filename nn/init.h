// First values of parameters, in double whatever the network's precision, so that float and double networks start at the same point.
#pragma once

#include <functional>

#include "autodiff/random.h"
#include "autodiff/tensor.h"

namespace tangentplane {

/// Draws first values of a shape from a stream.
using Initializer = std::function<Tensor<double>(const Shape&, RandomStream&)>;

/// All values equal.
inline Initializer constant(double value) {
  return [value](const Shape& shape, RandomStream&) { return Tensor<double>::full(shape, value); };
}
/// All zero.
inline Initializer zeros() { return constant(0); }
/// All one.
inline Initializer ones() { return constant(1); }

/// Normal with mean 0.
inline Initializer normal(double deviation) {
  return [deviation](const Shape& shape, RandomStream& random) {
    Tensor<double> t(shape);
    for (double& v : t.span()) v = deviation * random.normal();
    return t;
  };
}

/// flax's default for kernels (LeCun et al., 1998): a normal truncated at two deviations whose variance is 1 / fan_in, where fan_in is the
/// product of all extents but the last.
inline Initializer lecun_normal() {
  return [](const Shape& shape, RandomStream& random) {
    require(shape.size() > 0 && shape.rank() > 0, "lecun_normal: a kernel {} has no inputs or no outputs", shape);
    Tensor<double> t(shape);
    const double fan_in = static_cast<double>(shape.size() / shape[-1]);
    constexpr double truncated_deviation = 0.87962566103423978;  // of a standard normal conditioned on [-2, 2]
    const double deviation = std::sqrt(1 / fan_in) / truncated_deviation;
    for (double& v : t.span()) v = deviation * random.truncated_normal();
    return t;
  };
}

}  // namespace tangentplane
