// Kernels and eigenfunctions by split products: against float64, and against float32's signs.
#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/split/measured.h"
#include "autodiff/cpu/split/product.h"
#include "data/dataset.h"
#include "kernels/eigen/lanczos.h"
#include "kernels/ntk.h"
#include "kernels/tiles/tiled_operator.h"
#include "tests/relative.h"
#include "tests/small.h"

using namespace tangentplane;
using cpu::Products, cpu::ProductsInScope;
using test::relative;

namespace {

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
  /// In tiles as large as those of large kernels: small products are not split.
  Tensor<float> kernel() const {
    NtkOptions options;
    options.tile = 160;
    return ntk(network, weights, images, options);
  }
  Tensor<double> exact() const { return ntk(precise, same, cast<double>(images)); }
};

/// How far the split kernel is from float32's and from float64's; from float32's alone where that is itself away from float64's, since a
/// sum at a kink takes the other slope in another order (another build), which is no error of products. At least that share of the flops of
/// products was split.
double difference(const ModelConfig& config, Index n, double share) {
  const Problem problem(config, n);
  const auto exact = problem.exact();
  const auto plain = problem.kernel();
  const double at_kinks = relative(plain, exact);
  const ProductsInScope now(Products::split);
  cpu::split::measure_anew();
  const auto before = cpu::split::measured();
  const auto k = problem.kernel();
  const auto products = cpu::split::measured().since(before);
  const double from_float32 = relative(k, cast<double>(plain)), from_float64 = relative(k, exact),
               part = products.split_flops / (products.split_flops + products.float32_flops);
  WARN(config.model << ": " << from_float64 << " from float64 (float32: " << at_kinks << "), " << from_float32 << " from float32, "
                    << products.relative() << " as measured, split " << part);
  CHECK(part > share);
  CHECK(products.relative() > 1e-7);
  CHECK(products.relative() < 2e-5);
  CHECK(same_bits(problem.kernel(), k));
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < i; ++j)
      if (k[i * n + j] != k[j * n + i]) FAIL("not symmetric at " << i << ", " << j);
  return at_kinks < 1e-6 ? std::max(from_float32, from_float64) : from_float32;
}

}  // namespace

TEST_CASE("split: the kernels of MLP and LeNet are float64's to 1e-5") {
  CHECK(difference({.model = "mlp", .features = {}}, 320, 0.5) < 1e-5);
  CHECK(difference({.model = "lenet", .features = {}}, 320, 0.5) < 1e-5);
}

TEST_CASE("split: the kernel of a ResNet18 is float64's to 1e-4") {
  CHECK(difference({.model = "resnet18", .features = {}, .filters = 16}, 20, 0.2) < 1e-4);
}

TEST_CASE("split: a kernel has the same bits for 1, 2 and 3 threads") {
  const Problem problem({.model = "lenet", .features = {}}, 320);
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
  const auto pairs = kernels::leading_eigenpairs(problem.kernel(), k, lanczos);
  CHECK(cpu::split::measured().since(before).split_flops > 0);
  CHECK(pairs.converged);
  Index same = 0;
  for (Index j = 0; j < k; ++j) {
    CHECK(pairs.values[j] == Approx(plain.values[j]).epsilon(1e-4));
    for (Index i = 0; i < n; ++i) same += (pairs.vectors[j * n + i] > 0) == (plain.vectors[j * n + i] > 0);
  }
  WARN("signs that agree: " << same << " of " << n * k);
  CHECK(static_cast<double>(same) >= 0.999 * static_cast<double>(n * k));
}

