// BatchNorm in both modes and the fused layer of LeNet's kind against their formulas; pointwise ops by their names.
#include "autodiff/batch_norm.h"
#include "autodiff/segment.h"
#include "naive.h"

using namespace tangentplane;
using namespace tangentplane::values;
using I = Index;

namespace {

template <class S>
void check_batch_norm() {
  RandomStream random(3, "batch norm values");
  const auto x = draw<S>(random, {3, 4, 2, 5}), gamma = draw<S>(random, {5}), beta = draw<S>(random, {5}), mean = draw<S>(random, {5}),
             inverse = draw<S>(random, {5});
  equals(normalise(x, mean, inverse, gamma, beta), x.shape(), [&](I n, I i, I j, I c) {
    return (at(x, {n, i, j, c}) - at(mean, {c})) * at(inverse, {c}) * at(gamma, {c}) + at(beta, {c});
  });
  std::array<double, 5> m{}, v{};
  for (I i = 0; i < 120; ++i) m[static_cast<std::size_t>(i % 5)] += static_cast<double>(x[i]) / 24;
  for (I i = 0; i < 120; ++i)
    v[static_cast<std::size_t>(i % 5)] += std::pow(static_cast<double>(x[i]) - m[static_cast<std::size_t>(i % 5)], 2) / 24;
  const auto formula = [&](I n, I i, I j, I c) {
    const auto k = static_cast<std::size_t>(c);
    return (at(x, {n, i, j, c}) - m[k]) / std::sqrt(v[k] + 0.01) * at(gamma, {c}) + at(beta, {c});
  };
  for (const auto& y : {normalise_by_batch(x, gamma, beta, 0.01), normalise_by_batch_composed(x, gamma, beta, 0.01)}) {
    equals(y.y, x.shape(), formula);
    equals(y.mean, {5}, [&](I c, I, I, I) { return m[static_cast<std::size_t>(c)]; });
    equals(y.variance, {5}, [&](I c, I, I, I) { return v[static_cast<std::size_t>(c)]; });
  }
}

template <class S>
void check_segment() {
  RandomStream random(4, "segment values");
  const auto x = draw<S>(random, {2, 5, 6, 2}), w = draw<S>(random, {3, 3, 2, 6}), b = draw<S>(random, {6});
  equals(convolve_activate_pool(Tanh{}, x, w, b), {2, 2, 3, 6}, [&](I n, I i, I j, I o) {
    double mean = 0;
    for (I r = 2 * i; r < 2 * i + 2; ++r)
      for (I q = 2 * j; q < 2 * j + 2; ++q) {
        double z = at(b, {o});
        for (I p = 0; p < 3; ++p)
          for (I k = 0; k < 3; ++k)
            for (I c = 0; c < 2; ++c) {
              const I u = r + p - 1, v = q + k - 1;
              if (u >= 0 && u < 5 && v >= 0 && v < 6) z += at(x, {n, u, v, c}) * at(w, {p, k, c, o});
            }
        mean += std::tanh(z) / 4;
      }
    return mean;
  });
}

/// An op at some arguments, its slope and its second derivative, against closed formulas.
template <class Op, class F, class D, class E>
void check_pointwise(const char* name, const Op& op, std::initializer_list<double> arguments, const F& f, const D& slope, const E& second) {
  INFO(name);
  const std::vector<double> list(arguments);
  const auto x = Real::from({static_cast<I>(list.size())}, list), ones = Real::full(x.shape(), 1);
  const Dual<Dual<Real>> nested(Dual<Real>(x, ones), Dual<Real>(ones));
  const auto y = op(nested);
  for (I i = 0; i < x.size(); ++i) {
    INFO("at " << x[i]);
    CHECK(op(x)[i] == Approx(f(x[i])).epsilon(1e-13).margin(1e-300));
    CHECK((*y.tangent).primal[i] == Approx(slope(x[i])).epsilon(1e-13).margin(1e-300));
    CHECK((*(*y.tangent).tangent)[i] == Approx(second(x[i])).epsilon(1e-12).margin(1e-300));
  }
}

}  // namespace

TEST_CASE("BatchNorm is its formula in both modes, in float") { check_batch_norm<float>(); }
TEST_CASE("BatchNorm is its formula in both modes, in double") { check_batch_norm<double>(); }
TEST_CASE("convolution, bias, activation and pooling in one are their formula") {
  check_segment<float>();
  check_segment<double>();
}

TEST_CASE("pointwise ops bear the right names") {
  const auto square = [](double v) { return v * v; };
  check_pointwise(
      "relu", [](const auto& x) { return relu(x); }, {-2, 0, 3}, [](double x) { return x > 0 ? x : 0; },
      [](double x) { return x > 0 ? 1 : 0; }, [](double) { return 0; });
  check_pointwise(
      "tanh", [](const auto& x) { return tanh(x); }, {-30, -9.01, -1, 0.25, 2, 20}, [](double x) { return std::tanh(x); },
      [&](double x) { return 1 / square(std::cosh(x)); }, [&](double x) { return -2 * std::tanh(x) / square(std::cosh(x)); });
  const auto s = [](double x) { return 1 / (1 + std::exp(-x)); };
  const auto s1 = [&](double x) { return s(x) * s(-x); };
  check_pointwise(
      "sigmoid", [](const auto& x) { return sigmoid(x); }, {-40, -20, -1, 0.25, 2, 20}, s, s1,
      [&](double x) { return -s1(x) * std::tanh(x / 2); });
  check_pointwise(
      "softplus", [](const auto& x) { return softplus(x); }, {-40, -20, -1, 0.25, 2, 20},
      [](double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }, s, s1);
  check_pointwise(
      "log", [](const auto& x) { return log(x); }, {1e-5, 0.3, 1, 7}, [](double x) { return std::log(x); }, [](double x) { return 1 / x; },
      [](double x) { return -1 / x / x; });
  check_pointwise(
      "rsqrt", [](const auto& x) { return rsqrt(x, 0.5); }, {0, 0.3, 1, 7}, [](double x) { return std::pow(x + 0.5, -0.5); },
      [](double x) { return -0.5 * std::pow(x + 0.5, -1.5); }, [](double x) { return 0.75 * std::pow(x + 0.5, -2.5); });
  // The tanh form: numbers of its definition in 50 digits (0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))).
  const auto x = Real::from({5}, {-5, -1, 0.5, 3, -8});
  const auto y = gelu(x);
  const std::array<double, 5> expected{-2.291796196629506e-07, -0.1588080093917233, 0.34571400982514394, 2.996362607918227,
                                       -3.1077829375011112e-21};
  for (I i = 0; i < 5; ++i) CHECK(y[i] == Approx(expected[static_cast<std::size_t>(i)]).epsilon(2e-15));
  CHECK(static_cast<double>(gelu(cast<float>(x))[0]) == Approx(expected[0]).epsilon(5e-7));
  CHECK(sigmoid(Real::full({1}, -20))[0] == Approx(2.0611536181902037e-09).epsilon(1e-15));
}
