// The classes that one direction separates: exactly apart along it, noise of the right size across it, each sample from its number alone.
#include "data/linearly_separable.h"

#include <numeric>

#include "autodiff/random.h"
#include "tests/catch.h"
#include "tests/checksum.h"

using namespace tangentplane;
using data::linearly_separable;

namespace {

data::LinearlySeparable task(std::uint64_t seed = 3, std::uint64_t index = 5) {
  RandomStream random(1, "direction");
  Tensor<double> v({3, 2, 2});
  for (double& x : v.span()) x = 4 * random.normal();
  return {v, 1.5, 0.7, seed, index};
}

std::vector<double> unit(const Tensor<double>& v) {
  std::vector<double> u(v.data(), v.data() + v.size());
  double square = 0;
  for (double x : u) square += x * x;
  for (double& x : u) x /= std::sqrt(square);
  return u;
}

double along(const std::vector<double>& v, const double* x) { return std::inner_product(v.begin(), v.end(), x, 0.0); }

}  // namespace

TEST_CASE("along the direction the classes stand exactly epsilon apart") {
  const auto t = task();
  const auto v = unit(t.direction);
  const auto s = linearly_separable<double>(t, 0, 200);
  REQUIRE(s.images.shape() == (Shape{200, 3, 2, 2}));
  REQUIRE(s.labels.size() == 200);
  for (Index i = 0; i < 200; ++i) {
    const int y = s.labels[static_cast<std::size_t>(i)];
    REQUIRE((y == 0 || y == 1));
    CHECK(std::abs(along(v, s.images.data() + i * 12) - (y ? 0.75 : -0.75)) < 1e-13);
  }
  const auto single = linearly_separable<float>(t, 0, 200);
  CHECK(single.labels == s.labels);
  for (Index i = 0; i < s.images.size(); ++i) CHECK(std::abs(single.images[i] - s.images[i]) < 1e-6);
}

TEST_CASE("across the direction the covariance is sigma^2 (I - v v^T), and half of the samples are positive") {
  const auto t = task();
  const auto v = unit(t.direction);
  const Index n = 20000, d = 12;
  const auto s = linearly_separable<double>(t, 0, n);
  std::vector<double> covariance(static_cast<std::size_t>(d * d), 0);
  Index ones = 0;
  for (Index i = 0; i < n; ++i) {
    const int y = s.labels[static_cast<std::size_t>(i)];
    ones += y;
    std::vector<double> noise(s.images.data() + i * d, s.images.data() + (i + 1) * d);
    for (std::size_t k = 0; k < noise.size(); ++k) noise[k] -= (y ? 0.75 : -0.75) * v[k];
    for (Index a = 0; a < d; ++a)
      for (Index b = 0; b < d; ++b)
        covariance[static_cast<std::size_t>(a * d + b)] +=
            noise[static_cast<std::size_t>(a)] * noise[static_cast<std::size_t>(b)] / static_cast<double>(n);
  }
  for (Index a = 0; a < d; ++a)
    for (Index b = 0; b < d; ++b) {
      const double expected = 0.49 * ((a == b) - v[static_cast<std::size_t>(a)] * v[static_cast<std::size_t>(b)]);
      CHECK(std::abs(covariance[static_cast<std::size_t>(a * d + b)] - expected) < 5 * 0.49 * std::sqrt(2.0 / static_cast<double>(n)));
    }
  CHECK(std::abs(static_cast<double>(ones) - n / 2) < 5 * std::sqrt(n / 4.0));
}

TEST_CASE("a sample depends on seed, direction's number and its own number alone") {
  const auto all = linearly_separable<double>(task(), 0, 50);
  const auto part = linearly_separable<double>(task(), 33, 9);
  for (Index i = 0; i < 9; ++i) {
    CHECK(part.labels[static_cast<std::size_t>(i)] == all.labels[static_cast<std::size_t>(33 + i)]);
    for (Index k = 0; k < 12; ++k) CHECK(part.images[i * 12 + k] == all.images[(33 + i) * 12 + k]);
  }
  for (const auto& other : {task(4, 5), task(3, 6)}) {
    const auto s = linearly_separable<double>(other, 0, 50);
    Index equal = 0;
    for (Index i = 0; i < s.images.size(); ++i) equal += s.images[i] == all.images[i];
    CHECK(equal == 0);
    CHECK(s.labels != all.labels);
  }
  // The norm of the direction does not matter.
  auto longer = task();
  longer.direction = longer.direction.clone();
  for (double& x : longer.direction.span()) x *= 8;
  const auto same = linearly_separable<double>(longer, 0, 50);
  for (Index i = 0; i < same.images.size(); ++i) CHECK(same.images[i] == all.images[i]);
}

TEST_CASE("samples are the known ones on every machine") {  // computed apart from this code, as in autodiff/test_random.cpp
  const auto s = linearly_separable<double>(task(), 0, 50);
  CHECK(std::vector<int>(s.labels.begin(), s.labels.begin() + 10) == std::vector<int>{1, 0, 1, 0, 0, 1, 1, 0, 0, 1});
  CHECK(s.images[0] == 0x1.72bbb23b58b18p-1);
  CHECK(s.images[599] == 0x1.08f93b1055e23p+0);
  CHECK(checksum<double>(s.images.span()) == 0xcc4b8d85b389832u);
}

TEST_CASE("what is no task is refused") {
  auto t = task();
  CHECK_THROWS_WITH(linearly_separable<double>(t, -1, 4), Catch::Matchers::ContainsSubstring("from -1"));
  t.sigma = -1;
  CHECK_THROWS_WITH(linearly_separable<double>(t, 0, 4), Catch::Matchers::ContainsSubstring("sigma -1"));
  t = task();
  t.direction = Tensor<double>::zeros({3, 2, 2});
  CHECK_THROWS_WITH(linearly_separable<double>(t, 0, 4), Catch::Matchers::ContainsSubstring("norm 0"));
  t.direction = Tensor<double>::full({12}, 1);
  CHECK_THROWS_WITH(linearly_separable<double>(t, 0, 4), Catch::Matchers::ContainsSubstring("takes an image [H,W,C]"));
}
