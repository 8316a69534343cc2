// The routines of autodiff/cpu as their definitions read, one loop for each index, in double whatever the operands' type; and how a fast
// routine is compared with them.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>

#include "autodiff/cpu/conv2d/conv2d.h"
#include "autodiff/cpu/pool.h"
#include "autodiff/random.h"
#include "tests/catch.h"

namespace tangentplane::reference {

template <class S>
Tensor<S> draw(RandomStream& random, Shape shape) {
  Tensor<S> t(shape);
  for (S& v : t.span()) v = static_cast<S>(random.uniform(-1, 1));
  return t;
}

/// Largest difference relative to the largest entry expected, or to 1 if that is smaller; a NaN counts as infinite.
template <class S>
double difference(const Tensor<S>& result, const Tensor<double>& expected) {
  REQUIRE(result.shape() == expected.shape());
  double worst = 0, scale = 1;
  for (Index i = 0; i < expected.size(); ++i) {
    const double d = std::abs(static_cast<double>(result[i]) - expected[i]);
    worst = d <= worst ? worst : (std::isnan(d) ? std::numeric_limits<double>::infinity() : d);
    scale = std::max(scale, std::abs(expected[i]));
  }
  return worst / scale;
}

template <class S>
bool same_bits(const Tensor<S>& a, const Tensor<S>& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(S)) == 0;
}

/// Calls f(x entry, w entry, y entry) for each term of a convolution of `images` images.
template <class F>
void for_terms(const cpu::ConvGeometry& at, Index images, const F& f) {
  const Index out_height = at.out_height(), out_width = at.out_width(), channels = at.channels, out = at.out_channels;
  for (Index n = 0; n < images; ++n)
    for (Index i = 0; i < out_height; ++i)
      for (Index j = 0; j < out_width; ++j)
        for (Index a = 0; a < at.kernel_height; ++a)
          for (Index b = 0; b < at.kernel_width; ++b) {
            const Index u = i * at.stride + a - at.pad_top, v = j * at.stride + b - at.pad_left;
            if (u < 0 || u >= at.height || v < 0 || v >= at.width) continue;
            for (Index c = 0; c < channels; ++c)
              for (Index o = 0; o < out; ++o)
                f(((n * at.height + u) * at.width + v) * channels + c, ((a * at.kernel_width + b) * channels + c) * out + o,
                  ((n * out_height + i) * out_width + j) * out + o);
          }
}

template <class S>
Tensor<double> conv2d(const cpu::ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w) {
  auto y = Tensor<double>::zeros({x.rows(), at.out_height(), at.out_width(), at.out_channels});
  for_terms(at, x.rows(), [&](Index p, Index q, Index r) { y[r] += double(x[p]) * double(w[q]); });
  return y;
}

template <class S>
Tensor<double> conv2d_input(const cpu::ConvGeometry& at, const Tensor<S>& w, const Tensor<S>& dy) {
  auto dx = Tensor<double>::zeros({dy.rows(), at.height, at.width, at.channels});
  for_terms(at, dy.rows(), [&](Index p, Index q, Index r) { dx[p] += double(w[q]) * double(dy[r]); });
  return dx;
}

template <class S>
Tensor<double> conv2d_weight_rows(const cpu::ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  const Index size = at.patch_size() * at.out_channels, x_row = x.shape().row_size();
  auto rows = Tensor<double>::zeros({x.rows(), size});
  for_terms(at, x.rows(), [&](Index p, Index q, Index r) { rows[p / x_row * size + q] += double(x[p]) * double(dy[r]); });
  return rows;
}

template <class S>
Tensor<double> conv2d_weight(const cpu::ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  auto dw = Tensor<double>::zeros({at.kernel_height, at.kernel_width, at.channels, at.out_channels});
  for_terms(at, x.rows(), [&](Index p, Index q, Index r) { dw[q] += double(x[p]) * double(dy[r]); });
  return dw;
}

/// Calls f(x entry, y entry) for each pair that average pooling joins with the factor 1 / window^2.
template <class F>
void for_windows(const cpu::PoolGeometry& at, Index images, const F& f) {
  for (Index n = 0; n < images; ++n)
    for (Index i = 0; i < at.out_height(); ++i)
      for (Index j = 0; j < at.out_width(); ++j)
        for (Index a = 0; a < at.window; ++a)
          for (Index b = 0; b < at.window; ++b)
            for (Index c = 0; c < at.channels; ++c)
              f(((n * at.height + i * at.stride + a) * at.width + j * at.stride + b) * at.channels + c,
                ((n * at.out_height() + i) * at.out_width() + j) * at.channels + c);
}

template <class S>
Tensor<double> average_pool(const cpu::PoolGeometry& at, const Tensor<S>& x) {
  auto y = Tensor<double>::zeros({x.rows(), at.out_height(), at.out_width(), at.channels});
  for_windows(at, x.rows(), [&](Index p, Index q) { y[q] += double(x[p]) / double(at.window * at.window); });
  return y;
}

template <class S>
Tensor<double> average_pool_transpose(const cpu::PoolGeometry& at, const Tensor<S>& dy) {
  auto dx = Tensor<double>::zeros({dy.rows(), at.height, at.width, at.channels});
  for_windows(at, dy.rows(), [&](Index p, Index q) { dx[p] += double(dy[q]) / double(at.window * at.window); });
  return dx;
}

}  // namespace tangentplane::reference
