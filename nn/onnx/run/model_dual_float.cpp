#include "nn/onnx/run/model.h"

namespace tangentplane::onnx {

template Dual<Tensor<float>> OnnxModel<float>::operator()(const Scope<Dual<Tensor<float>>>&, const Dual<Tensor<float>>&) const;

}  // namespace tangentplane::onnx
