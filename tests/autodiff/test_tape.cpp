// The tape's promises: what it emits, what it refuses, what it leaves out.
#include "autodiff/batch_norm.h"
#include "tests/check.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

std::vector<Real> draw_all(const std::vector<Shape>& shapes) {
  RandomStream random(8, "tape");
  std::vector<Real> p;
  for (const Shape& s : shapes) p.push_back(check::draw(s, random));
  return p;
}

template <class T, class F>
void refuses_per_example(const F& f, const std::vector<T>& p, const std::string& op) {
  const Pullback<T> back(f, p);
  CHECK(back.tape().batch_coupled());
  CHECK_THROWS_WITH(back.tape().require_per_example("jacobian", 4),
                    ContainsSubstring("jacobian: the examples of this batch are coupled (" + op) && ContainsSubstring("evaluation mode"));
}

}  // namespace

TEST_CASE("a layer emits a factor for its weight and one for its bias, which share their cotangent, inputs emit none") {
  const auto p = draw_all({{3, 2}, {2}}), x = draw_all({{4, 3}, {4, 2}});
  const auto back = pullback([&](const auto& q) { return bias(matmul(lift<std::decay_t<decltype(q[0])>>(x[0]), q[0]), q[1]); }, p);
  const auto factors = back.factors(x[1]);
  REQUIRE(factors.size() == 2);
  CHECK(factors[0].entrance->as<ChannelBias>());
  CHECK_FALSE(factors[0].entrance->as<MatMul>());
  CHECK_FALSE(factors[0].activation);
  CHECK(factors[1].entrance->as<MatMul>());
  CHECK(factors[1].activation->data() == x[0].data());
  CHECK(factors[1].parameter == 0);
  CHECK(share_cotangent(factors[0], factors[1]));
  CHECK_FALSE(back.tape().batch_coupled());
}

TEST_CASE("a pull-back can be repeated, with any cotangent") {
  const check::Poison poison;
  const auto p = draw_all({{4, 3}, {3, 2}, {2}}), u = draw_all({{4, 2}, {4, 2}});
  const auto back = pullback([](const auto& q) { return tanh(bias(matmul(tanh(q[0]), q[1]), q[2])); }, p);
  const auto a = back(u[0]), b = back(u[1]), both = back(add(u[0], u[1])), again = back(u[0]);
  for (std::size_t i = 0; i < p.size(); ++i) {
    check::same(add(*a[i], *b[i]), *both[i], 1e-14);
    check::same(*again[i], *a[i], 0);
  }
}

TEST_CASE("a released tape says so, values of two tapes do not mix") {
  const auto p = draw_all({{4, 3}});
  auto back = pullback([](const auto& q) { return tanh(q[0]); }, p);
  const auto before = back(p[0]);
  check::same(*std::move(back)(p[0])[0], *before[0], 0);
  CHECK_THROWS_WITH(back(p[0]), ContainsSubstring("released by an earlier pull-back"));

  Tape<Real> one, two;
  const auto x = one.parameter(p[0], 0), y = two.parameter(p[0], 0);
  CHECK_THROWS_WITH(add(x, y), ContainsSubstring("two different tapes"));
  CHECK_THROWS_WITH(mul(x, y), ContainsSubstring("two different tapes"));
  const auto c = draw_all({{3}})[0];
  CHECK_THROWS_WITH(bias(x, two.parameter(c, 1)), ContainsSubstring("two different tapes"));
  CHECK_THROWS_WITH(normalise_by_batch(x, one.parameter(c, 1), two.parameter(c, 2), 1e-5), ContainsSubstring("two different tapes"));
  CHECK_THROWS_WITH(normalise_by_batch(x, two.parameter(c, 1), Var<Real>(c), 1e-5), ContainsSubstring("two different tapes"));
}

TEST_CASE("per-example work on a batch-coupled tape is refused, whichever way BatchNorm is computed") {
  const auto p = draw_all({{2, 3}, {3}, {3}}), x = draw_all({{4, 2}});
  const auto layer = [&](const auto& q) { return matmul(as_examples(lift<std::decay_t<decltype(q[0])>>(x[0]), q), q[0]); };
  const auto fused = [&](const auto& q) { return normalise_by_batch(layer(q), q[1], q[2], 1e-5).y; };
  const auto composed = [&](const auto& q) { return normalise_by_batch_composed(layer(q), q[1], q[2], 1e-5).y; };
  refuses_per_example(fused, p, "batch_norm");
  refuses_per_example(composed, p, "channel_bias");
  std::vector<Dual<Real>> duals;
  for (const Real& t : p) duals.emplace_back(t, t);
  refuses_per_example(fused, duals, "channel_bias");
  refuses_per_example(composed, duals, "channel_bias");
}

TEST_CASE("a parameter that is computed on before it enters has a cotangent summed over the examples, and no rows") {
  const auto p = draw_all({{3, 2}, {2}}), x = draw_all({{4, 3}, {4, 2}});
  const auto f = [&](const auto& q) { return bias(matmul(lift<std::decay_t<decltype(q[0])>>(x[0]), scale(q[0], 2)), tanh(q[1])); };
  const auto back = pullback(f, p);
  CHECK_THROWS_WITH(back.tape().require_per_example("rows", 4),
                    ContainsSubstring("rows: matmul hands every example a value computed from parameters") &&
                        ContainsSubstring("let matmul take the parameter itself"));
  const auto factors = back.factors(x[1]);
  REQUIRE(factors.size() == 2);
  for (const auto& factor : factors) {
    CHECK(factor.entrance->as<Direct>());
    CHECK_FALSE(factor.entrance->per_example());
    CHECK(factor.gradient().shape() == p[static_cast<std::size_t>(factor.parameter)].shape());
    CHECK_THROWS_WITH(factor.entrance->output(factor.activation, p[0]), ContainsSubstring("summed over the examples"));
  }
  check::all_orders(f, {{3, 2}, {2}});
}

TEST_CASE("a channel scale of zeros makes no cotangent, and that changes nothing") {
  const check::Poison poison;
  auto p = draw_all({{2, 4, 3, 2}, {3, 3, 2, 2}, {2}});
  const auto f = [&](const auto& q) { return add(q[0], channel_scale(tanh(conv2d(q[0], q[1])), q[2])); };
  const auto count = [&] { return pullback(f, p).factors(p[0]).size(); };
  CHECK(count() == 4);  // the scale, the weight, and the images on both ways
  p[2] = Real::zeros({2});
  CHECK(count() == 2);  // the scale itself, and the images past the branch
  RandomStream random(9, "pruned");
  check::first_order(f, p, random);
  check::second_order(f, p, random);  // a zero with a tangent is no reason to prune
  p[2][1] = -0.5;
  CHECK(count() == 4);
}
