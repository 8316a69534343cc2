#include "nn/onnx/run/model.h"

namespace tangentplane::onnx {

template class OnnxModel<float>;
template Tensor<float> OnnxModel<float>::operator()(const Scope<Tensor<float>>&, const Tensor<float>&) const;

}  // namespace tangentplane::onnx
