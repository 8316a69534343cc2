// A program as a model: what Network holds. Compiled once for each value type (run/model_*.cpp).
#pragma once

#include <memory>

#include "nn/onnx/program.h"
#include "nn/parameters.h"

namespace tangentplane::onnx {

/// A graph that runs on any value type that Network asks for.
struct OnnxModel {
  std::shared_ptr<const Program> program;

  /// Images [N, H, W, C] ([N, T, D], [N, D]) -> logits [N, O]. Throws std::invalid_argument for images of another shape.
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const;
};

#define TANGENTPLANE_ONNX_MODEL(prefix, T) prefix template T OnnxModel::operator()(const Scope<T>&, const T&) const;
#define TANGENTPLANE_ONNX_MODELS(prefix, S)        \
  TANGENTPLANE_ONNX_MODEL(prefix, Tensor<S>)       \
  TANGENTPLANE_ONNX_MODEL(prefix, Dual<Tensor<S>>) \
  TANGENTPLANE_ONNX_MODEL(prefix, Var<Tensor<S>>)  \
  TANGENTPLANE_ONNX_MODEL(prefix, Var<Dual<Tensor<S>>>)
TANGENTPLANE_ONNX_MODELS(extern, float)
TANGENTPLANE_ONNX_MODELS(extern, double)
#undef TANGENTPLANE_ONNX_MODELS
#undef TANGENTPLANE_ONNX_MODEL

}  // namespace tangentplane::onnx
