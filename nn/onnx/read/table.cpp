#include "nn/onnx/read/table.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace tangentplane::onnx {
namespace {

using namespace reading;

constexpr const char* when_known = "of what is known when the file is read";

const std::array table{
    Operator{"Abs", 13, "", pointwise},
    Operator{"Add", 13, "", combine},
    Operator{"And", 13, when_known, known_function},
    Operator{"AveragePool", 13, "1 or 2 axes, no dilation", pool},
    Operator{"BatchNormalization", 13, "evaluation mode; statistics are initialisers", batch_norm},
    Operator{"Cast", 13, "between types that are read", cast},
    Operator{"Ceil", 13, when_known, known_function},
    Operator{"Clip", 13, "bounds are constants", clip},
    Operator{"Concat", 13, "", concat},
    Operator{"Constant", 13, "numbers", constant},
    Operator{"ConstantOfShape", 13, "", constant_of_shape},
    Operator{"Conv", 13, "1 or 2 axes", conv},
    Operator{"ConvTranspose", 13, "1 or 2 axes; no SAME, no output_shape", conv_transpose},
    Operator{"Cos", 13, "", pointwise},
    Operator{"DepthToSpace", 13, "", depth_to_space},
    Operator{"Div", 13, "", combine},
    Operator{"Dropout", 13, "evaluation mode: nothing", dropout},
    Operator{"Elu", 13, "", pointwise},
    Operator{"Equal", 13, when_known, known_function},
    Operator{"Erf", 13, "", pointwise},
    Operator{"Exp", 13, "", pointwise},
    Operator{"Expand", 13, "", expand},
    Operator{"Flatten", 13, "", flatten},
    Operator{"Floor", 13, when_known, known_function},
    Operator{"Gather", 13, "indices are constants", gather},
    Operator{"Gelu", 20, "", pointwise},
    Operator{"Gemm", 13, "", gemm},
    Operator{"GlobalAveragePool", 13, "", global_pool},
    Operator{"GlobalMaxPool", 13, "", global_pool},
    Operator{"Greater", 13, when_known, known_function},
    Operator{"GreaterOrEqual", 13, when_known, known_function},
    Operator{"GroupNormalization", 18, "scales by group up to 20, by channel from 21 on", group_norm},
    Operator{"HardSigmoid", 13, "", pointwise},
    Operator{"HardSwish", 14, "", pointwise},
    Operator{"Identity", 13, "of an initialiser: a parameter of its own", same},
    Operator{"InstanceNormalization", 13, "", instance_norm},
    Operator{"IsNaN", 13, "as the condition of a Where that puts 0 for NaN", is_nan},
    Operator{"LayerNormalization", 17, "one output", layer_norm},
    Operator{"LeakyRelu", 13, "", pointwise},
    Operator{"Less", 13, when_known, known_function},
    Operator{"LessOrEqual", 13, when_known, known_function},
    Operator{"Log", 13, "", pointwise},
    Operator{"LogSoftmax", 13, "", softmax},
    Operator{"MatMul", 13, "matrices", matmul},
    Operator{"Max", 13, "", extreme},
    Operator{"MaxPool", 13, "1 or 2 axes, no dilation, no Indices", pool},
    Operator{"Mean", 13, "", combine},
    Operator{"Min", 13, "", extreme},
    Operator{"Mish", 18, "", pointwise},
    Operator{"Mod", 13, when_known, known_function},
    Operator{"Mul", 13, "", combine},
    Operator{"Neg", 13, "", pointwise},
    Operator{"Not", 13, when_known, known_function},
    Operator{"Or", 13, when_known, known_function},
    Operator{"PRelu", 13, "", prelu},
    Operator{"Pad", 13, "constant, reflect, edge", pad},
    Operator{"Pow", 13, "the exponent is one constant", power},
    Operator{"Range", 13, when_known, range},
    Operator{"Reciprocal", 13, "", pointwise},
    Operator{"ReduceL1", 13, "", reduce},
    Operator{"ReduceL2", 13, "", reduce},
    Operator{"ReduceMax", 13, "", reduce},
    Operator{"ReduceMean", 13, "", reduce},
    Operator{"ReduceMin", 13, "", reduce},
    Operator{"ReduceProd", 13, when_known, reduce},
    Operator{"ReduceSum", 13, "", reduce},
    Operator{"ReduceSumSquare", 13, "", reduce},
    Operator{"Relu", 13, "", pointwise},
    Operator{"Reshape", 13, "", reshape},
    Operator{"Resize", 13, "nearest; asymmetric or half_pixel", resize},
    Operator{"Round", 13, when_known, known_function},
    Operator{"Selu", 13, "", pointwise},
    Operator{"Shape", 13, "", shape},
    Operator{"Sigmoid", 13, "", pointwise},
    Operator{"Sign", 13, when_known, known_function},
    Operator{"Sin", 13, "", pointwise},
    Operator{"Size", 13, "", shape},
    Operator{"Slice", 13, "", slice},
    Operator{"Softmax", 13, "", softmax},
    Operator{"Softplus", 13, "", pointwise},
    Operator{"SpaceToDepth", 13, "", depth_to_space},
    Operator{"Split", 13, "", split},
    Operator{"Sqrt", 13, "", pointwise},
    Operator{"Squeeze", 13, "", squeeze},
    Operator{"Sub", 13, "", combine},
    Operator{"Sum", 13, "", combine},
    Operator{"Tanh", 13, "", pointwise},
    Operator{"Tile", 13, "", tile},
    Operator{"Transpose", 13, "", transpose},
    Operator{"Trilu", 14, when_known, triangle},
    Operator{"Unsqueeze", 13, "", unsqueeze},
    Operator{"Where", 13, "the condition is known when the file is read, or an IsNaN", where},
    Operator{"Xor", 13, when_known, known_function},
};

}  // namespace

std::span<const Operator> operators() { return table; }

const Operator* find_operator(const std::string& name) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Operator& o) { return name == o.name; });
  return found == table.end() ? nullptr : &*found;
}

std::string operators_text() {
  std::string list;
  for (const Operator& o : table) list += (list.empty() ? "" : ", ") + std::string(o.name);
  return list;
}

}  // namespace tangentplane::onnx
