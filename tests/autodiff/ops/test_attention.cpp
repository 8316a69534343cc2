// What attention is made of: products matrix by matrix, softmax, LayerNorm and its kin; fused routines beside compositions.
#include "by_index.h"

using namespace tangentplane;
using namespace tangentplane::by_index;
using check::all_orders;

namespace {

constexpr double epsilon = 1e-5;

/// Softmax over the axis by its definition, or its logarithm.
template <class S>
double naive_softmax(const Tensor<S>& x, int axis, Indices p, bool logarithm) {
  const auto k = static_cast<std::size_t>(axis);
  const double own = at(x, p);
  double total = 0;
  for (p[k] = 0; p[k] < x.shape()[axis]; ++p[k]) total += std::exp(at(x, p) - own);
  return logarithm ? -std::log(total) : 1 / total;
}

/// Of x over the axes from `first` on.
template <class S>
std::pair<double, double> naive_moments(const Tensor<S>& x, Index first_entry, Index count) {
  double mean = 0, variance = 0;
  for (Index i = 0; i < count; ++i) mean += double(x[first_entry + i]) / double(count);
  for (Index i = 0; i < count; ++i) variance += std::pow(double(x[first_entry + i]) - mean, 2) / double(count);
  return {mean, variance};
}

template <class S>
void check_values() {
  const check::Poison poison;
  RandomStream random(4, "attention");
  for (const auto& [lead, m, k, c] : std::vector<std::tuple<Shape, Index, Index, Index>>{
           {{5}, 3, 4, 2}, {{2, 3}, 1, 7, 5}, {{2, 1, 2}, 33, 17, 9}, {{1}, 128, 100, 130}}) {
    Shape s = lead, t = lead, to = lead;
    for (Index n : {m, k}) s.append(n);
    for (Index n : {k, c}) t.append(n);
    for (Index n : {m, c}) to.append(n);
    const auto a = reference::draw<S>(random, s), b = reference::draw<S>(random, t);
    equals(batch_matmul(a, b), to, std::is_same_v<S, float> ? 2e-6 : 1e-14, [&, inner = k](const Indices& p) {
      double sum = 0;
      Indices u = p, v = p;
      for (Index i = 0; i < inner; ++i) {
        u[p.size() - 1] = i, v[p.size() - 2] = i;
        sum += at(a, u) * at(b, v);
      }
      return sum;
    });
  }
  for (const Shape& s : {Shape{3, 5}, Shape{2, 3, 70}, Shape{4, 300, 3}, Shape{2, 3, 1, 4}, Shape{1, 1}}) {
    auto x = reference::draw<S>(random, s);
    for (Index i = 0; i < x.size(); ++i) x[i] = x[i] * S(5) + S(i % 7 == 0 ? 500 : 0);  // e to it is not a float
    for (int axis = 0; axis < s.rank(); ++axis) {
      INFO(fmt::format("{} over {}", s, axis));
      // A logarithm is as accurate as numbers near 500 allow.
      equals(softmax(x, axis), s, rounding<S>, [&](const Indices& p) { return naive_softmax(x, axis, p, false); });
      equals(log_softmax(x, axis - s.rank()), s, rounding<S>, [&](const Indices& p) { return naive_softmax(x, axis, p, true); });
      equals(softmax_composed(x, axis), s, rounding<S>, [&](const Indices& p) { return naive_softmax(x, axis, p, false); });
      equals(log_softmax_composed(x, axis), s, rounding<S>, [&](const Indices& p) { return naive_softmax(x, axis, p, true); });
    }
  }
  for (double shift : {0.0, 1000.0})
    for (const Shape& s : {Shape{3, 5}, Shape{2, 3, 37}, Shape{2, 2, 3, 192}}) {
      INFO(fmt::format("{} near {}", s, shift));
      auto x = reference::draw<S>(random, s);
      for (S& v : x.span()) v += static_cast<S>(shift);
      const Index c = s[-1];
      const auto g = reference::draw<S>(random, {c}), b = reference::draw<S>(random, {c});
      const auto formula = [&, n = c](const Indices& p) {
        Index row = 0;
        for (std::size_t i = 0; i + 1 < p.size(); ++i) row = row * x.shape()[static_cast<int>(i)] + p[i];
        const auto [mean, variance] = naive_moments(x, row * n, n);
        return (at(x, p) - mean) / std::sqrt(variance + epsilon) * double(g[p.back()]) + double(b[p.back()]);
      };
      const double tolerance = std::is_same_v<S, float> ? 4e-6 : (shift > 0 ? 1e-12 : 1e-14);
      equals(layer_norm(x, g, b, epsilon), s, tolerance, formula);
      equals(layer_norm_composed(x, g, b, epsilon), s, tolerance, formula);
    }
  {  // over two axes, with a scale for both
    const auto x = reference::draw<S>(random, {3, 4, 5}), g = reference::draw<S>(random, {4, 5}), b = reference::draw<S>(random, {5});
    equals(layer_norm(x, g, b, epsilon, 1), x.shape(), rounding<S>, [&](const Indices& p) {
      const auto [mean, variance] = naive_moments(x, p[0] * 20, 20);
      return (at(x, p) - mean) / std::sqrt(variance + epsilon) * at(g, {p[1], p[2]}) + at(b, {p[2]});
    });
  }
  for (Index groups : {1, 2, 6}) {
    const auto x = reference::draw<S>(random, {2, 3, 2, 6}), g = reference::draw<S>(random, {6}), b = reference::draw<S>(random, {6});
    const auto formula = [&, size = 6 / groups](const Indices& p) {
      Real group({6 * size});
      for (Index i = 0; i < 6; ++i)
        for (Index k = 0; k < size; ++k) group[i * size + k] = at(x, {p[0], i / 2, i % 2, p[3] / size * size + k});
      const auto [mean, variance] = naive_moments(group, 0, group.size());
      return (at(x, p) - mean) / std::sqrt(variance + epsilon) * at(g, {p[3]}) + at(b, {p[3]});
    };
    equals(group_norm(x, groups, g, b, epsilon), x.shape(), 2 * rounding<S>, formula);
    if (groups == 6) equals(instance_norm(x, g, b, epsilon), x.shape(), 2 * rounding<S>, formula);
  }
}

/// The pull-back of one function against that of the other, on Var<Tensor>, with their factors.
template <class F, class G>
void same_pullbacks(const F& fused, const G& composed, const std::vector<Shape>& shapes, bool factors) {
  const check::Poison poison;
  RandomStream random(5, "fused");
  std::vector<Real> p;
  for (const Shape& s : shapes) p.push_back(check::draw(s, random));
  const auto a = pullback(fused, p), b = pullback(composed, p);
  check::same(a.value(), b.value(), 1e-13);
  const Real u = check::draw(a.value().shape(), random);
  const auto da = a(u), db = b(u);
  for (std::size_t i = 0; i < p.size(); ++i) check::same(*da[i], *db[i], 1e-12);
  if (!factors) return;
  const auto fa = a.factors(u), fb = b.factors(u);
  REQUIRE(fa.size() == fb.size());
  for (std::size_t i = 0; i < fa.size(); ++i) {
    CHECK(fa[i].parameter == fb[i].parameter);
    CHECK(std::string(fa[i].entrance->name()) == fb[i].entrance->name());
    if (fa[i].activation) check::same(*fa[i].activation, *fb[i].activation, 1e-13);
  }
}

}  // namespace

