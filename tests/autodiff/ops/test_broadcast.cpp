// Broadcasting sums and products, and reductions over axes: values by loops, derivatives of every order, factors, refusals.
#include "by_index.h"

using namespace tangentplane;
using namespace tangentplane::by_index;
using check::all_orders;

namespace {

const std::vector<std::pair<Shape, Shape>> pairs{{{4, 3}, {3}},
                                                 {{3}, {4, 3}},
                                                 {{2, 5, 3}, {1, 5, 1}},
                                                 {{2, 5, 3}, {2, 1, 1}},
                                                 {{2, 1, 3}, {1, 5, 1}},
                                                 {{5, 1}, {2, 1, 3}},
                                                 {{2, 3, 4, 5}, {3, 1, 1}},
                                                 {{2, 3, 4, 5}, {2, 3, 1, 1}},
                                                 {{2, 3}, {}},
                                                 {{}, {2, 3}},
                                                 {{7}, {7}},
                                                 {{1, 3}, {1, 3}},
                                                 {{40, 1, 70}, {1, 33, 70}},
                                                 {{3, 17, 40, 1}, {17, 1, 50}}};

Shape joint(const Shape& x, const Shape& y) {
  Shape to;
  for (int i = -std::max(x.rank(), y.rank()); i < 0; ++i) {
    const Index a = i >= -x.rank() ? x[i] : 1, b = i >= -y.rank() ? y[i] : 1;
    to.append(std::max(a, b));
  }
  return to;
}

template <class S>
void check_values() {
  const check::Poison poison;
  RandomStream random(2, "broadcast");
  const double tolerance = rounding<S>;
  for (const auto& [s, t] : pairs) {
    INFO(fmt::format("{} {}", s, t));
    const auto x = reference::draw<S>(random, s), y = reference::draw<S>(random, t);
    auto away = y.clone();
    for (S& v : away.span()) v = v < 0 ? v - 1 : v + 1;
    const Shape to = joint(s, t);
    const auto both = [&](const Indices& p) { return std::pair{at(x, aligned(x.shape(), p)), at(y, aligned(y.shape(), p))}; };
    equals(broadcast_add(x, y), to, tolerance, [&](const Indices& p) { return both(p).first + both(p).second; });
    equals(broadcast_subtract(x, y), to, tolerance, [&](const Indices& p) { return both(p).first - both(p).second; });
    equals(broadcast_mul(x, y), to, tolerance, [&](const Indices& p) { return both(p).first * both(p).second; });
    equals(broadcast_div(x, away), to, tolerance, [&](const Indices& p) { return both(p).first / at(away, aligned(away.shape(), p)); });
    equals(broadcast_to(x, to), to, 0, [&](const Indices& p) { return both(p).first; });
  }
  // Sums over every set of axes, long and short.
  for (const Shape& s : {Shape{3, 5, 4, 2}, Shape{2, 70, 3, 40}, Shape{130, 1, 3, 33}, Shape{1, 2, 900, 2}}) {
    const auto x = reference::draw<S>(random, s);
    for (unsigned set = 0; set < 16; ++set) {
      std::vector<int> axes;
      Shape ones, rest;
      for (int i = 0; i < 4; ++i) {
        if (set >> i & 1) axes.push_back(i % 2 ? i : i - 4);
        ones.append(set >> i & 1 ? 1 : s[i]);
        if (!(set >> i & 1)) rest.append(s[i]);
      }
      INFO(fmt::format("{} over {}", s, set));
      const double count = static_cast<double>(s.size()) / static_cast<double>(ones.size());
      Real total = Real::zeros(ones), largest = Real::full(ones, -1e9), smallest = Real::full(ones, 1e9);
      for (Index i = 0; i < s.size(); ++i) {
        Index k = 0;
        const Indices p = aligned(ones, place_of(s, i));
        for (int axis = 0; axis < 4; ++axis) k = k * ones[axis] + p[static_cast<std::size_t>(axis)];
        total[k] += double(x[i]), largest[k] = std::max(largest[k], double(x[i])), smallest[k] = std::min(smallest[k], double(x[i]));
      }
      CHECK(reference::difference(sum(x, axes, true), total) <= 20 * tolerance);
      CHECK(reference::difference(sum(x, axes), total.reshaped(rest)) <= 20 * tolerance);
      CHECK(reference::difference(scale(mean(x, axes, true), count), total) <= 20 * tolerance);
      CHECK(reference::difference(max(x, axes, true), largest) == 0);
      CHECK(reference::difference(min(x, axes), smallest.reshaped(rest)) == 0);
    }
  }
}

}  // namespace

TEST_CASE("broadcasting and reductions equal their definitions") {
  check_values<double>();
  check_values<float>();
}

