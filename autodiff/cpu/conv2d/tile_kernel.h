// The inner loop of tiles.cpp and winograd.cpp: a sum of outer products that stays in registers, R scalars by L vectors.
#pragma once

#include <array>
#include <utility>

#include "autodiff/cpu/conv2d/paths.h"

namespace tangentplane::cpu::paths {

/// R scalars at a time, `step` apart, and how far one moves along the two levels of the sum.
template <class S>
struct Scalars {
  const S* data;
  Index step, outer, inner;
};

/// L vectors at a time, at data + offsets[l]; they need not be aligned.
template <class S>
struct Vectors {
  const S* data;
  const Index* offsets;
  Index outer, inner;
};

/// out[r * row + l * lanes] (+)= sum over p < outer, q < inner of scalars(p, q)[r] * vectors(p, q)[l].
template <class S>
using TileKernel = void (*)(Index outer, Index inner, Scalars<S> s, Vectors<S> v, S* out, Index row, bool accumulate);

template <class S, int R, int L>
void outer_products(Index outer, Index inner, Scalars<S> s, Vectors<S> v, S* out, Index row, bool accumulate) {
  using V = Lanes<S>;
  constexpr auto whole = std::experimental::element_aligned;
  V sum[R][L];
  const S* at[L];
#pragma GCC unroll 8
  for (int l = 0; l < L; ++l) at[l] = v.data + v.offsets[l];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int l = 0; l < L; ++l) sum[r][l] = accumulate ? V(out + r * row + l * lanes<S>, whole) : V(S(0));
  for (Index p = 0; p < outer; ++p) {
    const S* scalar = s.data + p * s.outer;
    Index shift = p * v.outer;
    for (Index q = 0; q < inner; ++q, scalar += s.inner, shift += v.inner) {
      V vector[L];
#pragma GCC unroll 8
      for (int l = 0; l < L; ++l) vector[l].copy_from(at[l] + shift, whole);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const V factor(scalar[r * s.step]);
#pragma GCC unroll 8
        for (int l = 0; l < L; ++l) sum[r][l] = factor * vector[l] + sum[r][l];
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int l = 0; l < L; ++l) sum[r][l].copy_to(out + r * row + l * lanes<S>, whole);
}

/// The kernel for `scalars` in 1 ... max_scalars and `vectors` in 1 ... max_vectors.
template <class S>
TileKernel<S> tile_kernel(Index scalars, Index vectors) {
  constexpr int most = int(max_vectors<S>);
  static constexpr auto kernels = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<TileKernel<S>, sizeof...(i)>{&outer_products<S, int(i) / most + 1, int(i) % most + 1>...};
  }
  (std::make_index_sequence<std::size_t(max_scalars * most)>{});
  return kernels[static_cast<std::size_t>((scalars - 1) * most + vectors - 1)];
}

}  // namespace tangentplane::cpu::paths
