// The input gradient. Pixels u with the same (u + top) mod s see the same taps a = phase, phase + s, ..., so each of the s x s
// phases of dx is a convolution of stride 1 of dy with its taps reversed; with s = 1 that is the kernel flipped.
#include <algorithm>

#include "autodiff/cpu/conv2d/paths.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::cpu::paths {
namespace {

/// One axis of a phase: which pixels, which taps, and the padding of dy that lines them up.
struct PhaseAxis {
  Index first, pixels;  ///< pixels first, first + s, ... of the input
  Index phase, taps;    ///< taps phase, phase + s, ... of the kernel
  Index pad_before, pad_after;
};

PhaseAxis phase_axis(Index first, Index extent, Index kernel, Index stride, Index pad, Index out_extent) {
  PhaseAxis axis{};
  axis.first = first;
  axis.pixels = (extent - first + stride - 1) / stride;
  axis.phase = ((first + pad) % stride + stride) % stride;  // never negative, also where the padding is
  axis.taps = std::max<Index>(0, (kernel - axis.phase + stride - 1) / stride);
  axis.pad_before = axis.taps - 1 - (first + pad - axis.phase) / stride;
  axis.pad_after = axis.pixels + axis.taps - 1 - out_extent - axis.pad_before;
  return axis;
}

/// w [kh,kw,C,O] -> the taps of a phase, reversed and transposed: [taps, taps, O, C].
template <class S>
Tensor<S> phase_weights(const ConvGeometry& at, const Tensor<S>& w, const PhaseAxis& v, const PhaseAxis& h) {
  const Index c = at.channels, o = at.out_channels, block = 16;
  Tensor<S> flipped({v.taps, h.taps, o, c});
  const Index strips = (o + block - 1) / block;
  parallel_rows(v.taps * h.taps * strips, block * c, [&](Index begin, Index end) {
    for (Index task = begin; task < end; ++task) {
      const Index tap = task / strips, o0 = task % strips * block, o1 = std::min(o, o0 + block);
      const Index a = v.phase + (v.taps - 1 - tap / h.taps) * at.stride, b = h.phase + (h.taps - 1 - tap % h.taps) * at.stride;
      const S* from = w.data() + (a * at.kernel_width + b) * c * o;
      S* to = flipped.data() + tap * c * o;
      for (Index i = 0; i < c; ++i)
        for (Index k = o0; k < o1; ++k) to[k * c + i] = from[i * o + k];
    }
  });
  return flipped;
}

}  // namespace

template <class S>
Tensor<S> input_gradient(const ConvGeometry& at, const Tensor<S>& w, const Tensor<S>& dy, Conv2dPath<S> conv) {
  const Index images = dy.rows(), c = at.channels, s = at.stride;
  Tensor<S> dx;
  if (s > 1) dx = Tensor<S>({images, at.height, at.width, c});
  for (Index top = 0; top < std::min(s, at.height); ++top)
    for (Index left = 0; left < std::min(s, at.width); ++left) {
      const PhaseAxis v = phase_axis(top, at.height, at.kernel_height, s, at.pad_top, at.out_height());
      const PhaseAxis h = phase_axis(left, at.width, at.kernel_width, s, at.pad_left, at.out_width());
      const bool none = v.taps == 0 || h.taps == 0;  // a stride beyond the kernel leaves pixels that nothing reads
      Tensor<S> part;
      if (!none)
        part = conv({.height = at.out_height(),
                     .width = at.out_width(),
                     .channels = at.out_channels,
                     .kernel_height = v.taps,
                     .kernel_width = h.taps,
                     .out_channels = c,
                     .stride = 1,
                     .pad_top = v.pad_before,
                     .pad_bottom = v.pad_after,
                     .pad_left = h.pad_before,
                     .pad_right = h.pad_after},
                    dy, phase_weights(at, w, v, h));
      if (s == 1) return part;
      parallel_rows(images * v.pixels, h.pixels * c, [&](Index begin, Index end) {
        for (Index r = begin; r < end; ++r) {
          S* to = dx.data() + ((r / v.pixels * at.height + top + r % v.pixels * s) * at.width + left) * c;
          for (Index j = 0; j < h.pixels; ++j, to += s * c) {
            if (none)
              std::fill_n(to, c, S(0));
            else
              std::copy_n(part.data() + (r * h.pixels + j) * c, c, to);
          }
        }
      });
    }
  return dx;
}

template Tensor<float> input_gradient(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&, Conv2dPath<float>);
template Tensor<double> input_gradient(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&, Conv2dPath<double>);

}  // namespace tangentplane::cpu::paths
