#include "autodiff/cpu/batch_norm.h"

#include <cmath>

#include "autodiff/cpu/parallel.h"

namespace tangentplane::cpu {
namespace {

/// Rows of a piece: some 64 kB, so that a second look at it comes from the cache.
Index rows_per_piece(Index channels) { return std::max<Index>(16, (Index(1) << 14) / std::max<Index>(1, channels)); }

}  // namespace

template <class S>
ChannelMoments<S> channel_moments(const Tensor<S>& x) {
  const Index c = x.shape()[-1], rows = x.size() / std::max<Index>(1, c), piece = rows_per_piece(c), pieces = (rows + piece - 1) / piece;
  std::vector<S> means(static_cast<std::size_t>(pieces * c)), shifts(means.size()), squares(means.size());
  parallel_chunks(rows, piece, [&](Index begin, Index end) {
    S *mean = means.data() + begin / piece * c, *shift = shifts.data() + begin / piece * c, *square = squares.data() + begin / piece * c;
    for (Index r = begin; r < end; ++r)
#pragma GCC ivdep
      for (Index k = 0; k < c; ++k) mean[k] += x.data()[r * c + k];
    const S weight = S(1) / static_cast<S>(end - begin);
    for (Index k = 0; k < c; ++k) mean[k] *= weight;
    for (Index r = begin; r < end; ++r)
#pragma GCC ivdep
      for (Index k = 0; k < c; ++k) {
        const S d = x.data()[r * c + k] - mean[k];
        shift[k] += d;
        square[k] += d * d;
      }
  });
  ChannelMoments<S> m{Tensor<S>({c}), Tensor<S>({c})};
  for (Index k = 0; k < c; ++k) {
    double count = 0, mean = 0, square = 0;
    for (Index p = 0; p < pieces; ++p) {
      const double n = static_cast<double>(std::min(rows, (p + 1) * piece) - p * piece), total = count + n;
      const auto i = static_cast<std::size_t>(p * c + k);
      // The sum that gave a piece's mean was rounded; what it missed shows in the sum of the differences from it.
      const double missed = shifts[i] / n, delta = means[i] + missed - mean;
      mean += delta * n / total;
      square += squares[i] - missed * missed * n + delta * delta * count * n / total;
      count = total;
    }
    m.mean[k] = static_cast<S>(mean);
    m.variance[k] = static_cast<S>(square / count);
  }
  return m;
}

template <class S>
Tensor<S> batch_norm(const Tensor<S>& x, const ChannelMoments<S>& m, const Tensor<S>& gamma, const Tensor<S>& beta, double epsilon) {
  const Index c = x.shape()[-1], rows = x.size() / std::max<Index>(1, c);
  Tensor<S> y(x.shape());
  std::vector<S> factor(static_cast<std::size_t>(c));
  for (Index k = 0; k < c; ++k) factor[static_cast<std::size_t>(k)] = gamma[k] / static_cast<S>(std::sqrt(m.variance[k] + epsilon));
  const S *f = factor.data(), *mean = m.mean.data(), *b = beta.data();
  parallel_chunks(rows, rows_per_piece(c), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r)
#pragma GCC ivdep
      for (Index k = 0; k < c; ++k) y.data()[r * c + k] = (x.data()[r * c + k] - mean[k]) * f[k] + b[k];
  });
  return y;
}

template <class S>
BatchNormCotangents<S> batch_norm_pullback(const Tensor<S>& x, const ChannelMoments<S>& m, const Tensor<S>& gamma, double epsilon,
                                           const Tensor<S>& dy, bool want_x) {
  const Index c = x.shape()[-1], rows = x.size() / std::max<Index>(1, c), piece = rows_per_piece(c), pieces = (rows + piece - 1) / piece;
  std::vector<S> partial(static_cast<std::size_t>(2 * pieces * c), S(0));
  const S* mean = m.mean.data();
  parallel_chunks(rows, piece, [&](Index begin, Index end) {
    S *sum = partial.data() + begin / piece * 2 * c, *dot = sum + c;
    for (Index r = begin; r < end; ++r)
#pragma GCC ivdep
      for (Index k = 0; k < c; ++k) {
        const S d = dy.data()[r * c + k];
        sum[k] += d;
        dot[k] += d * (x.data()[r * c + k] - mean[k]);
      }
  });
  BatchNormCotangents<S> back{{}, Tensor<S>({c}), Tensor<S>({c})};
  // dx = gamma r (dy - mean(dy) - xhat mean(dy xhat)), xhat = (x - mean) r, r = 1 / sqrt(variance + epsilon)
  std::vector<S> by_dy(static_cast<std::size_t>(c)), by_x(by_dy), shift(by_dy);
  for (Index k = 0; k < c; ++k) {
    double sum = 0, dot = 0;
    for (Index p = 0; p < pieces; ++p) {
      sum += partial[static_cast<std::size_t>(p * 2 * c + k)];
      dot += partial[static_cast<std::size_t>((p * 2 + 1) * c + k)];
    }
    const double r = 1 / std::sqrt(m.variance[k] + epsilon), n = static_cast<double>(rows), g = gamma[k];
    back.beta[k] = static_cast<S>(sum);
    back.gamma[k] = static_cast<S>(dot * r);
    const auto i = static_cast<std::size_t>(k);
    by_dy[i] = static_cast<S>(g * r);
    by_x[i] = static_cast<S>(-g * r * r * r * dot / n);
    shift[i] = static_cast<S>(-g * r * sum / n);
  }
  if (!want_x) return back;
  back.x = Tensor<S>(x.shape());
  const S *u = by_dy.data(), *v = by_x.data(), *w = shift.data();
  parallel_chunks(rows, piece, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r)
#pragma GCC ivdep
      for (Index k = 0; k < c; ++k)
        back.x.data()[r * c + k] = u[k] * dy.data()[r * c + k] + (v[k] * (x.data()[r * c + k] - mean[k]) + w[k]);
  });
  return back;
}

#define INSTANTIATE(S)                                                                                                      \
  template ChannelMoments<S> channel_moments(const Tensor<S>&);                                                             \
  template Tensor<S> batch_norm(const Tensor<S>&, const ChannelMoments<S>&, const Tensor<S>&, const Tensor<S>&, double);    \
  template BatchNormCotangents<S> batch_norm_pullback(const Tensor<S>&, const ChannelMoments<S>&, const Tensor<S>&, double, \
                                                      const Tensor<S>&, bool);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::cpu