TEST_CASE("broadcasting: derivatives of every order") {
  for (const auto& [s, t] : pairs) {
    if (s.size() * t.size() > 2000) continue;
    INFO(fmt::format("{} {}", s, t));
    all_orders(OP(broadcast_add(mul(a, a), b)), {s, t});
    all_orders(OP(broadcast_subtract(a, mul(b, b))), {s, t});
    all_orders(OP(broadcast_mul(a, b)), {s, t});
    all_orders(OP(broadcast_div(a, exp(b))), {s, t});
  }
  all_orders(OP(broadcast_to(a, {3, 2, 5})), {{2, 1}});
  all_orders(OP(prelu(a, b)), {{4, 2, 3}, {3}});
  all_orders(OP(prelu(a, b)), {{4, 3, 2}, {3, 1}});
}

TEST_CASE("reductions: derivatives of every order") {
  all_orders(OP(sum(a, {1})), {{2, 3, 4}});
  all_orders(OP(sum(a, {0, -1}, true)), {{2, 3, 4}});
  all_orders(OP(mean(a, {-2})), {{2, 3, 4}});
  all_orders(OP(max(a, {1})), {{2, 3, 4}});
  all_orders(OP(min(a, {0, 2}, true)), {{2, 3, 4}});
}

TEST_CASE("a parameter that is broadcast leaves factors, on either side") {
  RandomStream random(3, "broadcast factors");
  const Real x = check::draw({4, 5, 3}, random), u = check::draw({4, 5, 3}, random);
  const auto see = [&](const auto& f, const Shape& shape) {
    const std::vector<Real> p{check::draw(shape, random)};
    const auto list = pullback(f, p).factors(u);
    REQUIRE(list.size() == 1);
    CHECK(list[0].entrance->per_example());
    CHECK(list[0].cotangent.shape() == u.shape());
    return list[0];
  };
  for (const Shape& s : {Shape{3}, Shape{5, 1}, Shape{1, 5, 1}, Shape{1, 1, 3}, Shape{}}) {
    INFO(s.str());
    CHECK(see([&](const auto& p) { return broadcast_mul(lift<std::decay_t<decltype(p[0])>>(x), p[0]); }, s).activation.has_value());
    CHECK(see([&](const auto& p) { return broadcast_mul(p[0], lift<std::decay_t<decltype(p[0])>>(x)); }, s).activation.has_value());
    for (double sign : {1, -1}) {
      const auto f = [&](const auto& p) {
        using T = std::decay_t<decltype(p[0])>;
        return sign > 0 ? broadcast_add(p[0], lift<T>(x)) : broadcast_subtract(lift<T>(x), p[0]);
      };
      const auto factor = see(f, s);
      CHECK_FALSE(factor.activation.has_value());
      Real expected = Real::zeros(s);
      for (Index i = 0; i < u.size(); ++i) {
        Index k = 0;
        const Indices q = aligned(s, place_of(u.shape(), i));
        for (int axis = 0; axis < s.rank(); ++axis) k = k * s[axis] + q[static_cast<std::size_t>(axis)];
        expected[k] += sign * u[i];
      }
      CHECK(reference::difference(factor.gradient(), expected) < 1e-13);
    }
  }
  // As what divides: it is repeated for the examples, and computed with there.
  for (const Shape& s : {Shape{3}, Shape{5, 1}, Shape{1, 5, 1}, Shape{5, 3}, Shape{1, 1, 1}, Shape{}}) {
    INFO(s.str());
    std::vector<Real> p{check::draw(s, random)};
    for (double& v : p[0].span()) v += v < 0 ? -1 : 1;
    const auto back = pullback([&](const auto& q) { return broadcast_div(lift<std::decay_t<decltype(q[0])>>(x), q[0]); }, p);
    const auto list = back.factors(u);
    REQUIRE(list.size() == 1);
    CHECK(list[0].entrance->per_example());
    CHECK(list[0].cotangent.rows() == 4);
    CHECK_FALSE(back.tape().batch_coupled());
    Real expected = Real::zeros(s);
    for (Index i = 0; i < u.size(); ++i) {
      Index k = 0;
      const Indices q = aligned(s, place_of(u.shape(), i));
      for (int axis = 0; axis < s.rank(); ++axis) k = k * s[axis] + q[static_cast<std::size_t>(axis)];
      expected[k] -= u[i] * x[i] / (p[0][k] * p[0][k]);
    }
    CHECK(reference::difference(list[0].gradient(), expected) < 1e-13);
  }
  CHECK(broadcast_div(Real::full({2, 1}, 1), Real::full({1}, -0.0))[0] == -std::numeric_limits<double>::infinity());
  // Some of the examples alone: rows of a Jacobian are made so.
  for (const Shape& w : {Shape{5, 1}, Shape{1, 5, 3}}) {
    const std::vector<Real> p{check::draw(w, random)};
    for (bool product : {false, true}) {
      const auto list = pullback(
                            [&](const auto& q) {
                              using T = std::decay_t<decltype(q[0])>;
                              return product ? broadcast_mul(lift<T>(x), q[0]) : broadcast_subtract(lift<T>(x), q[0]);
                            },
                            p)
                            .factors(u);
      REQUIRE(list.size() == 1);
      Real total = Real::zeros(w);
      for (Index i = 0; i < 4; ++i) {
        std::optional<Real> activation;
        if (list[0].activation) activation = list[0].activation->slice(i, i + 1);
        total = add(total, list[0].entrance->gradient(activation, list[0].cotangent.slice(i, i + 1)));
      }
      CHECK(reference::difference(total, list[0].gradient()) < 1e-13);
    }
  }
  const auto looked_up = see([](const auto& p) { return embedding(p[0], std::vector<Index>(20, 1), {4, 5}); }, {2, 3});
  CHECK_FALSE(looked_up.activation.has_value());
  // Two cotangents of an example after each other, of two outputs: both go to the rows that it looked up.
  const Embedding table{{2, 3}, {4, 5, 3}, std::make_shared<const std::vector<Index>>(std::vector<Index>{0, 1, 1, 0, 1, 1, 1, 1, 1, 1,  //
                                                                                                         0, 0, 0, 0, 0, 1, 0, 1, 0, 1})};
  Real twice({8, 5, 3});
  for (Index i = 0; i < 8; ++i) std::copy_n(u.data() + i / 2 * 15, 15, twice.data() + i * 15);
  CHECK(reference::difference(table.transpose(twice), scale(table.transpose(u), 2)) < 1e-13);
  CHECK(thrown([&] { table.transpose(u.slice(0, 3)); }) == "embedding: a cotangent of 3 rows where indices were looked up for 4 examples");
}

