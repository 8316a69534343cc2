// Neural anisotropy directions against flax's, against differences of gradients, and in every way of computing them.
#include "kernels/nads.h"

#include <algorithm>
#include <tuple>
#include <type_traits>

#include "kernels/eigen/dense_eigen.h"
#include "tests/golden.h"

using namespace tangentplane;
using check::Real;

namespace {

struct Problem {
  Network<double> network;
  Variables<double> variables;
  Real points;
};

/// Random everywhere, scales of zero and fresh statistics too, so that no branch of the network is pruned unless `fresh`.
Problem problem(const ModelConfig& config, const Shape& image, Index points, bool fresh = false) {
  const auto network = make_network<double>(config);
  auto variables = initialise(network, image, 3);
  RandomStream random(7, "nads");
  if (!fresh) {
    for (auto& p : variables.parameters)
      if (p.shape().rank() == 1) p = add(p.clone(), scale(check::draw(p.shape(), random), 0.3));
    for (auto& [path, s] : variables.statistics)
      for (double& v : s.span()) v = path.ends_with("var") ? v * std::exp(0.3 * random.normal()) : v + 0.3 * random.normal();
  }
  return {network, variables,
          check::draw(image.rank() == 3 ? Shape{points, image[0], image[1], image[2]} : Shape{points, image[0]}, random)};
}

/// Gradient of the mean output over the points, all parameters in one row.
std::vector<double> gradient(const Problem& p, const Real& points) {
  const auto g = grad(
      [&](const std::vector<Var<Real>>& theta) {
        return scale(sum(forward(p.network, p.variables, theta, Var<Real>(points))), 1.0 / static_cast<double>(points.rows()));
      },
      p.variables.parameters);
  std::vector<double> row;
  for (const Real& t : g) row.insert(row.end(), t.data(), t.data() + t.size());
  return row;
}

/// The Gram matrix of differences of gradients, of order h^4.
Real gram_of_differences(const Problem& p) {
  const Index d = p.points.shape().row_size();
  std::vector<std::vector<double>> rows;
  for (Index e = 0; e < d; ++e) {
    const auto at = [&](double h) {
      Real moved = p.points.clone();
      for (Index i = 0; i < moved.rows(); ++i) moved[i * d + e] += h;
      return gradient(p, moved);
    };
    const double h = 2e-3;
    const auto a = at(h), b = at(-h), c = at(2 * h), f = at(-2 * h);
    std::vector<double> row(a.size());
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = (8 * (a[i] - b[i]) - (c[i] - f[i])) / (12 * h);
    rows.push_back(row);
  }
  Real gram({d, d});
  for (Index e = 0; e < d; ++e)
    for (Index g = 0; g < d; ++g) gram[e * d + g] = std::inner_product(rows[e].begin(), rows[e].end(), rows[g].begin(), 0.0);
  return gram;
}

double largest(const Real& t) {
  double size = 0;
  for (double v : t.span()) size = std::max(size, std::abs(v));
  return size;
}
void same_gram(const Real& a, const Real& b, double tolerance) {
  check::same(scale(a, 1 / largest(b)), scale(b, 1 / largest(b)), tolerance);
}

const ModelConfig wide_mlp{"mlp", {7, 30, 9, 1}, 64, {2, 2, 2, 2}, "tanh"};
const ModelConfig small_lenet{"lenet", {2, 3, 9, 5, 1}, 64, {2, 2, 2, 2}, "gelu"};
// The last stages see a single position of 5x3 images and many channels, so that their convolutions are compressed.
const ModelConfig small_resnet{"resnet18", {}, 3, {1, 1, 1, 1}, "gelu"};

/// A NadsOptions with one member set.
template <class T>
NadsOptions with(T NadsOptions::*member, T value) {
  NadsOptions o;
  o.*member = std::move(value);
  return o;
}

struct Twice {
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    const T x = flatten(images);
    const T w = scope.parameter("kernel", {6, 6}, lecun_normal());
    return matmul(tanh(matmul(tanh(matmul(x, w)), w)), scope.parameter("last", {6, 1}, lecun_normal()));
  }
};

const NadsOptions whole = with(&NadsOptions::compress, false);

}  // namespace

