// Depthwise convolutions: every channel on its own, so that lanes are channels and nothing is copied. An output pixel is a sum over taps of
// vectors of channels, and so is a pixel of the input gradient, over other lists of taps: one routine does both. Where a channel has
// several outputs, it is repeated first.
#include <algorithm>
#include <array>
#include <vector>

#include "autodiff/cpu/conv2d/paths.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::cpu::paths {
namespace {

namespace stdx = std::experimental;

/// A pixel that is read and the tap that it is multiplied by, along one axis.
struct Tap {
  Index pixel, tap;
};
/// For each pixel that is written, along one axis.
using Taps = std::vector<std::vector<Tap>>;

struct Axis {
  Index extent, out, kernel, stride, dilation, before;
};
Axis down(const ConvGeometry& at) { return {at.height, at.out_height(), at.kernel_height, at.stride, at.dilation_height, at.pad_top}; }
Axis across(const ConvGeometry& at) {
  return {at.width, at.out_width(), at.kernel_width, at.stride_width(), at.dilation_width, at.pad_left};
}

/// Of the output's pixels, which read the input's; or of the input's, which read the output's.
Taps taps_of(const Axis& axis, bool of_output) {
  Taps taps(static_cast<std::size_t>(of_output ? axis.out : axis.extent));
  for (Index i = 0; i < axis.out; ++i)
    for (Index a = 0; a < axis.kernel; ++a) {
      const Index u = i * axis.stride + a * axis.dilation - axis.before;
      if (u < 0 || u >= axis.extent) continue;
      if (of_output)
        taps[static_cast<std::size_t>(i)].push_back({u, a});
      else
        taps[static_cast<std::size_t>(u)].push_back({i, a});
    }
  return taps;
}

/// y [C] = the sum over taps of x [pixels, C] w [taps, C], for `vectors` vectors of channels from the first on.
template <int vectors, class S>
void add_taps(const std::vector<Tap>& rows, const std::vector<Tap>& columns, Index width, Index kernel_width, Index c, const S* x,
              const S* w, S* y) {
  std::array<Lanes<S>, vectors> sums{};
  for (const Tap& r : rows)
    for (const Tap& q : columns) {
      const S *from = x + (r.pixel * width + q.pixel) * c, *weight = w + (r.tap * kernel_width + q.tap) * c;
      for (int v = 0; v < vectors; ++v)
        sums[static_cast<std::size_t>(v)] +=
            Lanes<S>(from + v * lanes<S>, stdx::element_aligned) * Lanes<S>(weight + v * lanes<S>, stdx::element_aligned);
    }
  for (int v = 0; v < vectors; ++v) sums[static_cast<std::size_t>(v)].copy_to(y + v * lanes<S>, stdx::element_aligned);
}

/// Images y [N, rows, columns, C] from x, each pixel by its lists of taps.
template <class S>
Tensor<S> by_taps(const ConvGeometry& at, const Taps& rows, const Taps& columns, Index in_height, Index in_width, const Tensor<S>& x,
                  const Tensor<S>& w) {
  const Index c = at.out_channels, height = static_cast<Index>(rows.size()), width = static_cast<Index>(columns.size());
  const Index kernel_width = at.kernel_width;
  Tensor<S> y({x.rows(), height, width, c});
  parallel_rows(x.rows() * height, width * c, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const std::vector<Tap>& down_taps = rows[static_cast<std::size_t>(r % height)];
      const S* image = x.data() + r / height * in_height * in_width * c;
      for (Index j = 0; j < width; ++j) {
        const std::vector<Tap>& across_taps = columns[static_cast<std::size_t>(j)];
        S* to = y.data() + (r * width + j) * c;
        Index k = 0;
        for (; k + 4 * lanes<S> <= c; k += 4 * lanes<S>)
          add_taps<4>(down_taps, across_taps, in_width, kernel_width, c, image + k, w.data() + k, to + k);
        for (; k + lanes<S> <= c; k += lanes<S>)
          add_taps<1>(down_taps, across_taps, in_width, kernel_width, c, image + k, w.data() + k, to + k);
        for (; k < c; ++k) {
          S sum = 0;
          for (const Tap& u : down_taps)
            for (const Tap& v : across_taps)
              sum += image[(u.pixel * in_width + v.pixel) * c + k] * w[(u.tap * kernel_width + v.tap) * c + k];
          to[k] = sum;
        }
      }
    }
  });
  return y;
}

/// Each channel `times` times: [..., C] -> [..., C times].
template <class S>
Tensor<S> repeated(const Tensor<S>& x, Index times) {
  const Shape& s = x.shape();
  Tensor<S> y({s[0], s[1], s[2], s[3] * times});
  parallel_chunks(x.size(), elementwise_chunk, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) std::fill_n(y.data() + i * times, times, x[i]);
  });
  return y;
}
/// The transpose.
template <class S>
Tensor<S> summed(const Tensor<S>& y, Index times) {
  const Shape& s = y.shape();
  Tensor<S> x({s[0], s[1], s[2], s[3] / times});
  parallel_chunks(x.size(), elementwise_chunk, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      double sum = 0;
      for (Index k = 0; k < times; ++k) sum += static_cast<double>(y[i * times + k]);
      x[i] = static_cast<S>(sum);
    }
  });
  return x;
}

/// The same convolution of images whose channels have been repeated.
ConvGeometry of_repeated(ConvGeometry at) {
  at.channels = at.groups = at.out_channels;
  return at;
}

