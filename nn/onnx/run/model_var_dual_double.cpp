#include "nn/onnx/run/model.h"

namespace tangentplane::onnx {

template Var<Dual<Tensor<double>>> OnnxModel<double>::operator()(const Scope<Var<Dual<Tensor<double>>>>&,
                                                                 const Var<Dual<Tensor<double>>>&) const;

}  // namespace tangentplane::onnx
