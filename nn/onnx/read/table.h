// The operators that are read: each one's name, first opset, and how a node of it becomes steps. The list of README.md and of messages.
#pragma once

#include <span>
#include <string>

namespace tangentplane::onnx {

class NodeReader;

/// One of ONNX's operators.
struct Operator {
  const char* name;
  int since;                 ///< opset that brought it
  const char* restrictions;  ///< what of it is not read; "" for nothing
  void (*read)(NodeReader&);
};

/// All, by name.
std::span<const Operator> operators();
/// The operator of that name, or null.
const Operator* find_operator(const std::string& name);
/// Their names: Abs, Add, AveragePool...
std::string operators_text();

// How each kind of node is read.
namespace reading {

using Handler = void(NodeReader&);
Handler pointwise, clip, power, prelu, combine, extreme, same, dropout, cast;
Handler constant, constant_of_shape, range, shape, known_function, where, is_nan, triangle;
Handler reshape, flatten, squeeze, unsqueeze, transpose, concat, slice, split, gather, expand;
Handler pad, tile, resize, depth_to_space;
Handler reduce, global_pool, softmax;
Handler conv, conv_transpose, pool;
Handler matmul, gemm;
Handler batch_norm, layer_norm, group_norm, instance_norm;

}  // namespace reading

}  // namespace tangentplane::onnx
