// Rows, columns and blocks by index, and back.
#pragma once

#include "autodiff/cpu/parallel.h"
#include "autodiff/tensor.h"

namespace tangentplane::cpu {

/// z [outer, taken, inner] from x [outer, extent, inner]: z[a, k] = x[a, indices[k]].
template <class S>
void take_blocks(Index outer, Index extent, Index inner, const std::vector<Index>& indices, const S* x, S* z) {
  const Index taken = static_cast<Index>(indices.size());
  parallel_rows(outer * taken, inner, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r)
      std::copy_n(x + (r / taken * extent + indices[static_cast<std::size_t>(r % taken)]) * inner, inner, z + r * inner);
  });
}

/// The transpose: x[a, v] = the sum of z[a, k] over all k with indices[k] = v, in their order and in double.
template <class S>
void add_blocks(Index outer, Index extent, Index inner, const std::vector<Index>& indices, const S* z, S* x) {
  const Index taken = static_cast<Index>(indices.size()), strip = std::min<Index>(inner, 64), strips = (inner + strip - 1) / strip;
  parallel_rows(outer * strips, (extent + taken) * strip, [&](Index begin, Index end) {
    std::vector<double> sums(static_cast<std::size_t>(extent * strip));
    for (Index task = begin; task < end; ++task) {
      const Index a = task / strips, first = task % strips * strip, width = std::min(strip, inner - first);
      std::fill(sums.begin(), sums.end(), 0.0);
      for (Index k = 0; k < taken; ++k) {
        const S* from = z + (a * taken + k) * inner + first;
        double* to = sums.data() + indices[static_cast<std::size_t>(k)] * strip;
        for (Index i = 0; i < width; ++i) to[i] += static_cast<double>(from[i]);
      }
      for (Index v = 0; v < extent; ++v)
        for (Index i = 0; i < width; ++i)
          x[(a * extent + v) * inner + first + i] = static_cast<S>(sums[static_cast<std::size_t>(v * strip + i)]);
    }
  });
}

}  // namespace tangentplane::cpu
