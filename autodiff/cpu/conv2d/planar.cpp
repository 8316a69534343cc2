// Convolution with neighbouring positions across the lanes: a padded planar copy of the image [C, phases, rows, columns] makes
// them contiguous for any stride, weights are broadcast, and the planes of the result are interleaved into NHWC at the end.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "autodiff/cpu/conv2d/interleave.h"
#include "autodiff/cpu/conv2d/paths.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::cpu::paths {
namespace {

/// Where things lie in the planar copy. Row r and column q of the padded image are row r / s, column q / s of the phase
/// (r mod s, q mod s), so that a tap is an offset from the position whatever the stride.
struct Planes {
  Index row, rows, phase, plane, size;

  Planes(const ConvGeometry& at, Index lanes) {
    const Index s = at.stride, vectors = (at.out_width() + lanes - 1) / lanes;
    row = vectors * lanes + (at.kernel_width - 1) / s;
    rows = at.out_height() + (at.kernel_height - 1) / s;
    phase = rows * row;
    plane = s * s * phase;
    size = at.channels * plane;
  }
  Index offset(const ConvGeometry& at, Index c, Index r, Index q) const {
    const Index s = at.stride;
    return c * plane + (r % s * s + q % s) * phase + r / s * row + q / s;
  }
};

/// planes (already zero around the image) <- x, `channels` known to the compiler where it is C > 0.
template <class S, Index C>
void fill_planes(const ConvGeometry& at, const Planes& planes, const S* x, S* to) {
  const Index channels = C ? C : at.channels, s = at.stride;
  const Index top = std::max<Index>(0, -at.pad_top), bottom = std::min(at.height, planes.rows * s - at.pad_top);
  for (Index u = top; u < bottom; ++u)
    for (Index phase = 0; phase < s; ++phase) {
      // Pixels v = first, first + s, ... of this column phase.
      Index first = ((phase - at.pad_left) % s + s) % s;
      if (first + at.pad_left < 0) first += (-at.pad_left - first + s - 1) / s * s;
      const Index q0 = (first + at.pad_left) / s, count = std::min((at.width - first + s - 1) / s, planes.row - q0);
      const S* from = x + (u * at.width + first) * channels;
      S* row = to + planes.offset(at, 0, u + at.pad_top, phase) + q0;
      Index j = 0;
      if constexpr (C == 3 || C == 6)
        for (; s == 1 && j + lanes<S> <= count; j += lanes<S>, from += lanes<S> * C) separate<S, int(C)>(from, row + j, planes.plane);
      for (; j < count; ++j, from += s * channels)
        for (Index c = 0; c < channels; ++c) row[c * planes.plane + j] = from[c];
    }
}

template <class S>
void fill_planes(const ConvGeometry& at, const Planes& planes, const S* x, S* to) {
  switch (at.channels) {
    case 1:
      return fill_planes<S, 1>(at, planes, x, to);
    case 3:
      return fill_planes<S, 3>(at, planes, x, to);
    case 6:
      return fill_planes<S, 6>(at, planes, x, to);
    case 16:
      return fill_planes<S, 16>(at, planes, x, to);
    default:
      return fill_planes<S, 0>(at, planes, x, to);
  }
}

/// One vector of positions: where its pixels start in the planes, its first position, how many are in the image.
struct Strip {
  Index offset, position, count;
};

/// R output channels at L strips, for all taps t with weights [taps, R]: sums [R][max_vectors][lanes].
template <class S, int R, int L>
void convolve_strips(const S* planes, const std::vector<Index>& taps, const S* weights, const Strip* strips, S* sums) {
  using V = Lanes<S>;
  V sum[R][L];
  const S* at[L];
#pragma GCC unroll 8
  for (int l = 0; l < L; ++l) at[l] = planes + strips[l].offset;
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int l = 0; l < L; ++l) sum[r][l] = S(0);
  for (const Index tap : taps) {
    V vector[L];
#pragma GCC unroll 8
    for (int l = 0; l < L; ++l) vector[l].copy_from(at[l] + tap, std::experimental::element_aligned);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const V factor(weights[r]);
#pragma GCC unroll 8
      for (int l = 0; l < L; ++l) sum[r][l] = factor * vector[l] + sum[r][l];
    }
    weights += R;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int l = 0; l < L; ++l) sum[r][l].copy_to(sums + (r * max_vectors<S> + l) * lanes<S>, std::experimental::vector_aligned);
}

