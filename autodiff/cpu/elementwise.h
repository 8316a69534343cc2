// Loops over arrays of one size: vectorised by the compiler, cut into fixed pieces for the threads.
#pragma once

#include <atomic>

#include "autodiff/cpu/parallel.h"
#include "autodiff/tensor.h"

namespace tangentplane::cpu {

/// y[i] = x[i].
template <class S>
void copy(Index n, const S* x, S* y) {
  parallel_chunks(n, elementwise_chunk, [&](Index begin, Index end) { std::copy(x + begin, x + end, y + begin); });
}

/// y[i] = f(x[i]).
template <class S, class F>
void transform(Index n, const S* x, S* y, const F& f) {
  parallel_chunks(n, elementwise_chunk, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) y[i] = f(x[i]);
  });
}

/// z[i] = f(x[i], y[i]); z may be x or y.
template <class S, class F>
void transform(Index n, const S* x, const S* y, S* z, const F& f) {
  parallel_chunks(n, elementwise_chunk, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) z[i] = f(x[i], y[i]);
  });
}

/// y[r, c] = f(x[r, c], w[c]) for rows of C channels; y may be x.
template <class S, class F>
void transform_channels(Index rows, Index channels, const S* x, const S* w, S* y, const F& f) {
  if (channels == 0) return;
  // Few channels make short inner loops; a repeated copy of w gives the compiler long ones.
  constexpr Index span = 256;
  const Index repeat = std::max<Index>(1, span / channels), width = repeat * channels;
  std::vector<S> tiled(static_cast<std::size_t>(width));
  for (Index i = 0; i < width; ++i) tiled[static_cast<std::size_t>(i)] = w[i % channels];
  const S* v = tiled.data();
  const Index n = rows * channels, chunk = std::max(width, elementwise_chunk / width * width);
  parallel_chunks(n, chunk, [&](Index begin, Index end) {
    for (Index i = begin; i < end; i += width) {
      const Index count = std::min(width, end - i);
#pragma GCC ivdep
      for (Index j = 0; j < count; ++j) y[i + j] = f(x[i + j], v[j]);
    }
  });
}

/// True if no entry is a NaN or an infinity.
template <class S>
bool all_finite(const Tensor<S>& t) {
  std::atomic<bool> finite = true;
  const S* v = t.data();
  parallel_chunks(t.size(), Index(1) << 18, [&](Index begin, Index end) {
    S bad = 0;  // v - v is 0 for finite v and NaN for all others; lanes of ordinary sums vectorise
    for (Index i = begin; i < end; ++i) bad = v[i] - v[i] == S(0) ? bad : S(1);
    if (bad != S(0)) finite = false;
  });
  return finite;
}

/// True if every entry is exactly zero (so NaN is not).
template <class S>
bool all_zero(const Tensor<S>& t) {
  return std::all_of(t.data(), t.data() + t.size(), [](S v) { return v == S(0); });
}

}  // namespace tangentplane::cpu
