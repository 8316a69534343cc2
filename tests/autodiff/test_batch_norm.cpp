// BatchNorm: the fused routines against the composition of ops, the composition against differences.
#include "autodiff/batch_norm.h"

#include "tests/check.h"

using namespace tangentplane;

namespace {

constexpr double epsilon = 1e-5;

template <class S>
std::vector<Tensor<S>> draw_operands(const Shape& x, std::uint64_t seed) {
  RandomStream random(seed, "batch norm");
  std::vector<Tensor<S>> p;
  for (const Shape& s : {x, Shape{x[-1]}, Shape{x[-1]}}) p.push_back(cast<S>(check::draw(s, random)));
  return p;
}
template <class S>
void near(const Tensor<S>& a, const Tensor<S>& b, double tolerance) {
  check::same(cast<double>(a), cast<double>(b), tolerance);
}

template <class S>
void fused_equals_composed(const Shape& shape, double tolerance) {
  INFO(shape.str());
  const check::Poison poison;
  const auto p = draw_operands<S>(shape, 1);
  const auto fused = normalise_by_batch(p[0], p[1], p[2], epsilon), composed = normalise_by_batch_composed(p[0], p[1], p[2], epsilon);
  near(fused.y, composed.y, tolerance);
  near(fused.mean, composed.mean, tolerance);
  near(fused.variance, composed.variance, tolerance);

  BatchNormalised<Tensor<S>> moments;
  const auto f = [&](const auto& q) {
    auto r = normalise_by_batch(q[0], q[1], q[2], epsilon);
    moments = {{}, r.mean, r.variance};
    return r.y;
  };
  const auto back = pullback(f, p);
  near(back.value(), fused.y, 0);
  near(moments.mean, fused.mean, 0);
  near(moments.variance, fused.variance, 0);
  const auto u = draw_operands<S>(shape, 2)[0];
  const auto a = back(u), b = pullback([](const auto&q) { return normalise_by_batch_composed(q[0], q[1], q[2], epsilon).y; }, p)(u);
  for (std::size_t i = 0; i < 3; ++i) near(*a[i], *b[i], tolerance);
}

}  // namespace

TEST_CASE("BatchNorm in training: the fused routines equal the composition") {
  for (const Shape& s :
       {Shape{7, 3}, Shape{1, 17}, Shape{2, 3, 5, 17}, Shape{5, 1}, Shape{20011, 1}, Shape{6007, 3}, Shape{40, 7, 9, 17}}) {
    fused_equals_composed<double>(s, 1e-10);
    if (s.size() > s[-1]) fused_equals_composed<float>(s, 1e-3);  // one row in float: all rounding, divided by sqrt(epsilon)
  }
}

TEST_CASE("BatchNorm in training: derivatives of every order, fused and composed") {
  const auto composed = [](const auto& p) { return tanh(normalise_by_batch_composed(p[0], p[1], p[2], epsilon).y); };
  const auto fused = [](const auto& p) { return tanh(normalise_by_batch(p[0], p[1], p[2], epsilon).y); };
  for (const std::vector<Shape>& shapes : {std::vector<Shape>{{6, 3}, {3}, {3}}, {{2, 3, 2, 5}, {5}, {5}}, {{9, 1}, {1}, {1}}}) {
    check::all_orders(composed, shapes);
    check::all_orders(fused, shapes);
  }
}

TEST_CASE("BatchNorm in evaluation: its formula, derivatives of every order, and no coupling of examples") {
  const auto c = draw_operands<double>({1, 3}, 3);
  const auto& mean = c[1];
  const auto inverse_deviation = pointwise(Sigmoid{}, c[2]);
  const auto f = [=](const auto& p) { return tanh(normalise(p[0], mean, inverse_deviation, p[1], p[2])); };
  check::all_orders(f, {{4, 3}, {3}, {3}});
  check::all_orders(f, {{1, 2, 3, 3}, {3}, {3}});
  const auto p = draw_operands<double>({4, 3}, 4);
  const auto y = normalise(p[0], mean, inverse_deviation, p[1], p[2]);
  for (Index i = 0; i < y.size(); ++i)
    CHECK(y[i] == Approx((p[0][i] - mean[i % 3]) * inverse_deviation[i % 3] * p[1][i % 3] + p[2][i % 3]).epsilon(1e-14));
  CHECK_FALSE(pullback(f, p).tape().batch_coupled());
}

TEST_CASE("a channel whose mean is far above its deviation keeps its moments in float") {
  for (Index channels : {1, 3, 17}) {
    const Index rows = 20011;
    RandomStream random(6, "moments");
    Tensor<float> x({rows, channels});
    for (float& v : x.span()) v = static_cast<float>(1000 + 0.01 * random.normal());
    const auto m = cpu::channel_moments(x);
    for (Index k = 0; k < channels; ++k) {
      double mean = 0, variance = 0;
      for (Index r = 0; r < rows; ++r) mean += x[r * channels + k] / static_cast<double>(rows);
      for (Index r = 0; r < rows; ++r) variance += std::pow(x[r * channels + k] - mean, 2) / static_cast<double>(rows);
      CHECK(std::abs(m.mean[k] - mean) < 1e-4);  // half a unit in the last place of 1000 is 3e-5
      CHECK(m.variance[k] == Approx(variance).epsilon(1e-3));
    }
  }
}

TEST_CASE("BatchNorm gives the same bits for any number of threads") {
  const auto p = draw_operands<float>({40, 9, 9, 17}, 7);
  const auto run = [&](int threads) {
    cpu::set_threads(threads);
    const auto back = pullback([](const auto& q) { return normalise_by_batch(q[0], q[1], q[2], epsilon).y; }, p);
    auto all = back(p[0]);
    all.emplace_back(back.value());
    cpu::set_threads(0);
    return all;
  };
  const auto one = run(1), two = run(2);
  for (std::size_t i = 0; i < one.size(); ++i) near(*one[i], *two[i], 0);
}