template <class S>
void equal_golden(double values, double directions, double gap, Index at_least) {
  for (const char* name : {"nads_lenet", "nads_resnet"}) {
    INFO(name);
    const auto c = golden::load<S>(name);
    const Index d = c.image.size();
    const auto result = nads(c.network, c.init, Tensor<S>::zeros({1, c.image[0], c.image[1], c.image[2]}));
    const auto eigvals = c["nads_eigvals"], expected = c["nads"];
    REQUIRE(result.eigvals.size() == static_cast<std::size_t>(d));
    REQUIRE(result.directions.shape() == (Shape{d, d}));
    Index compared = 0;
    for (Index j = 0; j < d; ++j) {
      INFO("direction " << j);
      CHECK(std::abs(result.eigvals[static_cast<std::size_t>(j)] - eigvals[j]) <= values * eigvals[0]);
      const double above = j > 0 ? eigvals[j - 1] - eigvals[j] : INFINITY, below = j + 1 < d ? eigvals[j] - eigvals[j + 1] : INFINITY;
      if (std::min(above, below) < gap * eigvals[0]) continue;  // a direction is as sure as its eigenvalue stands apart
      ++compared;
      double cosine = 0, top = 0;
      for (Index i = 0; i < d; ++i) {
        const double v = result.directions[j * d + i];
        cosine += v * expected[j * d + i];
        if (std::abs(v) > std::abs(top)) top = v;
      }
      CHECK(std::abs(std::abs(cosine) - 1) <= directions);
      CHECK(top > 0);
    }
    CHECK(compared >= at_least);
  }
}
TEST_CASE("NADs equal flax's in double and in float") {
  const check::Poison poison;
  equal_golden<double>(1e-9, 1e-10, 1e-6, 12);
  equal_golden<float>(1e-5, 1e-5, 1e-3, 4);
}

TEST_CASE("the Gram matrix is that of differences of gradients, compressed and multiplied out, at one point and as a mean over points") {
  const check::Poison poison;
  for (const auto& [config, image] :
       {std::pair(wide_mlp, Shape{3, 2, 1}), std::pair(small_lenet, Shape{5, 4, 2}), std::pair(small_resnet, Shape{5, 3, 1})})
    for (Index points : {1, 3}) {
      INFO(config.model << " at " << points << " points");
      const auto p = problem(config, image, points);
      const auto expected = gram_of_differences(p);
      const auto compressed = nads_gram(p.network, p.variables, p.points);
      const auto multiplied_out = nads_gram(p.network, p.variables, p.points, whole);
      same_gram(compressed, expected, 1e-7);
      same_gram(compressed, multiplied_out, 1e-12);
      const auto short_rows = plan_nads(p.network, p.variables, p.points).numbers;
      const auto long_rows = plan_nads(p.network, p.variables, p.points, whole).numbers;
      CHECK(long_rows == p.variables.size());
      CHECK(short_rows < long_rows);
    }
}

TEST_CASE("branches that start at zero are left out of the Gram matrix, and it is right") {
  const auto p = problem(small_resnet, {5, 3, 1}, 1, true);
  same_gram(nads_gram(p.network, p.variables, p.points), gram_of_differences(p), 1e-7);
  CHECK(plan_nads(p.network, p.variables, p.points, whole).numbers < p.variables.size());
}

TEST_CASE("blocks of directions and layers in turns change nothing but rounding, threads change nothing") {
  const auto p = problem(small_resnet, {5, 3, 1}, 2);
  const auto expected = nads_gram(p.network, p.variables, p.points);
  for (Index block : {1, 4, 100}) same_gram(nads_gram(p.network, p.variables, p.points, with(&NadsOptions::block, block)), expected, 1e-13);
  const auto little = with(&NadsOptions::memory, 15.0 * 8 * 700);
  CHECK(plan_nads(p.network, p.variables, p.points).turns == 1);
  CHECK(plan_nads(p.network, p.variables, p.points, little).turns > 2);
  same_gram(nads_gram(p.network, p.variables, p.points, little), expected, 1e-13);
  cpu::set_threads(1);
  const auto alone = nads_gram(p.network, p.variables, p.points);
  cpu::set_threads(0);
  for (Index i = 0; i < alone.size(); ++i) REQUIRE(alone[i] == expected[i]);
}

TEST_CASE("a parameter that a model uses twice is differentiated as one") {
  const Network<double> network{Twice{}};
  RandomStream random(2, "twice");
  const Problem p{network, initialise(network, {3, 2, 1}, 1), check::draw({2, 3, 2, 1}, random)};
  same_gram(nads_gram(p.network, p.variables, p.points), gram_of_differences(p), 1e-7);
}

TEST_CASE("directions are orthonormal and the eigenvalues sum to the derivative's squares") {
  const auto p = problem(small_lenet, {5, 4, 2}, 1);
  const auto gram = nads_gram(p.network, p.variables, p.points);
  const auto result = nads(p.network, p.variables, p.points);
  const Index d = gram.rows();
  double trace = 0, total = 0;
  for (Index i = 0; i < d; ++i) trace += gram[i * d + i];
  for (double v : result.eigvals) total += v;
  check::same(total, trace, 1e-12);
  Real identity = Real::zeros({d, d});
  for (Index i = 0; i < d; ++i) identity[i * d + i] = 1;
  Real products({d, d});
  cpu::gemm(cpu::Op::none, cpu::Op::transpose, d, d, d, 1.0, result.directions.data(), d, result.directions.data(), d, 0.0, products.data(),
            d);
  check::same(products, identity, 1e-12);
  CHECK(std::is_sorted(result.eigvals.rbegin(), result.eigvals.rend()));
}

