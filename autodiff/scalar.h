// Scalar arithmetic for pointwise functions: a dual number whose parts may be dual numbers again, and exp and tanh written
// without branches so that a loop over them is vectorised (std::exp would not be).
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace tangentplane {

namespace scalar_detail {

template <class S>
struct Bits;
template <>
struct Bits<float> {
  using Integer = std::int32_t;
  static constexpr int mantissa = 23, bias = 127, terms = 8;
  static constexpr float round = 12582912.f;  // 1.5 * 2^23: adding it rounds to an integer
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
};
template <>
struct Bits<double> {
  using Integer = std::int64_t;
  static constexpr int mantissa = 52, bias = 1023, terms = 14;
  static constexpr double round = 6755399441055744.;  // 1.5 * 2^52
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
};

/// exp(x) = scale * (1 + rest) with scale a power of two and |log(1 + rest)| <= log(2) / 2; x within the finite range.
template <class S>
struct ExpParts {
  S scale, rest;
};

template <class S>
inline ExpParts<S> exp_parts(S x) {
  using B = Bits<S>;
  using Integer = typename B::Integer;
  const S shifted = x * S(1.44269504088896340736) + B::round;
  const S k = shifted - B::round;
  const S r = (x - k * B::ln2_high) - k * B::ln2_low;
  S p = 0;  // Taylor's (e^r - 1) / r; the first term left out is below half an ulp on |r| <= log(2) / 2
  constexpr auto inverse_factorial = [] {
    std::array<S, static_cast<std::size_t>(B::terms)> a{};
    double f = 1;
    for (int i = 0; i < B::terms; ++i) a[static_cast<std::size_t>(i)] = static_cast<S>(1 / (f *= i + 1));
    return a;
  }();
  for (int i = B::terms - 1; i >= 0; --i) p = p * r + inverse_factorial[static_cast<std::size_t>(i)];
  const Integer exponent = std::bit_cast<Integer>(shifted) << B::mantissa;  // the low bits of `shifted` hold k
  const S scale = std::bit_cast<S>(static_cast<Integer>(exponent + (Integer(B::bias) << B::mantissa)));
  return {scale, p * r};
}

}  // namespace scalar_detail

/// e^x within 2 ulp for x in [-87, 88] (float) or [-708, 709] (double). An argument beyond counts as the nearest bound: the result is
/// never zero, denormal or infinite.
template <std::floating_point S>
inline S exp(S x) {
  constexpr S high = std::is_same_v<S, float> ? S(88) : S(709), low = std::is_same_v<S, float> ? S(-87) : S(-708);
  const S clamped = x > high ? high : (x < low ? low : x);
  const auto e = scalar_detail::exp_parts(clamped);
  const S y = e.scale * e.rest + e.scale;
  return x != x ? x : y;
}

/// tanh(x) within a few ulp, near zero too.
template <std::floating_point S>
inline S tanh(S x) {
  const S magnitude = x < 0 ? -x : x;
  const S clamped = magnitude > S(20) ? S(20) : magnitude;
  const auto e = scalar_detail::exp_parts(S(-2) * clamped);
  const S expm1 = e.scale * e.rest + (e.scale - S(1));
  const S y = -expm1 / (S(2) + expm1);
  return x != x ? x : (x < 0 ? -y : y);
}

template <std::floating_point S>
inline S log(S x) {
  return std::log(x);
}
template <std::floating_point S>
inline S log1p(S x) {
  return std::log1p(x);
}
template <std::floating_point S>
inline S sqrt(S x) {
  return std::sqrt(x);
}
template <std::floating_point S>
constexpr S innermost(S x) {
  return x;
}

/// primal + tangent * epsilon with epsilon^2 = 0.
template <class X>
struct ScalarDual {
  X primal{}, tangent{};
  ScalarDual() = default;
  ScalarDual(X p, X t) : primal(p), tangent(t) {}
  template <class Number>
  requires std::is_arithmetic_v<Number> ScalarDual(Number c)
      : primal(static_cast<X>(c)), tangent(X(0)) {}  // NOLINT: a constant has no tangent

  friend ScalarDual operator+(const ScalarDual& a, const ScalarDual& b) { return {a.primal + b.primal, a.tangent + b.tangent}; }
  friend ScalarDual operator-(const ScalarDual& a, const ScalarDual& b) { return {a.primal - b.primal, a.tangent - b.tangent}; }
  friend ScalarDual operator-(const ScalarDual& a) { return {-a.primal, -a.tangent}; }
  friend ScalarDual operator*(const ScalarDual& a, const ScalarDual& b) {
    return {a.primal * b.primal, a.primal * b.tangent + a.tangent * b.primal};
  }
  friend ScalarDual operator/(const ScalarDual& a, const ScalarDual& b) {
    const X q = a.primal / b.primal;
    return {q, (a.tangent - q * b.tangent) / b.primal};
  }
  friend ScalarDual exp(const ScalarDual& a) {
    const X e = exp(a.primal);
    return {e, e * a.tangent};
  }
  friend ScalarDual tanh(const ScalarDual& a) {
    const X t = tanh(a.primal);
    return {t, (X(1) - t * t) * a.tangent};
  }
  friend ScalarDual log(const ScalarDual& a) { return {log(a.primal), a.tangent / a.primal}; }
  friend ScalarDual log1p(const ScalarDual& a) { return {log1p(a.primal), a.tangent / (X(1) + a.primal)}; }
  friend ScalarDual sqrt(const ScalarDual& a) {
    const X s = sqrt(a.primal);
    return {s, a.tangent / (s + s)};
  }
  /// The number that data-dependent choices read.
  friend auto innermost(const ScalarDual& a) { return innermost(a.primal); }
};

}  // namespace tangentplane
