// Pooling of images [N, H, W, C].
#pragma once

#include "autodiff/ops/convolution.h"

namespace tangentplane {

/// Windows of a pooling.
struct PoolOptions {
  Index window_height = 2, window_width = 2;  ///< of each window
  Index stride_height = 0, stride_width = 0;  ///< from one to the next; 0: as the window
  Padding pad{};                              ///< around the image, not negative; minus infinity to a maximum
  bool count_padding = false;                 ///< whether an average divides by the padding in its window too
  Index beyond_bottom = 0, beyond_right = 0;  ///< padding that averages never count, as of a last window that sticks out (ceil_mode)
};

namespace ops_detail {

/// Windows over x. Throws std::invalid_argument where they do not fit or one would hold no entry of the image.
inline cpu::PoolGeometry pool_geometry(const char* op, const Shape& x, const PoolOptions& o) {
  require(x.rank() == 4, "{}: takes images [N,H,W,C], got {}", op, x);
  check_examples(op, x);
  require(o.window_height >= 1 && o.window_width >= 1, "{}: window {} x {}; at least 1", op, o.window_height, o.window_width);
  require(o.stride_height >= 0 && o.stride_width >= 0, "{}: stride {} is negative", op, std::min(o.stride_height, o.stride_width));
  require(std::min({o.pad.top, o.pad.bottom, o.pad.left, o.pad.right, o.beyond_bottom, o.beyond_right}) >= 0,
          "{}: padding is negative; crop with slice or pad", op);
  const std::string window =
      o.window_height == o.window_width ? std::to_string(o.window_height) : fmt::format("{} x {}", o.window_height, o.window_width);
  cpu::PoolGeometry at{x[1], x[2], x[3], o.window_height, o.stride_height ? o.stride_height : o.window_height};
  at.window_across = o.window_width, at.stride_across = o.stride_width ? o.stride_width : o.window_width;
  at.pad_top = o.pad.top, at.pad_bottom = o.pad.bottom, at.pad_left = o.pad.left, at.pad_right = o.pad.right;
  at.count_padding = o.count_padding, at.beyond_bottom = o.beyond_bottom, at.beyond_right = o.beyond_right;
  require(x[1] + o.pad.top + o.pad.bottom + o.beyond_bottom >= o.window_height &&
              x[2] + o.pad.left + o.pad.right + o.beyond_right >= o.window_width,
          "{}: window {} does not fit into {}", op, window, x);
  const auto last_row = cpu::rows_of(at, at.out_height() - 1).start, last_column = cpu::columns_of(at, at.out_width() - 1).start;
  require(o.pad.top < o.window_height && o.pad.left < o.window_width && last_row < x[1] && last_column < x[2],
          "{}: a window of {} lies in the padding of {} alone; less padding", op, window, x);
  return at;
}
/// Square windows without padding.
inline cpu::PoolGeometry pool_geometry(const char* op, const Shape& x, Index window, Index stride) {
  return pool_geometry(op, x, PoolOptions{window, window, stride, stride, {}});
}

/// The map that takes each window's maximum of the innermost primal; for plain tensors and Var<Tensor> with the values found beside it.
template <class T>
T max_pool(const cpu::PoolGeometry& at, const T& x) {
  WindowChoice map{at, {}};
  cpu::max_pool(at, primal(x), &map.choices);
  return apply(map, x);
}
template <class S>
Tensor<S> max_pool(const cpu::PoolGeometry& at, const Tensor<S>& x) {
  return cpu::max_pool(at, x, nullptr);
}
template <class S>
Var<Tensor<S>> max_pool(const cpu::PoolGeometry& at, const Var<Tensor<S>>& x) {
  using T = Tensor<S>;
  WindowChoice map{at, {}};
  T y = cpu::max_pool(at, x.value, x.at.constant() ? nullptr : &map.choices);
  if (!x.at.tape) return y;
  x.at.tape->take(WindowChoice::name, map.reach(), x.at, x.value.shape(), x.at.constant());
  if (x.at.constant()) return {std::move(y), x.at};
  return x.at.tape->record(
      std::move(y), [map, to = x.at](const T& dy, Pull<T>& pull) { tape_detail::contribute_map(map, to, dy, pull); }, x.at.examples);
}

}  // namespace ops_detail

/// Mean over windows of x [N, H, W, C]; a window that does not fit into the padded image is left out. Throws std::invalid_argument for
/// windows that do not fit or hold padding alone, and for negative strides, as all of this file do.
template <class T>
T average_pool(const T& x, const PoolOptions& options) {
  return apply(AveragePool{ops_detail::pool_geometry("average_pool", shape_of(x), options)}, x);
}
/// Mean over windows of `window` x `window`, VALID; a stride of 0 is the window's.
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

/// Largest entry of each window (the first in row order where several are, and NaN where one is), chosen by the innermost primal. Padding
/// is never chosen.
template <class T>
T max_pool(const T& x, const PoolOptions& options) {
  return ops_detail::max_pool(ops_detail::pool_geometry("max_pool", shape_of(x), options), x);
}
/// The same for windows of `window` x `window`, VALID; a stride of 0 is the window's.
template <class T>
T max_pool(const T& x, Index window, Index stride = 0) {
  return ops_detail::max_pool(ops_detail::pool_geometry("max_pool", shape_of(x), window, stride), x);
}

}  // namespace tangentplane
