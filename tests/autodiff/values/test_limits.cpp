// Beyond the ordinary: NaN goes through every op, functions end in their limits, sizes that no memory holds and axes that are not there are
// refused, and a tensor that was moved from holds nothing.
#include <limits>

#include "autodiff/batch_norm.h"
#include "autodiff/segment.h"
#include "naive.h"

using namespace tangentplane;
using namespace tangentplane::values;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double lost_number = std::numeric_limits<double>::quiet_NaN();

template <class S>
void check_nan() {
  const S lost = std::numeric_limits<S>::quiet_NaN();
  // Long enough for the vector loop and its tail, NaN in either.
  for (Index place : {0, 5, 30, 36}) {
    auto x = Tensor<S>::full({37}, S(-1));
    x[place] = lost;
    const auto same = [&](const Tensor<S>& y) {
      for (Index i = 0; i < 37; ++i) CHECK(std::isnan(y[i]) == (i == place));
    };
    same(relu(x));
    same(gelu(x));
    same(tangentplane::tanh(x));
    same(sigmoid(x));
    same(softplus(x));
    same(rsqrt(x, 2));
    same(tangentplane::log(scale(x, -1)));
  }
  // Maximum pooling: wherever in the window.
  for (Index place = 0; place < 9; ++place) {
    auto x = Tensor<S>::from({1, 3, 3, 1}, {1, 9, 2, 3, 4, 8, 7, 6, 5});
    x[place] = lost;
    CHECK(std::isnan(max_pool(x, 3)[0]));
    const auto y = max_pool(x, 2, 1);
    for (Index i = 0; i < 4; ++i) {
      const Index top = i / 2, left = i % 2, r = place / 3, c = place % 3;
      CHECK(std::isnan(y[i]) == (top <= r && r < top + 2 && left <= c && c < left + 2));
    }
  }
  // The fused layer, for every activation.
  auto x = Tensor<S>::full({2, 4, 4, 3}, S(-1));
  x[48] = lost;
  const auto w = Tensor<S>::full({1, 1, 3, 6}, S(0.5)), b = Tensor<S>::full({6}, S(-1));
  const auto check = [&](const auto& f) {
    const auto y = convolve_activate_pool(f, x, w, b);
    for (Index i = 0; i < y.size(); ++i) CHECK(std::isnan(y[i]) == (i / 6 == 4));
  };
  check(Relu{});
  check(Gelu{});
  check(Tanh{});
  // A batch's statistics are those of all its entries.
  auto batch = Tensor<S>::full({40, 3}, S(2));
  batch[7] = lost;
  const auto ones = Tensor<S>::full({3}, S(1));
  const auto y = normalise_by_batch(batch, ones, ones, 1e-5);
  for (Index k = 0; k < 3; ++k) {
    CHECK(std::isnan(y.mean[k]) == (k == 1));
    CHECK(std::isnan(y.variance[k]) == (k == 1));
    CHECK(std::isnan(y.y[k]) == (k == 1));
  }
}

/// f, f', f'' at x.
template <class S, class F>
std::array<S, 3> orders(const F& f, S x) {
  return {f(x), Derivative<F>{f}(x), Derivative<Derivative<F>>{{f}}(x)};
}

template <class S>
void check_limits() {
  const S end = std::numeric_limits<S>::infinity();
  using Three = std::array<S, 3>;
  for (S x : {end, std::numeric_limits<S>::max(), S(1000)}) {
    CHECK(orders<S>(Tanh{}, x) == Three{1, 0, 0});
    CHECK(orders<S>(Tanh{}, -x) == Three{-1, 0, 0});
    CHECK(orders<S>(Sigmoid{}, x) == Three{1, 0, 0});
    CHECK(orders<S>(Sigmoid{}, -x) == Three{0, 0, 0});
    CHECK(orders<S>(Softplus{}, x) == Three{x, 1, 0});
    CHECK(orders<S>(Softplus{}, -x) == Three{0, 0, 0});
    CHECK(orders<S>(Gelu{}, x) == Three{x, 1, 0});
    CHECK(orders<S>(Gelu{}, -x) == Three{0, 0, 0});
    CHECK(orders<S>(Relu{}, x) == Three{x, 1, 0});
    CHECK(orders<S>(Relu{}, -x) == Three{0, 0, 0});
    CHECK(tangentplane::exp(x) == end);
    CHECK(tangentplane::exp(-x) == 0);
  }
}

}  // namespace

TEST_CASE("NaN goes through, in float") { check_nan<float>(); }
TEST_CASE("NaN goes through, in double") { check_nan<double>(); }

TEST_CASE("the slope of relu is 0 at 0 and 1 at NaN, those of the smooth functions NaN there") {
  CHECK(Derivative<Relu>{}(0.0) == 0);
  CHECK(Derivative<Relu>{}(-0.0) == 0);
  CHECK(Derivative<Relu>{}(lost_number) == 1);
  CHECK(std::isnan(Derivative<Gelu>{}(lost_number)));
  CHECK(std::isnan(Derivative<Tanh>{}(lost_number)));
  CHECK(std::isnan(Derivative<Sigmoid>{}(lost_number)));
  CHECK(std::isnan(Derivative<Softplus>{}(lost_number)));
}

TEST_CASE("functions end in their limits, in float") { check_limits<float>(); }
TEST_CASE("functions end in their limits, in double") { check_limits<double>(); }

TEST_CASE("small results go to zero through the denormal numbers") {
  for (double x = -708; x > -750; x -= 0.37) {
    CHECK(std::abs(tangentplane::exp(x) - std::exp(x)) <= 1.0e-323);
    CHECK(std::abs(tangentplane::sigmoid(x) - std::exp(x)) <= 1.0e-323);
  }
  for (float x = -87; x > -106; x -= 0.037f) CHECK(std::abs(tangentplane::exp(x) - std::exp(x)) <= 3e-45f + 2e-7f * std::exp(x));
}

