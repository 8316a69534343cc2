// More functions of one number, for numbers and for scalar duals around them (scalar.h).
#pragma once

#include "autodiff/scalar.h"

namespace tangentplane {

/// e^x - 1, accurate near zero too.
template <std::floating_point S>
inline S expm1(S x) {
  constexpr S high = std::is_same_v<S, float> ? S(89) : S(710), low = std::is_same_v<S, float> ? S(-104) : S(-746);
  const auto e = scalar_detail::exp_parts(x > high ? high : (x < low ? low : x), S(0));
  // 2^k in two factors: k is large or small only where the 1 does not matter.
  return (e.first * e.fraction + (e.first - S(1) / e.second)) * e.second;
}
/// sin(x).
template <std::floating_point S>
inline S sin(S x) {
  return std::sin(x);
}
/// cos(x).
template <std::floating_point S>
inline S cos(S x) {
  return std::cos(x);
}
/// x^exponent, 1 for an exponent of 0.
template <std::floating_point S>
inline S pow(S x, double exponent) {
  if (exponent == 0) return S(1);
  if (exponent == 1) return x;
  if (exponent == 2) return x * x;
  if (exponent == 3) return x * x * x;
  if (exponent == -1) return S(1) / x;
  return static_cast<S>(std::pow(static_cast<double>(x), exponent));  // the exponent may have no float
}

/// The same of a dual.
template <class X>
ScalarDual<X> expm1(const ScalarDual<X>& a) {
  return {expm1(a.primal), exp(a.primal) * a.tangent};
}
/// The same of a dual.
template <class X>
ScalarDual<X> sin(const ScalarDual<X>& a) {
  return {sin(a.primal), cos(a.primal) * a.tangent};
}
/// The same of a dual.
template <class X>
ScalarDual<X> cos(const ScalarDual<X>& a) {
  return {cos(a.primal), -sin(a.primal) * a.tangent};
}
/// The same of a dual.
template <class X>
ScalarDual<X> pow(const ScalarDual<X>& a, double exponent) {
  // A constant is one, whatever its argument's powers are.
  return {pow(a.primal, exponent), exponent == 0 ? X(0) : X(exponent) * pow(a.primal, exponent - 1) * a.tangent};
}

}  // namespace tangentplane
