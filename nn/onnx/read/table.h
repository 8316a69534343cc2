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

void pointwise(NodeReader&n), clip(NodeReader&n), power(NodeReader&n), prelu(NodeReader&n), combine(NodeReader&n), extreme(NodeReader&n);
void same(NodeReader&n), dropout(NodeReader&n), cast(NodeReader&n);
void constant(NodeReader&n), constant_of_shape(NodeReader&n), range(NodeReader&n), shape(NodeReader&n), known_function(NodeReader&n),
    where(NodeReader&n);
void reshape(NodeReader&n), flatten(NodeReader&n), squeeze(NodeReader&n), unsqueeze(NodeReader&n), transpose(NodeReader&n),
    concat(NodeReader&n), slice(NodeReader&n), split(NodeReader&n), gather(NodeReader&n), pad(NodeReader&n), expand(NodeReader&n),
    tile(NodeReader&n), resize(NodeReader&n), depth_to_space(NodeReader&n);
void reduce(NodeReader&n), global_pool(NodeReader&n), softmax(NodeReader&n);
void conv(NodeReader&n), conv_transpose(NodeReader&n), pool(NodeReader&n);
void matmul(NodeReader&n), gemm(NodeReader&n);
void batch_norm(NodeReader&n), layer_norm(NodeReader&n), group_norm(NodeReader&n), instance_norm(NodeReader&n);

}  // namespace reading

}  // namespace tangentplane::onnx