/// y [count, O] <- the planes [O] of one strip, in registers for the channels of LeNet.
template <class S>
void write_strip(const S* planes, Index count, Index o, S* y) {
  constexpr Index stride = max_vectors<S> * lanes<S>;
  if (count == lanes<S> && o == 6) return interleave<S, 6>(planes, stride, y);
  if (count == lanes<S> && o == 16) return interleave<S, 16>(planes, stride, y);
  for (Index j = 0; j < count; ++j)
    for (Index k = 0; k < o; ++k) y[j * o + k] = planes[k * stride + j];
}

template <class S>
using StripKernel = void (*)(const S*, const std::vector<Index>&, const S*, const Strip*, S*);

template <class S>
StripKernel<S> strip_kernel(Index scalars, Index strips) {
  constexpr int most = int(max_vectors<S>);
  static constexpr auto kernels = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<StripKernel<S>, sizeof...(i)>{&convolve_strips<S, int(i) / most + 1, int(i) % most + 1>...};
  }
  (std::make_index_sequence<std::size_t(max_scalars * most)>{});
  return kernels[static_cast<std::size_t>((scalars - 1) * most + strips - 1)];
}

}  // namespace

template <class S>
Tensor<S> planar_conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w) {
  const Index images = x.rows(), o = at.out_channels, patch = at.patch_size(), pixels = at.height * at.width * at.channels;
  const Planes planes(at, lanes<S>);
  std::vector<Index> taps;
  for (Index a = 0; a < at.kernel_height; ++a)
    for (Index b = 0; b < at.kernel_width; ++b)
      for (Index c = 0; c < at.channels; ++c) taps.push_back(planes.offset(at, c, a, b));
  std::vector<Strip> strips;
  for (Index i = 0; i < at.out_height(); ++i)
    for (Index j = 0; j < at.out_width(); j += lanes<S>)
      strips.push_back({i * planes.row + j, i * at.out_width() + j, std::min(lanes<S>, at.out_width() - j)});
  // Panels [K, block] of as many output channels as a kernel takes.
  const Index block = even_block(o, max_scalars);
  std::vector<S> packed;
  for (Index k = 0; k < o; k += block)
    for (Index t = 0; t < patch; ++t) packed.insert(packed.end(), w.data() + t * o + k, w.data() + t * o + std::min(o, k + block));

  Tensor<S> y({images, at.out_height(), at.out_width(), o});
  parallel_chunks(images, images_per_task(at), [&](Index begin, Index end) {
    const Index group = max_vectors<S> * lanes<S>;
    const Block scratch(static_cast<std::size_t>(planes.size) * sizeof(S)), results(static_cast<std::size_t>(o * group) * sizeof(S));
    S *copy = static_cast<S*>(scratch.data()), *sums = static_cast<S*>(results.data());
    std::fill_n(copy, planes.size, S(0));
    const Index count = Index(strips.size());
    for (Index n = begin; n < end; ++n) {
      fill_planes(at, planes, x.data() + n * pixels, copy);
      for (Index first = 0; first < count; first += max_vectors<S>) {
        const Index together = std::min(max_vectors<S>, count - first);
        const Strip* at_strips = strips.data() + first;
        for (Index k = 0; k < o; k += block)
          strip_kernel<S>(std::min(block, o - k), together)(copy, taps, packed.data() + k * patch, at_strips, sums + k * group);
        for (Index l = 0; l < together; ++l)
          write_strip(sums + l * lanes<S>, at_strips[l].count, o, y.data() + (n * at.positions() + at_strips[l].position) * o);
      }
    }
  });
  return y;
}

template Tensor<float> planar_conv2d(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> planar_conv2d(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&);

}  // namespace tangentplane::cpu::paths
