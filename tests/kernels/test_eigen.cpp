// Block Lanczos against LAPACK and both against the definition, on spectra that are easy, clustered, repeated and deficient.
#include <cmath>
#include <limits>
#include <string>

#include "autodiff/cpu/parallel.h"
#include "autodiff/random.h"
#include "kernels/eigen/lanczos.h"
#include "kernels/eigen/orthogonalise.h"
#include "tests/catch.h"

using namespace tangentplane;
using namespace tangentplane::kernels;

namespace {

/// Q diag(values) Q^T with Q a product of random Householder reflections, made in double.
template <class S>
Tensor<S> with_spectrum(const std::vector<double>& values, std::uint64_t seed, int reflections = 8) {
  const Index n = static_cast<Index>(values.size());
  auto a = Tensor<double>::zeros({n, n});
  for (Index i = 0; i < n; ++i) a[i * n + i] = values[i];
  RandomStream random(seed, "spectrum");
  std::vector<double> v(values.size()), av(values.size());
  for (int r = 0; r < reflections; ++r) {  // A <- H A H with H = I - 2 v v^T / v^T v
    double vv = 0, vav = 0;
    for (double& x : v) {
      x = random.normal();
      vv += x * x;
    }
    for (Index i = 0; i < n; ++i) {
      av[i] = 0;
      for (Index j = 0; j < n; ++j) av[i] += a[i * n + j] * v[j];
      vav += v[i] * av[i];
    }
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < n; ++j) a[i * n + j] += -2 / vv * (v[i] * av[j] + av[i] * v[j]) + 4 * vav / (vv * vv) * v[i] * v[j];
  }
  Tensor<S> s({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) s[i * n + j] = static_cast<S>((a[i * n + j] + a[j * n + i]) / 2);
  return s;
}

std::vector<double> powers(Index n, double exponent) {
  std::vector<double> values;
  for (Index j = 0; j < n; ++j) values.push_back(3 * std::pow(1. + static_cast<double>(j), -exponent));
  return values;
}

template <class S>
double dot(const Tensor<S>& a, Index i, const Tensor<S>& b, Index j) {
  const Index n = a.shape()[1];
  double sum = 0;
  for (Index x = 0; x < n; ++x) sum += static_cast<double>(a[i * n + x]) * static_cast<double>(b[j * n + x]);
  return sum;
}

/// What must hold of every result, by loops: residuals true and small, rows orthonormal, order and sign as promised.
template <class S>
void check_pairs(const Tensor<S>& K, const Eigenpairs<S>& pairs, Index k, double tolerance) {
  const Index n = K.rows();
  REQUIRE(pairs.vectors.shape() == Shape{k, n});
  REQUIRE(static_cast<Index>(pairs.values.size()) == k);
  REQUIRE(static_cast<Index>(pairs.residuals.size()) == k);
  CHECK(pairs.converged);
  const double norm = std::max(std::abs(pairs.values.front()), std::abs(pairs.values.back()));
  constexpr double epsilon = std::numeric_limits<S>::epsilon();
  double worst = 0, untrue = 0, skew = 0, loss = 0;
  bool signs = true, ordered = true;
  for (Index j = 0; j < k; ++j) {
    const S* u = pairs.vectors.data() + j * n;
    double sum = 0;
    for (Index i = 0; i < n; ++i) {
      double r = -pairs.values[j] * u[i];
      for (Index x = 0; x < n; ++x) r += static_cast<double>(K[i * n + x]) * u[x];
      sum += r * r;
    }
    worst = std::max(worst, std::sqrt(sum));
    untrue = std::max(untrue, std::abs(std::sqrt(sum) - pairs.residuals[j]));
    for (Index l = 0; l < j; ++l) skew = std::max(skew, std::abs(dot(pairs.vectors, j, pairs.vectors, l)));
    loss = std::max(loss, std::abs(dot(pairs.vectors, j, pairs.vectors, j) - 1));
    Index top = 0;
    for (Index i = 1; i < n; ++i)
      if (std::abs(u[i]) > std::abs(u[top])) top = i;
    signs = signs && u[top] > 0;
    ordered = ordered && (j == 0 || pairs.values[j] <= pairs.values[j - 1]);
  }
  CHECK(worst <= tolerance * norm);
  CHECK(untrue <= 10 * epsilon * norm);
  CHECK(skew < 1000 * epsilon);  // LAPACK's MRRR leaves some n epsilon inside a cluster
  CHECK(loss < 40 * epsilon);
  CHECK(signs);
  CHECK(ordered);
}

template <class S>
Eigenpairs<S> solve(const Tensor<S>& K, Index k, EigenMethod method, Index block = 0) {
  EigenOptions options;
  options.method = method;
  options.block = block;
  return leading_eigenpairs(K, k, options);
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (std::size_t j = 0; j < a.size(); ++j) worst = std::max(worst, std::abs(a[j] - b[j]));
  return worst;
}

}  // namespace

