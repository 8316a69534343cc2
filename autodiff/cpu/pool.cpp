#include "autodiff/cpu/pool.h"

#include "autodiff/cpu/reduce.h"

namespace tangentplane::cpu {
namespace {

/// f(x entry, y entry), the first of each window's and of its result's channels, over all windows of image n.
template <class F>
void for_windows_of(const PoolGeometry& at, Index n, const F& f) {
  for (Index i = 0; i < at.out_height(); ++i)
    for (Index j = 0; j < at.out_width(); ++j)
      f(((n * at.height + i * at.stride) * at.width + j * at.stride) * at.channels,
        ((n * at.out_height() + i) * at.out_width() + j) * at.channels);
}
/// The same over all images.
template <class F>
void for_windows(const PoolGeometry& at, Index images, const F& f) {
  parallel_rows(images, at.height * at.width * at.channels, [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) for_windows_of(at, n, f);
  });
}

/// sum [C] += the sum over contiguous positions [positions, C].
template <class S>
void add_positions(Index positions, Index channels, const S* from, std::vector<double>& sum) {
  add_channels<1>(positions, channels, sum.data(), [from](Index i, Index) { return std::array{from[i]}; });
}
template <class S>
void write_means(const std::vector<double>& sum, Index count, S* to) {
  for (std::size_t k = 0; k < sum.size(); ++k) to[k] = static_cast<S>(sum[k] / static_cast<double>(count));
}

/// f(output entry, input entry, weight), the first of their channels, for each entry of each window of image n.
template <class F>
void for_weighted(const PoolGeometry& at, Index n, const F& f) {
  const Index height = at.out_height(), width = at.out_width();
  for (Index i = 0; i < height; ++i) {
    const WindowSpan rows = rows_of(at, i);
    for (Index j = 0; j < width; ++j) {
      const WindowSpan columns = columns_of(at, j);
      f(((n * height + i) * width + j) * at.channels, rows, columns, 1 / static_cast<double>(rows.counted * columns.counted));
    }
  }
}

/// Windows of any shape, padded, in double.
template <class S>
Tensor<S> average_pool_of_any(const PoolGeometry& at, const Tensor<S>& x) {
  const Index c = at.channels;
  Tensor<S> y({x.rows(), at.out_height(), at.out_width(), c});
  parallel_rows(x.rows(), at.height * at.width * c, [&](Index begin, Index end) {
    std::vector<double> sum(static_cast<std::size_t>(c));
    for (Index n = begin; n < end; ++n)
      for_weighted(at, n, [&](Index to, const WindowSpan& rows, const WindowSpan& columns, double weight) {
        std::fill(sum.begin(), sum.end(), 0.0);
        for (Index u = rows.first; u < rows.last; ++u)
          add_rows(
              columns.last - columns.first, c, c, sum.data(),
              [from = x.data() + ((n * at.height + u) * at.width + columns.first) * c](Index i, Index) { return std::array{from[i]}; });
        for (Index k = 0; k < c; ++k) y[to + k] = static_cast<S>(weight * sum[static_cast<std::size_t>(k)]);
      });
  });
  return y;
}
template <class S>
Tensor<S> average_pool_of_any_transpose(const PoolGeometry& at, const Tensor<S>& y) {
  const Index c = at.channels, entries = at.height * at.width * c;
  Tensor<S> x({y.rows(), at.height, at.width, c});
  parallel_rows(y.rows(), entries, [&](Index begin, Index end) {
    std::vector<double> sums(static_cast<std::size_t>(entries));
    for (Index n = begin; n < end; ++n) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for_weighted(at, n, [&](Index from, const WindowSpan& rows, const WindowSpan& columns, double weight) {
        const S* in = y.data() + from;
        for (Index u = rows.first; u < rows.last; ++u)
          for (Index v = columns.first; v < columns.last; ++v) {
            double* sum = sums.data() + (u * at.width + v) * c;
            for (Index k = 0; k < c; ++k) sum[k] += weight * static_cast<double>(in[k]);
          }
      });
      for (Index i = 0; i < entries; ++i) x[n * entries + i] = static_cast<S>(sums[static_cast<std::size_t>(i)]);
    }
  });
  return x;
}

}  // namespace

