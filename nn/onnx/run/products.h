// Steps that multiply matrices, convolve, and pool.
#pragma once

#include "nn/onnx/run/elementwise.h"

namespace tangentplane::onnx {

/// a [..., M, K] times b [..., K, C]. A matrix without examples is a weight: it meets all rows of the other.
template <class T>
Value<T> multiplied(const Value<T>& a, const Value<T>& b, const Dims& dims, Index n) {
  const int rank = static_cast<int>(dims.size()), p = static_cast<int>(a.dims.size()), q = static_cast<int>(b.dims.size());
  // Axes of an operand as those of the product: its last two are matched by hand, all before are broadcast from the right.
  const auto leading = [&](const Value<T>& v) {
    std::vector<int> axes;
    for (int axis : v.wide())
      if (axis < static_cast<int>(v.dims.size()) - 2) axes.push_back(axis + rank - static_cast<int>(v.dims.size()));
    return axes;
  };
  const bool both = a.examples == b.examples;
  if (!b.examples && leading(b).empty() && (!both || leading(a).empty())) {
    const std::vector<int> order = both ? std::vector<int>{p - 2, p - 1} : with_last(a, {p - 1});
    std::vector<int> axes;
    for (int axis : order) axes.push_back(axis + rank - p);
    return made(matmul(arranged(a, order), arranged(b, {q - 2, q - 1})), axes, dims, a.examples);
  }
  if (!a.examples && b.examples && leading(a).empty()) {  // (b^T a^T)^T, and what is transposed only lies so
    const std::vector<int> order = with_last(b, {q - 2});
    std::vector<int> axes;
    for (int axis : order) axes.push_back(axis == q - 2 ? rank - 2 : axis + rank - q);
    return made(matmul(arranged(b, order), arranged(a, {p - 1, p - 2})), axes, dims, true);
  }
  // Matrix by matrix.
  const bool examples = a.examples || b.examples;
  Dims first(dims.begin(), dims.end() - 2);
  const std::vector<int> lead = wide_axes(first);
  const auto matrices = [&](const Value<T>& v) {
    Value<T> x = examples ? of_examples(v, n) : v;
    Dims to = first;
    to.insert(to.end(), v.dims.end() - 2, v.dims.end());
    x = expanded(x, to);
    std::vector<int> order = lead;
    order.push_back(rank - 2);
    order.push_back(rank - 1);
    T y = arranged(x, order);
    if (!examples && lead.empty()) y = reshape(y, {1, shape_of(y)[0], shape_of(y)[1]});
    return y;
  };
  std::vector<int> axes = lead;
  axes.push_back(rank - 2);
  axes.push_back(rank - 1);
  Value<T> y = made(batch_matmul(matrices(a), matrices(b)), axes, dims, examples);
  y.data = under(y.data, y.shape(axes));
  return y;
}

template <class T>
Value<T> run(const op::MatMul&, const Step& s, Run<T>& r) {
  return multiplied(r.in(s, 0), r.in(s, 1), r.out(s), r.examples);
}

template <class T>
Value<T> run(const op::Gemm& op, const Step& s, Run<T>& r) {
  const auto turned = [&](std::size_t i, bool turn) { return turn ? transposed_axes(r.in(s, i), {1, 0}) : r.in(s, i); };
  Value<T> y = multiplied(turned(0, op.transpose_a), turned(1, op.transpose_b), r.out(s), r.examples);
  const bool adds = r.has(s, 2);
  // alpha / beta before the sum and beta after it: what is added stays a parameter.
  const double before = adds ? op.alpha / op.beta : op.alpha;
  if (before != 1) y.data = scale(y.data, before);
  if (adds) y = combined(op::Arithmetic::add, std::move(y), r.in(s, 2), r.out(s));
  if (adds && op.beta != 1) y.data = scale(y.data, op.beta);
  return y;
}

inline Conv2dOptions options_of(const op::Window& w, Index groups) {
  Conv2dOptions o;
  o.stride_height = w.stride_height, o.stride_width = w.stride_width;
  o.dilation_height = w.dilation_height, o.dilation_width = w.dilation_width;
  o.groups = groups, o.pad = w.pad;
  return o;
}

/// A weight [O,C,kh,kw] as [kh,kw,C,O]: a view of the parameter.
template <class T>
T kernel(const Value<T>& w) {
  return arranged(w, {2, 3, 1, 0});
}

template <class T>
Value<T> run(const op::Conv& op, const Step& s, Run<T>& r) {
  T y = conv2d(arranged(r.in(s, 0), channels_last()), kernel(r.in(s, 1)), options_of(op.window, op.groups));
  if (r.has(s, 2)) y = bias(std::move(y), arranged(r.in(s, 2), {0}));
  return made(std::move(y), channels_last(), r.out(s), true);
}

template <class T>
Value<T> run(const op::ConvTranspose& op, const Step& s, Run<T>& r) {
  T y = conv2d_transpose(arranged(r.in(s, 0), channels_last()), kernel(r.in(s, 1)), options_of(op.window, op.groups),
                         op.output_padding_height, op.output_padding_width);
  if (r.has(s, 2)) y = bias(std::move(y), arranged(r.in(s, 2), {0}));
  return made(std::move(y), channels_last(), r.out(s), true);
}

template <class T>
Value<T> run(const op::ConvActivatePool& op, const Step& s, Run<T>& r) {
  const T x = arranged(r.in(s, 0), channels_last()), w = kernel(r.in(s, 1)), b = arranged(r.in(s, 2), {0});
  const auto with = [&](const auto& f) { return made(convolve_activate_pool(f, x, w, b), channels_last(), r.out(s), true); };
  switch (op.f) {
    case op::Function::relu:
      return with(Relu{});
    case op::Function::tanh:
      return with(Tanh{});
    case op::Function::sigmoid:
      return with(Sigmoid{});
    default:
      return with(Gelu{});
  }
}

template <class T>
Value<T> run(const op::Pool& op, const Step& s, Run<T>& r) {
  const T x = arranged(r.in(s, 0), channels_last());
  PoolOptions options;
  options.window_height = op.height, options.window_width = op.width;
  options.stride_height = op.window.stride_height, options.stride_width = op.window.stride_width;
  options.pad = op.window.pad, options.count_padding = op.count_padding;
  options.beyond_bottom = op.beyond.bottom, options.beyond_right = op.beyond.right;
  return made(op.largest ? max_pool(x, options) : average_pool(x, options), channels_last(), r.out(s), true);
}

}  // namespace tangentplane::onnx