TEST_CASE("attention: values equal their definitions, far from zero too") {
  check_values<double>();
  check_values<float>();
}

TEST_CASE("attention: derivatives of every order") {
  all_orders(OP(batch_matmul(a, b)), {{2, 3, 4}, {2, 4, 5}});
  all_orders(OP(batch_matmul(a, b)), {{2, 1, 3, 2}, {2, 1, 2, 1}});
  all_orders(OP(batch_matmul(a, permute(a, {0, 2, 1}))), {{2, 3, 4}});
  all_orders(OP(softmax(scale(a, 3), -1)), {{3, 5}});
  all_orders(OP(softmax(scale(a, 3), 1)), {{2, 4, 3}});
  all_orders(OP(log_softmax(scale(a, 3), -1)), {{3, 5}});
  all_orders(OP(log_softmax(scale(a, 3), 0)), {{4, 3}});
  all_orders([](const auto& p) { return tanh(layer_norm(p[0], p[1], p[2], epsilon)); }, {{2, 3, 5}, {5}, {5}});
  all_orders([](const auto& p) { return tanh(layer_norm(p[0], p[1], p[2], 0.1, 1)); }, {{2, 2, 3}, {2, 3}, {2, 3}});
  all_orders([](const auto& p) { return tanh(group_norm(p[0], 2, p[1], p[2], epsilon)); }, {{2, 3, 4}, {4}, {4}});
  all_orders([](const auto& p) { return tanh(instance_norm(p[0], p[1], p[2], epsilon)); }, {{2, 3, 2}, {2}, {2}});
}

TEST_CASE("attention: fused pull-backs equal those of the compositions") {
  for (const Shape& s : {Shape{3, 5}, Shape{2, 3, 70}, Shape{4, 1}})
    for (int axis : {-1, 0}) {
      same_pullbacks([=](const auto& p) { return softmax(p[0], axis); }, [=](const auto& p) { return softmax_composed(p[0], axis); }, {s},
                     false);
      same_pullbacks([=](const auto& p) { return log_softmax(p[0], axis); },
                     [=](const auto& p) { return log_softmax_composed(p[0], axis); }, {s}, false);
    }
  for (const Shape& s : {Shape{3, 5}, Shape{2, 3, 70}})
    same_pullbacks([](const auto& p) { return layer_norm(tanh(p[0]), p[1], p[2], epsilon); },
                   [](const auto& p) { return layer_norm_composed(tanh(p[0]), p[1], p[2], epsilon); }, {s, {s[-1]}, {s[-1]}}, true);
}