TEST_CASE("broadcasting: no examples give none, and what does not fit is told in one line") {
  const auto t = [](Shape s) { return Real::zeros(s); };
  CHECK(broadcast_add(t({0, 3}), t({3})).shape() == Shape({0, 3}));
  CHECK(broadcast_mul(t({1, 3}), t({0, 3})).shape() == Shape({0, 3}));
  CHECK(sum(t({0, 3}), {1}).shape() == Shape({0}));
  CHECK(sum(t({0, 3}), {0})[2] == 0);
  CHECK(mean(t({0, 3}), {1}).shape() == Shape({0}));
  CHECK(max(t({0, 3}), {1}).shape() == Shape({0}));
  CHECK(thrown([&] {
          broadcast_add(t({2, 3}), t({2}));
        }) == "broadcast_add: shapes [2,3] and [2] do not broadcast, their axes -1 differ; equal, or one of them 1");
  CHECK(thrown([&] {
          broadcast_mul(t({2, 3}), t({3, 3}));
        }) == "broadcast_mul: shapes [2,3] and [3,3] do not broadcast, their axes -2 differ; equal, or one of them 1");
  CHECK(thrown([&] { broadcast_div(t({2, 0}), t({2, 1})); }) == "broadcast_div: input [2,0] has an axis of 0; at least 1");
  CHECK(thrown([&] { broadcast_to(t({2, 3}), {2}); }) == "broadcast_to: [2,3] does not broadcast to [2]");
  CHECK(thrown([&] { broadcast_to(t({2, 3}), {2, 1}); }) == "broadcast_to: [2,3] does not broadcast to [2,1]");
  CHECK(thrown([&] { prelu(t({2, 1}), t({3})); }) == "prelu: slope [3] does not broadcast to input [2,1]");
  CHECK(thrown([&] { sum(t({2, 3}), {2}); }) == "sum: input [2,3] has no axis 2; from -2 to 1");
  CHECK(thrown([&] { sum(t({2, 3}), {1, -1}); }) == "sum: axis -1 of [2,3] is named twice");
  CHECK(thrown([&] { mean(t({2, 0}), {0}); }) == "mean: input [2,0] has an axis of 0; at least 1");
  CHECK(thrown([&] { mean(t({0, 2}), {0}); }) == "mean: input [0,2] has no entries to take a mean of");
  CHECK(thrown([&] { max(t({0, 2}), {0}); }) == "max: input [0,2] has no entries to choose from");
}

TEST_CASE("broadcasting and reductions let NaN through") {
  auto x = Real::full({2, 3}, 1), b = Real::full({3}, 1);
  x[4] = std::nan("");
  for (const Real& y : {broadcast_add(x, b), broadcast_mul(b, x), broadcast_div(x, b), prelu(x, b)})
    for (Index i = 0; i < 6; ++i) CHECK(std::isnan(y[i]) == (i == 4));
  for (const Real& y : {sum(x, {1}), mean(x, {1}), max(x, {1}), min(x, {1})}) {
    CHECK_FALSE(std::isnan(y[0]));
    CHECK(std::isnan(y[1]));
  }
  // The first of equal entries is chosen.
  const auto g = grad([](const auto& p) { return sum(max(p[0], {0})); }, std::vector{Real::full({3}, 2)});
  CHECK(g[0][0] == 1);
  CHECK(g[0][1] == 0);
}
