// Planes to NHWC in registers: what conv2d_planar.cpp has computed as planes [R][lanes] becomes lanes rows of R channels.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

#include "autodiff/cpu/conv2d_paths.h"

namespace tangentplane::cpu::paths {

namespace interleave_detail {

/// A register as the compiler's shuffles take it.
template <class S>
struct Register {
  using Type [[gnu::vector_size(sizeof(Lanes<S>))]] = S;
};
template <class S>
using RegisterOf = typename Register<S>::Type;

/// Entry l of the result is entry from(l) of a followed by b.
template <auto from, class V, std::size_t... l>
V shuffle(V a, V b, std::index_sequence<l...>) {
  return __builtin_shufflevector(a, b, from(int(l))...);
}

template <class S>
RegisterOf<S> load(const S* from) {
  RegisterOf<S> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

/// Vector k of the rows: entry l is number k lanes + l, that is channel % R of position / R. Each plane in turn puts in its own.
template <class S, int R, int k>
RegisterOf<S> gathered(const RegisterOf<S>* plane) {
  constexpr int width = int(lanes<S>);
  constexpr auto all = std::make_index_sequence<std::size_t(width)>{};
  RegisterOf<S> v = plane[0];
  [&]<std::size_t... r>(std::index_sequence<r...>) {
    const auto put = [&]<int own>(std::integral_constant<int, own>) {
      // The first plane's entries are still where its positions are; v is then in the order of the result.
      constexpr auto from = [](int l) {
        const int e = k * width + l;
        return e % R == own ? width + e / R : own == 1 && e % R == 0 ? e / R : l;
      };
      v = shuffle<from>(v, plane[own], all);
    };
    (put(std::integral_constant<int, int(r) + 1>{}), ...);
  }
  (std::make_index_sequence<std::size_t(R - 1)>{});
  return v;
}

/// Entries of the first half of all numbers alternate with those of the second.
template <class S, int R>
void alternate(const RegisterOf<S>* in, RegisterOf<S>* out) {
  constexpr int width = int(lanes<S>);
  constexpr auto all = std::make_index_sequence<std::size_t(width)>{};
#pragma GCC unroll 8
  for (int i = 0; i < R / 2; ++i) {
    out[2 * i] = shuffle<[](int l) { return l / 2 + l % 2 * width; }>(in[i], in[i + R / 2], all);
    out[2 * i + 1] = shuffle<[](int l) { return (width + l) / 2 + l % 2 * width; }>(in[i], in[i + R / 2], all);
  }
}

}  // namespace interleave_detail

/// y [lanes, R] <- planes [R][lanes], `stride` apart; lanes a power of two of at least 2.
template <class S, int R>
void interleave(const S* planes, Index stride, S* y) {
  namespace d = interleave_detail;
  d::RegisterOf<S> v[R], other[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) v[r] = d::load(planes + r * stride);
  if constexpr (std::has_single_bit(unsigned(R))) {
    // Each time the leading bit of a number's place (channel, position) becomes the last: after log2(R) times it is (position, channel).
#pragma GCC unroll 8
    for (int n = 1; n < R; n *= 2) {
      d::alternate<S, R>(v, other);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) v[r] = other[r];
    }
  } else {
    [&]<std::size_t... k>(std::index_sequence<k...>) { ((other[k] = d::gathered<S, R, int(k)>(v)), ...); }
    (std::make_index_sequence<std::size_t(R)>{});
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) v[r] = other[r];
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) std::memcpy(y + r * lanes<S>, &v[r], sizeof v[r]);
}

}  // namespace tangentplane::cpu::paths
