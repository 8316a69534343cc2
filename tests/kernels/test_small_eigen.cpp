// Leading eigenpairs of small matrices of any sign against closed forms and against Jacobi's rotations in long double, by every method.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/eigen/dense_eigen.h"
#include "kernels/eigen/lanczos.h"
#include "kernels/eigen/orthogonalise.h"
#include "kernels/nystrom.h"
#include "tests/line_of.h"
#include "tests/small.h"

using namespace tangentplane;
using namespace tangentplane::kernels;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

/// All eigenvalues, descending: rotations that take the off-diagonal entries to zero one by one (Jacobi, 1846), in long double.
std::vector<double> by_rotations(const Real& matrix) {
  const Index n = matrix.rows();
  std::vector<long double> a(matrix.data(), matrix.data() + n * n);
  const auto at = [&](Index i, Index j) -> long double& { return a[static_cast<std::size_t>(i * n + j)]; };
  for (int sweep = 0; sweep < 40; ++sweep)
    for (Index p = 0; p < n; ++p)
      for (Index q = p + 1; q < n; ++q) {
        if (at(p, q) == 0) continue;
        const long double theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
        const long double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1)), c = 1 / std::sqrt(t * t + 1),
                          s = t * c;
        for (Index k = 0; k < n; ++k) {
          const long double x = at(k, p), y = at(k, q);
          at(k, p) = c * x - s * y, at(k, q) = s * x + c * y;
        }
        for (Index k = 0; k < n; ++k) {
          const long double x = at(p, k), y = at(q, k);
          at(p, k) = c * x - s * y, at(q, k) = s * x + c * y;
        }
      }
  std::vector<double> values;
  for (Index i = 0; i < n; ++i) values.push_back(static_cast<double>(at(i, i)));
  std::sort(values.rbegin(), values.rend());
  return values;
}

/// Of order 3, by the cosine of a third of an angle.
std::vector<double> cubic_roots(const Real& m) {
  const long double a = m[0], b = m[4], c = m[8], d = m[1], e = m[5], f = m[2], mean = (a + b + c) / 3;
  const long double p =
      std::sqrt(((a - mean) * (a - mean) + (b - mean) * (b - mean) + (c - mean) * (c - mean) + 2 * (d * d + e * e + f * f)) / 6);
  const long double det = (a - mean) * ((b - mean) * (c - mean) - e * e) - d * (d * (c - mean) - e * f) + f * (d * e - (b - mean) * f);
  const long double angle = std::acos(std::clamp(det / (2 * p * p * p), -1.0L, 1.0L)) / 3;
  std::vector<double> roots;
  for (int k = 0; k < 3; ++k)
    roots.push_back(static_cast<double>(mean + 2 * p * std::cos(angle + 2 * std::numbers::pi_v<long double> * k / 3)));
  std::sort(roots.rbegin(), roots.rend());
  return roots;
}

