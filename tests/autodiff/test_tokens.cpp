// Dense layers over several positions an example: matmul over [..., K].
#include "tests/autodiff/toy_ops.h"
#include "tests/thrown.h"

using namespace tangentplane;
using check::Real;

namespace {

template <class S>
Tensor<S> drawn(const Shape& shape, std::uint64_t seed) {
  RandomStream random(seed, "tokens");
  return cast<S>(check::draw(shape, random));
}
/// x [..., K] w [K, C] as loops in double.
template <class S>
Real naive(const Tensor<S>& x, const Tensor<S>& w) {
  const Index k = w.shape()[0], c = w.shape()[1], rows = x.size() / k;
  Real y = Real::zeros(x.shape().with_last(c));
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < k; ++i)
      for (Index j = 0; j < c; ++j) y[r * c + j] += static_cast<double>(x[r * k + i]) * static_cast<double>(w[i * c + j]);
  return y;
}

}  // namespace

TEST_CASE("matmul over any leading axes is that over their product") {
  const check::Poison poison;
  for (const Shape& s : {Shape{4, 3}, Shape{2, 5, 3}, Shape{1, 1, 3}, Shape{2, 3, 2, 3}, Shape{1, 2, 1, 3, 1, 2, 1, 3}}) {
    const auto x = drawn<double>(s, 1), w = drawn<double>({3, 5}, 2);
    check::same(matmul(x, w), naive(x, w), 1e-14);
    const auto xf = drawn<float>(s, 1), wf = drawn<float>({3, 5}, 2);
    check::same(cast<double>(matmul(xf, wf)), naive(xf, wf), 1e-6);
  }
  CHECK(matmul(Real::zeros({0, 7, 3}), Real::zeros({3, 2})).shape() == Shape{0, 7, 2});
  auto x = drawn<double>({2, 2, 3}, 1);
  x[4] = NAN;
  const Real y = matmul(x, drawn<double>({3, 2}, 2));
  for (Index i = 0; i < 8; ++i) CHECK(std::isnan(y[i]) == (i == 2 || i == 3));
}

TEST_CASE("matmul over tokens passes the checker") {
  check::all_orders([](const auto& p) { return matmul(tanh(p[0]), tanh(p[1])); }, {{2, 3, 4}, {4, 2}});
  check::all_orders([](const auto& p) { return tanh(bias(matmul(tanh(p[0]), p[1]), p[2])); }, {{1, 3, 2, 2}, {2, 3}, {3}});
}

TEST_CASE("matmul's shapes are told at the call") {
  const auto t = [](Shape s) { return Real::zeros(s); };
  const auto line = [&](Shape x, Shape w) { return thrown([&] { matmul(t(x), t(w)); }); };
  CHECK(line({2, 7, 3}, {4, 5}) == "matmul: input [2,7,3] has 3 columns, weight [4,5] takes 4");
  CHECK(line({3}, {3, 5}) == "matmul: takes an input [...,K] of two axes or more and a weight [K,C], got [3] and [3,5]");
  CHECK(line({2, 3}, {2, 3, 5}) == "matmul: takes an input [...,K] of two axes or more and a weight [K,C], got [2,3] and [2,3,5]");
  CHECK(line({2, 0, 3}, {3, 5}) == "matmul: input [2,0,3] has an axis of 0; at least 1");
  CHECK(line({2, 4, 3}, {3, 0}) == "matmul: weight [3,0] has an axis of 0; at least 1");
}

TEST_CASE("a weight's factor keeps the examples in front of the positions, and its rows are those of each example alone") {
  const check::Poison poison;
  const std::vector<Real> p{drawn<double>({3, 2}, 1), drawn<double>({2}, 2)};
  const Real x = drawn<double>({4, 5, 3}, 3), u = drawn<double>({4, 5, 2}, 4);
  const auto layer = [](const Real& images) {
    return [images](const auto& q) {
      using T = std::decay_t<decltype(q[0])>;
      return bias(matmul(as_examples(lift<T>(images), q), q[0]), q[1]);
    };
  };
  const auto back = pullback(layer(x), p);
  back.tape().require_per_example("jacobian", 4);
  const auto factors = back.factors(u);
  REQUIRE(factors.size() == 2);
  CHECK(share_cotangent(factors[0], factors[1]));
  CHECK(factors[1].activation->shape() == Shape{4, 5, 3});
  CHECK(factors[1].cotangent.shape() == Shape{4, 5, 2});
  for (const auto& f : factors) {
    require_example_rows(f, 4, "jacobian", "p");
    Real sum = Real::zeros(f.gradient().shape());
    for (Index i = 0; i < 4; ++i) {
      std::optional<Real> a;
      if (f.activation) a = f.activation->slice(i, i + 1);
      const Real row = f.entrance->gradient(a, f.cotangent.slice(i, i + 1));
      const auto alone = pullback(layer(x.slice(i, i + 1)), p)(u.slice(i, i + 1));
      check::same(row, *alone[static_cast<std::size_t>(f.parameter)], 1e-14);
      sum = add(sum, row);
    }
    check::same(f.gradient(), sum, 1e-13);
  }
}

TEST_CASE("tokens that were folded into the first axis are refused in a line that says what is right") {
  const Real x = drawn<double>({8, 3}, 3);
  const auto back =
      pullback([&](const auto& q) { return matmul(lift<std::decay_t<decltype(q[0])>>(x), q[0]); }, std::vector{drawn<double>({3, 2}, 1)});
  const auto factors = back.factors(Real::full({8, 2}, 1));
  REQUIRE(factors.size() == 1);
  CHECK(
      thrown([&] { require_example_rows(factors[0], 2, "jacobian", "w"); }) ==
      "jacobian: parameter w meets 8 rows in matmul (output [8,2]) where the batch has 2 examples; keep the examples as the first axis: a "
      "layer over T tokens takes [N,T,C]");
  CHECK(thrown([&] { require_example_rows(factors[0], 3, "jacobian", "w"); }) ==
        "jacobian: parameter w meets 8 rows in matmul (output [8,2]) where the batch has 3 examples; keep the examples as the first axis");
  CHECK(thrown([&] { require_example_rows(factors[0], 8, "jacobian", "w"); }) == "nothing thrown");
}
