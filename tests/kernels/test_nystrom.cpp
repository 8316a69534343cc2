// Nystrom against the exact eigenpairs of small kernels.
#include <cmath>
#include <set>

#include "autodiff/random.h"
#include "kernels/nystrom.h"
#include "tests/catch.h"

using namespace tangentplane;
using namespace tangentplane::kernels;

namespace {

/// exp(-|x - y|^2 / (2 width^2)) of points on a circle, slightly irregular: eigenvalues fall fast.
Tensor<double> gaussian_kernel(Index n, double width) {
  RandomStream random(2, "points");
  std::vector<double> angle;
  for (Index i = 0; i < n; ++i) angle.push_back(random.uniform(0, 6.28));
  Tensor<double> K({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) K[i * n + j] = std::exp((std::cos(angle[i] - angle[j]) - 1) / (width * width));
  return K;
}

template <class S>
std::pair<Tensor<S>, Tensor<S>> blocks(const Tensor<S>& K, const std::vector<Index>& points) {
  const Index n = K.rows(), m = static_cast<Index>(points.size());
  Tensor<S> mm({m, m}), nm({n, m});
  for (Index j = 0; j < m; ++j) {
    for (Index i = 0; i < n; ++i) nm[i * m + j] = K[i * n + points[j]];
    for (Index i = 0; i < m; ++i) mm[i * m + j] = K[points[i] * n + points[j]];
  }
  return {mm, nm};
}

template <class S>
double dot(const Tensor<S>& a, Index i, const Tensor<S>& b, Index j) {
  const Index n = a.shape()[1];
  double sum = 0;
  for (Index x = 0; x < n; ++x) sum += static_cast<double>(a[i * n + x]) * static_cast<double>(b[j * n + x]);
  return sum;
}

template <class S>
double off_orthonormal(const Tensor<S>& u) {
  double worst = 0;
  for (Index i = 0; i < u.rows(); ++i)
    for (Index j = 0; j <= i; ++j) worst = std::max(worst, std::abs(dot(u, i, u, j) - (i == j)));
  return worst;
}

}  // namespace

TEST_CASE("Nystrom points are different, ascending and follow from the seed") {
  const auto points = nystrom_points(1000, 200, 3);
  CHECK(points.size() == 200);
  CHECK(std::is_sorted(points.begin(), points.end()));
  CHECK(std::set<Index>(points.begin(), points.end()).size() == 200);
  CHECK(points.front() >= 0);
  CHECK(points.back() < 1000);
  CHECK(points == nystrom_points(1000, 200, 3));
  CHECK(points != nystrom_points(1000, 200, 4));
  const auto all = nystrom_points(5, 5, 0);
  CHECK(all == std::vector<Index>{0, 1, 2, 3, 4});
  CHECK_THROWS_WITH(nystrom_points(5, 6, 0), "nystrom: 6 points of 5; give 1 to 5");
  CHECK_THROWS_AS(nystrom_points(5, 0, 0), std::invalid_argument);
}

TEST_CASE("Nystrom with every point is exact") {
  auto K = gaussian_kernel(61, 0.3);
  for (Index i = 0; i < 61; ++i) K[i * 61 + i] += 0.01;
  const auto pairs = nystrom_eigenpairs(K, K, 10), exact = leading_eigenpairs(K, 10);
  CHECK(pairs.residuals.empty());
  for (Index j = 0; j < 10; ++j) {
    CHECK(pairs.values[j] == Approx(exact.values[j]).epsilon(1e-4));  // the shift by 1e-7 lambda_1 is there
    CHECK(dot(pairs.vectors, j, exact.vectors, j) == Approx(1).epsilon(1e-8));
  }
}

TEST_CASE("Nystrom is the eigendecomposition of its own low-rank matrix") {
  // U s U^T = K_nm (K_mm + 1e-7 lambda_1 I)^-1 K_nm^T, checked by multiplying back for m = 2, where the inverse is written out.
  const auto K = gaussian_kernel(31, 0.8);
  const auto [mm, nm] = blocks(K, {4, 17});
  const auto pairs = nystrom_eigenpairs(mm, nm, 2);
  const double shift = 1e-7 * (1 + mm[1]), a = mm[0] + shift, c = mm[1], d = mm[3] + shift, det = a * d - c * c;
  double worst = 0;
  for (Index i = 0; i < 31; ++i)
    for (Index j = 0; j < 31; ++j) {
      const double *x = nm.data() + 2 * i, *y = nm.data() + 2 * j;
      const double low_rank = (x[0] * (d * y[0] - c * y[1]) + x[1] * (a * y[1] - c * y[0])) / det;
      double sum = 0;
      for (Index p = 0; p < 2; ++p) sum += pairs.values[p] * pairs.vectors[p * 31 + i] * pairs.vectors[p * 31 + j];
      worst = std::max(worst, std::abs(sum - low_rank));
    }
  CHECK(worst < 1e-12);
}

TEST_CASE("Nystrom comes close on a kernel that decays fast, and its vectors are orthonormal") {
  const Index n = 403, m = 60, k = 12;
  const auto K = gaussian_kernel(n, 0.5);
  const auto exact = leading_eigenpairs(K, k);
  const auto [mm, nm] = blocks(K, nystrom_points(n, m, 1));
  const auto pairs = nystrom_eigenpairs(mm, nm, k);
  CHECK(pairs.method == EigenMethod::nystrom);
  CHECK(off_orthonormal(pairs.vectors) < 1e-10);
  for (Index j = 0; j < k; ++j) {
    CHECK(pairs.values[j] == Approx(exact.values[j]).epsilon(1e-3));
    CHECK(pairs.values[j] <= exact.values[j] * (1 + 1e-12));  // K minus its Nystrom approximation is positive semidefinite
    double inside = 0;                                        // the part of exact vector j in the span
    for (Index i = 0; i < k; ++i) inside += std::pow(dot(exact.vectors, j, pairs.vectors, i), 2);
    CHECK(inside > 0.999);
  }
  const auto single = nystrom_eigenpairs(cast<float>(mm), cast<float>(nm), k);
  CHECK(off_orthonormal(single.vectors) < 1e-5);
  for (Index j = 0; j < k; ++j) CHECK(single.values[j] == Approx(pairs.values[j]).epsilon(1e-3));
}

TEST_CASE("Nystrom refuses blocks that do not fit or are no kernel's") {
  const auto K = gaussian_kernel(20, 0.5);
  const auto [mm, nm] = blocks(K, {1, 5, 9});
  CHECK_THROWS_WITH(nystrom_eigenpairs(mm, nm, 4), "nystrom: 4 pairs from 3 points; give 1 to 3");
  CHECK_THROWS_WITH(nystrom_eigenpairs(nm, nm, 1), "nystrom: K_mm is [20,3], must be square");
  CHECK_THROWS_AS(nystrom_eigenpairs(K, nm, 1), std::invalid_argument);
  auto broken = nm.clone();
  broken[7] = std::nan("");
  CHECK_THROWS_AS(nystrom_eigenpairs(mm, broken, 1), std::invalid_argument);
  auto indefinite = mm.clone();
  indefinite[0] = -1;
  CHECK_THROWS_AS(nystrom_eigenpairs(indefinite, nm, 1), std::invalid_argument);
  CHECK_THROWS_AS(nystrom_eigenpairs(Tensor<double>::zeros({3, 3}), nm, 1), std::invalid_argument);
}
