// Convolutions of images [N, H, W, C].
#pragma once

#include "autodiff/ops/axis_maps.h"
#include "autodiff/ops/basic.h"

namespace tangentplane {

/// Zero rows added around an image before a convolution.
struct Padding {
  Index top = 0, bottom = 0, left = 0, right = 0;  ///< rows and columns; negative ones crop

  /// Output extents ceil(n / stride): total pad max((ceil(n/s) - 1) s + k - n, 0) a side pair, the smaller half first (as flax's SAME and
  /// ONNX's SAME_UPPER). The kernel's extents are those of the dilated one, (k - 1) dilation + 1.
  static Padding same(Index height, Index width, Index kernel_height, Index kernel_width, Index stride_height, Index stride_width) {
    const auto total = [](Index n, Index k, Index s) { return std::max<Index>(((n + s - 1) / s - 1) * s + k - n, 0); };
    const Index v = total(height, kernel_height, stride_height), h = total(width, kernel_width, stride_width);
    return {v / 2, v - v / 2, h / 2, h - h / 2};
  }
  /// The same for one stride.
  static Padding same(Index height, Index width, Index kernel_height, Index kernel_width, Index stride) {
    return same(height, width, kernel_height, kernel_width, stride, stride);
  }
  /// The larger half first (ONNX's SAME_LOWER).
  static Padding same_lower(Index height, Index width, Index kernel_height, Index kernel_width, Index stride_height, Index stride_width) {
    const Padding upper = same(height, width, kernel_height, kernel_width, stride_height, stride_width);
    return {upper.bottom, upper.top, upper.right, upper.left};
  }
};

/// What a convolution is beside its operands.
struct Conv2dOptions {
  Index stride_height = 1, stride_width = 1;      ///< from one position to the next
  Index dilation_height = 1, dilation_width = 1;  ///< from one tap to the next
  Index groups = 1;                               ///< of channels: each group of outputs sees its group of inputs alone
  Padding pad{};                                  ///< none (VALID) unless it is set
};

namespace ops_detail {

inline void check_conv2d(const char* op, const Shape& x, const Shape& w, const Conv2dOptions& o) {
  check_examples(op, x);
  check_weight(op, w);
  const auto at_least_1 = [op](const char* what, Index a, Index b) {
    require(a >= 1 && b >= 1, "{}: {} {} is below 1", op, what, std::min(a, b));
  };
  at_least_1("stride", o.stride_height, o.stride_width);
  at_least_1("dilation", o.dilation_height, o.dilation_width);
}

/// Checks what the convolution of x with w needs, but for the padding.
inline void check_conv2d(const Shape& x, const Shape& w, const Conv2dOptions& o) {
  require(x.rank() == 4 && w.rank() == 4, "conv2d: takes images [N,H,W,C] and a weight [kh,kw,C,O], got {} and {}", x, w);
  require(o.groups >= 1 && x[3] % o.groups == 0 && w[3] % o.groups == 0,
          "conv2d: {} groups of input {} and weight {}; a divisor of both's channels", o.groups, x, w);
  if (o.groups == 1)
    require(x[3] == w[2], "conv2d: input {} has {} channels, weight {} takes {}", x, x[3], w, w[2]);
  else
    require(x[3] == w[2] * o.groups, "conv2d: input {} has {} channels in {} groups, weight {} takes {}", x, x[3], o.groups, w, w[2]);
  check_conv2d("conv2d", x, w, o);
}
inline void check_conv2d(const Shape& x, const Shape& w, Index stride) { check_conv2d(x, w, Conv2dOptions{stride, stride, 1, 1, 1, {}}); }

/// The one place that makes a convolution's geometry: x's image [height, width], w [kh, kw, C / groups, O]. Throws std::invalid_argument
/// for a kernel beyond the padded image.
inline cpu::ConvGeometry conv_geometry(const char* op, Index height, Index width, const Shape& w, const Conv2dOptions& o) {
  cpu::ConvGeometry at{height, width, w[2] * o.groups, w[0], w[1], w[3], o.stride_height, o.pad.top, o.pad.bottom, o.pad.left, o.pad.right};
  at.stride_across = o.stride_width == o.stride_height ? 0 : o.stride_width;
  at.dilation_height = o.dilation_height, at.dilation_width = o.dilation_width, at.groups = o.groups;
  require(height + o.pad.top + o.pad.bottom >= at.reach_down() && width + o.pad.left + o.pad.right >= at.reach_across(),
          "{}: weight {} is larger than the padded input [{},{}]", op, w, height, width);
  return at;
}

}  // namespace ops_detail

/// Cross-correlation of images x [N, H, W, C] with w [kh, kw, C / groups, O]. Negative padding crops the image. Throws
/// std::invalid_argument for shapes that do not fit and a stride, a dilation or a number of groups below 1, as the next ones do.
template <class T>
T conv2d(const T& x, const T& w, const Conv2dOptions& options) {
  const Shape &a = shape_of(x), &b = shape_of(w);
  ops_detail::check_conv2d(a, b, options);
  const Padding& pad = options.pad;
  require(a[1] + pad.top + pad.bottom >= (b[0] - 1) * options.dilation_height + 1 &&
              a[2] + pad.left + pad.right >= (b[1] - 1) * options.dilation_width + 1,
          "conv2d: weight {} is larger than the padded input {}", b, a);
  return solve<Slot::output>(Conv2d{ops_detail::conv_geometry("conv2d", a[1], a[2], b, options)}, x, w);
}
/// The same with one stride, all channels in one group.
template <class T>
T conv2d(const T& x, const T& w, Index stride, const Padding& pad) {
  return conv2d(x, w, Conv2dOptions{stride, stride, 1, 1, 1, pad});
}
/// The same with SAME padding.
template <class T>
T conv2d(const T& x, const T& w, Index stride = 1) {
  const Shape &a = shape_of(x), &b = shape_of(w);
  ops_detail::check_conv2d(a, b, stride);  // SAME divides by the stride
  return conv2d(x, w, stride, Padding::same(a[1], a[2], b[0], b[1], stride));
}

/// The transpose of a convolution in its images: x [N, H, W, C] with w [kh, kw, O / groups, C] -> [N, H', W', O], H' = (H - 1) stride -
/// padding + (kh - 1) dilation + 1 + output padding; the output padding, rows below and columns right, tells apart the sizes that the
/// convolution takes to H. It is the form of conv2d solved for its input.
template <class T>
T conv2d_transpose(const T& x, const T& w, const Conv2dOptions& options, Index output_padding_height = 0, Index output_padding_width = 0) {
  const Shape &a = shape_of(x), &b = shape_of(w);
  const char* const op = "conv2d_transpose";
  require(a.rank() == 4 && b.rank() == 4, "{}: takes images [N,H,W,C] and a weight [kh,kw,O,C], got {} and {}", op, a, b);
  require(a[3] == b[3], "{}: input {} has {} channels, weight {} takes {}", op, a, a[3], b, b[3]);
  require(options.groups >= 1 && a[3] % options.groups == 0, "{}: {} groups of the {} channels of {}; a divisor", op, options.groups, a[3],
          a);
  ops_detail::check_conv2d(op, a, b, options);
  require(0 <= output_padding_height && output_padding_height < options.stride_height && 0 <= output_padding_width &&
              output_padding_width < options.stride_width,
          "{}: output padding {} x {}; at least 0 and below the strides {} x {}", op, output_padding_height, output_padding_width,
          options.stride_height, options.stride_width);
  const Padding& pad = options.pad;
  const Index height =
      (a[1] - 1) * options.stride_height - pad.top - pad.bottom + (b[0] - 1) * options.dilation_height + 1 + output_padding_height;
  const Index width =
      (a[2] - 1) * options.stride_width - pad.left - pad.right + (b[1] - 1) * options.dilation_width + 1 + output_padding_width;
  require(height >= 1 && width >= 1, "{}: input {} and weight {} leave an image of {} x {}; less padding", op, a, b, height, width);
  return solve<Slot::input>(Conv2d{ops_detail::conv_geometry(op, height, width, b, options)}, w, x);
}

/// Each pixel `factor_height` x `factor_width` times: [N, H, W, C] -> [N, H factor_height, W factor_width, C].
template <class T>
T upsample_nearest(const T& x, Index factor_height, Index factor_width) {
  const Shape s = shape_of(x);
  require(s.rank() == 4, "upsample_nearest: takes images [N,H,W,C], got {}", s);
  ops_detail::check_examples("upsample_nearest", s);
  require(factor_height >= 1 && factor_width >= 1, "upsample_nearest: factors {} x {}; at least 1", factor_height, factor_width);
  const Shape apart{s[0], s[1], 1, s[2], 1, s[3]}, wide{s[0], s[1], factor_height, s[2], factor_width, s[3]};
  return reshape(apply(Broadcast{apart, wide}, reshape(x, apart)), {s[0], s[1] * factor_height, s[2] * factor_width, s[3]});
}

}  // namespace tangentplane
