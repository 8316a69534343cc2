#include "nn/onnx/run/model.h"

namespace tangentplane::onnx {

template Tensor<double> OnnxModel::operator()(const Scope<Tensor<double>>&, const Tensor<double>&) const;

}  // namespace tangentplane::onnx
