#include "nn/onnx/run/model.h"

namespace tangentplane::onnx {

template Tensor<float> OnnxModel::operator()(const Scope<Tensor<float>>&, const Tensor<float>&) const;

}  // namespace tangentplane::onnx
