// Every long sum: eight terms are added as a tree in the tensor's precision and then to a total in double, so that the error is a few
// roundings whatever the number of terms; over pieces that depend on the sizes alone, so that the bits do not depend on the threads.
#pragma once

#include <array>
#include <vector>

#include "autodiff/cpu/parallel.h"
#include "autodiff/tensor.h"

namespace tangentplane::cpu {

namespace reduce_detail {

/// term(i, c) + term(i + stride, c) + ... of `rows` rows, a power of two, as a tree. A term is an array: K sums in one sweep.
template <int rows, class F>
auto tree(Index i, Index stride, Index c, const F& term) {
  if constexpr (rows == 1) {
    return term(i, c);
  } else {
    auto a = tree<rows / 2>(i, stride, c, term);
    const auto b = tree<rows / 2>(i + rows / 2 * stride, stride, c, term);
    for (std::size_t k = 0; k < a.size(); ++k) a[k] += b[k];
    return a;
  }
}

template <int rows, class F>
void add_block(Index first, Index stride, Index width, double* sum, const F& term) {
#pragma GCC ivdep
  for (Index c = 0; c < width; ++c) {
    const auto a = tree<rows>(first + c, stride, c, term);
    for (std::size_t k = 0; k < a.size(); ++k) sum[static_cast<Index>(k) * width + c] += static_cast<double>(a[k]);
  }
}

}  // namespace reduce_detail

/// sum[k, c] += the k-th number of term(r * stride + c, c), over r in [0, rows): sum [K, width], term gives a std::array of K numbers.
template <class F>
void add_rows(Index rows, Index stride, Index width, double* sum, const F& term) {
  Index r = 0;
  for (; r + 8 <= rows; r += 8) reduce_detail::add_block<8>(r * stride, stride, width, sum, term);
  if (rows - r >= 4) reduce_detail::add_block<4>(r * stride, stride, width, sum, term), r += 4;
  if (rows - r >= 2) reduce_detail::add_block<2>(r * stride, stride, width, sum, term), r += 2;
  if (rows - r >= 1) reduce_detail::add_block<1>(r * stride, stride, width, sum, term);
}

/// Few channels make short inner loops: so many rows are then summed side by side, as one.
constexpr Index rows_side_by_side(Index channels) { return channels < 16 ? 16 : 1; }

/// The same for contiguous rows of C channels: sum [K, C]. `term` is given the entry and its place in rows_side_by_side(C) rows.
template <std::size_t K, class F>
void add_channels(Index rows, Index channels, double* sum, const F& term) {
  const Index beside = rows_side_by_side(channels), width = beside * channels, full = rows / beside;
  if (beside == 1) return add_rows(rows, channels, channels, sum, term);
  if (full > 0) {
    std::array<double, K * 16 * 16> wide{};
    add_rows(full, width, width, wide.data(), term);
    for (Index k = 0; k < static_cast<Index>(K); ++k)
      for (Index i = 0; i < width; ++i) sum[k * channels + i % channels] += wide[static_cast<std::size_t>(k * width + i)];
  }
  const Index done = full * width;
  add_rows(rows - full * beside, channels, channels, sum, [&term, done](Index i, Index c) { return term(done + i, c); });
}

/// Sum over i in [0, n) of term(i), on the calling thread.
template <class F>
double serial_sum(Index n, const F& term) {
  double total = 0;
  add_channels<1>(n, 1, &total, [&term](Index i, Index) { return std::array{term(i)}; });
  return total;
}

/// out[c] = sum over r of term(r * C + c), `term` called for each of rows x C entries.
template <class S, class F>
void sum_channels(Index rows, Index channels, S* out, const F& term) {
  const Index chunk = std::max<Index>(64, elementwise_chunk / std::max<Index>(1, channels)), pieces = (rows + chunk - 1) / chunk;
  std::vector<double> partial(static_cast<std::size_t>(pieces * channels)), total(static_cast<std::size_t>(channels));
  parallel_chunks(rows, chunk, [&](Index begin, Index end) {
    const Index first = begin * channels;
    add_channels<1>(end - begin, channels, partial.data() + begin / chunk * channels,
                    [&term, first](Index i, Index) { return std::array{term(first + i)}; });
  });
  add_rows(pieces, channels, channels, total.data(),
           [&partial](Index i, Index) { return std::array{partial[static_cast<std::size_t>(i)]}; });
  for (Index c = 0; c < channels; ++c) out[c] = static_cast<S>(total[static_cast<std::size_t>(c)]);
}

/// Sum over i in [0, n) of term(i).
template <class S, class F>
S sum(Index n, const F& term) {
  S total;
  sum_channels(n, 1, &total, term);
  return total;
}

/// out[n] = <a[n, :], b[n, :]>: the inner product of each example on its own.
template <class S>
void row_dots(Index rows, Index size, const S* a, const S* b, S* out) {
  parallel_rows(rows, size, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const S *p = a + r * size, *q = b + r * size;
      out[r] = static_cast<S>(serial_sum(size, [p, q](Index i) { return p[i] * q[i]; }));
    }
  });
}

}  // namespace tangentplane::cpu
