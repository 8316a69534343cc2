#include "nn/onnx/run/model.h"

namespace tangentplane::onnx {

template Dual<Tensor<double>> OnnxModel<double>::operator()(const Scope<Dual<Tensor<double>>>&, const Dual<Tensor<double>>&) const;

}  // namespace tangentplane::onnx