TEMPLATE_TEST_CASE("both methods find the leading eigenpairs of known spectra", "", float, double) {
  using S = TestType;
  const double tolerance = std::is_same_v<S, float> ? 1e-6 : 1e-10;
  struct Case {
    std::string what;
    std::vector<double> values;
    Index k, block;
  };
  std::vector<Case> cases{
      {"decaying", powers(301, 1.5), 40, 0}, {"one pair", powers(203, 1), 1, 0},           {"one row", {2.5}, 1, 0},
      {"all pairs", powers(67, 2), 67, 16},  {"block larger than N", powers(9, 1), 4, 32}, {"block of one", powers(120, 1), 3, 1}};
  Case clustered{"clusters", powers(250, 1), 30, 16};
  for (Index j = 0; j < 30; ++j) clustered.values[j] = 3 - static_cast<double>(j / 10) - 1e-9 * static_cast<double>(j);
  Case low_rank{"identity plus low rank", std::vector<double>(260, 1.), 25, 8};
  for (Index j = 0; j < 10; ++j) low_rank.values[j] = 20 - static_cast<double>(j);
  Case deficient{"rank 20 of 300, 40 wanted", powers(300, 1), 40, 16};
  std::fill(deficient.values.begin() + 20, deficient.values.end(), 0.);
  Case negative{"indefinite", powers(150, 1), 12, 0};
  for (Index j = 75; j < 150; ++j) negative.values[j] = -0.5 * negative.values[j - 75];
  Case repeated{"an eigenvalue 12 times, block 16", powers(220, 1.2), 20, 16};
  std::fill_n(repeated.values.begin() + 3, 12, repeated.values[3]);
  Case zero{"zero", std::vector<double>(90, 0.), 7, 8};
  for (auto& c : {clustered, low_rank, deficient, negative, repeated, zero}) cases.push_back(c);

  for (auto c : cases) {
    CAPTURE(c.what);
    const auto K = with_spectrum<S>(c.values, 5);
    std::sort(c.values.rbegin(), c.values.rend());
    c.values.resize(static_cast<std::size_t>(c.k));
    for (auto method : {EigenMethod::full, EigenMethod::lanczos}) {
      CAPTURE(name(method));
      const auto pairs = solve(K, c.k, method, c.block);
      CHECK(pairs.method == method);
      check_pairs(K, pairs, c.k, tolerance);
      CHECK(largest_difference(pairs.values, c.values) <= (std::is_same_v<S, float> ? 3e-6 : 1e-12) * std::abs(c.values[0]));
    }
  }
}

TEST_CASE("Lanczos spans the subspace that LAPACK finds") {
  const auto K = with_spectrum<double>(powers(400, 1.5), 11);
  const auto full = solve(K, 40, EigenMethod::full), lanczos = solve(K, 40, EigenMethod::lanczos);
  CHECK(lanczos.basis < 400);
  for (Index j = 0; j < 40; ++j) {
    CAPTURE(j);
    CHECK(dot(full.vectors, j, lanczos.vectors, j) == Approx(1).epsilon(1e-10));  // the sign convention makes them equal, not opposite
  }
}

TEST_CASE("Lanczos finds every block of a block-diagonal matrix") {
  // Unconnected parts, one of them the identity: nothing but the start block and the replacements links them.
  const Index n = 211;
  auto K = Tensor<double>::zeros({n, n});
  const auto part = with_spectrum<double>(powers(60, 1), 2);
  for (Index at : {Index(0), Index(60)})
    for (Index i = 0; i < 60; ++i)
      for (Index j = 0; j < 60; ++j) K[(at + i) * n + at + j] = part[i * 60 + j];
  for (Index i = 120; i < n; ++i) K[i * n + i] = 1;
  const auto full = solve(K, 30, EigenMethod::full), lanczos = solve(K, 30, EigenMethod::lanczos);
  check_pairs(K, lanczos, 30, 1e-10);
  CHECK(largest_difference(full.values, lanczos.values) < 1e-12);
}

TEST_CASE("an eigenvalue that occurs more often than the block has vectors is found") {
  // The Krylov space ends at 24 vectors with 8 of the 9, every pair exact: only what grows from the vectors taken in then shows the ninth.
  const Index n = 400;
  auto K = Tensor<double>::zeros({n, n});
  for (Index i = 0; i < 17; ++i) K[i * n + i] = i < 9 ? 2 : 1;
  const auto pairs = solve(K, 12, EigenMethod::lanczos, 8);
  check_pairs(K, pairs, 12, 1e-10);
  CHECK(pairs.basis < n);
  CHECK(pairs.values[8] == Approx(2).epsilon(1e-12));
  CHECK(pairs.values[9] == Approx(1).epsilon(1e-12));
}