Real symmetric(Index n, const std::vector<double>& values) { return Real::from({n, n}, values); }
Real random_symmetric(Index n, RandomStream& random, double shift = 0) {
  Real a({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = i; j < n; ++j) a[i * n + j] = a[j * n + i] = random.normal() + (i == j ? shift : 0);
  return a;
}

struct Named {
  std::string what;
  Real matrix;
};

std::vector<Named> small_matrices() {
  std::vector<Named> all{
      {"one number", symmetric(1, {2})},
      {"one negative number", symmetric(1, {-2})},
      {"one zero", symmetric(1, {0})},
      {"a larger negative eigenvalue", symmetric(2, {-3, 1, 1, 1})},
      {"opposite eigenvalues", symmetric(2, {0, 1, 1, 0})},
      {"negative definite of order 2", symmetric(2, {-3, 1, 1, -2})},
      {"a leading zero", symmetric(2, {-1, 1, 1, -1})},
      {"diagonal of order 2, ascending", symmetric(2, {-5, 0, 0, 1})},
      {"diagonal of order 2, descending", symmetric(2, {1, 0, 0, -5})},
      {"minus the identity", symmetric(2, {-1, 0, 0, -1})},
      {"zero of order 2", symmetric(2, {0, 0, 0, 0})},
      {"zero of order 3", Real::zeros({3, 3})},
      {"a block of order 2 with a larger negative eigenvalue", symmetric(3, {-3, 1, 0, 1, 1, 0, 0, 0, 0.5})},
      {"repeated of order 3", symmetric(3, {1, -1, -1, -1, 1, -1, -1, -1, 1})},
      {"repeated negative of order 3", symmetric(3, {-1, 1, 1, 1, -1, 1, 1, 1, -1})},
      {"identity of order 5", symmetric(5, {1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1})}};
  RandomStream random(3, "small matrices");
  for (Index n : {2, 3, 4, 7})
    for (double shift : {0.0, -8.0, 8.0})
      for (int i = 0; i < 3; ++i) all.push_back({fmt::format("random of order {} about {}", n, shift), random_symmetric(n, random, shift)});
  return all;
}

/// The right values, orthonormal vectors, and what was promised of residuals.
template <class S>
void check_leading(const Tensor<S>& K, const Eigenpairs<S>& pairs, const std::vector<double>& right, Index k, double size) {
  const double tolerance = (std::is_same_v<S, float> ? 2e-6 : 3e-14) * std::max(size, 1e-30);
  const Index n = K.rows();
  REQUIRE(static_cast<Index>(pairs.values.size()) == k);
  REQUIRE(pairs.vectors.shape() == (Shape{k, n}));
  CHECK(pairs.converged);
  for (Index j = 0; j < k; ++j) {
    CHECK(std::abs(pairs.values[static_cast<std::size_t>(j)] - right[static_cast<std::size_t>(j)]) <= tolerance);
    double residual = 0;
    for (Index i = 0; i < n; ++i) {
      double r = -right[static_cast<std::size_t>(j)] * static_cast<double>(pairs.vectors[j * n + i]);
      for (Index x = 0; x < n; ++x) r += static_cast<double>(K[i * n + x]) * static_cast<double>(pairs.vectors[j * n + x]);
      residual += r * r;
    }
    CHECK(std::sqrt(residual) <= 10 * tolerance);
    for (Index l = 0; l <= j; ++l) {
      double dot = 0;
      for (Index x = 0; x < n; ++x) dot += static_cast<double>(pairs.vectors[j * n + x]) * static_cast<double>(pairs.vectors[l * n + x]);
      CHECK(std::abs(dot - (j == l)) <= (std::is_same_v<S, float> ? 3e-6 : 3e-14));
    }
  }
}

}  // namespace

TEST_CASE("the rotations of these tests agree with closed forms") {
  const auto two = by_rotations(symmetric(2, {-3, 1, 1, 1}));
  CHECK(two[0] == Approx(-1 + std::sqrt(5)).epsilon(1e-15));
  CHECK(two[1] == Approx(-1 - std::sqrt(5)).epsilon(1e-15));
  for (const auto& m : small_matrices())
    if (m.matrix.rows() == 3 && largest(m.matrix) > 0) {
      INFO(m.what);
      const auto roots = cubic_roots(m.matrix), rotated = by_rotations(m.matrix);
      for (std::size_t j = 0; j < 3; ++j) CHECK(std::abs(roots[j] - rotated[j]) < 1e-8 * largest(m.matrix));  // acos at a double root
    }
}

TEMPLATE_TEST_CASE("the largest eigenvalues of small matrices of any sign by every method", "", float, double) {
  using S = TestType;
  for (const auto& m : small_matrices()) {
    const auto K = cast<S>(m.matrix);
    const auto right = by_rotations(cast<double>(K));
    const Index n = K.rows();
    const double size = std::max(std::abs(right.front()), std::abs(right.back()));
    for (Index k = 1; k <= n; ++k) {
      INFO(m.what << ", " << k << " of " << n);
      EigenOptions options;
      check_leading(K, leading_eigenpairs(K, k, options), right, k, size);
      options.method = EigenMethod::full;
      check_leading(K, leading_eigenpairs(K, k, options), right, k, size);
      auto copy = K.clone();
      std::vector<double> values;
      Tensor<S> vectors;
      dense_eigenpairs(copy, k, values, vectors);
      for (Index j = 0; j < k; ++j)
        CHECK(std::abs(values[j] - right[j]) <= (std::is_same_v<S, float> ? 1e-6 : 1e-14) * std::max(size, 1e-30));
      options.method = EigenMethod::lanczos;
      for (Index block : {Index(0), Index(1), Index(2), n}) {
        INFO("block " << block);
        options.block = block;
        check_leading(K, leading_eigenpairs(K, k, options), right, k, size);
      }
    }
  }
}

