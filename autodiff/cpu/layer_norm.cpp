#include "autodiff/cpu/layer_norm.h"

#include <cmath>

#include "autodiff/cpu/strided.h"

namespace tangentplane::cpu {
namespace {

/// f(row) for each row of C numbers, as tasks.
template <class S, class F>
void for_rows_of(const Tensor<S>& x, const F& f) {
  const Index c = x.shape()[-1];
  parallel_rows(x.size() / std::max<Index>(1, c), c, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) f(r);
  });
}

}  // namespace

template <class S>
Tensor<S> layer_norm(const Tensor<S>& x, const Tensor<S>& scale, const Tensor<S>& bias, double epsilon, RowMoments<S>* moments) {
  const Index c = x.shape()[-1];
  Tensor<S> y(x.shape());
  if (moments)
    for (auto* list : {&moments->mean, &moments->inverse_deviation, &moments->missed})
      list->resize(static_cast<std::size_t>(x.size() / std::max<Index>(1, c)));
  const S *g = scale.data(), *b = bias.data();
  for_rows_of(x, [&](Index r) {
    const S* from = x.data() + r * c;
    S* to = y.data() + r * c;
    const double count = static_cast<double>(c), mean = row_sum(c, [from](Index i) { return from[i]; }) / count;
    // The rounded mean and what it lost: differences from both keep the digits of rows far from 0.
    const S m = static_cast<S>(mean), missed = static_cast<S>(mean - static_cast<double>(m));
    const double squares = row_sum(c, [from, m, missed](Index i) {
      const S d = (from[i] - m) - missed;
      return d * d;
    });
    const S inverse = static_cast<S>(1 / std::sqrt(squares / count + epsilon));
    if (moments) {
      const auto k = static_cast<std::size_t>(r);
      moments->mean[k] = m, moments->missed[k] = missed, moments->inverse_deviation[k] = inverse;
    }
#pragma GCC ivdep
    for (Index i = 0; i < c; ++i) to[i] = ((from[i] - m) - missed) * inverse * g[i] + b[i];
  });
  return y;
}

template <class S>
Tensor<S> normalised_rows(const Tensor<S>& x, const RowMoments<S>& moments) {
  const Index c = x.shape()[-1];
  Tensor<S> y(x.shape());
  for_rows_of(x, [&](Index r) {
    const auto k = static_cast<std::size_t>(r);
    const S *from = x.data() + r * c, m = moments.mean[k], missed = moments.missed[k], inverse = moments.inverse_deviation[k];
    S* to = y.data() + r * c;
#pragma GCC ivdep
    for (Index i = 0; i < c; ++i) to[i] = ((from[i] - m) - missed) * inverse;
  });
  return y;
}

template <class S>
Tensor<S> layer_norm_pullback(const Tensor<S>& x, const RowMoments<S>& moments, const Tensor<S>& scale, const Tensor<S>& dy) {
  const Index c = x.shape()[-1];
  Tensor<S> dx(x.shape());
  const S* g = scale.data();
  // dx = r (u - mean(u) - x' mean(u x')), u = scale dy, x' = (x - mean) r
  for_rows_of(x, [&](Index row) {
    const auto k = static_cast<std::size_t>(row);
    const S *from = x.data() + row * c, *arrived = dy.data() + row * c;
    const S m = moments.mean[k], missed = moments.missed[k], inverse = moments.inverse_deviation[k];
    S* to = dx.data() + row * c;
    const double count = static_cast<double>(c), mean = row_sum(c, [arrived, g](Index i) { return arrived[i] * g[i]; }) / count;
    const double dot = row_sum(c, [arrived, g, from, m, missed](Index i) { return arrived[i] * g[i] * ((from[i] - m) - missed); }) / count;
    const S shift = static_cast<S>(mean), slope = static_cast<S>(dot * static_cast<double>(inverse) * static_cast<double>(inverse));
#pragma GCC ivdep
    for (Index i = 0; i < c; ++i) to[i] = inverse * ((arrived[i] * g[i] - shift) - ((from[i] - m) - missed) * slope);
  });
  return dx;
}

#define INSTANTIATE(S)                                                                                         \
  template Tensor<S> layer_norm(const Tensor<S>&, const Tensor<S>&, const Tensor<S>&, double, RowMoments<S>*); \
  template Tensor<S> normalised_rows(const Tensor<S>&, const RowMoments<S>&);                                  \
  template Tensor<S> layer_norm_pullback(const Tensor<S>&, const RowMoments<S>&, const Tensor<S>&, const Tensor<S>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::cpu
