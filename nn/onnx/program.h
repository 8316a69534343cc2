// A graph as it is run: steps over numbered values, each op with all that it needs from the file resolved. Shapes are those of ONNX (NCHW)
// for one example; the examples are a hidden first axis that no step sees, so that none can mix them.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "autodiff/ops.h"
#include "nn/onnx/constant.h"

namespace tangentplane::onnx {

/// What a step does, with axes numbered as in the file.
namespace op {

/// Functions of one number. a and b: see each.
enum class Function {
  relu,
  tanh,
  sigmoid,
  exp,
  log,
  sqrt,
  root,  // sqrt, but of slope 0 at 0: of a sum of squares, which is flat where all of them are 0
  abs,
  negate,
  reciprocal,
  sin,
  cos,
  erf,
  gelu,       // x Phi(x)
  gelu_tanh,  // its tanh form
  silu,       // x sigmoid(x)
  softplus,
  leaky_relu,  // slope a
  elu,         // alpha a
  selu,        // b elu(x, a)
  hard_swish,
  hard_sigmoid,  // clip(a x + b, 0, 1)
  clip,          // to [a, b]
  power,         // x^a
  spelled_gelu,  // x (1 + erf(x / a)) b, as exporters spell GELU
  nan_to_zero,   // 0 for NaN, else x
};

// Each compares equal to the op that another reading of the same node gives.

struct Pointwise {
  Function f;
  double a = 0, b = 0;
  bool operator==(const Pointwise&) const = default;
};
enum class Arithmetic { add, subtract, multiply, divide };
/// Two values, broadcast by numpy's rules.
struct Combine {
  Arithmetic f;
  bool operator==(const Combine&) const = default;
};
/// The first value where the second, numbers known when the file is read, is not 0, else 0; broadcast.
struct Keep {
  bool operator==(const Keep&) const = default;
};
/// The larger (smaller) of two values, entry by entry, broadcast.
struct Extreme {
  bool largest;
  bool operator==(const Extreme&) const = default;
};
/// The same numbers under the output's shape: Reshape, Flatten, Squeeze, Unsqueeze.
struct Regroup {
  bool operator==(const Regroup&) const = default;
};
/// Output axis i is input axis order[i].
struct Transpose {
  std::vector<int> order;
  bool operator==(const Transpose&) const = default;
};
struct Concat {
  int axis;
  bool operator==(const Concat&) const = default;
};
struct Slice {
  struct Range {
    int axis;
    Index begin, end, step;  // end exclusive; -1 below the first
    bool operator==(const Range&) const = default;
  };
  std::vector<Range> ranges;
  bool operator==(const Slice&) const = default;
};
/// Entries of one axis by their places, which take the axes `dims` in its stead.
struct Gather {
  int axis;
  Dims dims;
  std::vector<Index> places;
  bool operator==(const Gather&) const = default;
};
/// With a constant around it.
struct Pad {
  std::vector<Index> before, after;  // an axis
  double value;
  bool operator==(const Pad&) const = default;
};
/// Repeated to the output's shape.
struct Expand {
  bool operator==(const Expand&) const = default;
};
enum class Fold { sum, mean, max, min, product /* of numbers known when the file is read alone */ };
struct Reduce {
  Fold f;
  std::vector<int> axes;
  bool operator==(const Reduce&) const = default;
};
struct Softmax {
  int axis;
  bool logarithm;
  bool operator==(const Softmax&) const = default;
};
struct MatMul {
  bool operator==(const MatMul&) const = default;
};
/// alpha A B + beta C.
struct Gemm {
  bool transpose_a, transpose_b;
  double alpha, beta;
  bool operator==(const Gemm&) const = default;
};
/// Sizes down and across.
struct Window {
  Index stride_height = 1, stride_width = 1, dilation_height = 1, dilation_width = 1;
  Padding pad;
  bool operator==(const Window& w) const {
    return stride_height == w.stride_height && stride_width == w.stride_width && dilation_height == w.dilation_height &&
           dilation_width == w.dilation_width && pad.top == w.pad.top && pad.bottom == w.pad.bottom && pad.left == w.pad.left &&
           pad.right == w.pad.right;
  }
};
struct Conv {
  Window window;
  Index groups;
  bool operator==(const Conv&) const = default;
};
struct ConvTranspose {
  Window window;
  Index groups, output_padding_height, output_padding_width;
  bool operator==(const ConvTranspose&) const = default;
};
struct Pool {
  bool largest;
  Window window;
  Index height, width;
  bool count_padding;
  Padding beyond;  // further rows and columns that no mean counts: ceil_mode
  bool operator==(const Pool& p) const {
    return largest == p.largest && window == p.window && height == p.height && width == p.width && count_padding == p.count_padding &&
           beyond.bottom == p.beyond.bottom && beyond.right == p.beyond.right;
  }
};
/// Each pixel repeated.
struct Upsample {
  Index height, width;
  bool operator==(const Upsample&) const = default;
};
/// Statistics by name.
struct BatchNorm {
  double epsilon, momentum;
  std::string mean, variance;
  bool operator==(const BatchNorm&) const = default;
};
/// Over `axis` and all after it.
struct LayerNorm {
  int axis;
  double epsilon;
  bool operator==(const LayerNorm&) const = default;
};
struct GroupNorm {
  Index groups;
  double epsilon;
  bool scale_by_group;  // one number a group, up to opset 20
  bool operator==(const GroupNorm&) const = default;
};
struct InstanceNorm {
  double epsilon;
  bool operator==(const InstanceNorm&) const = default;
};
struct PRelu {
  bool operator==(const PRelu&) const = default;
};
/// Convolution (stride 1, SAME), bias, function and 2 x 2 mean in one: autodiff/segment.h.
struct ConvActivatePool {
  Function f;
  bool operator==(const ConvActivatePool&) const = default;
};

}  // namespace op

/// What a step does.
using Operation =
    std::variant<op::Pointwise, op::Combine, op::Keep, op::Extreme, op::Regroup, op::Transpose, op::Concat, op::Slice, op::Gather, op::Pad,
                 op::Expand, op::Reduce, op::Softmax, op::MatMul, op::Gemm, op::Conv, op::ConvTranspose, op::Pool, op::Upsample,
                 op::BatchNorm, op::LayerNorm, op::GroupNorm, op::InstanceNorm, op::PRelu, op::ConvActivatePool>;

/// Whether a value is known from the file, computed from parameters alone, or belongs to the examples.
enum class Role { constant, shared, examples };

/// A value's shape for one example, and what it is.
struct ValueInfo {
  std::string name;
  Dims dims;
  Role role = Role::examples;
  ConstantPointer constant;  ///< of Role::constant, where it was known when the file was read
};

/// One op.
struct Step {
  Operation op;
  std::vector<int> inputs;  ///< numbers of values; -1 for one that was left out
  int output = -1;          ///< number of a value
  std::vector<int> done;    ///< values that no later step takes
  /// Its parameters are repeated for the examples first: what is computed of them then has a cotangent for each example.
  bool by_example = false;
  std::string node;  ///< that it belongs to, as in messages
};

/// A parameter or a statistic and its first values.
struct Start {
  std::string name;
  ConstantPointer value;
};

/// A graph, ready to run.
struct Program {
  std::string file;                               ///< for messages
  std::vector<ValueInfo> values;                  ///< by number
  int input = 0, output = 0;                      ///< numbers of values
  std::vector<std::pair<int, Start>> parameters;  ///< each with the value that it is
  std::vector<Start> statistics;
  std::vector<Step> steps;
  Shape image;        ///< of an example as it is handed over: [H,W,C], [T,D] or [D]
  Index outputs = 1;  ///< O
};

}  // namespace tangentplane::onnx
