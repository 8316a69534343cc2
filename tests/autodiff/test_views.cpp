// Parameters that are rearranged on their way to an op stay parameters: factors speak of the op, gradients of the parameter's own layout.
#include "tests/autodiff/toy_ops.h"

using namespace tangentplane;
using check::Real;

namespace {

std::vector<Real> draw_all(const std::vector<Shape>& shapes) {
  RandomStream random(4, "views");
  std::vector<Real> p;
  for (const Shape& s : shapes) p.push_back(check::draw(s, random));
  return p;
}
/// [A, B] -> [B, A].
Real turned(const Real& x) {
  const Index a = x.shape()[0], b = x.shape()[1];
  Real y({b, a});
  for (Index i = 0; i < a; ++i)
    for (Index j = 0; j < b; ++j) y[j * a + i] = x[i * b + j];
  return y;
}
/// [A, B] x [B, C].
Real product(const Real& x, const Real& y) {
  const Index a = x.shape()[0], b = x.shape()[1], c = y.shape()[1];
  Real z = Real::zeros({a, c});
  for (Index i = 0; i < a; ++i)
    for (Index k = 0; k < b; ++k)
      for (Index j = 0; j < c; ++j) z[i * c + j] += x[i * b + k] * y[k * c + j];
  return z;
}

}  // namespace

static_assert(rearranges<Reshape> && rearranges<Transposed<Reshape>> && rearranges<FirstLast> && rearranges<Transposed<FirstLast>>);
static_assert(!rearranges<ChannelBias> && !rearranges<Transposed<ChannelBias>> && !rearranges<Scale>);

TEST_CASE("a weight in another layout leaves the factor of the op that takes it, with a gradient in its own layout") {
  const check::Poison poison;
  const auto p = draw_all({{2, 3}, {1, 2}}), x = draw_all({{4, 3}, {4, 2}, {2, 3}});  // the weight [C, K] as in a file, the bias [1, C]
  const auto back = pullback(
      [&](const auto& q) {
        using T = std::decay_t<decltype(q[0])>;
        return bias(matmul(as_examples(lift<T>(x[0]), q), first_last(q[0])), reshape(q[1], {2}));
      },
      p);
  back.tape().require_per_example("jacobian", 4);
  const auto factors = back.factors(x[1]);
  REQUIRE(factors.size() == 2);
  CHECK(share_cotangent(factors[0], factors[1]));
  const auto &b = factors[0], &w = factors[1];
  for (const auto& f : factors) {
    CHECK(f.entrance->rearranged());
    CHECK(f.entrance->per_example());
    require_example_rows(f, 4, "jacobian", "p");
  }

  REQUIRE(w.entrance->as<MatMul>());
  CHECK(w.activation->data() == x[0].data());
  const Real inner = product(turned(x[0]), x[1]);  // [K, C], the op's layout
  check::same(w.gradient(), turned(inner), 1e-14);
  check::same(w.entrance->own_layout(inner), turned(inner), 0);
  check::same(w.entrance->op_layout(p[0]), turned(p[0]), 0);
  check::same(w.entrance->output(w.activation, x[2]), product(x[0], turned(x[2])), 1e-14);
  check::same(w.entrance->add_output(x[1], w.activation, x[2]), add(x[1], product(x[0], turned(x[2]))), 1e-14);

  REQUIRE(b.entrance->as<ChannelBias>());
  CHECK(b.gradient().shape() == Shape{1, 2});
  Real sums = Real::zeros({1, 2});
  for (Index i = 0; i < 4; ++i)
    for (Index c = 0; c < 2; ++c) sums[c] += x[1][i * 2 + c];
  check::same(b.gradient(), sums, 1e-14);
  const Real change = Real::from({1, 2}, {0.5, -2});
  for (Index i = 0; i < 8; ++i) {
    CHECK(b.entrance->output({}, change)[i] == change[i % 2]);
    CHECK(b.entrance->add_output(x[1], {}, change)[i] == x[1][i] + change[i % 2]);
  }
}

TEST_CASE("views follow one another, and one that is turned round leads back") {
  const auto p = draw_all({{24}}), x = draw_all({{4, 6}});
  const auto f = [&](const auto& q) {
    using T = std::decay_t<decltype(q[0])>;
    const T w = reshape(first_last(reshape(q[0], {4, 2, 3})), {6, 4});
    const T again = apply(transposed(FirstLast{{4, 2, 3}}), reshape(w, {2, 3, 4}));  // [4, 2, 3], as it was
    return add(matmul(lift<T>(x[0]), w), matmul(lift<T>(x[0]), reshape(first_last(again), {6, 4})));
  };
  const auto factors = pullback(f, p).factors(Real::full({4, 4}, 1));
  REQUIRE(factors.size() == 2);
  for (const auto& factor : factors) CHECK(factor.entrance->as<MatMul>());
  check::same(factors[0].gradient(), factors[1].gradient(), 1e-14);
  check::same(factors[0].entrance->op_layout(p[0]), factors[1].entrance->op_layout(p[0]), 0);
  CHECK(factors[0].entrance->op_layout(p[0]).shape() == Shape{6, 4});
  CHECK(factors[0].entrance->own_layout(factors[0].entrance->op_layout(p[0])).shape() == Shape{24});
  check::same(factors[0].entrance->own_layout(factors[0].entrance->op_layout(p[0])), p[0], 0);
  check::all_orders(f, {{24}});
}

