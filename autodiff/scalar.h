// Scalar arithmetic for pointwise functions: a dual number whose parts may be dual numbers again, and exp, tanh and sigmoid written
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

/// exp(x + rest) = 2^k (1 + fraction) with |log(1 + fraction)| <= log(2) / 2, and 2^k in two factors, since alone it may be above or below
/// what a number holds where the result is not. `rest` is the part of the argument that x has no digits for.
template <class S>
struct ExpParts {
  S first, second, fraction;
};

template <class S>
inline ExpParts<S> exp_parts(S x, S rest) {
  using B = Bits<S>;
  using Integer = typename B::Integer;
  const S shifted = x * S(1.44269504088896340736) + B::round;
  const S k = shifted - B::round;
  const S r = ((x - k * B::ln2_high) - k * B::ln2_low) + rest;
  S p = 0;  // Taylor's (e^r - 1) / r; the first term left out is below half an ulp on |r| <= log(2) / 2
  constexpr auto inverse_factorial = [] {
    std::array<S, static_cast<std::size_t>(B::terms)> a{};
    double f = 1;
    for (int i = 0; i < B::terms; ++i) a[static_cast<std::size_t>(i)] = static_cast<S>(1 / (f *= i + 1));
    return a;
  }();
  for (int i = B::terms - 1; i >= 0; --i) p = p * r + inverse_factorial[static_cast<std::size_t>(i)];
  // The low bits of `shifted` hold k. Its two halves as exponent fields: k + 2 bias is positive, so that a shift halves it.
  using Unsigned = std::make_unsigned_t<Integer>;
  const auto both = static_cast<Unsigned>(std::bit_cast<Integer>(shifted) - (std::bit_cast<Integer>(B::round) - 2 * B::bias));
  const Unsigned half = both >> 1;
  const auto power = [](Unsigned field) { return std::bit_cast<S>(static_cast<Unsigned>(field << B::mantissa)); };
  return {power(half), power(both - half), p * r};
}

/// e^-|x + rest| with 2^k in one, which may be denormal or zero.
template <class S>
struct Decay {
  S scale, fraction;
  S e() const { return scale * fraction + scale; }
};
template <class S>
inline Decay<S> decay(S x, S rest) {
  constexpr S most = std::is_same_v<S, float> ? S(104) : S(746);  // e^-most is zero
  const S magnitude = x < 0 ? -x : x;
  const auto e = exp_parts(-(magnitude > most ? most : magnitude), x < 0 ? rest : -rest);
  return {e.first * e.second, e.fraction};
}

}  // namespace scalar_detail

// Functions of one number. Each gives NaN for NaN and is within a few units in the last place of the value wherever that is a normal
// number; below it goes to 0 through the denormal numbers, above to infinity. A second argument `rest`, where there is one, is the part
// of the argument that x has no digits for: the function is taken at x + rest.

/// e^x.
template <std::floating_point S>
inline S exp(S x) {
  constexpr S high = std::is_same_v<S, float> ? S(89) : S(710), low = std::is_same_v<S, float> ? S(-104) : S(-746);
  const auto e = scalar_detail::exp_parts(x > high ? high : (x < low ? low : x), S(0));
  return (e.first * e.fraction + e.first) * e.second;
}

/// 1 / (1 + e^-x), as e^x / (1 + e^x) where x is negative.
template <std::floating_point S>
inline S sigmoid(S x, S rest = 0) {
  const S e = scalar_detail::decay(x, rest).e();
  return (x < 0 ? e : S(1)) / (S(1) + e);
}
/// sigmoid(x) sigmoid(-x), the derivative of sigmoid.
template <std::floating_point S>
inline S sigmoid_slope(S x, S rest = 0) {
  const S e = scalar_detail::decay(x, rest).e();
  return e / ((S(1) + e) * (S(1) + e));
}
/// tanh(x / 2) = (1 - e^-x) / (1 + e^-x), accurate near zero too.
template <std::floating_point S>
inline S tanh_of_half(S x, S rest = 0) {
  const auto d = scalar_detail::decay(x, rest);
  const S expm1 = d.scale * d.fraction + (d.scale - S(1));
  const S y = -expm1 / (S(2) + expm1);
  return x < 0 ? -y : y;
}
/// tanh(x).
template <std::floating_point S>
inline S tanh(S x) {
  return tanh_of_half(S(2) * x);
}

/// log(x).
template <std::floating_point S>
inline S log(S x) {
  return std::log(x);
}
/// The square root of x.
template <std::floating_point S>
inline S sqrt(S x) {
  return std::sqrt(x);
}
/// log(1 + e^x).
template <std::floating_point S>
inline S softplus(S x) {
  return (x > 0 ? x : S(0)) + std::log1p(exp(x > 0 ? -x : x));
}
/// The number that data-dependent choices read: of a number itself.
template <std::floating_point S>
constexpr S innermost(S x) {
  return x;
}

/// primal + tangent * epsilon with epsilon^2 = 0.
template <class X>
struct ScalarDual {
  using Rest = decltype(innermost(X{}));  ///< the number at the innermost place

  X primal{}, tangent{};  ///< a number, or a dual again
  ScalarDual() = default;
  /// A value and its tangent.
  ScalarDual(X p, X t) : primal(p), tangent(t) {}
  /// A constant: its tangent is 0.
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
  friend ScalarDual log(const ScalarDual& a) { return {log(a.primal), a.tangent / a.primal}; }
  friend ScalarDual sqrt(const ScalarDual& a) {
    const X s = sqrt(a.primal);
    return {s, a.tangent / (s + s)};
  }
  // Closed under differentiation without a difference of near numbers, so that every derivative is a sum of products which cancel only
  // where it has a zero; and all of one exponential.
  friend ScalarDual sigmoid(const ScalarDual& a, Rest rest = 0) {
    return {sigmoid(a.primal, rest), sigmoid_slope(a.primal, rest) * a.tangent};
  }
  friend ScalarDual sigmoid_slope(const ScalarDual& a, Rest rest = 0) {
    const X s = sigmoid_slope(a.primal, rest);
    return {s, -tanh_of_half(a.primal, rest) * s * a.tangent};
  }
  friend ScalarDual tanh_of_half(const ScalarDual& a, Rest rest = 0) {
    return {tanh_of_half(a.primal, rest), X(2) * sigmoid_slope(a.primal, rest) * a.tangent};
  }
  friend ScalarDual tanh(const ScalarDual& a) { return tanh_of_half(a + a); }
  friend ScalarDual softplus(const ScalarDual& a) { return {softplus(a.primal), sigmoid(a.primal) * a.tangent}; }
  /// The number that data-dependent choices read.
  friend auto innermost(const ScalarDual& a) { return innermost(a.primal); }
};

}  // namespace tangentplane