TEST_CASE("split: products of vectors with a kernel, in memory and in tiles, are float64's to 1e-5, for any number of threads") {
  const Index n = 4200, b = 128, tile = 600;
  RandomStream random(3, "split vectors");
  Tensor<float> k({n, n}), v({b, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j <= i; ++j) k[i * n + j] = k[j * n + i] = static_cast<float>(random.uniform(0.2, 1));
  for (float& x : v.span()) x = static_cast<float>(random.normal());
  Tensor<double> exact({b, n});
  {
    const auto exact_k = cast<double>(k), exact_v = cast<double>(v);
    cpu::parallel_gemm(cpu::Op::none, cpu::Op::none, b, n, n, 1., exact_v.data(), n, exact_k.data(), n, 0., exact.data(), n);
  }
  const kernels::Deal deal(n, tile, 1);
  kernels::TileMemory<float> tiles(deal, 0);
  Tensor<float> block({tile, tile});
  for (Index r = 0; r < n / tile; ++r)
    for (Index c = r; c < n / tile; ++c) {
      for (Index i = 0; i < tile; ++i) std::copy_n(k.data() + (r * tile + i) * n + c * tile, tile, block.data() + i * tile);
      tiles.write(r, c, block.data());
    }
  const kernels::DenseOperator<float> dense(k);
  const kernels::TiledOperator<float> tiled(tiles);
  const ProductsInScope now(Products::split);
  for (const kernels::SymmetricOperator<float>* one :
       {static_cast<const kernels::SymmetricOperator<float>*>(&dense), static_cast<const kernels::SymmetricOperator<float>*>(&tiled)}) {
    const auto before = cpu::split::measured();
    Tensor<float> product({b, n}), again({b, n});
    cpu::set_threads(1);
    one->apply(v, product);
    const auto products = cpu::split::measured().since(before);
    CHECK(products.split_flops == 2. * static_cast<double>(b) * static_cast<double>(n) * static_cast<double>(n));
    CHECK(relative(product, exact) < 1e-5);
    cpu::set_threads(3);
    one->apply(v, again);
    CHECK(same_bits(again, product));
    cpu::set_threads(0);
  }
}

namespace {

/// All of its products split, however small.
class SplitOperator final : public kernels::SymmetricOperator<float> {
 public:
  explicit SplitOperator(Tensor<float> k) : k_(std::move(k)) {}
  Index size() const override { return k_.rows(); }
  void apply(const Tensor<float>& v, Tensor<float>& out) const override {
    const Index n = size(), b = v.rows();
    cpu::split::parallel_gemm(cpu::Op::none, cpu::Op::none, b, n, n, 1, v.data(), n, k_.data(), n, 0, out.data(), n);
  }

 private:
  Tensor<float> k_;
};

}  // namespace

TEST_CASE("split: block Lanczos finds the pairs of a kernel whose first eigenvalue is far above the others") {
  // Parts that a vector lacks come back along the leading eigenvector, in every product. Together they must not turn it.
  const Index n = 1200, k = 200;
  RandomStream random(5, "split lanczos");
  std::vector<double> x(static_cast<std::size_t>(3 * n));
  for (double& v : x) v = random.normal();
  Tensor<float> kernel({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) {
      double squares = 0;
      for (Index d = 0; d < 3; ++d) squares += (x[3 * i + d] - x[3 * j + d]) * (x[3 * i + d] - x[3 * j + d]);
      kernel[i * n + j] = static_cast<float>(1 + std::exp(-std::sqrt(squares) / 2));
    }
  kernels::EigenOptions options;
  options.block = 32;
  const auto plain = kernels::block_lanczos(kernels::DenseOperator<float>(kernel), k, options);
  const ProductsInScope now(Products::split);
  const auto pairs = kernels::block_lanczos(SplitOperator(kernel), k, options);
  REQUIRE(plain.converged);
  CHECK(pairs.converged);
  CHECK(pairs.basis == plain.basis);
  double turned = 0;  // the first vector
  for (Index i = 0; i < n; ++i) turned += std::pow(static_cast<double>(pairs.vectors[i]) - static_cast<double>(plain.vectors[i]), 2);
  WARN("worst residual " << *std::max_element(pairs.residuals.begin(), pairs.residuals.end()) / pairs.values[0] << " and "
                         << *std::max_element(plain.residuals.begin(), plain.residuals.end()) / plain.values[0]
                         << " of the first value, basis " << pairs.basis << " and " << plain.basis << ", the first vector turned by "
                         << std::sqrt(turned));
  CHECK(std::sqrt(turned) < 1e-6);
  for (Index j = 0; j < k; ++j) CHECK(std::abs(pairs.values[j] - plain.values[j]) < 1e-6 * plain.values[0]);
}
