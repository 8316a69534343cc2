// Planes to NHWC and back in registers, for planar.cpp: planes [R][lanes] for lanes positions of R channels.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

#include "autodiff/cpu/conv2d/paths.h"

namespace tangentplane::cpu::paths {

namespace interleave_detail {

template <class S>
constexpr int width = int(lanes<S>);

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

/// Entry l of the result is number from(l) of the R registers one after another; each in turn puts in its own.
template <class S, int R, auto from>
RegisterOf<S> gathered(const RegisterOf<S>* in) {
  RegisterOf<S> v = in[0];
  const auto put = [&]<int own>(std::integral_constant<int, own>) {
    // The first register's numbers are still at their own places; from then on v is in the order of the result.
    constexpr auto entry = [](int l) {
      const int at = from(l);
      return at / width<S> == own ? width<S> + at % width<S> : own == 1 && at < width<S> ? at : l;
    };
    v = shuffle<entry>(v, in[own], std::make_index_sequence<std::size_t(width<S>)>{});
  };
  [&]<std::size_t... r>(std::index_sequence<r...>) { (put(std::integral_constant<int, int(r) + 1>{}), ...); }
  (std::make_index_sequence<std::size_t(R - 1)>{});
  return v;
}

/// Entry l of register k of numbers [lanes, R] is this one of the same numbers as [R, lanes]. (Functions: clang 19 compiles no lambda as a
/// template argument within a generic lambda.)
template <class S, int R, int k>
constexpr int from_planes(int l) {
  return (k * width<S> + l) % R * width<S> + (k * width<S> + l) / R;
}

/// Entry l of plane r is this one of numbers [lanes, R].
template <int R, int r>
constexpr int from_positions(int l) {
  return l * R + r;
}

/// Entries of the first half of all numbers alternate with those of the second.
template <class S, int R>
void alternate(const RegisterOf<S>* in, RegisterOf<S>* out) {
  constexpr auto all = std::make_index_sequence<std::size_t(width<S>)>{};
#pragma GCC unroll 8
  for (int i = 0; i < R / 2; ++i) {
    out[2 * i] = shuffle<[](int l) { return l / 2 + l % 2 * width<S>; }>(in[i], in[i + R / 2], all);
    out[2 * i + 1] = shuffle<[](int l) { return (width<S> + l) / 2 + l % 2 * width<S>; }>(in[i], in[i + R / 2], all);
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
    const auto one = [&]<int k>(std::integral_constant<int, k>) { other[k] = d::gathered<S, R, d::from_planes<S, R, k>>(v); };
    [&]<std::size_t... k>(std::index_sequence<k...>) { (one(std::integral_constant<int, int(k)>{}), ...); }
    (std::make_index_sequence<std::size_t(R)>{});
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) v[r] = other[r];
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) std::memcpy(y + r * lanes<S>, &v[r], sizeof v[r]);
}

/// The reverse: planes [R][lanes], `stride` apart <- x [lanes, R].
template <class S, int R>
void separate(const S* x, S* planes, Index stride) {
  namespace d = interleave_detail;
  d::RegisterOf<S> v[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) v[r] = d::load(x + r * lanes<S>);
  const auto one = [&]<int r>(std::integral_constant<int, r>) {
    const d::RegisterOf<S> plane = d::gathered<S, R, d::from_positions<R, r>>(v);
    std::memcpy(planes + r * stride, &plane, sizeof plane);
  };
  [&]<std::size_t... r>(std::index_sequence<r...>) { (one(std::integral_constant<int, int(r)>{}), ...); }
  (std::make_index_sequence<std::size_t(R)>{});
}

}  // namespace tangentplane::cpu::paths
