#include "autodiff/cpu/softmax.h"

#include <limits>

#include "autodiff/cpu/strided.h"
#include "autodiff/scalar.h"

namespace tangentplane::cpu {
namespace {

/// The largest entry of a row; a NaN is passed over (the sums that follow meet it).
template <class S>
S largest(Index n, const S* x) {
  constexpr Index lanes = 16;
  std::array<S, lanes> most;
  most.fill(-std::numeric_limits<S>::infinity());
  Index i = 0;
  for (; i + lanes <= n; i += lanes)
    for (Index k = 0; k < lanes; ++k) {
      S& m = most[static_cast<std::size_t>(k)];
      m = x[i + k] > m ? x[i + k] : m;
    }
  S best = -std::numeric_limits<S>::infinity();
  for (; i < n; ++i) best = x[i] > best ? x[i] : best;
  for (S m : most) best = m > best ? m : best;
  return best;
}

/// x less the largest of its row, and e to it where y is not null; the sum of these.
template <class S>
double exponentials(Index n, const S* x, S shift, S* y) {
  if (y) {
#pragma GCC ivdep
    for (Index i = 0; i < n; ++i) y[i] = exp(x[i] - shift);
    return row_sum(n, [y](Index i) { return y[i]; });
  }
  return row_sum(n, [x, shift](Index i) { return exp(x[i] - shift); });
}

/// f(row of inner numbers apart) as tasks: rows(begin, end) for inner 1, columns(block) else.
template <class F>
void for_blocks(const SoftmaxGeometry& at, const F& f) {
  parallel_rows(at.outer, at.extent * at.inner, [&](Index begin, Index end) {
    for (Index a = begin; a < end; ++a) f(a * at.extent * at.inner);
  });
}

/// For each column of a block [extent, inner]: the largest entry and the sum of e to the differences from it.
template <class S>
void column_sums(const SoftmaxGeometry& at, const S* x, std::vector<S>& most, std::vector<double>& sums) {
  std::fill(most.begin(), most.end(), -std::numeric_limits<S>::infinity());
  std::fill(sums.begin(), sums.end(), 0.0);
  S* m = most.data();
  for (Index r = 0; r < at.extent; ++r)
#pragma GCC ivdep
    for (Index c = 0; c < at.inner; ++c) m[c] = x[r * at.inner + c] > m[c] ? x[r * at.inner + c] : m[c];
  add_rows(at.extent, at.inner, at.inner, sums.data(), [x, m](Index i, Index c) { return std::array{exp(x[i] - m[c])}; });
}

}  // namespace

template <class S>
Tensor<S> softmax(const SoftmaxGeometry& at, const Tensor<S>& x) {
  Tensor<S> y(x.shape());
  const Index n = at.extent;
  for_blocks(at, [&](Index first) {
    const S* from = x.data() + first;
    S* to = y.data() + first;
    if (at.inner == 1) {
      const S factor = static_cast<S>(1 / exponentials(n, from, largest(n, from), to));
#pragma GCC ivdep
      for (Index i = 0; i < n; ++i) to[i] *= factor;
      return;
    }
    std::vector<S> most(static_cast<std::size_t>(at.inner));
    std::vector<double> sums(most.size());
    column_sums(at, from, most, sums);
    for (Index r = 0; r < n; ++r)
      for (Index c = 0; c < at.inner; ++c) {
        const auto k = static_cast<std::size_t>(c);
        to[r * at.inner + c] = exp(from[r * at.inner + c] - most[k]) * static_cast<S>(1 / sums[k]);
      }
  });
  return y;
}

template <class S>
Tensor<S> softmax_pullback(const SoftmaxGeometry& at, const Tensor<S>& y, const Tensor<S>& dy) {
  Tensor<S> dx(y.shape());
  const Index n = at.extent;
  for_blocks(at, [&](Index first) {
    const S *p = y.data() + first, *u = dy.data() + first;
    S* to = dx.data() + first;
    if (at.inner == 1) {
      const S dot = static_cast<S>(row_sum(n, [p, u](Index i) { return p[i] * u[i]; }));
#pragma GCC ivdep
      for (Index i = 0; i < n; ++i) to[i] = p[i] * (u[i] - dot);
      return;
    }
    std::vector<double> dots(static_cast<std::size_t>(at.inner));
    add_rows(n, at.inner, at.inner, dots.data(), [p, u](Index i, Index) { return std::array{p[i] * u[i]}; });
    for (Index r = 0; r < n; ++r)
      for (Index c = 0; c < at.inner; ++c) {
        const Index i = r * at.inner + c;
        to[i] = p[i] * (u[i] - static_cast<S>(dots[static_cast<std::size_t>(c)]));
      }
  });
  return dx;
}

template <class S>
Tensor<S> log_softmax(const SoftmaxGeometry& at, const Tensor<S>& x) {
  Tensor<S> y(x.shape());
  const Index n = at.extent;
  for_blocks(at, [&](Index first) {
    const S* from = x.data() + first;
    S* to = y.data() + first;
    std::vector<S> most(static_cast<std::size_t>(at.inner));
    std::vector<double> sums(most.size());
    if (at.inner == 1) {
      most[0] = largest(n, from);
      sums[0] = exponentials(n, from, most[0], static_cast<S*>(nullptr));
    } else {
      column_sums(at, from, most, sums);
    }
    for (Index c = 0; c < at.inner; ++c) {
      const auto k = static_cast<std::size_t>(c);
      const S shift = most[k], rest = static_cast<S>(std::log(sums[k]));  // x - shift is exact where it matters
      for (Index i = c; i < n * at.inner; i += at.inner) to[i] = (from[i] - shift) - rest;
    }
  });
  return y;
}

template <class S>
Tensor<S> log_softmax_pullback(const SoftmaxGeometry& at, const Tensor<S>& y, const Tensor<S>& dy) {
  Tensor<S> dx(y.shape());
  const Index n = at.extent;
  for_blocks(at, [&](Index first) {
    const S *p = y.data() + first, *u = dy.data() + first;
    S* to = dx.data() + first;
    std::vector<double> sums(static_cast<std::size_t>(at.inner));
    if (at.inner == 1)
      sums[0] = row_sum(n, [u](Index i) { return u[i]; });
    else
      add_rows(n, at.inner, at.inner, sums.data(), [u](Index i, Index) { return std::array{u[i]}; });
    for (Index r = 0; r < n; ++r)
      for (Index c = 0; c < at.inner; ++c) {
        const Index i = r * at.inner + c;
        to[i] = u[i] - exp(p[i]) * static_cast<S>(sums[static_cast<std::size_t>(c)]);
      }
  });
  return dx;
}

#define INSTANTIATE(S)                                                                             \
  template Tensor<S> softmax(const SoftmaxGeometry&, const Tensor<S>&);                            \
  template Tensor<S> softmax_pullback(const SoftmaxGeometry&, const Tensor<S>&, const Tensor<S>&); \
  template Tensor<S> log_softmax(const SoftmaxGeometry&, const Tensor<S>&);                        \
  template Tensor<S> log_softmax_pullback(const SoftmaxGeometry&, const Tensor<S>&, const Tensor<S>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::cpu
