// Products, sums and shapes.
#pragma once

#include "autodiff/dual.h"
#include "autodiff/forms.h"
#include "autodiff/maps.h"
#include "autodiff/pointwise.h"
#include "autodiff/record.h"

namespace tangentplane {

namespace ops_detail {

/// An op may be given no examples (a first axis of 0), and then returns none; every other extent of x, and all of a weight's, must be
/// there.
inline void check_examples(const char* op, const Shape& x) {
  for (int i = 1; i < x.rank(); ++i) require(x[i] > 0, "{}: input {} has an axis of 0; at least 1", op, x);
}
inline void check_weight(const char* op, const Shape& w) {
  for (int i = 0; i < w.rank(); ++i) require(w[i] > 0, "{}: weight {} has an axis of 0; at least 1", op, w);
}

}  // namespace ops_detail

/// x [..., K] of two axes or more times w [K, C] -> [..., C]. A parameter w meets every position: its factor keeps [N, ..., K] and
/// [N, ..., C], summed over the positions.
template <class T>
T matmul(const T& x, const T& w) {
  const Shape &a = shape_of(x), &b = shape_of(w);
  require(a.rank() >= 2 && b.rank() == 2, "matmul: takes an input [...,K] of two axes or more and a weight [K,C], got {} and {}", a, b);
  ops_detail::check_examples("matmul", a);
  ops_detail::check_weight("matmul", b);
  require(a[-1] == b[0], "matmul: input {} has {} columns, weight {} takes {}", a, a[-1], b, b[0]);
  return solve<Slot::output>(MatMul{}, x, w);
}

/// x [..., C] + b [C].
template <class T>
T bias(T x, const T& b) {
  const Shape a = shape_of(x), c = shape_of(b);
  require(a.rank() >= 1 && c.rank() == 1 && a[-1] == c[0], "bias: input {} has no last axis for a bias {}", a, c);
  ops_detail::check_examples("bias", a);
  return add(std::move(x), ChannelBias{a}, b);
}

/// x [..., C] times w [C].
template <class T>
T channel_scale(const T& x, const T& w) {
  const Shape &a = shape_of(x), &b = shape_of(w);
  require(a.rank() >= 1 && b.rank() == 1 && a[-1] == b[0], "channel_scale: input {} has no last axis for a scale {}", a, b);
  ops_detail::check_examples("channel_scale", a);
  return solve<Slot::output>(ChannelScale{}, x, w);
}

/// x y, entry by entry.
template <class T>
T mul(const T& x, const T& y) {
  require(shape_of(x) == shape_of(y), "mul: shapes {} and {} differ", shape_of(x), shape_of(y));
  return solve<Slot::output>(Mul{}, x, y);
}

/// factor x.
template <class T>
T scale(const T& x, double factor) {
  return apply(Scale{factor}, x);
}
/// x - y, of one shape.
template <class T>
T subtract(T x, const T& y) {
  return add(std::move(x), scale(y, -1));
}

/// The same numbers under another shape of the same size.
template <class T>
T reshape(const T& x, const Shape& to) {
  require(shape_of(x).size() == to.size(), "reshape: {} to {} changes the size", shape_of(x), to);
  return apply(Reshape{shape_of(x), to}, x);
}
/// [N, ...] -> [N, product of the rest].
template <class T>
T flatten(const T& x) {
  const Shape& s = shape_of(x);
  require(s.rank() >= 1, "flatten: a scalar has no examples");
  return reshape(x, {s[0], s.row_size()});
}

/// Sum of all entries -> a scalar.
template <class T>
T sum(const T& x) {
  return apply(Sum{shape_of(x)}, x);
}
/// Sum over all axes but the last: [..., C] -> [C].
template <class T>
T channel_sum(const T& x) {
  require(shape_of(x).rank() >= 1, "channel_sum: a scalar has no channels");
  ops_detail::check_examples("channel_sum", shape_of(x));
  return apply(transposed(ChannelBias{shape_of(x)}), x);
}

}  // namespace tangentplane