/// sums [C] += the sum over positions of x y, at most a few dozen, x `apart` numbers apart.
template <class S>
void add_products(Index positions, Index c, const S* x, Index apart, const S* y, double* sums) {
  constexpr Index most = 64;
  for (Index first = 0; first < positions; first += most) {
    const Index count = std::min(most, positions - first);
    const S *p = x + first * apart, *q = y + first * c;
    Index k = 0;
    const auto add = [&](const Lanes<S>& sum, Index at) {
      for (Index l = 0; l < lanes<S>; ++l) sums[at + l] += static_cast<double>(sum[static_cast<std::size_t>(l)]);
    };
    for (; k + 4 * lanes<S> <= c; k += 4 * lanes<S>) {
      std::array<Lanes<S>, 4> sum{};
      for (Index j = 0; j < count; ++j)
        for (Index v = 0; v < 4; ++v)
          sum[static_cast<std::size_t>(v)] += Lanes<S>(p + j * apart + k + v * lanes<S>, stdx::element_aligned) *
                                              Lanes<S>(q + j * c + k + v * lanes<S>, stdx::element_aligned);
      for (Index v = 0; v < 4; ++v) add(sum[static_cast<std::size_t>(v)], k + v * lanes<S>);
    }
    for (; k + lanes<S> <= c; k += lanes<S>) {
      Lanes<S> sum{};
      for (Index j = 0; j < count; ++j)
        sum += Lanes<S>(p + j * apart + k, stdx::element_aligned) * Lanes<S>(q + j * c + k, stdx::element_aligned);
      add(sum, k);
    }
    for (; k < c; ++k) {
      double sum = 0;
      for (Index j = 0; j < count; ++j) sum += static_cast<double>(p[j * apart + k] * q[j * c + k]);
      sums[k] += sum;
    }
  }
}

/// sums [taps, C] += those of one image.
template <class S>
void add_weight(const ConvGeometry& at, const Taps& rows, const S* x, const S* dy, double* sums) {
  const Index c = at.out_channels, s = at.stride_width();
  for (Index i = 0; i < at.out_height(); ++i)
    for (const Tap& r : rows[static_cast<std::size_t>(i)])
      for (Index b = 0; b < at.kernel_width; ++b) {
        // Columns of the output that this tap takes from inside the image.
        const Index shift = b * at.dilation_width - at.pad_left;
        const Index first = shift >= 0 ? 0 : (-shift + s - 1) / s;
        const Index last = std::min(at.out_width(), shift >= at.width ? 0 : (at.width - 1 - shift) / s + 1);
        if (first >= last) continue;
        add_products(last - first, c, x + (r.pixel * at.width + first * s + shift) * c, s * c, dy + (i * at.out_width() + first) * c,
                     sums + (r.tap * at.kernel_width + b) * c);
      }
}

}  // namespace

template <class S>
Tensor<S> depthwise_conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w) {
  const Index times = at.out_channels / at.channels;
  if (times > 1) return depthwise_conv2d(of_repeated(at), repeated(x, times), w);
  return by_taps(at, taps_of(down(at), true), taps_of(across(at), true), at.height, at.width, x, w);
}

template <class S>
Tensor<S> depthwise_input(const ConvGeometry& at, const Tensor<S>& w, const Tensor<S>& dy) {
  const Index times = at.out_channels / at.channels;
  if (times > 1) return summed(depthwise_input(of_repeated(at), w, dy), times);
  return by_taps(at, taps_of(down(at), false), taps_of(across(at), false), at.out_height(), at.out_width(), dy, w);
}

template <class S>
Tensor<S> depthwise_weight(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  const Index times = at.out_channels / at.channels;
  if (times > 1) return depthwise_weight(of_repeated(at), repeated(x, times), dy);
  const Taps rows = taps_of(down(at), true);
  const Index size = at.patch_size() * at.out_channels, chunk = images_per_chunk(at, x.rows()), chunks = (x.rows() + chunk - 1) / chunk;
  const Index image = at.height * at.width * at.channels, result = at.positions() * at.out_channels;
  Tensor<double> partials({chunks, size});
  parallel_for(chunks, [&](Index q) {
    double* sums = partials.data() + q * size;
    std::fill_n(sums, size, 0.0);
    for (Index n = q * chunk; n < std::min(x.rows(), (q + 1) * chunk); ++n)
      add_weight(at, rows, x.data() + n * image, dy.data() + n * result, sums);
  });
  return cast<S>(sum_chunks(partials, {at.kernel_height, at.kernel_width, 1, at.out_channels}));
}

template <class S>
void depthwise_weight_rows(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy, S* rows, Index stride) {
  const Index times = at.out_channels / at.channels;
  if (times > 1) return depthwise_weight_rows(of_repeated(at), repeated(x, times), dy, rows, stride);
  const Taps down_taps = taps_of(down(at), true);
  const Index size = at.patch_size() * at.out_channels, image = at.height * at.width * at.channels,
              result = at.positions() * at.out_channels;
  parallel_chunks(x.rows(), images_per_task(at), [&](Index begin, Index end) {
    std::vector<double> sums(static_cast<std::size_t>(size));
    for (Index n = begin; n < end; ++n) {
      std::fill(sums.begin(), sums.end(), 0.0);
      add_weight(at, down_taps, x.data() + n * image, dy.data() + n * result, sums.data());
      std::transform(sums.begin(), sums.end(), rows + n * stride, [](double v) { return static_cast<S>(v); });
    }
  });
}

#define INSTANTIATE(S)                                                                          \
  template Tensor<S> depthwise_conv2d(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&); \
  template Tensor<S> depthwise_input(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&);  \
  template Tensor<S> depthwise_weight(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&); \
  template void depthwise_weight_rows(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&, S*, Index);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::cpu::paths
