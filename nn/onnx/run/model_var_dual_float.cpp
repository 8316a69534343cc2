#include "nn/onnx/run/model.h"

namespace tangentplane::onnx {

template Var<Dual<Tensor<float>>> OnnxModel<float>::operator()(const Scope<Var<Dual<Tensor<float>>>>&,
                                                               const Var<Dual<Tensor<float>>>&) const;

}  // namespace tangentplane::onnx
