// Sums in a fixed order: partial sums over pieces that depend on the sizes alone, added piece by piece.
#pragma once

#include "autodiff/cpu/parallel.h"
#include "autodiff/tensor.h"

namespace tangentplane::cpu {

/// out[c] = sum over r of term(r * C + c), `term` called for each of rows x C entries.
template <class S, class F>
void sum_channels(Index rows, Index channels, S* out, const F& term) {
  const Index chunk = std::max<Index>(64, elementwise_chunk / std::max<Index>(1, channels)), pieces = (rows + chunk - 1) / chunk;
  std::vector<S> partial(static_cast<std::size_t>(pieces * channels));
  // Sixteen rows are summed apart in each piece: independent accumulators, and smaller rounding errors.
  parallel_chunks(rows, chunk, [&](Index begin, Index end) {
    S* sum = partial.data() + begin / chunk * channels;
    if (channels >= 16) {
      std::fill_n(sum, channels, S(0));
      for (Index r = begin; r < end; ++r)
#pragma GCC ivdep
        for (Index c = 0; c < channels; ++c) sum[c] += term(r * channels + c);
    } else {
      const Index width = 16 * channels, full = (end - begin) / 16;
      std::vector<S> wide(static_cast<std::size_t>(width), S(0));
      S* w = wide.data();
      for (Index b = 0; b < full; ++b)
#pragma GCC ivdep
        for (Index i = 0; i < width; ++i) w[i] += term((begin + b * 16) * channels + i);
      for (Index c = 0; c < channels; ++c) {
        S total = 0;
        for (Index i = 0; i < 16; ++i) total += w[i * channels + c];
        for (Index r = begin + full * 16; r < end; ++r) total += term(r * channels + c);
        sum[c] = total;
      }
    }
  });
  std::fill_n(out, channels, S(0));
  for (Index p = 0; p < pieces; ++p)
    for (Index c = 0; c < channels; ++c) out[c] += partial[static_cast<std::size_t>(p * channels + c)];
}

/// Sum over i in [0, n) of term(i).
template <class S, class F>
S sum(Index n, const F& term) {
  S total = 0;
  // One "channel" per lane of a virtual vector; the ragged end apart.
  constexpr Index lanes = 16;
  const Index rows = n / lanes;
  S wide[lanes];
  sum_channels(rows, lanes, wide, term);
  for (S v : wide) total += v;
  for (Index i = rows * lanes; i < n; ++i) total += term(i);
  return total;
}

/// out[n] = <a[n, :], b[n, :]>: the inner product of each example on its own.
template <class S>
void row_dots(Index rows, Index size, const S* a, const S* b, S* out) {
  parallel_rows(rows, size, [&](Index begin, Index end) {
    constexpr Index lanes = 16;
    for (Index r = begin; r < end; ++r) {
      const S *p = a + r * size, *q = b + r * size;
      S wide[lanes] = {}, total = 0;
      Index i = 0;
      for (; i + lanes <= size; i += lanes)
#pragma GCC ivdep
        for (Index l = 0; l < lanes; ++l) wide[l] += p[i + l] * q[i + l];
      for (; i < size; ++i) total += p[i] * q[i];
      for (S v : wide) total += v;
      out[r] = total;
    }
  });
}

}  // namespace tangentplane::cpu
