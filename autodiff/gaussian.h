// The error function and the normal distribution, written without branches so that a loop over them is vectorised. All are made of one
// function, e^(x^2) erfc(x), which is smooth and without a zero, and of e^(-x^2) with the digits of x^2 that one number does not hold: so
// the tails keep their relative accuracy.
#pragma once

#include "autodiff/scalar.h"

namespace tangentplane {

namespace gaussian_detail {

/// Coefficients of (1 + 2 x) e^(x^2) erfc(x) in q = (x - 3.75) / (x + 3.75) (the form of Shepherd and Laframboise, 1981), and of erf(x) / x
/// in x^2 up to 0.26, from their Chebyshev series.
template <class S>
struct Coefficients;
template <>
struct Coefficients<double> {
  static constexpr std::array scaled{
      1.2375126308378275289,      -0.14024059858554696245,   0.0035854154854790256379,    0.082276738490145207683,
      -0.10880393014244461271,    0.09230432116037747776,    -0.058693398576649338403,    0.028362277418956404286,
      -0.0097465796832652622308,  0.0017556258528952953569,  0.00029371437804495802994,   -0.00029015408054084171105,
      0.000051646529741774161256, 0.00002238423915508222982, -0.000011438048033346893551, -9.7355989673677493407e-7,
      1.7419821586224815923e-6,   -5.7218230603224087501e-8, -2.4857126248016742872e-7,   2.3263508708859123732e-8,
      3.1979266716668042918e-8,   -3.7442100809620186444e-9, -2.6231073471334757612e-9,   3.1114333809799251993e-10};
  static constexpr std::array near_zero{1.1283791670955125739,     -0.37612638903183752445,    0.11283791670955122986,
                                        -0.026866170645129597442,  0.0052239776253911968105,   -0.00085483270142780247975,
                                        0.00012055331952376078027, -0.00001492557608217640976, 1.6458664524235654711e-6,
                                        -1.6265934490706210584e-7, 1.3154888751389582133e-8};
  static constexpr std::uint64_t high_bits = 0xfffffffff8000000u;  // 26 bits: their square is exact
  using Unsigned = std::uint64_t;
};
template <>
struct Coefficients<float> {
  static constexpr std::array scaled{1.2375126192676998937f,    -0.14024065832138641091f,   0.0035862703940246181059f,
                                     0.082278419983470466632f,  -0.10881427014905069487f,   0.092290769591303782833f,
                                     -0.058646858735546142856f, 0.028409252364127258028f,   -0.0098444948596749509555f,
                                     0.0016759122179811311847f, 0.00039630761298936272223f, -0.00022411674674416021157f};
  static constexpr std::array near_zero{1.1283791670791252723f,    -0.37612638448055766384f,  0.1128377116486309456f,
                                        -0.026862784813471805337f, 0.0051986043921247546716f, -0.00076629515354369740265f};
  static constexpr std::uint32_t high_bits = 0xfffff000u;  // 12 bits
  using Unsigned = std::uint32_t;
};

/// c[first] + c[first + 1] x + ... By recursion: a loop of so many steps is not unrolled, and one around it not vectorised.
template <std::size_t first = 0, class S, std::size_t n>
inline S polynomial(const std::array<S, n>& c, S x) {
  if constexpr (first + 1 == n)
    return c[first];
  else
    return polynomial<first + 1>(c, x) * x + c[first];
}

/// |x|, at most 40: e^(-x^2 / 2) is zero there.
template <class S>
inline S magnitude(S x) {
  const S a = x < 0 ? -x : x;
  return a > S(40) ? S(40) : a;
}

/// e^(-factor x^2) for x in [0, 40], `factor` 1 or 1/2. An error of half a unit in the last place of x^2 would be one of x^2 units in the
/// result.
template <class S>
inline S bell(S x, S factor) {
  using C = Coefficients<S>;
  const S square = x * x;
  const S high = std::bit_cast<S>(std::bit_cast<typename C::Unsigned>(x) & C::high_bits), low = x - high;
  const S rest = ((high * high - square) + S(2) * high * low) + low * low;
  return scalar_detail::decay(factor * square, factor * rest).e();
}

/// e^(x^2) erfc(x) for x >= 0.
template <class S>
inline S scaled_erfc(S x) {
  const S q = (x - S(3.75)) / (x + S(3.75));
  return polynomial(Coefficients<S>::scaled, q) / (S(1) + S(2) * x);
}

/// A multiple of e^(-x^2) as it is, or 0 where that is zero and x may be infinite.
template <class S, class X>
inline X ended(S x, const X& multiple) {
  return x > 40 || x < -40 ? X(0) : multiple;
}

constexpr double inverse_sqrt_2 = 0.70710678118654752440, inverse_sqrt_2_pi = 0.39894228040143267794,
                 two_over_sqrt_pi = 1.12837916709551257390;

}  // namespace gaussian_detail

/// 2 / sqrt(pi) e^(-x^2), the slope of erf.
template <std::floating_point S>
inline S erf_slope(S x) {
  return S(gaussian_detail::two_over_sqrt_pi) * gaussian_detail::bell(gaussian_detail::magnitude(x), S(1));
}
/// The error function.
template <std::floating_point S>
inline S erf(S x) {
  namespace g = gaussian_detail;
  const S a = g::magnitude(x), near = x * g::polynomial(g::Coefficients<S>::near_zero, a * a);
  const S far = S(1) - g::bell(a, S(1)) * g::scaled_erfc(a);
  return a < S(0.5) ? near : (x < 0 ? -far : far);
}
/// e^(-x^2 / 2) / sqrt(2 pi), the density of the normal distribution.
template <std::floating_point S>
inline S normal_density(S x) {
  return S(gaussian_detail::inverse_sqrt_2_pi) * gaussian_detail::bell(gaussian_detail::magnitude(x), S(0.5));
}
/// Phi(x), the normal distribution, to its last digits in the left tail too.
template <std::floating_point S>
inline S normal_distribution(S x) {
  namespace g = gaussian_detail;
  const S a = g::magnitude(x);
  const S tail = S(0.5) * g::bell(a, S(0.5)) * g::scaled_erfc(a * S(g::inverse_sqrt_2));
  return x < 0 ? tail : S(1) - tail;
}

// Closed under differentiation, all of one exponential.
/// The same of a dual.
template <class X>
ScalarDual<X> erf_slope(const ScalarDual<X>& a) {
  const X s = erf_slope(a.primal);
  return {s, gaussian_detail::ended(innermost(a), X(-2) * a.primal * s) * a.tangent};
}
/// The same of a dual.
template <class X>
ScalarDual<X> erf(const ScalarDual<X>& a) {
  return {erf(a.primal), erf_slope(a.primal) * a.tangent};
}
/// The same of a dual.
template <class X>
ScalarDual<X> normal_density(const ScalarDual<X>& a) {
  const X d = normal_density(a.primal);
  return {d, gaussian_detail::ended(innermost(a), -a.primal * d) * a.tangent};
}
/// The same of a dual.
template <class X>
ScalarDual<X> normal_distribution(const ScalarDual<X>& a) {
  return {normal_distribution(a.primal), normal_density(a.primal) * a.tangent};
}

}  // namespace tangentplane
