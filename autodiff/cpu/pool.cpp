#include "autodiff/cpu/pool.h"

#include <algorithm>

#include "autodiff/cpu/parallel.h"

namespace tangentplane::cpu {
namespace {

Index rows_per_task(Index row_size) { return std::max<Index>(1, elementwise_chunk / std::max<Index>(row_size, 1)); }

}  // namespace

template <class S>
Tensor<S> average_pool(const PoolGeometry& at, const Tensor<S>& x) {
  const Index images = x.rows(), h = at.out_height(), w = at.out_width(), c = at.channels, k = at.window, s = at.stride;
  const S scale = S(1) / static_cast<S>(k * k);
  Tensor<S> y({images, h, w, c});
  parallel_chunks(images * h, rows_per_task(at.width * c * k), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const S* rows = x.data() + (r / h * at.height + r % h * s) * at.width * c;
      for (Index j = 0; j < w; ++j) {
        S* sum = y.data() + (r * w + j) * c;
        std::fill_n(sum, c, S(0));
        for (Index a = 0; a < k; ++a)
          for (Index b = 0; b < k; ++b) {
            const S* pixel = rows + (a * at.width + j * s + b) * c;
            for (Index i = 0; i < c; ++i) sum[i] += pixel[i];
          }
        for (Index i = 0; i < c; ++i) sum[i] *= scale;
      }
    }
  });
  return y;
}

template <class S>
Tensor<S> average_pool_transpose(const PoolGeometry& at, const Tensor<S>& dy) {
  const Index images = dy.rows(), h = at.out_height(), w = at.out_width(), c = at.channels, k = at.window, s = at.stride;
  const S scale = S(1) / static_cast<S>(k * k);
  Tensor<S> dx({images, at.height, at.width, c});
  // By rows of dx, which gather from every window that reaches them.
  parallel_chunks(images * at.height, rows_per_task(at.width * c), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Index n = r / at.height, u = r % at.height;
      S* row = dx.data() + r * at.width * c;
      std::fill_n(row, at.width * c, S(0));
      const Index first = u < k ? 0 : (u - k) / s + 1, last = std::min(u / s, h - 1);  // windows i with i s <= u < i s + k
      for (Index i = first; i <= last; ++i)
        for (Index j = 0; j < w; ++j) {
          const S* from = dy.data() + ((n * h + i) * w + j) * c;
          for (Index b = 0; b < k; ++b) {
            S* pixel = row + (j * s + b) * c;
            for (Index q = 0; q < c; ++q) pixel[q] += scale * from[q];
          }
        }
    }
  });
  return dx;
}

template <class S>
Tensor<S> global_mean(const Tensor<S>& x) {
  const Index images = x.shape()[0], positions = x.shape()[1] * x.shape()[2], c = x.shape()[3];
  const S scale = S(1) / static_cast<S>(positions);
  Tensor<S> y({images, c});
  parallel_chunks(images, rows_per_task(positions * c), [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) {
      S* sum = y.data() + n * c;
      std::fill_n(sum, c, S(0));
      for (Index p = 0; p < positions; ++p)
        for (Index i = 0; i < c; ++i) sum[i] += x[(n * positions + p) * c + i];
      for (Index i = 0; i < c; ++i) sum[i] *= scale;
    }
  });
  return y;
}

template <class S>
Tensor<S> global_mean_transpose(Index height, Index width, const Tensor<S>& dy) {
  const Index images = dy.shape()[0], positions = height * width, c = dy.shape()[1];
  const S scale = S(1) / static_cast<S>(positions);
  Tensor<S> dx({images, height, width, c});
  parallel_chunks(images, rows_per_task(positions * c), [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n)
      for (Index p = 0; p < positions; ++p)
        for (Index i = 0; i < c; ++i) dx[(n * positions + p) * c + i] = scale * dy[n * c + i];
  });
  return dx;
}

template Tensor<float> average_pool(const PoolGeometry&, const Tensor<float>&);
template Tensor<double> average_pool(const PoolGeometry&, const Tensor<double>&);
template Tensor<float> average_pool_transpose(const PoolGeometry&, const Tensor<float>&);
template Tensor<double> average_pool_transpose(const PoolGeometry&, const Tensor<double>&);
template Tensor<float> global_mean(const Tensor<float>&);
template Tensor<double> global_mean(const Tensor<double>&);
template Tensor<float> global_mean_transpose(Index, Index, const Tensor<float>&);
template Tensor<double> global_mean_transpose(Index, Index, const Tensor<double>&);

}  // namespace tangentplane::cpu
