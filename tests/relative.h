// How far numbers in float32 are from what they ought to be.
#pragma once

#include <cmath>

#include "autodiff/tensor.h"
#include "tests/catch.h"

namespace tangentplane::test {

/// ||is - was|| / ||was|| in the Frobenius norm, of tensors of one shape.
inline double relative(const Tensor<float>& is, const Tensor<double>& was) {
  REQUIRE(is.shape() == was.shape());
  double off = 0, all = 0;
  for (Index i = 0; i < was.size(); ++i) {
    off += (static_cast<double>(is[i]) - was[i]) * (static_cast<double>(is[i]) - was[i]);
    all += was[i] * was[i];
  }
  return std::sqrt(off / all);
}

}  // namespace tangentplane::test