TEST_CASE("a rearranged parameter that is no op's weight has its cotangent multiplied out, in its own layout") {
  const check::Poison poison;
  const auto p = draw_all({{2, 3}}), u = draw_all({{3, 2}});
  const auto receives = [&](const auto& f, const Real& cotangent, const Real& expected) {
    const auto back = pullback(f, p);
    for (const auto& factor : back.factors(cotangent)) {
      CHECK(factor.entrance->template as<Direct>());
      CHECK(factor.gradient().shape() == p[0].shape());
    }
    check::same(*back(cotangent)[0], expected, 1e-14);
  };
  receives([](const auto& q) { return first_last(q[0]); }, u[0], turned(u[0]));  // the output itself
  receives([](const auto& q) { return scale(first_last(q[0]), 2); }, u[0], turned(scale(u[0], 2)));
  receives([](const auto& q) { return mul(first_last(q[0]), first_last(q[0])); }, u[0], scale(mul(turned(u[0]), p[0]), 2));
}

TEST_CASE("views pass the checker in every slot and op") {
  const auto f = [](const auto& expression) { return expression; };
  check::all_orders(f([](const auto& p) { return first_last(p[0]); }), {{2, 3, 2}});
  check::all_orders(f([](const auto& p) { return tanh(first_last(p[0])); }), {{2, 3, 2}});
  check::all_orders(f([](const auto& p) { return matmul(first_last(p[0]), first_last(p[1])); }), {{3, 4}, {5, 3}});
  check::all_orders(f([](const auto& p) { return mul(first_last(p[0]), tanh(first_last(p[0]))); }), {{2, 3}});
  check::all_orders(f([](const auto& p) { return conv2d(tanh(p[0]), first_last(p[1])); }), {{2, 4, 3, 2}, {3, 3, 2, 2}});
  check::all_orders(f([](const auto& p) { return bias(channel_scale(tanh(p[0]), reshape(p[1], {3})), reshape(p[2], {3})); }),
                    {{4, 3}, {1, 3}, {3, 1}});
  check::all_orders(f([](const auto& p) { return add(first_last(p[0]), reshape(p[0], {3, 2})); }), {{2, 3}});
}

TEST_CASE("a form solved for its input on the way forward leaves what it saw and what came back in the places of any other") {
  const check::Poison poison;
  const Conv2d form{{4, 5, 2, 3, 3, 3, 2, 1, 1, 1, 1}};  // of images [4, 5, 2]; turned round it makes such images out of [2, 3, 3]
  const auto p = draw_all({{3, 3, 2, 3}}), x = draw_all({{2, 2, 3, 3}, {2, 4, 5, 2}, {3, 3, 2, 3}});
  const auto f = [&](const auto& q) {
    using T = std::decay_t<decltype(q[0])>;
    return solve<Slot::input>(form, q[0], as_examples(lift<T>(x[0]), q));
  };
  const auto back = pullback(f, p);
  back.tape().require_per_example("jacobian", 2);
  const auto factors = back.factors(x[1]);
  REQUIRE(factors.size() == 1);
  const auto& factor = factors[0];
  REQUIRE(factor.entrance->as<TransposedForm<Conv2d>>());
  CHECK(std::string(factor.entrance->name()) == "conv2d");
  CHECK(factor.entrance->per_example());
  CHECK(factor.activation->data() == x[0].data());
  CHECK(factor.cotangent.shape() == Shape{2, 4, 5, 2});
  require_example_rows(factor, 2, "jacobian", "p");
  check::same(factor.gradient(), cpu::conv2d_weight(form.at, x[1], x[0]), 0);
  check::same(factor.entrance->output(factor.activation, x[2]), f(std::vector{x[2]}), 0);
  CHECK(check::inner(factor.gradient(), x[2]) == Approx(check::inner(x[1], f(std::vector{x[2]}))).epsilon(1e-12));
  check::all_orders([&](const auto& q) { return solve<Slot::input>(form, q[0], tanh(q[1])); }, {{3, 3, 2, 3}, {1, 2, 3, 3}});

  const MatMul twice = transposed_form(transposed_form(MatMul{}));
  check::same(solve<Slot::output>(transposed_form(MatMul{}), Real::full({2, 3}, 1), Real::full({4, 3}, 0.5)),
              solve<Slot::input>(twice, Real::full({4, 3}, 0.5), Real::full({2, 3}, 1)), 0);
}
