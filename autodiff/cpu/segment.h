// A convolution, its bias, an activation and 2 x 2 averages, a few images at a time so that what lies between stays in L2.
#pragma once

#include <type_traits>

#include "autodiff/cpu/conv2d/conv2d.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::cpu {

namespace segment_detail {

/// f(std::integral_constant C) or f(C): the study's few channels known to the compiler, which then unrolls loops over them.
template <class F>
void with_channels(Index channels, const F& f) {
  switch (channels) {
    case 6:
      return f(std::integral_constant<Index, 6>{});
    case 16:
      return f(std::integral_constant<Index, 16>{});
    default:
      return f(channels);
  }
}

/// y [W', C] = weight (sums of neighbours in a row [W, C]).
template <class S, class C>
void add_neighbours(Index width, C c, S weight, const S* __restrict row, S* __restrict y) {
  for (Index j = 0; j < width; ++j)
    for (Index k = 0; k < c; ++k) y[j * c + k] = weight * (row[2 * j * c + k] + row[(2 * j + 1) * c + k]);
}

/// The transpose: row [W, C] <- weight y [W', C], each entry twice.
template <class S, class C>
void spread_to_neighbours(Index width, C c, S weight, const S* __restrict y, S* __restrict row) {
  for (Index j = 0; j < width; ++j)
    for (Index k = 0; k < c; ++k) row[2 * j * c + k] = row[(2 * j + 1) * c + k] = weight * y[j * c + k];
}

}  // namespace segment_detail

/// y = the averages over 2 x 2 windows of f(z), z = conv(x, w) + b; z [N, H', W', O] is written too where `z` is given. An odd last row or
/// column is in no window.
template <class S, class F>
Tensor<S> convolve_activate_pool(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w, const Tensor<S>& b, const F& f,
                                 Tensor<S>* z) {
  const Index height = at.out_height(), width = at.out_width(), o = at.out_channels, row = width * o, images = x.rows();
  Tensor<S> y({images, height / 2, width / 2, o}), shift({row});
  for (Index e = 0; e < row; ++e) shift[e] = b[e % o];
  if (z) *z = Tensor<S>({images, height, width, o});
  S* kept = z ? z->data() : nullptr;
  parallel_chunks(images, images_per_task(at), [&](Index begin, Index end) {
    const Tensor<S> products = conv2d(at, x.slice(begin, end), w);
    Tensor<S> sums({row});
    S* to = y.data() + begin * (height / 2) * (width / 2) * o;
    const S* v = shift.data();
    for (Index n = begin; n < end; ++n)
      for (Index i = 0; i < height; i += 2) {
        const S *above = products.data() + ((n - begin) * height + i) * row, *below = above + row;
        for (Index r = i; kept && r < std::min(height, i + 2); ++r) {
          const S* from = above + (r - i) * row;
          S* keep = kept + (n * height + r) * row;
#pragma GCC ivdep
          for (Index e = 0; e < row; ++e) keep[e] = from[e] + v[e];
        }
        if (i + 1 == height) continue;
        S* sum = sums.data();
#pragma GCC ivdep
        for (Index e = 0; e < row; ++e) sum[e] = f(above[e] + v[e]) + f(below[e] + v[e]);
        segment_detail::with_channels(o, [&](auto c) { segment_detail::add_neighbours(width / 2, c, S(0.25), sum, to); });
        to += width / 2 * o;
      }
  });
  return y;
}

/// The cotangent of z from that of y: f'(z) times a quarter of its window's, zero where there is none.
template <class S, class F>
Tensor<S> activate_pool_pullback(const Tensor<S>& z, const Tensor<S>& dy, const F& slope) {
  const Index height = z.shape()[1], width = z.shape()[2], o = z.shape()[3], row = width * o;
  Tensor<S> dz(z.shape());
  parallel_rows(z.rows(), height * row, [&](Index begin, Index end) {
    Tensor<S> spread = Tensor<S>::zeros({row});
    for (Index n = begin; n < end; ++n)
      for (Index i = 0; i < height; ++i) {
        const S *at = z.data() + (n * height + i) * row, *wide = spread.data();
        S* to = dz.data() + (n * height + i) * row;
        if (i % 2 == 0 && i + 1 == height) {
          std::fill_n(to, row, S(0));
          continue;
        }
        if (i % 2 == 0)
          segment_detail::with_channels(o, [&](auto c) {
            segment_detail::spread_to_neighbours(width / 2, c, S(0.25), dy.data() + (n * (height / 2) + i / 2) * (width / 2) * o,
                                                 spread.data());
          });
#pragma GCC ivdep
        for (Index e = 0; e < row; ++e) to[e] = slope(at[e]) * wide[e];
      }
  });
  return dz;
}

}  // namespace tangentplane::cpu