TEST_CASE("Nystrom from one, two and three points has the values of its low-rank matrix") {
  RandomStream random(5, "nystrom");
  for (Index m : {1, 2, 3}) {
    const Index n = 6;
    const Real half = check::draw({n, m}, random);
    Real mm({m, m}), nm({n, m}), whole({n, n});
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < n; ++j) {
        double sum = 0;
        for (Index e = 0; e < m; ++e) sum += half[i * m + e] * half[j * m + e];
        whole[i * n + j] = sum;
        if (j < m) nm[i * m + j] = sum;
        if (i < m && j < m) mm[i * m + j] = sum;
      }
    const auto right = by_rotations(whole);  // of rank m: Nystrom is exact but for its shift
    for (Index k = 1; k <= m; ++k) {
      const auto pairs = nystrom_eigenpairs(mm, nm, k);
      for (Index j = 0; j < k; ++j) CHECK(pairs.values[j] == Approx(right[j]).epsilon(1e-4));
    }
  }
}

TEST_CASE("one eigenvalue of a negative matrix is the one nearest to zero, and its residual is judged by the whole matrix") {
  Real K = Real::zeros({40, 40});
  RandomStream random(6, "negative");
  const Real a = check::draw({40, 40}, random);
  for (Index i = 0; i < 40; ++i)
    for (Index j = 0; j < 40; ++j)
      for (Index e = 1; e < 40; ++e) K[i * 40 + j] -= a[i * 40 + e] * a[j * 40 + e];
  const auto right = by_rotations(K);  // the first is zero
  for (auto method : {EigenMethod::full, EigenMethod::lanczos}) {
    EigenOptions options;
    options.method = method;
    const auto pairs = leading_eigenpairs(K, 2, options);
    CHECK(pairs.converged);
    CHECK(std::abs(pairs.values[0]) < 1e-11 * std::abs(right.back()));
    CHECK(pairs.values[1] == Approx(right[1]).epsilon(1e-9));
  }
}

TEMPLATE_TEST_CASE("what is left of a block that lies almost in the basis is orthogonal to it all the same", "", float, double) {
  using S = TestType;
  constexpr double epsilon = std::numeric_limits<S>::epsilon();
  const Index n = 240, m = 30, b = 8;
  RandomStream random(7, "almost");
  const auto normal = [&](const Shape& shape) { return cast<S>(check::draw(shape, random)); };
  Tensor<S> basis = normal({m, n});
  orthonormalise(basis.slice(0, 0), basis, m, 0, random);
  for (double left : {1e-2, 1e-4}) {  // the first projection leaves epsilon / left in the basis's directions
    INFO("left " << left);
    Tensor<S> w = normal({b, n});
    const Tensor<S> inside = normal({b, m});
    for (Index i = 0; i < b; ++i)
      for (Index x = 0; x < n; ++x) {
        double v = left * static_cast<double>(w[i * n + x]) / 15;
        for (Index j = 0; j < m; ++j) v += static_cast<double>(inside[i * m + j]) * static_cast<double>(basis[j * n + x]);
        w[i * n + x] = static_cast<S>(v);
      }
    const auto taken = orthonormalise(basis, w, b, 0, random);
    CHECK(taken.replaced == 0);
    double worst = 0;
    for (Index i = 0; i < b; ++i) {
      for (Index j = 0; j < m; ++j) {
        double dot = 0;
        for (Index x = 0; x < n; ++x) dot += static_cast<double>(w[i * n + x]) * static_cast<double>(basis[j * n + x]);
        worst = std::max(worst, std::abs(dot));
      }
      for (Index j = 0; j <= i; ++j) {
        double dot = 0;
        for (Index x = 0; x < n; ++x) dot += static_cast<double>(w[i * n + x]) * static_cast<double>(w[j * n + x]);
        worst = std::max(worst, std::abs(dot - (i == j)));
      }
    }
    CHECK(worst < 20 * epsilon);
  }
}
