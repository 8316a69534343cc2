#include "autodiff/cpu/batch_norm.h"

#include <cmath>

#include "autodiff/cpu/reduce.h"

namespace tangentplane::cpu {
namespace {

/// Rows of a piece: some 64 kB, so that a second look at it comes from the cache.
Index rows_per_piece(Index channels) { return std::max<Index>(16, (Index(1) << 14) / std::max<Index>(1, channels)); }

/// `channels` as add_channels sees them: so many copies of them beside each other.
template <class S>
std::vector<S> side_by_side(const Tensor<S>& channels) {
  const Index c = channels.size();
  std::vector<S> all(static_cast<std::size_t>(c * rows_side_by_side(c)));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = channels[static_cast<Index>(i) % c];
  return all;
}

}  // namespace

template <class S>
ChannelMoments<S> channel_moments(const Tensor<S>& x) {
  const Index c = x.shape()[-1], rows = x.size() / std::max<Index>(1, c), piece = rows_per_piece(c), pieces = (rows + piece - 1) / piece;
  std::vector<double> means(static_cast<std::size_t>(pieces * c)), deviations(2 * means.size());  // [pieces, C], [pieces, 2, C]
  parallel_chunks(rows, piece, [&](Index begin, Index end) {
    const Index p = begin / piece;
    const S* from = x.data() + begin * c;
    double* sums = means.data() + p * c;
    add_channels<1>(end - begin, c, sums, [from](Index i, Index) { return std::array{from[i]}; });
    Tensor<S> rounded({c});
    for (Index k = 0; k < c; ++k) sums[k] = rounded[k] = static_cast<S>(sums[k] / static_cast<double>(end - begin));
    const auto beside = side_by_side(rounded);
    const S* mean = beside.data();
    add_channels<2>(end - begin, c, deviations.data() + 2 * p * c, [from, mean](Index i, Index k) {
      const S d = from[i] - mean[k];
      return std::array{d, d * d};
    });
  });
  ChannelMoments<S> m{Tensor<S>({c}), Tensor<S>({c})};
  for (Index k = 0; k < c; ++k) {
    double count = 0, mean = 0, square = 0;
    for (Index p = 0; p < pieces; ++p) {
      const double n = static_cast<double>(std::min(rows, (p + 1) * piece) - p * piece), total = count + n;
      const double* sums = deviations.data() + 2 * p * c + k;
      // A piece's mean was rounded; what it missed shows in the sum of the differences from it.
      const double missed = sums[0] / n, delta = means[static_cast<std::size_t>(p * c + k)] + missed - mean;
      mean += delta * n / total;
      square += sums[c] - missed * missed * n + delta * delta * count * n / total;
      count = total;
    }
    m.mean[k] = static_cast<S>(mean);
    m.variance[k] = static_cast<S>(std::max(square / count, 0.0));  // in this order: NaN stays
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
Tensor<S> normalise(const Tensor<S>& x, const Tensor<S>& mean, const Tensor<S>& inverse_deviation, const Tensor<S>& gamma,
                    const Tensor<S>& beta, Tensor<S>* normalised) {
  const Index c = x.shape()[-1], rows = x.size() / std::max<Index>(1, c);
  Tensor<S> y(x.shape());
  if (normalised) *normalised = Tensor<S>(x.shape());
  const S *m = mean.data(), *r = inverse_deviation.data(), *g = gamma.data(), *b = beta.data();
  parallel_chunks(rows, rows_per_piece(c), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const S* from = x.data() + i * c;
      S *to = y.data() + i * c, *kept = normalised ? normalised->data() + i * c : to;
#pragma GCC ivdep
      for (Index k = 0; k < c; ++k) {
        const S v = (from[k] - m[k]) * r[k];
        kept[k] = v;
        to[k] = v * g[k] + b[k];
      }
    }
  });
  return y;
}

template <class S>
Tensor<S> scale_twice(const Tensor<S>& x, const Tensor<S>& u, const Tensor<S>& v) {
  const Index c = x.shape()[-1], rows = x.size() / std::max<Index>(1, c);
  Tensor<S> y(x.shape());
  const S *p = u.data(), *q = v.data();
  parallel_chunks(rows, rows_per_piece(c), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const S* from = x.data() + i * c;
      S* to = y.data() + i * c;
#pragma GCC ivdep
      for (Index k = 0; k < c; ++k) to[k] = from[k] * p[k] * q[k];
    }
  });
  return y;
}

template <class S>
BatchNormCotangents<S> batch_norm_pullback(const Tensor<S>& x, const ChannelMoments<S>& m, const Tensor<S>& gamma, double epsilon,
                                           const Tensor<S>& dy, bool want_x) {
  const Index c = x.shape()[-1], rows = x.size() / std::max<Index>(1, c), piece = rows_per_piece(c), pieces = (rows + piece - 1) / piece;
  std::vector<double> partial(static_cast<std::size_t>(2 * pieces * c));  // [pieces, 2, C]
  const S* mean = m.mean.data();
  const auto beside = side_by_side(m.mean);
  parallel_chunks(rows, piece, [&](Index begin, Index end) {
    const S *from = x.data() + begin * c, *arrived = dy.data() + begin * c, *centre = beside.data();
    add_channels<2>(end - begin, c, partial.data() + begin / piece * 2 * c, [from, arrived, centre](Index i, Index k) {
      return std::array{arrived[i], arrived[i] * (from[i] - centre[k])};
    });
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

#define INSTANTIATE(S)                                                                                                                \
  template ChannelMoments<S> channel_moments(const Tensor<S>&);                                                                       \
  template Tensor<S> batch_norm(const Tensor<S>&, const ChannelMoments<S>&, const Tensor<S>&, const Tensor<S>&, double);              \
  template Tensor<S> normalise(const Tensor<S>&, const Tensor<S>&, const Tensor<S>&, const Tensor<S>&, const Tensor<S>&, Tensor<S>*); \
  template Tensor<S> scale_twice(const Tensor<S>&, const Tensor<S>&, const Tensor<S>&);                                               \
  template BatchNormCotangents<S> batch_norm_pullback(const Tensor<S>&, const ChannelMoments<S>&, const Tensor<S>&, double,           \
                                                      const Tensor<S>&, bool);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::cpu
