// Weights that are computed from parameters: a linearization in parameter space needs J v and J^T u alone, which there are.
#include "linearize/computed_weight.h"
#include "linearize/linearized_learner.h"
#include "nn/layers.h"
#include "tests/line_of.h"
#include "tests/small.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

constexpr Index in = 4, out = 3;

/// x (u o w), entry by entry.
struct Product {
  template <class T>
  T operator()(const Scope<T>& scope, const T& x) const {
    return matmul(x, mul(scope.parameter("u", {in, out}, lecun_normal()), scope.parameter("w", {in, out}, lecun_normal())));
  }
};

}  // namespace

TEST_CASE("a network with computed weights is linearized in parameter space as by hand") {
  const check::Poison poison;
  const auto s = draw_small<double>("product", Network<double>(Product{}), {in}, 6);
  const Real &u = s.variables["u"], &w = s.variables["w"];
  for (const bool without_f0 : {false, true}) {
    LinearizedLearner<double> learner(s.network, s.variables, s.images, 4, without_f0);
    learner.use(Sgd{.momentum = 0});
    Real du = Real::zeros(u.shape()), dw = Real::zeros(u.shape());
    const auto by_hand = [&](Index image) {
      Real y = Real::zeros({1, out});
      for (Index o = 0; o < out; ++o)
        for (Index i = 0; i < in; ++i) {
          const Index k = i * out + o;
          y[o] += s.images[image * in + i] * ((without_f0 ? 0 : u[k] * w[k]) + u[k] * dw[k] + du[k] * w[k]);
        }
      return y;
    };
    const std::vector<std::vector<Index>> batches{{0, 2}, {3, 1}, {2, 2}};
    for (const auto& batch : batches) {
      const Real z = learner.logits(batch);
      for (Index b = 0; b < 2; ++b) check::same(z.slice(b, b + 1).clone(), by_hand(batch[static_cast<std::size_t>(b)]), 1e-13);
      RandomStream random(9, "cotangent");
      const Real c = check::draw({2, out}, random);
      learner.step(c, 0.5);
      Real g = Real::zeros(u.shape());
      for (std::size_t b = 0; b < 2; ++b)
        for (Index k = 0; k < g.size(); ++k) g[k] += s.images[batch[b] * in + k / out] * c[static_cast<Index>(b) * out + k % out];
      for (Index k = 0; k < g.size(); ++k) du[k] -= 0.5 * g[k] * w[k], dw[k] -= 0.5 * g[k] * u[k];
    }
    const Real test = learner.test_logits();
    for (Index i = 4; i < 6; ++i) check::same(test.slice(i - 4, i - 3).clone(), by_hand(i), 1e-13);
    check::same(learner.variables()["u"], add(u, du), 1e-13);
  }
}

TEST_CASE("networks whose weights are computed are told from all others") {
  const auto s = draw_small<double>("product", Network<double>(Product{}), {in}, 6);
  const std::string line = computed_weight("here", s.network, s.variables, s.images);
  CHECK_THAT(line, ContainsSubstring("here: matmul hands every example a value computed from parameters"));
  CHECK_THAT(line_of([&] { KeptJacobian<double>(s.network, s.variables, s.images); }), ContainsSubstring("computed from parameters"));
  // Among examples that share nothing, though one alone might seem to share with itself.
  const Network<double> chosen([](const auto& scope, const auto& x) {
    const auto y = Product{}(scope, x);
    const Index n = shape_of(y)[0];
    return reshape(softmax(reshape(y, {n, out, 1}), 1), {n, out});
  });
  const auto c = draw_small<double>("chosen", chosen, {in}, 3);
  CHECK_THAT(computed_weight("here", c.network, c.variables, c.images), ContainsSubstring("computed from parameters"));
  for (const auto& other : small_networks(3)) CHECK(computed_weight("here", other.network, other.variables, other.images).empty());
}