TEST_CASE("attention: examples stay apart, and NaN stays in its row") {
  auto x = Real::full({3, 4}, 0.5);
  x[5] = std::nan("");
  const Real one = Real::full({4}, 1);
  for (const Real& y :
       {softmax(x), log_softmax(x), softmax_composed(x, -1), layer_norm(x, one, one, epsilon), layer_norm_composed(x, one, one, epsilon),
        group_norm(x, 1, one, one, epsilon), reshape(batch_matmul(reshape(x, {3, 2, 2}), Real::full({3, 2, 2}, 1)), {3, 4})})
    for (Index i = 0; i < 12; ++i)
      if (i / 4 != 1) CHECK(std::isfinite(y[i]));
  for (Index i = 4; i < 8; ++i) {
    CHECK(std::isnan(softmax(x)[i]));
    CHECK(std::isnan(log_softmax(x)[i]));
    CHECK(std::isnan(layer_norm(x, one, one, epsilon)[i]));
  }
  // A row of masked scores.
  auto masked = Real::full({1, 3}, -std::numeric_limits<double>::infinity());
  masked[1] = 2;
  CHECK(softmax(masked)[0] == 0);
  CHECK(softmax(masked)[1] == 1);
  // A constant row has a variance of 0, not below.
  auto level = Tensor<float>::full({2, 7}, 12345.678f);
  const auto flat = Tensor<float>::full({7}, 1);
  const auto y = layer_norm(level, flat, flat, 1e-12), z = layer_norm_composed(level, flat, flat, 1e-12);
  for (Index i = 0; i < 14; ++i) CHECK((y[i] == 1 && z[i] == 1));
  const auto back = pullback(
      [](const auto& p) {
        using T = std::decay_t<decltype(p[0])>;
        const T h = softmax(layer_norm(tanh(matmul(lift<T>(Real::full({3, 2}, 0.3)), p[0])), p[1], p[2], epsilon));
        return softmax(h);
      },
      std::vector{Real::full({2, 4}, 0.1), one, one});
  CHECK_NOTHROW(back.tape().require_per_example("test", 3));
}

TEST_CASE("attention: no examples give none, and what does not fit is told in one line") {
  const auto t = [](Shape s) { return Real::zeros(s); };
  CHECK(batch_matmul(t({0, 2, 3}), t({0, 3, 4})).shape() == Shape({0, 2, 4}));
  CHECK(softmax(t({0, 3})).shape() == Shape({0, 3}));
  CHECK(log_softmax(t({0, 3})).shape() == Shape({0, 3}));
  CHECK(softmax_composed(t({0, 3}), 1).shape() == Shape({0, 3}));
  CHECK(layer_norm(t({0, 3}), t({3}), t({3}), 1e-5).shape() == Shape({0, 3}));
  CHECK(group_norm(t({0, 2, 4}), 2, t({4}), t({4}), 1e-5).shape() == Shape({0, 2, 4}));
  CHECK(thrown([&] {
          batch_matmul(t({2, 3}), t({3, 4}));
        }) == "batch_matmul: takes matrices [...,M,K] and [...,K,C] with the same leading axes, got [2,3] and [3,4]");
  CHECK(thrown([&] { batch_matmul(t({2, 3, 4}), t({1, 4, 5})); }) == "batch_matmul: leading axes of [2,3,4] and [1,4,5] differ");
  CHECK(thrown([&] { batch_matmul(t({2, 3, 4}), t({2, 3, 5})); }) == "batch_matmul: left [2,3,4] has 4 columns, right [2,3,5] has 3 rows");
  CHECK(thrown([&] { batch_matmul(t({2, 3, 0}), t({2, 0, 5})); }) == "batch_matmul: input [2,3,0] has an axis of 0; at least 1");
  CHECK(thrown([&] { softmax(t({2, 3}), 2); }) == "softmax: input [2,3] has no axis 2; from -2 to 1");
  CHECK(thrown([&] { log_softmax(t({2, 0})); }) == "log_softmax: input [2,0] has an axis of 0; at least 1");
  CHECK(thrown([&] { layer_norm(t({2, 3}), t({2}), t({3}), 1e-5); }).starts_with("layer_norm: shapes [2] and [3] do not broadcast"));
  CHECK(thrown([&] {
          layer_norm(t({2, 3}), t({3}), t({1, 3}), 1e-5);
        }) == "layer_norm: its bias is [1,3] where axes 1 on of input [2,3] are [3]");
  CHECK(thrown([&] {
          group_norm(t({2, 3, 4}), 3, t({4}), t({4}), 1e-5);
        }) == "group_norm: 3 groups of the 4 channels of [2,3,4]; a divisor");
  CHECK(thrown([&] {
          instance_norm(t({2, 3, 4}), t({3}), t({4}), 1e-5);
        }) == "instance_norm: input [2,3,4] has 4 channels, its scale is [3]");
}
