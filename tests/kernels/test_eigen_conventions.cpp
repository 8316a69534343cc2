// What eigenpairs promise besides being right: which way a vector points, and that they say so where they are not good enough.
#include "kernels/eigen.h"
#include "tests/check.h"

using namespace tangentplane;
using namespace tangentplane::kernels;

TEMPLATE_TEST_CASE("a vector points where the first of its largest entries is positive", "", float, double) {
  using S = TestType;
  auto v = Tensor<S>::from({5, 3}, {-1, 1, 0, 3, -3, 3, 0.5, -2, 2, -4, 0, 3, 0, 0, 0});
  normalise_rows(v);
  const double half = 1 / std::sqrt(2.), third = 1 / std::sqrt(3.), length = std::sqrt(8.25);
  check::same(
      cast<double>(v),
      Tensor<double>::from({5, 3}, {half, -half, 0, third, -third, third, -0.5 / length, 2 / length, -2 / length, 0.8, 0, -0.6, 0, 0, 0}),
      4 * static_cast<double>(std::numeric_limits<S>::epsilon()));
}

TEST_CASE("eigenpairs worse than the tolerance say that they did not converge, by either method") {
  const Index n = 40;
  RandomStream random(1, "eigenpairs");
  Tensor<double> K({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j <= i; ++j) K[i * n + j] = K[j * n + i] = random.normal() + (i == j ? 20 : 0);
  for (const auto method : {EigenMethod::full, EigenMethod::lanczos}) {
    EigenOptions options;
    options.method = method;
    CHECK(leading_eigenpairs(K, 5, options).converged);
    options.tolerance = 1e-30;  // beyond what rounding lets any method reach
    const auto pairs = leading_eigenpairs(K, 5, options);
    CHECK_FALSE(pairs.converged);
    CHECK(*std::max_element(pairs.residuals.begin(), pairs.residuals.end()) < 1e-12 * pairs.values[0]);
  }
}