TEMPLATE_TEST_CASE("the same bits whatever the thread count", "", float, double) {
  const auto K = with_spectrum<TestType>(powers(500, 1.3), 4, 3);
  for (auto method : {EigenMethod::full, EigenMethod::lanczos}) {
    cpu::set_threads(1);
    const auto one = solve(K, 60, method);
    cpu::set_threads(2);
    const auto two = solve(K, 60, method);
    cpu::set_threads(0);
    CHECK(one.values == two.values);
    CHECK(one.residuals == two.residuals);
    CHECK(std::equal(one.vectors.data(), one.vectors.data() + one.vectors.size(), two.vectors.data()));
  }
}

TEMPLATE_TEST_CASE("LAPACK's vectors are right where several tasks rotate them at a time", "", float, double) {
  const auto K = with_spectrum<TestType>(powers(600, 0.5), 6, 3);
  const auto first = solve(K, 500, EigenMethod::full);
  check_pairs(K, first, 500, std::is_same_v<TestType, float> ? 2e-5 : 1e-13);
  for (int run = 0; run < 4; ++run) {  // what tasks did to one another would come out anew each time
    const auto again = solve(K, 500, EigenMethod::full);
    CHECK(std::equal(again.vectors.data(), again.vectors.data() + again.vectors.size(), first.vectors.data()));
  }
}

TEMPLATE_TEST_CASE("eigenpairs of a matrix scaled by a power of two are the scaled ones, however large or small", "", float, double) {
  using S = TestType;
  const auto K = cast<S>(with_spectrum<double>(powers(70, 1), 8));
  for (EigenMethod method : {EigenMethod::full, EigenMethod::lanczos}) {
    const auto plain = solve(K, 5, method);
    for (int exponent : std::is_same_v<S, float> ? std::vector<int>{-110, -90, 90, 120} : std::vector<int>{-900, -600, 600, 1000}) {
      INFO(name(method) << " " << exponent);
      auto scaled = K.clone();
      for (S& v : scaled.span()) v = static_cast<S>(std::ldexp(static_cast<double>(v), exponent));
      const auto pairs = solve(scaled, 5, method);
      CHECK(pairs.converged);
      // Small floats lose digits: 2^-149 is the last place there is.
      const double allowed = std::is_same_v<S, float> ? 3e-5 : 1e-13;
      for (std::size_t j = 0; j < 5; ++j) {
        CHECK(std::abs(std::ldexp(pairs.values[j], -exponent) - plain.values[j]) <= allowed * plain.values[0]);
        CHECK(std::isfinite(pairs.residuals[j]));
      }
      for (Index i = 0; i < pairs.vectors.size(); ++i) REQUIRE(std::abs(pairs.vectors[i] - plain.vectors[i]) < 100 * allowed);
    }
  }
}

TEST_CASE("a basis that may not grow leaves residuals that say so") {
  EigenOptions options;
  options.method = EigenMethod::lanczos;
  options.max_basis = 48;
  const auto K = with_spectrum<double>(powers(300, 0.5), 6);
  const auto pairs = leading_eigenpairs(K, 20, options);
  CHECK_FALSE(pairs.converged);
  CHECK(pairs.basis <= 48);
  CHECK(*std::max_element(pairs.residuals.begin(), pairs.residuals.end()) > 1e-10 * pairs.values[0]);
}

TEMPLATE_TEST_CASE("orthonormalise keeps the span of blocks of any rank", "", float, double) {
  using S = TestType;
  constexpr double epsilon = std::numeric_limits<S>::epsilon();
  const Index n = 157, m = 20, b = 12;
  RandomStream random(1, "test");
  Tensor<S> basis({m, n});
  for (S& v : basis.span()) v = static_cast<S>(random.normal());
  orthonormalise(basis.slice(0, 0), basis, m, 0, random);
  Tensor<S> given({b, n});
  for (S& v : given.span()) v = static_cast<S>(random.normal());
  std::copy_n(given.data(), n, given.data() + 3 * n);                                          // row 3 repeats row 0
  std::copy_n(basis.data() + 5 * n, n, given.data() + 7 * n);                                  // row 7 lies in the basis
  for (Index x = 0; x < n; ++x) given[x + 9 * n] = given[x + n] + S(1e-4) * given[x + 9 * n];  // row 9 nearly repeats row 1
  auto w = given.clone();
  // What rounding leaves of a row is relative to its length: its own, and that of the Gram matrix in double, 1e4 times worse along row 9.
  const double rows_length = std::sqrt(static_cast<double>(n)), rounding_left = std::max(20 * epsilon, 1e-10);
  const auto taken = orthonormalise(basis, w, b, rounding_left * rows_length, random);
  CHECK(taken.replaced == 2);
  for (Index i = 0; i < b; ++i) {
    for (Index j = 0; j < m; ++j) {
      CHECK(std::abs(dot(w, i, basis, j)) < 20 * epsilon);
      CHECK(taken.coefficients[j * b + i] == Approx(dot(basis, j, given, i)).margin(100 * epsilon));
    }
    for (Index j = 0; j < b; ++j) CHECK(std::abs(dot(w, i, w, j) - (i == j)) < 20 * epsilon);
    double left = dot(given, i, given, i);  // beyond the basis and the new block nothing is left of a given row
    for (Index j = 0; j < m; ++j) left -= std::pow(dot(given, i, basis, j), 2);
    const double rounding = 20 * epsilon * dot(given, i, given, i);
    CHECK(taken.gram[i * b + i] == Approx(left).margin(rounding));
    for (Index j = 0; j < b; ++j) left -= std::pow(dot(given, i, w, j), 2);
    CHECK(std::abs(left) < rounding);
  }
}

