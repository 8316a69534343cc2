// A program as a model: what Network holds. Compiled once for each value type (run/model_*.cpp).
#pragma once

#include <memory>

#include "nn/onnx/program.h"
#include "nn/parameters.h"

namespace tangentplane::onnx {

/// A graph that runs on any value type of S's.
template <class S>
class OnnxModel {
 public:
  /// Constants are taken over from the program once.
  explicit OnnxModel(std::shared_ptr<const Program> program);

  /// Images [N, H, W, C] ([N, T, D], [N, D]) -> logits [N, O]. Throws std::invalid_argument for images of another shape.
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const;

 private:
  std::shared_ptr<const Program> program_;
  std::vector<Tensor<S>> constants_;  // by number of the value; empty where it is none
};

/// Runs the steps that only constants go into, in double, and keeps their results as constants.
void run_constant_steps(Program& program);

extern template class OnnxModel<float>;
extern template class OnnxModel<double>;
#define TANGENTPLANE_ONNX_MODEL(S, T) extern template T OnnxModel<S>::operator()(const Scope<T>&, const T&) const;
#define TANGENTPLANE_ONNX_MODELS(S)           \
  TANGENTPLANE_ONNX_MODEL(S, Tensor<S>)       \
  TANGENTPLANE_ONNX_MODEL(S, Dual<Tensor<S>>) \
  TANGENTPLANE_ONNX_MODEL(S, Var<Tensor<S>>)  \
  TANGENTPLANE_ONNX_MODEL(S, Var<Dual<Tensor<S>>>)
TANGENTPLANE_ONNX_MODELS(float)
TANGENTPLANE_ONNX_MODELS(double)
#undef TANGENTPLANE_ONNX_MODELS
#undef TANGENTPLANE_ONNX_MODEL

}  // namespace tangentplane::onnx
