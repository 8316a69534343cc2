// Kernels and eigenfunctions by split products: against float64, and against float32's signs.
#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/split/measured.h"
#include "autodiff/cpu/split/products.h"
#include "data/dataset.h"
#include "kernels/lanczos.h"
#include "kernels/ntk.h"
#include "tests/small.h"

using namespace tangentplane;
using cpu::Products, cpu::ProductsInScope;

namespace {

double relative(const Tensor<float>& is, const Tensor<double>& was) {
  double off = 0, all = 0;
  for (Index i = 0; i < was.size(); ++i) {
    off += (static_cast<double>(is[i]) - was[i]) * (static_cast<double>(is[i]) - was[i]);
    all += was[i] * was[i];
  }
  return std::sqrt(off / all);
}

/// The same weights in both precisions, moved away from the zeros of initialisation, and images.
struct Problem {
  Network<float> network;
  Network<double> precise;
  Variables<float> weights;
  Variables<double> same;
  Tensor<float> images;

  Problem(const ModelConfig& config, Index n)
      : network(make_network<float>(config)),
        precise(make_network<double>(config)),
        weights(initialise(network, {32, 32, 3}, 0)),
        same(initialise(precise, {32, 32, 3}, 0)),
        images(data::load<float>({.name = "dead-leaves", .directory = {}, .num_train = n - 1, .num_test = 1}).images) {
    RandomStream random(0, "split");
    for (auto& p : weights.parameters)
      for (float& v : p.span()) v += static_cast<float>(0.05 * random.normal());
    for (std::size_t i = 0; i < same.parameters.size(); ++i) same.parameters[i] = cast<double>(weights.parameters[i]);
  }
  Tensor<float> kernel() const { return ntk(network, weights, images); }
  Tensor<double> exact() const { return ntk(precise, same, cast<double>(images)); }
};

/// The split kernel's difference from float64's; at least that share of the flops of products was split.
double difference(const ModelConfig& config, Index n, double share) {
  const Problem problem(config, n);
  const ProductsInScope now(Products::split);
  const auto before = cpu::split::measured();
  const auto k = problem.kernel();
  const auto products = cpu::split::measured().since(before);
  const double off = relative(k, problem.exact()), part = products.split_flops / (products.split_flops + products.float32_flops);
  WARN(config.model << ": " << off << " from float64, " << products.relative() << " from float32 as measured, split " << part);
  CHECK(part > share);
  CHECK(products.relative() > 1e-7);
  CHECK(products.relative() < 2e-5);
  CHECK(same_bits(problem.kernel(), k));
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < i; ++j)
      if (k[i * n + j] != k[j * n + i]) FAIL("not symmetric at " << i << ", " << j);
  return off;
}

}  // namespace

TEST_CASE("split: the kernels of MLP and LeNet are float64's to 1e-5") {
  CHECK(difference({.model = "mlp", .features = {}}, 300, 0.5) < 1e-5);
  CHECK(difference({.model = "lenet", .features = {}}, 300, 0.5) < 1e-5);
}

TEST_CASE("split: the kernel of a ResNet18 is float64's to 1e-4") {
  CHECK(difference({.model = "resnet18", .features = {}, .filters = 16}, 20, 0.2) < 1e-4);
}

TEST_CASE("split: a kernel has the same bits for 1, 2 and 3 threads") {
  const Problem problem({.model = "lenet", .features = {}}, 260);
  const ProductsInScope now(Products::split);
  cpu::set_threads(1);
  const auto one = problem.kernel();
  for (const int threads : {2, 3}) {
    cpu::set_threads(threads);
    CHECK(same_bits(problem.kernel(), one));
  }
  cpu::set_threads(0);
}

TEST_CASE("split: leading eigenfunctions have float32's signs") {
  const Index n = 700, k = 40;
  const Problem problem({.model = "lenet", .features = {}}, n);
  kernels::EigenOptions lanczos;
  lanczos.method = kernels::EigenMethod::lanczos;
  const auto plain = kernels::leading_eigenpairs(problem.kernel(), k, lanczos);
  const ProductsInScope now(Products::split);
  const auto before = cpu::split::measured();
  const auto kernel = problem.kernel();
  const auto between = cpu::split::measured();
  const auto pairs = kernels::leading_eigenpairs(kernel, k, lanczos);
  CHECK(between.since(before).split_flops > 0);
  CHECK(cpu::split::measured().since(between).split_flops > 0);  // Lanczos's own products
  CHECK(pairs.converged);
  Index same = 0;
  for (Index j = 0; j < k; ++j) {
    CHECK(pairs.values[j] == Approx(plain.values[j]).epsilon(1e-4));
    for (Index i = 0; i < n; ++i) same += (pairs.vectors[j * n + i] > 0) == (plain.vectors[j * n + i] > 0);
  }
  WARN("signs that agree: " << same << " of " << n * k);
  CHECK(static_cast<double>(same) >= 0.999 * static_cast<double>(n * k));

  // Products with the kernel: float64's.
  RandomStream random(3, "split vectors");
  Tensor<float> v({64, n}), dense({64, n});
  for (float& x : v.span()) x = static_cast<float>(random.normal());
  const auto exact_k = cast<double>(kernel), exact_v = cast<double>(v);
  Tensor<double> exact({64, n});
  cpu::parallel_gemm(cpu::Op::none, cpu::Op::transpose, 64, n, n, 1., exact_v.data(), n, exact_k.data(), n, 0., exact.data(), n);
  kernels::DenseOperator<float>(kernel).apply(v, dense);
  CHECK(relative(dense, exact) < 2e-5);
}