template <class S>
Tensor<S> average_pool(const PoolGeometry& at, const Tensor<S>& x) {
  if (!at.plain()) return average_pool_of_any(at, x);
  Tensor<S> y({x.rows(), at.out_height(), at.out_width(), at.channels});
  const S weight = S(1) / static_cast<S>(at.window * at.window);
  for_windows(at, x.rows(), [&](Index from, Index to) {
    S* out = y.data() + to;
    if (at.window == 2) {  // the study's only window: one sweep
      const S *a = x.data() + from, *b = a + at.channels, *c = a + at.width * at.channels, *d = c + at.channels;
      for (Index k = 0; k < at.channels; ++k) out[k] = weight * ((a[k] + b[k]) + (c[k] + d[k]));
      return;
    }
    if (at.window <= 3) {  // too short for rounding to add up
      std::fill_n(out, at.channels, S(0));
      for (Index u = 0; u < at.window; ++u)
        for (Index v = 0; v < at.window; ++v) {
          const S* in = x.data() + from + (u * at.width + v) * at.channels;
          for (Index k = 0; k < at.channels; ++k) out[k] += weight * in[k];
        }
      return;
    }
    std::vector<double> sum(static_cast<std::size_t>(at.channels));
    for (Index u = 0; u < at.window; ++u) add_positions(at.window, at.channels, x.data() + from + u * at.width * at.channels, sum);
    write_means(sum, at.window * at.window, out);
  });
  return y;
}

template <class S>
Tensor<S> average_pool_transpose(const PoolGeometry& at, const Tensor<S>& y) {
  if (!at.plain()) return average_pool_of_any_transpose(at, y);
  Tensor<S> x({y.rows(), at.height, at.width, at.channels});
  const S weight = S(1) / static_cast<S>(at.window * at.window);
  const Index entries = at.height * at.width * at.channels;
  if (at.stride < at.window) {  // windows overlap: an entry sums over many of them
    parallel_rows(y.rows(), entries, [&](Index begin, Index end) {
      std::vector<double> sums(static_cast<std::size_t>(entries));
      for (Index n = begin; n < end; ++n) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for_windows_of(at, 0, [&](Index to, Index from) {
          const S* in = y.data() + n * at.out_height() * at.out_width() * at.channels + from;
          for (Index u = 0; u < at.window; ++u)
            for (Index v = 0; v < at.window; ++v) {
              double* sum = sums.data() + to + (u * at.width + v) * at.channels;
              for (Index k = 0; k < at.channels; ++k) sum[k] += static_cast<double>(in[k]);
            }
        });
        const double count = static_cast<double>(at.window * at.window);
        for (Index i = 0; i < entries; ++i) x[n * entries + i] = static_cast<S>(sums[static_cast<std::size_t>(i)] / count);
      }
    });
    return x;
  }
  const bool tiles = at.window == at.stride && at.height == at.out_height() * at.window && at.width == at.out_width() * at.window;
  if (!tiles)
    parallel_rows(y.rows(), entries,
                  [&](Index begin, Index end) { std::fill(x.data() + begin * entries, x.data() + end * entries, S(0)); });
  for_windows(at, y.rows(), [&](Index to, Index from) {
    const S* in = y.data() + from;
    for (Index u = 0; u < at.window; ++u)
      for (Index v = 0; v < at.window; ++v) {
        S* out = x.data() + to + (u * at.width + v) * at.channels;
        for (Index k = 0; k < at.channels; ++k) out[k] = weight * in[k];
      }
  });
  return x;
}

template <class S>
Tensor<S> global_mean(const Tensor<S>& x) {
  const Index positions = x.shape()[1] * x.shape()[2], c = x.shape()[3];
  Tensor<S> y({x.rows(), c});
  parallel_rows(x.rows(), positions * c, [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) {
      std::vector<double> sum(static_cast<std::size_t>(c));
      add_positions(positions, c, x.data() + n * positions * c, sum);
      write_means(sum, positions, y.data() + n * c);
    }
  });
  return y;
}

template <class S>
Tensor<S> global_mean_transpose(Index height, Index width, const Tensor<S>& y) {
  const Index positions = height * width, c = y.shape()[1];
  Tensor<S> x({y.rows(), height, width, c});
  const S weight = S(1) / static_cast<S>(positions);
  parallel_rows(y.rows(), positions * c, [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n)
      for (Index p = 0; p < positions; ++p)
        for (Index k = 0; k < c; ++k) x.data()[(n * positions + p) * c + k] = weight * y.data()[n * c + k];
  });
  return x;
}

#define INSTANTIATE(S)                                                              \
  template Tensor<S> average_pool(const PoolGeometry&, const Tensor<S>&);           \
  template Tensor<S> average_pool_transpose(const PoolGeometry&, const Tensor<S>&); \
  template Tensor<S> global_mean(const Tensor<S>&);                                 \
  template Tensor<S> global_mean_transpose(Index, Index, const Tensor<S>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::cpu
