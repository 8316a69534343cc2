// Sums and products of values whose shapes fit by numpy's rules: aligned at the last axis, an axis of 1 or a missing one is repeated. An
// operand without examples, on either side, enters through a map or in a form's weight slot: a parameter there leaves a factor.
#pragma once

#include "autodiff/ops/broadcast_mul.h"
#include "autodiff/ops/functions.h"

namespace tangentplane {

namespace ops_detail {

/// The shape that both are broadcast to.
inline Shape broadcast_shape(const char* op, const Shape& x, const Shape& y) {
  check_examples(op, x);
  check_examples(op, y);
  Shape to;
  for (int i = -std::max(x.rank(), y.rank()); i < 0; ++i) {
    const Index a = i >= -x.rank() ? x[i] : 1, b = i >= -y.rank() ? y[i] : 1;
    require(a == b || a == 1 || b == 1, "{}: shapes {} and {} do not broadcast, their axes {} differ; equal, or one of them 1", op, x, y,
            i);
    to.append(a == 1 ? b : a);
  }
  return to;
}
/// True if an operand of this shape has no examples of its own where the result is `to`.
inline bool without_examples(const Shape& s, const Shape& to) { return s.rank() < to.rank() || (s.rank() > 0 && s[0] == 1); }
/// True if x should be taken as the operand that is repeated, and y as the one that brings the examples.
inline bool repeats_first(const Shape& x, const Shape& y, const Shape& to) {
  const bool a = without_examples(x, to), b = without_examples(y, to);
  return a != b ? a : x.size() < y.size();
}
/// True for the shape of a number a channel, which is no example's own: [C], or [1, ..., C] for more examples than one.
inline bool of_channels(const Shape& s, const Shape& to) {
  return s.rank() > 0 && to.rank() > 1 && s.size() == s[-1] && s[-1] == to[-1] && (s.rank() < to.rank() || to[0] != 1);
}
template <class T>
T channels(const T& x) {
  return shape_of(x).rank() == 1 ? x : reshape(x, {shape_of(x)[-1]});
}

/// x + factor y, the factor 1 or -1.
template <class T>
T broadcast_sum(const char* op, const T& x, const T& y, double factor) {
  const Shape to = broadcast_shape(op, shape_of(x), shape_of(y));
  if (shape_of(x) == shape_of(y)) return factor == 1 ? add(x, y) : add(x, Broadcast{to, to, factor}, y);
  // The operand that is repeated, times its factor, onto the other.
  const bool swap = repeats_first(shape_of(x), shape_of(y), to);
  T whole = swap ? y : x;
  const T& repeated = swap ? x : y;
  if (const double own = swap ? factor : 1; shape_of(whole) != to || own != 1) whole = apply(Broadcast{shape_of(whole), to, own}, whole);
  const Shape& s = shape_of(repeated);
  if ((swap || factor == 1) && of_channels(s, to)) return add(std::move(whole), ChannelBias{to}, channels(repeated));
  return add(std::move(whole), Broadcast{s, to, swap ? 1 : factor}, repeated);
}

}  // namespace ops_detail

/// x as numpy broadcasts it to a larger shape. Throws std::invalid_argument where it does not, as all of this file do.
template <class T>
T broadcast_to(const T& x, const Shape& to) {
  const Shape& s = shape_of(x);
  require(s.rank() <= to.rank() && ops_detail::broadcast_shape("broadcast_to", s, to) == to, "broadcast_to: {} does not broadcast to {}", s,
          to);
  return apply(Broadcast{s, to}, x);
}
/// x + y.
template <class T>
T broadcast_add(const T& x, const T& y) {
  return ops_detail::broadcast_sum("broadcast_add", x, y, 1);
}
/// x - y.
template <class T>
T broadcast_subtract(const T& x, const T& y) {
  return ops_detail::broadcast_sum("broadcast_subtract", x, y, -1);
}
/// x y, entry by entry.
template <class T>
T broadcast_mul(const T& x, const T& y) {
  const Shape &a = shape_of(x), &b = shape_of(y);
  const Shape to = ops_detail::broadcast_shape("broadcast_mul", a, b);
  if (a == b && !(to.rank() > 0 && to[0] == 1)) return solve<Slot::output>(Mul{}, x, y);  // one row may be a parameter's, repeated
  const bool swap = ops_detail::repeats_first(a, b, to);
  const T &input = swap ? y : x, &weight = swap ? x : y;
  const Shape &in = shape_of(input), &w = shape_of(weight);
  if (in == to && ops_detail::of_channels(w, to)) return solve<Slot::output>(ChannelScale{}, input, ops_detail::channels(weight));
  return solve<Slot::output>(BroadcastMul{in, w, to}, input, weight);
}
/// x / y, entry by entry, as x times 1 / y. A y that all examples share is repeated for them before it is computed with, so that a
/// parameter there leaves a factor.
template <class T>
T broadcast_div(const T& x, const T& y) {
  const Shape to = ops_detail::broadcast_shape("broadcast_div", shape_of(x), shape_of(y)), &s = shape_of(y);
  if (to.rank() == 0 || !ops_detail::without_examples(s, to)) return broadcast_mul(x, reciprocal(y));
  Shape each{to[0]};
  for (int i = 1 - to.rank(); i < 0; ++i) each.append(i >= -s.rank() ? s[i] : 1);
  const T nothing = lift<T>(Tensor<ScalarOf<T>>::full(each, ScalarOf<T>(-0.0)));  // which leaves a y of -0 what it is
  return broadcast_mul(x, reciprocal(broadcast_add(nothing, y)));
}
/// x where x > 0, else slope x, entry by entry; the slope is broadcast to x. Throws std::invalid_argument where that changes x's shape.
template <class T>
T prelu(const T& x, const T& slope) {
  const Shape &s = shape_of(x), &w = shape_of(slope);
  require(ops_detail::broadcast_shape("prelu", s, w) == s, "prelu: slope {} does not broadcast to input {}", w, s);
  return add(relu(x), broadcast_mul(pointwise(NegativePart{}, x), slope));
}

}  // namespace tangentplane
