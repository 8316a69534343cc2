// Pointwise functions beside those of test_pointwise.cpp: closed formulas in long double over the whole range, kinks, limits, derivatives
// of every order.
#include <limits>

#include "by_index.h"

using namespace tangentplane;
using namespace tangentplane::by_index;
using check::all_orders;

namespace {

using Long = long double;
const Long pi = std::acos(Long(-1));

Long density(Long x) { return std::exp(-x * x / 2) / std::sqrt(2 * pi); }
Long distribution(Long x) { return std::erfc(-x / std::sqrt(Long(2))) / 2; }
Long logistic(Long x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

/// f within `units` units in the last place of the formula at x, or of `size` where the formula is a sum of terms of that size.
template <class S>
void near(S result, Long expected, Long size, double units, double x) {
  const Long unit = std::numeric_limits<S>::epsilon();
  const Long error = std::abs(static_cast<Long>(result) - expected), bound = units * unit * std::max(size, std::abs(expected));
  if (error > bound + 4 * std::numeric_limits<S>::denorm_min()) {
    INFO(fmt::format("at {}: {} for {}, off by {} units", x, static_cast<double>(result), static_cast<double>(expected),
                     static_cast<double>(error / unit / std::max(size, std::abs(expected)))));
    CHECK(error <= bound);
  }
}

template <class S, class F>
std::array<S, 3> orders(const F& f, S x) {
  return {f(x), Derivative<F>{f}(x), Derivative<Derivative<F>>{{f}}(x)};
}

template <class S>
void check_formulas() {
  const Long smallest = std::numeric_limits<S>::min();
  const S step = S(0.0123), end = std::is_same_v<S, float> ? S(13) : S(37);
  for (S s = -end; s <= end; s += step) {
    const Long x = s;
    const auto e = orders<S>(Erf{}, s);
    const Long slope = 2 / std::sqrt(pi) * std::exp(-x * x);
    near(e[0], std::erf(x), 0, 2, s);
    if (slope > smallest) near(e[1], slope, 0, 4, s), near(e[2], -2 * x * slope, 0, 5, s);
    const auto g = orders<S>(ExactGelu{}, s);
    if (density(x) > 64 * smallest) {
      near(g[0], x * distribution(x), 0, 8, s);
      near(g[1], distribution(x) + x * density(x), distribution(x) + std::abs(x) * density(x), 8, s);
      near(g[2], (2 - x * x) * density(x), (2 + x * x) * density(x), 8, s);
    }
    const auto a = orders<S>(Silu{}, s);
    const Long p = logistic(x), q = logistic(-x);
    near(a[0], x * p, 0, 5, s);
    near(a[1], p + x * p * q, p + std::abs(x) * p * q, 6, s);
    near(a[2], p * q * (2 + x * (q - p)), p * q * (2 + std::abs(x)), 8, s);
    const auto u = orders<S>(Elu{1.5}, s);
    near(u[0], x > 0 ? x : Long(1.5) * std::expm1(x), 0, 4, s);
    near(u[1], x > 0 ? 1 : Long(1.5) * std::exp(x), 0, 4, s);
    near(u[2], x > 0 ? 0 : Long(1.5) * std::exp(x), 0, 4, s);
    const auto n = orders<S>(Sin{}, s);
    near(n[0], std::sin(x), 0, 2, s), near(n[1], std::cos(x), 0, 2, s), near(n[2], -std::sin(x), 0, 2, s);
    const auto w = orders<S>(Pow{3}, s);
    near(w[0], x * x * x, 0, 2, s), near(w[1], 3 * x * x, 0, 2, s), near(w[2], 6 * x, 0, 2, s);
    near(orders<S>(Reciprocal{}, s)[1], -1 / (x * x), 0, 4, s);
    if (s > 0) {
      const auto r = orders<S>(Pow{-1.0 / 3}, s);
      const Long t = Long(-1.0 / 3);
      near(r[0], std::pow(x, t), 0, 2, s), near(r[1], t * std::pow(x, t - 1), 0, 4, s),
          near(r[2], t * (t - 1) * std::pow(x, t - 2), 0, 8, s);
      near(orders<S>(Sqrt{}, s)[1], 1 / (2 * std::sqrt(x)), 0, 3, s);
    }
  }
  // Near zero nothing cancels.
  for (S s = std::is_same_v<S, float> ? S(1e-30) : S(1e-290); s < 1; s *= S(1.7))
    for (S x : {s, -s}) {
      near(Erf{}(x), std::erf(Long(x)), 0, 2, x);
      near(Elu{1}(x), x > 0 ? Long(x) : std::expm1(Long(x)), 0, 4, x);
    }
}

template <class S>
void check_limits() {
  const S infinity = std::numeric_limits<S>::infinity(), most = std::numeric_limits<S>::max(), lost = std::numeric_limits<S>::quiet_NaN();
  using Three = std::array<S, 3>;
  for (S x : {infinity, most, S(2000)}) {
    CHECK(orders<S>(Erf{}, x) == Three{1, 0, 0});
    CHECK(orders<S>(Erf{}, -x) == Three{-1, 0, 0});
    CHECK(orders<S>(ExactGelu{}, x) == Three{x, 1, 0});
    CHECK(orders<S>(ExactGelu{}, -x) == Three{0, 0, 0});
    CHECK(orders<S>(Silu{}, x) == Three{x, 1, 0});
    CHECK(orders<S>(Silu{}, -x) == Three{0, 0, 0});
    CHECK(orders<S>(HardSwish{}, x) == Three{x, 1, 0});
    CHECK(orders<S>(HardSwish{}, -x) == Three{0, 0, 0});
    CHECK(orders<S>(Elu{2}, x) == Three{x, 1, 0});
    CHECK(orders<S>(Elu{2}, -x) == Three{-2, 0, 0});
    CHECK(orders<S>(Clip{-1, 6}, x) == Three{6, 0, 0});
  }
  // Slopes at kinks, as the descriptions say.
  CHECK(orders<S>(Abs{}, 0) == Three{0, 0, 0});
  CHECK(orders<S>(Abs{}, -2) == Three{2, -1, 0});
  CHECK(orders<S>(LeakyRelu{0.25}, 0) == Three{0, S(0.25), 0});
  CHECK(orders<S>(Clip{0, 6}, 0) == Three{0, 0, 0});
  CHECK(orders<S>(Clip{0, 6}, 6) == Three{6, 0, 0});
  CHECK(orders<S>(Clip{0, 6}, 5) == Three{5, 1, 0});
  CHECK(orders<S>(Clip{-0.1, 0.1}, S(0.1))[1] == 0);  // the end as a number of this type
  CHECK(orders<S>(HardSwish{}, -3) == Three{0, 0, 0});
  CHECK(orders<S>(HardSwish{}, 3) == Three{3, 1, 0});
  CHECK(orders<S>(HardSwish{}, 0) == Three{0, S(0.5), S(1.0 / 3)});
  CHECK(orders<S>(HardSigmoid{0.25, 0.5}, -2) == Three{0, 0, 0});
  CHECK(orders<S>(HardSigmoid{0.25, 0.5}, 1) == Three{S(0.75), S(0.25), 0});
  CHECK(orders<S>(NegativePart{}, 0) == Three{0, 1, 0});
  CHECK(orders<S>(Pow{0}, 0) == Three{1, 0, 0});
  CHECK(orders<S>(Pow{1}, 0) == Three{0, 1, 0});
  CHECK(orders<S>(Pow{2}, 0) == Three{0, 0, 2});
  // NaN goes through, in the vector loop and its tail.
  for (Index place : {0, 5, 30, 36}) {
    auto x = Tensor<S>::full({37}, S(0.5));
    x[place] = lost;
    for (const auto& y :
         {exp(x), sqrt(x), abs(x), pow(x, 2), pow(x, 0.7), erf(x), sin(x), cos(x), negate(x), reciprocal(x), gelu_exact(x), silu(x),
          leaky_relu(x, 0.1), elu(x, 1), hard_swish(x), hard_sigmoid(x, 0.2, 0.5), clip(x, -1, 1), pointwise(NegativePart{}, x)})
      for (Index i = 0; i < 37; ++i) CHECK(std::isnan(y[i]) == (i == place));
  }
}

}  // namespace

TEST_CASE("functions are accurate to a few units in the last place, and their derivatives, in double") { check_formulas<double>(); }
TEST_CASE("functions are accurate to a few units in the last place, and their derivatives, in float") { check_formulas<float>(); }
TEST_CASE("functions end in their limits, have the slopes that they promise at kinks, and let NaN through") {
  check_limits<double>();
  check_limits<float>();
}

TEST_CASE("functions: derivatives of every order") {
  all_orders(OP(exp(a)), {{7, 3}});
  all_orders(OP(sqrt(exp(a))), {{7, 3}});
  all_orders(OP(abs(a)), {{7, 3}});
  all_orders(OP(pow(a, 3)), {{7, 3}});
  all_orders(OP(pow(exp(a), -1.7)), {{7, 3}});
  all_orders(OP(erf(a)), {{7, 3}});
  all_orders(OP(sin(cos(a))), {{7, 3}});
  all_orders(OP(negate(reciprocal(exp(a)))), {{7, 3}});
  all_orders(OP(gelu_exact(a)), {{7, 3}});
  all_orders(OP(silu(a)), {{7, 3}});
  all_orders(OP(leaky_relu(a, 0.2)), {{7, 3}});
  all_orders(OP(elu(a, 0.7)), {{7, 3}});
  all_orders(OP(hard_swish(scale(a, 5))), {{7, 3}});
  all_orders(OP(hard_sigmoid(a, 0.7, 0.4)), {{7, 3}});
  all_orders(OP(clip(a, -0.5, 0.3)), {{7, 3}});
  all_orders(OP(erf(a)), {{16411}});  // more than one task, and a tail
}

TEST_CASE("clip refuses ends in the wrong order") {
  CHECK(thrown([] { clip(Real::zeros({1}), 2, 1); }) == "clip: [2, 1] is empty; low must not be above high");
  CHECK(thrown([] { clip(Real::zeros({1}), std::nan(""), 1); }) == "clip: [nan, 1] is empty; low must not be above high");
}
