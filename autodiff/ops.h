// What a model is written with: one name an op, for every value type. Shapes are checked here, before any work. Ops that interpret axes
// take no examples (a first axis of 0) and return none, but refuse any other axis of 0.
#pragma once

#include "autodiff/dual.h"
#include "autodiff/forms.h"
#include "autodiff/maps.h"
#include "autodiff/pointwise.h"
#include "autodiff/tape.h"

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

/// Zero rows added around an image before a convolution.
struct Padding {
  Index top = 0, bottom = 0, left = 0, right = 0;  ///< rows and columns; negative ones crop

  /// Output extent ceil(n / stride): total pad max((ceil(n/s) - 1) s + k - n, 0) a side pair, the smaller half first (as flax's SAME).
  static Padding same(Index height, Index width, Index kernel_height, Index kernel_width, Index stride) {
    const auto total = [stride](Index n, Index k) { return std::max<Index>(((n + stride - 1) / stride - 1) * stride + k - n, 0); };
    const Index v = total(height, kernel_height), h = total(width, kernel_width);
    return {v / 2, v - v / 2, h / 2, h - h / 2};
  }
};

namespace ops_detail {

inline void check_conv2d(const Shape& x, const Shape& w, Index stride) {
  require(x.rank() == 4 && w.rank() == 4, "conv2d: takes images [N,H,W,C] and a weight [kh,kw,C,O], got {} and {}", x, w);
  require(x[3] == w[2], "conv2d: input {} has {} channels, weight {} takes {}", x, x[3], w, w[2]);
  check_examples("conv2d", x);
  check_weight("conv2d", w);
  require(stride >= 1, "conv2d: stride {} is below 1", stride);
}

inline cpu::PoolGeometry pool_geometry(const char* op, const Shape& x, Index window, Index stride) {
  require(x.rank() == 4, "{}: takes images [N,H,W,C], got {}", op, x);
  check_examples(op, x);
  require(window >= 1 && x[1] >= window && x[2] >= window, "{}: window {} does not fit into {}", op, window, x);
  require(stride >= 0, "{}: stride {} is negative", op, stride);
  return {x[1], x[2], x[3], window, stride ? stride : window};
}

}  // namespace ops_detail

/// Cross-correlation of images x [N, H, W, C] with w [kh, kw, C, O]. Negative padding crops the image. Throws std::invalid_argument for
/// shapes that do not fit and a stride below 1, as the next one does.
template <class T>
T conv2d(const T& x, const T& w, Index stride, const Padding& pad) {
  const Shape &a = shape_of(x), &b = shape_of(w);
  ops_detail::check_conv2d(a, b, stride);
  require(a[1] + pad.top + pad.bottom >= b[0] && a[2] + pad.left + pad.right >= b[1],
          "conv2d: weight {} is larger than the padded input {}", b, a);
  return solve<Slot::output>(Conv2d{{a[1], a[2], a[3], b[0], b[1], b[3], stride, pad.top, pad.bottom, pad.left, pad.right}}, x, w);
}
/// The same with SAME padding.
template <class T>
T conv2d(const T& x, const T& w, Index stride = 1) {
  const Shape &a = shape_of(x), &b = shape_of(w);
  ops_detail::check_conv2d(a, b, stride);  // SAME divides by the stride
  return conv2d(x, w, stride, Padding::same(a[1], a[2], b[0], b[1], stride));
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

/// Mean over windows of `window` x `window`, VALID; a stride of 0 is the window's. Throws std::invalid_argument for a window that does not
/// fit and a negative stride.
template <class T>
T average_pool(const T& x, Index window, Index stride = 0) {
  return apply(AveragePool{ops_detail::pool_geometry("average_pool", shape_of(x), window, stride)}, x);
}

/// Mean over the positions: [N, H, W, C] -> [N, C].
template <class T>
T global_mean(const T& x) {
  const Shape& s = shape_of(x);
  require(s.rank() == 4, "global_mean: takes images [N,H,W,C], got {}", s);
  ops_detail::check_examples("global_mean", s);
  return apply(GlobalMean{s[1], s[2]}, x);
}

/// Largest entry of each window (the first in row order where several are, and NaN where one is), chosen by the innermost primal. Stride
/// and throws as average_pool's.
template <class T>
T max_pool(const T& x, Index window, Index stride = 0) {
  const Shape s = shape_of(x);
  const cpu::PoolGeometry at = ops_detail::pool_geometry("max_pool", s, window, stride);
  return apply(Gather{s, {s[0], at.out_height(), at.out_width(), s[3]}, cpu::window_maxima(at, primal(x)), at.stride < at.window}, x);
}

/// max(x, 0), entry by entry.
template <class T>
T relu(const T& x) {
  return pointwise(Relu{}, x);
}
/// x Phi(x) in its tanh form, entry by entry.
template <class T>
T gelu(const T& x) {
  return pointwise(Gelu{}, x);
}
/// tanh(x), entry by entry.
template <class T>
T tanh(const T& x) requires requires {
  typename ValueTraits<T>::Scalar;
}
{ return pointwise(Tanh{}, x); }
/// 1 / (1 + e^-x), entry by entry.
template <class T>
T sigmoid(const T& x) requires requires {
  typename ValueTraits<T>::Scalar;
}
{ return pointwise(Sigmoid{}, x); }
/// log(1 + e^x), entry by entry.
template <class T>
T softplus(const T& x) requires requires {
  typename ValueTraits<T>::Scalar;
}
{ return pointwise(Softplus{}, x); }
/// log(x), entry by entry.
template <class T>
T log(const T& x) requires requires {
  typename ValueTraits<T>::Scalar;
}
{ return pointwise(Log{}, x); }
/// 1 / sqrt(x + shift).
template <class T>
T rsqrt(const T& x, double shift = 0) {
  return pointwise(Rsqrt{shift}, x);
}

}  // namespace tangentplane