TEST_CASE("eigenpairs refuse what has none") {
  const auto K = with_spectrum<double>(powers(10, 1), 1);
  CHECK_THROWS_WITH(leading_eigenpairs(K, 11), "eigenpairs: 11 pairs of a matrix [10,10]; give 1 to 10");
  CHECK_THROWS_AS(leading_eigenpairs(K, 0), std::invalid_argument);
  CHECK_THROWS_WITH(leading_eigenpairs(Tensor<double>::zeros({3, 4}), 1), "eigenpairs: K is [3,4], must be square");
  for (double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    auto broken = K.clone();
    broken[57] = bad;
    CHECK_THROWS_WITH(leading_eigenpairs(broken, 2), "eigenpairs: K [10,10] holds a NaN or an infinity");
  }
  auto crooked = K.clone();
  crooked[2 * 10 + 7] = 3, crooked[7 * 10 + 2] = 1;
  CHECK_THROWS_WITH(leading_eigenpairs(crooked, 2),
                    "eigenpairs: K [10,10] is not symmetric: K[7,2] is 1, K[2,7] is 3; give (K + K^T) / 2, if that is meant");
  // Far from the diagonal too, in float, beyond what rounding leaves.
  auto large = cast<float>(with_spectrum<double>(powers(203, 1), 1));
  large[1 * 203 + 201] += 1e-6f * large[0];
  CHECK(leading_eigenpairs(large, 2).converged);
  large[1 * 203 + 201] += 1;
  CHECK_THROWS_WITH(leading_eigenpairs(large, 2), Catch::Matchers::ContainsSubstring("K [203,203] is not symmetric: K[201,1] is "));
  EigenOptions options;
  options.method = EigenMethod::lanczos;
  options.block = -1;
  CHECK_THROWS_AS(leading_eigenpairs(K, 2, options), std::invalid_argument);
  options.block = 0;
  options.max_basis = 1;
  CHECK_THROWS_AS(leading_eigenpairs(K, 2, options), std::invalid_argument);
  CHECK_THROWS_WITH(eigen_method("arpack"), "eigenpairs: no method 'arpack'; give auto, full, lanczos or nystrom");
  CHECK(eigen_method("auto") == EigenMethod::automatic);
}

TEST_CASE("a progress callback sees fractions rise to one and may cancel") {
  const auto K = with_spectrum<double>(powers(200, 1), 1, 2);
  for (auto method : {EigenMethod::full, EigenMethod::lanczos}) {
    EigenOptions options;
    options.method = method;
    double last = 0;
    options.progress = [&](double fraction, std::string_view what) {
      CHECK(fraction >= last);
      CHECK(!what.empty());
      last = fraction;
    };
    leading_eigenpairs(K, 10, options);
    CHECK(last == 1);
    options.progress = [](double, std::string_view) { throw std::domain_error("cancelled"); };
    CHECK_THROWS_AS(leading_eigenpairs(K, 10, options), std::domain_error);
  }
}

TEST_CASE("auto takes LAPACK for small matrices and Lanczos for large ones") {
  const Index n = 1600;
  auto K = Tensor<float>::zeros({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) K[i * n + j] = 1 / (1 + static_cast<float>(i + j)) + (i == j ? 1e-3f : 0.f);  // Hilbert's matrix
  const auto many = leading_eigenpairs(K, 10);
  CHECK(many.method == EigenMethod::lanczos);
  check_pairs(K, many, 10, 1e-6);
  CHECK(solve(with_spectrum<double>(powers(40, 1), 1), 5, EigenMethod::automatic).method == EigenMethod::full);
}