TEST_CASE("sizes that no memory holds are refused where extents are multiplied") {
  constexpr Index large = Index(1) << 61;
  CHECK_THROWS_WITH(Tensor<float>({large}), ContainsSubstring("shape: [2305843009213693952] is above 2^60 numbers"));
  CHECK_THROWS_WITH((Shape{1 << 30, 1 << 30, 1 << 4}.size()), ContainsSubstring("is above 2^60 numbers"));
  CHECK_THROWS_WITH((Shape{3, large, 2}.row_size()), ContainsSubstring("is above 2^60 numbers"));
  CHECK_THROWS_WITH((Shape{0, large, 2}.size()), ContainsSubstring("is above 2^60 numbers"));
  CHECK_THROWS_WITH((Shape{large, 2, 0}.size()), ContainsSubstring("is above 2^60 numbers"));
  CHECK(Shape{(Index(1) << 60) - 1}.size() == (Index(1) << 60) - 1);
  CHECK(Shape{7, 0, 5}.size() == 0);
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{5}.row_size() == 1);
}

TEST_CASE("there is no axis beyond the last") {
  const Shape s{4, 5};
  CHECK(s[-2] == 4);
  CHECK(s[1] == 5);
  CHECK_THROWS_WITH(s[2], "shape: [4,5] has no axis 2");
  CHECK_THROWS_WITH(s[-3], "shape: [4,5] has no axis -3");
  CHECK_THROWS_WITH(Shape{}[-1], "shape: [] has no axis -1");
}

TEST_CASE("a tensor without numbers has shape 0, one that was moved from too") {
  CHECK(Real().shape() == Shape{0});
  Real a = Real::full({2, 3}, 7);
  const double* numbers = a.data();
  Real b = std::move(a);
  CHECK(a.shape() == Shape{0});  // NOLINT: what is left is the question
  CHECK(a.size() == 0);
  CHECK(a.empty());
  CHECK(a.data() == nullptr);
  CHECK(b.data() == numbers);
  CHECK(b.unique());
  Real c = Real::full({5}, 1);
  c = std::move(b);
  CHECK(b.shape() == Shape{0});
  CHECK(b.size() == 0);
  CHECK(c.shape() == Shape{2, 3});
  CHECK(c.data() == numbers);
}

TEST_CASE("no examples give none, any other axis of 0 is refused by the op's name") {
  const auto t = [](Shape s) { return Real::zeros(s); };
  CHECK(matmul(t({0, 3}), t({3, 2})).shape() == Shape{0, 2});
  CHECK(conv2d(t({0, 5, 5, 3}), t({3, 3, 3, 2})).shape() == Shape{0, 5, 5, 2});
  CHECK(bias(t({0, 3}), t({3})).shape() == Shape{0, 3});
  CHECK(average_pool(t({0, 4, 4, 3}), 2).shape() == Shape{0, 2, 2, 3});
  CHECK(max_pool(t({0, 4, 4, 3}), 2).shape() == Shape{0, 2, 2, 3});
  CHECK(global_mean(t({0, 4, 4, 3})).shape() == Shape{0, 3});
  CHECK(relu(t({0, 3})).shape() == Shape{0, 3});
  CHECK(sum(t({0, 3}))[0] == 0);
  CHECK(channel_sum(t({0, 3}))[2] == 0);
  // The weight's cotangent of no examples is zero.
  const auto back = pullback(
      [&](const auto& p) {
        return matmul(lift<std::decay_t<decltype(p[0])>>(t({0, 3})), p[0]);
      },
      std::vector{t({3, 2})});
  CHECK((*back(t({0, 2}))[0])[5] == 0);

  CHECK_THROWS_WITH(matmul(t({2, 0}), t({0, 3})), "matmul: input [2,0] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(matmul(t({2, 3}), t({3, 0})), "matmul: weight [3,0] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(conv2d(t({1, 4, 4, 0}), t({3, 3, 0, 2})), "conv2d: input [1,4,4,0] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(conv2d(t({1, 0, 4, 1}), t({3, 3, 1, 2})), "conv2d: input [1,0,4,1] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(conv2d(t({1, 4, 4, 1}), t({0, 0, 1, 1})), "conv2d: weight [0,0,1,1] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(conv2d(t({1, 4, 4, 1}), t({3, 3, 1, 0}), 1, Padding{}), "conv2d: weight [3,3,1,0] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(convolve_activate_pool(Relu{}, t({1, 4, 4, 1}), t({0, 0, 1, 2}), t({2})), ContainsSubstring("weight [0,0,1,2] has"));
  CHECK_THROWS_WITH(bias(t({2, 0}), t({0})), "bias: input [2,0] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(channel_scale(t({2, 0}), t({0})), "channel_scale: input [2,0] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(channel_sum(t({2, 0})), "channel_sum: input [2,0] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(average_pool(t({1, 4, 4, 0}), 2), "average_pool: input [1,4,4,0] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(max_pool(t({1, 4, 4, 0}), 2), "max_pool: input [1,4,4,0] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(global_mean(t({2, 0, 3, 1})), "global_mean: input [2,0,3,1] has an axis of 0; at least 1");
  CHECK_THROWS_WITH(normalise_by_batch(t({0, 3}), t({3}), t({3}), 1e-5), "batch_norm: input [0,3] has no examples to take statistics of");
  CHECK_THROWS_WITH(normalise_by_batch_composed(t({0, 3}), t({3}), t({3}), 1e-5), ContainsSubstring("has no examples to take"));
}
