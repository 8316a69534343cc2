#include "nn/onnx/run/model.h"

namespace tangentplane::onnx {

template Var<Tensor<double>> OnnxModel<double>::operator()(const Scope<Var<Tensor<double>>>&, const Var<Tensor<double>>&) const;

}  // namespace tangentplane::onnx
