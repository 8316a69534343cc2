#include "nn/onnx/run/model.h"

namespace tangentplane::onnx {

template Var<Tensor<float>> OnnxModel<float>::operator()(const Scope<Var<Tensor<float>>>&, const Var<Tensor<float>>&) const;

}  // namespace tangentplane::onnx
