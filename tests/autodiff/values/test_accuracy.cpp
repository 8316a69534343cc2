// Pointwise functions and their first three derivatives against closed formulas in long double, in float and double, over every range in
// which the result is a normal number; beyond it, the limits.
#include <limits>

#include "autodiff/pointwise.h"
#include "tests/catch.h"

using namespace tangentplane;

namespace {

using Long = long double;

/// f(x) or a derivative, and the size of the terms that it is the sum of: what an error is relative to where they cancel.
struct Expected {
  Long value, size;
};
Expected expected(Long value) { return {value, std::abs(value)}; }
using Formula = Expected (*)(Long x, int order);

Long logistic(Long x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

/// The n-th derivative of the logistic function.
Expected logistic_derivative(Long x, int n) {
  const Long p = logistic(x), q = logistic(-x);
  if (n == 0) return expected(p);
  if (n == 1) return expected(p * q);
  if (n == 2) return {p * q * (q - p), p * q};
  return {p * q * (1 - 6 * p * q), p * q};
}

Expected of_tanh(Long x, int n) {
  const Long t = std::tanh(x), e = std::exp(-std::abs(x)), s = std::pow(2 * e / (1 + e * e), 2);
  if (n == 0) return expected(t);
  if (n == 1) return expected(s);
  if (n == 2) return expected(-2 * t * s);
  return {2 * s * (2 * t * t - s), 2 * s * (2 * t * t + s)};
}
Expected of_sigmoid(Long x, int n) { return logistic_derivative(x, n); }
Expected of_softplus(Long x, int n) {
  if (n > 0) return logistic_derivative(x, n - 1);
  return expected(x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)));
}
/// `smallest`: below it a factor has no full digits, whatever it is multiplied by.
template <class S>
Expected of_gelu(Long x, int n) {
  const Long smallest = std::numeric_limits<S>::min();
  const Long a = 2 * std::sqrt(2 / std::acos(Long(-1))), b = a * Long(44715) / 1000000;
  const Long z = x * (a + b * x * x), z1 = a + 3 * b * x * x, z2 = 6 * b * x, z3 = 6 * b;
  const auto p = [z](int k) { return logistic_derivative(z, k); };
  const auto sum = [smallest](std::initializer_list<std::pair<Long, Expected>> terms) {
    Expected s{0, 0};
    for (const auto& [factor, e] : terms) {
      s.value += factor * e.value;
      s.size += std::abs(factor) * std::max(e.size, smallest);
    }
    return s;
  };
  if (n == 0) return sum({{x, p(0)}});
  if (n == 1) return sum({{1, p(0)}, {x * z1, p(1)}});
  if (n == 2) return sum({{2 * z1 + x * z2, p(1)}, {x * z1 * z1, p(2)}});
  return sum({{3 * z2 + x * z3, p(1)}, {3 * z1 * z1 + 3 * x * z1 * z2, p(2)}, {x * z1 * z1 * z1, p(3)}});
}
Expected of_log(Long x, int n) { return expected(n == 0 ? std::log(x) : n == 1 ? 1 / x : n == 2 ? -1 / x / x : 2 / x / x / x); }
constexpr double shift = 0.25;
Expected of_rsqrt(Long x, int n) {
  const Long v = x + shift, r = 1 / std::sqrt(v);
  return expected(n == 0 ? r : n == 1 ? -r / v / 2 : n == 2 ? 3 * r / v / v / 4 : -15 * r / v / v / v / 8);
}
Expected of_relu(Long x, int n) { return expected(n == 0 ? std::max(x, Long(0)) : n == 1 ? x > 0 : 0); }

/// The value and the first three derivatives at x, as the engine nests them.
template <class S, class F>
std::array<S, 4> derivatives(const F& f, S x) {
  const Derivative<F> first{f};
  const Derivative<Derivative<F>> second{first};
  const Derivative<Derivative<Derivative<F>>> third{second};
  return {f(x), first(x), second(x), third(x)};
}

/// The largest errors, in units of the rounding error of S, over arguments from `low` to `high`.
template <class S, class F>
void check_accuracy(const char* name, const F& f, Formula formula, double low, double high, std::array<double, 4> ulps) {
  std::array<double, 4> worst{}, where{};
  const auto at = [&](S x) {
    const auto y = derivatives(f, x);
    for (int n = 0; n < 4; ++n) {
      const auto k = static_cast<std::size_t>(n);
      const Expected e = formula(x, n);
      if (std::abs(e.value) > static_cast<Long>(std::numeric_limits<S>::max())) continue;
      const Long unit = std::max(e.size, static_cast<Long>(std::numeric_limits<S>::min())) * std::numeric_limits<S>::epsilon() / 2;
      const Long error = std::abs(static_cast<Long>(y[k]) - e.value) / unit;
      if (!(error <= worst[k])) {
        worst[k] = static_cast<double>(error);
        where[k] = static_cast<double>(x);
      }
    }
  };
  for (int i = 0; i <= 20000; ++i) at(static_cast<S>(low + (high - low) * i / 20000));
  for (double x = 1e-30; x < high; x *= 1.1) {
    at(static_cast<S>(x));
    if (low < 0) at(static_cast<S>(-x));
  }
  for (std::size_t n = 0; n < 4; ++n) {
    INFO(name << ", derivative " << n << ", " << 8 * sizeof(S) << " bits, at " << where[n]);
    CHECK(worst[n] <= ulps[n]);
  }
}

template <class S>
void check_all() {
  const double end = std::is_same_v<S, float> ? 87.3 : 708.3;  // e^-end is the smallest normal number
  check_accuracy<S>("tanh", Tanh{}, of_tanh, -end / 2, end / 2, {4, 8, 12, 16});
  check_accuracy<S>("sigmoid", Sigmoid{}, of_sigmoid, -end, end, {4, 8, 12, 16});
  check_accuracy<S>("softplus", Softplus{}, of_softplus, -end, end, {4, 8, 12, 16});
  const double gelu_end = std::is_same_v<S, float> ? 9.6 : 20.8;
  check_accuracy<S>("gelu", Gelu{}, of_gelu<S>, -gelu_end, 200, {4, 8, 12, 16});
  check_accuracy<S>("log", Log{}, of_log, 1e-10, 1e10, {2, 2, 4, 4});
  check_accuracy<S>("rsqrt", Rsqrt{shift}, of_rsqrt, 0, 1e10, {2, 8, 12, 16});
  check_accuracy<S>("relu", Relu{}, of_relu, -1e10, 1e10, {0, 0, 0, 0});
}

}  // namespace

TEST_CASE("pointwise functions and three derivatives are within a few units in the last place, in float") { check_all<float>(); }
TEST_CASE("pointwise functions and three derivatives are within a few units in the last place, in double") { check_all<double>(); }
