// The functions of each entry on plain tensors, compiled once (functions_*.cpp) and not in each of the files that compile the model.
#pragma once

#include "autodiff/ops.h"

namespace tangentplane {

namespace onnx {

/// 2 half x Phi(x sqrt(2) / divisor), which is x (1 + erf(x / divisor)) half: GELU as exporters spell it, with the file's constants, and
/// without the difference in it.
struct SpelledGelu {
  double ratio, twice_half;
  template <class X>
  X operator()(const X& x) const {
    const X scaled = X(ratio) * x, y = X(twice_half) * x * normal_distribution(scaled);
    return innermost(scaled) > 40 ? X(twice_half) * x : (innermost(scaled) < -40 ? X(0) : y);
  }
};

/// 0 for NaN, else x: what exporters write behind the softmax of a masked attention.
struct NanToZero {
  template <class X>
  X operator()(const X& x) const {
    return innermost(x) != innermost(x) ? X(0) : x;
  }
};

/// sqrt, but of slope 0 at 0.
struct Root {
  template <class X>
  X operator()(const X& x) const {
    const X y = sqrt(x);
    return innermost(x) == 0 ? X(0) : y;
  }
};

}  // namespace onnx

#define TANGENTPLANE_ONNX_FUNCTION(prefix, S, F)                                       \
  prefix template Tensor<S> pointwise(const F&, const Tensor<S>&);                     \
  prefix template Tensor<S> pointwise(const Derivative<F>&, const Tensor<S>&);         \
  prefix template Tensor<S> slope_times(const F&, const Tensor<S>&, const Tensor<S>&); \
  prefix template Tensor<S> slope_times(const Derivative<F>&, const Tensor<S>&, const Tensor<S>&);
#define TANGENTPLANE_ONNX_FUNCTIONS(prefix, S)           \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Relu)            \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Tanh)            \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Sigmoid)         \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Exp)             \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Log)             \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Sqrt)            \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Rsqrt)           \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Abs)             \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Reciprocal)      \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Sin)             \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Cos)             \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Erf)             \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, ExactGelu)       \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Gelu)            \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Silu)            \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Softplus)        \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, LeakyRelu)       \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Elu)             \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, HardSwish)       \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, HardSigmoid)     \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Clip)            \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, Pow)             \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, NegativePart)    \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, onnx::Root)      \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, onnx::NanToZero) \
  TANGENTPLANE_ONNX_FUNCTION(prefix, S, onnx::SpelledGelu)

TANGENTPLANE_ONNX_FUNCTIONS(extern, float)
TANGENTPLANE_ONNX_FUNCTIONS(extern, double)

}  // namespace tangentplane