TEST_CASE("eigenvalues of directions that nothing distinguishes are zero and never below") {
  // 32 directions, of which averages of 2 x 2 pixels let 8 through: the others' eigenvalues are rounding of either sign.
  const auto averages = [](const auto& scope, const auto& images) {
    return dense(scope / "out", 1, tanh(dense(scope / "in", 3, flatten(average_pool(images, 2)))));
  };
  const Network<double> network(averages);
  const Network<float> single_network(averages);
  Index below = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    RandomStream random(seed, "averages");
    const Problem p{network, initialise(network, {4, 4, 2}, seed), check::draw({1, 4, 4, 2}, random)};
    auto gram = nads_gram(p.network, p.variables, p.points);
    std::vector<double> raw;
    Real vectors;
    kernels::dense_eigenpairs(gram, 32, raw, vectors);
    for (double v : raw) below += v < 0;
    const auto values = nads(p.network, p.variables, p.points).eigvals;
    CHECK(std::all_of(values.begin(), values.end(), [](double v) { return v >= 0; }));
    for (std::size_t j = 8; j < 32; ++j) CHECK(values[j] < 1e-14 * values[0]);
    const auto single = nads(single_network, initialise(single_network, {4, 4, 2}, seed), cast<float>(p.points)).eigvals;
    CHECK(std::all_of(single.begin(), single.end(), [](double v) { return v >= 0; }));
  }
  CHECK(below > 0);  // the case does occur
}

TEST_CASE("what NADs refuse, and that progress may stop them") {
  const auto p = problem(small_lenet, {5, 4, 2}, 1);
  CHECK_THROWS_WITH(nads(p.network, p.variables, Real::zeros({0, 5, 4, 2})),
                    Catch::Matchers::ContainsSubstring("points [N,H,W,C] with N > 0"));
  CHECK_THROWS_WITH(nads(p.network, p.variables, p.points, with(&NadsOptions::memory, 100.0)),
                    Catch::Matchers::ContainsSubstring("--memory: the tangents of Conv_0/kernel") &&
                        Catch::Matchers::ContainsSubstring("are left for them"));
  struct Stop {};
  std::vector<double> seen;
  auto watched = with(&NadsOptions::block, Index(7));
  watched.progress = [&](double f) { seen.push_back(f); };
  nads_gram(p.network, p.variables, p.points, watched);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(seen.size() == 6);
  CHECK(seen.back() == 1);
  watched.progress = [](double) { throw Stop{}; };
  CHECK_THROWS_AS(nads_gram(p.network, p.variables, p.points, watched), Stop);
}

TEST_CASE("nads of an mlp at 0: all but as many directions as it has units weigh the same, and all are found") {
  // There d2f / dW1 dx is delta1 for every pixel, with delta1 = gelu'(0)^2 W2 w3, and no other parameter knows more directions than units.
  ModelConfig config;
  config.model = "mlp";
  config.features = {100, 100, 1};
  config.activation = "gelu";
  const auto network = make_network<float>(config);
  const Shape image{32, 32, 1};
  const auto variables = initialise(network, image, 0);
  const auto result = nads(network, variables, Tensor<float>::zeros({1, 32, 32, 1}));
  const Tensor<float>*w2 = nullptr, *w3 = nullptr;
  for (std::size_t p = 0; p < variables.paths.size(); ++p) {
    if (variables.paths[p].ends_with("Dense_1/kernel")) w2 = &variables.parameters[p];
    if (variables.paths[p].ends_with("Dense_2/kernel")) w3 = &variables.parameters[p];
  }
  REQUIRE((w2 && w3));
  double expected = 0;
  for (Index i = 0; i < 100; ++i) {
    double delta = 0;
    for (Index j = 0; j < 100; ++j) delta += 0.25 * static_cast<double>((*w2)[i * 100 + j]) * static_cast<double>((*w3)[j]);
    expected += delta * delta;
  }
  REQUIRE(result.eigvals.size() == 1024);
  CHECK(result.eigvals[0] > 2 * expected);
  for (std::size_t j = 100; j < 1024; ++j) CHECK(std::abs(result.eigvals[j] - expected) <= 1e-5 * expected);
  for (Index i = 0; i < 1024; i += 31)
    for (Index j = 0; j < 1024; ++j) {
      double product = 0;
      for (Index k = 0; k < 1024; ++k)
        product += static_cast<double>(result.directions[i * 1024 + k]) * static_cast<double>(result.directions[j * 1024 + k]);
      REQUIRE(std::abs(product - (i == j ? 1 : 0)) <= 1e-5);
    }
}
