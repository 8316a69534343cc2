// Training and gradients with split products.
#include "autodiff/cpu/split/measured.h"
#include "autodiff/cpu/split/products.h"
#include "data/dataset.h"
#include "nn/network_learner.h"
#include "tests/small.h"

using namespace tangentplane;
using cpu::Products, cpu::ProductsInScope;

TEST_CASE("split: a LeNet trained with split products reaches float32's accuracy") {
  const Index num_train = 384, num_test = 128, n = num_train + num_test;
  const auto data = data::load<float>({.name = "dead-leaves", .directory = {}, .num_train = num_train, .num_test = num_test});
  const auto network = make_network<float>({.model = "lenet", .features = {6, 16, 256, 128, 1}});
  // Labels that a LeNet can learn: whether an image is redder than it is blue, to either side of the median.
  std::vector<double> redder(static_cast<std::size_t>(n), 0);
  for (Index i = 0; i < n; ++i)
    for (Index p = 0; p < 32 * 32; ++p)
      redder[i] += static_cast<double>(data.images[(i * 32 * 32 + p) * 3]) - static_cast<double>(data.images[(i * 32 * 32 + p) * 3 + 2]);
  auto sorted = redder;
  std::nth_element(sorted.begin(), sorted.begin() + n / 2, sorted.end());
  Tensor<float> labels({n, 1});
  for (Index i = 0; i < n; ++i) labels[i] = redder[i] > sorted[n / 2];
  Recipe recipe;
  recipe.epochs = 8;
  recipe.batch = 128;
  recipe.learning_rate = 0.1;
  const auto train_it = [&] {
    NetworkLearner<float> learner(network, initialise(network, {32, 32, 3}, 0), data.images, num_train);
    return train<float>(learner, labels, num_train, recipe)[0].back();
  };
  const EpochRecord plain = train_it();
  const ProductsInScope now(Products::split);
  const auto before = cpu::split::measured();
  const EpochRecord split = train_it();
  CHECK(cpu::split::measured().since(before).split_flops > 0);
  WARN("test accuracy " << plain.test_accuracy << " and " << split.test_accuracy << ", loss " << plain.test_loss << " and "
                        << split.test_loss);
  CHECK(plain.test_accuracy > 0.8);
  CHECK(std::abs(split.test_accuracy - plain.test_accuracy) <= 0.02);
  CHECK(split.test_loss == Approx(plain.test_loss).epsilon(0.02));
  CHECK(split.test_loss != plain.test_loss);
}

namespace {

template <class S>
std::vector<Tensor<S>> gradient(const Small<S>& small) {
  using T = Var<Tensor<S>>;
  const auto back = pullback([&](const std::vector<T>& p) { return forward(small.network, small.variables, p, lift<T>(small.images)); },
                             small.variables.parameters);
  std::vector<Tensor<S>> g;
  for (const auto& one : back(Tensor<S>::full({small.images.rows(), 1}, S(1)))) g.push_back(one.value());
  return g;
}

}  // namespace

TEST_CASE("split: gradients of a ResNet with wide layers are float64's to 1e-4") {
  const ModelConfig config{.model = "resnet18", .features = {}, .filters = 64, .blocks = {1, 1}, .activation = "gelu"};
  const auto exact = gradient(draw_small<double>("split", make_network<double>(config), {16, 16, 3}, 16));
  const auto single = draw_small<float>("split", make_network<float>(config), {16, 16, 3}, 16);
  const auto compare = [&] {
    const auto g = gradient(single);
    double off = 0, all = 0;
    for (std::size_t p = 0; p < g.size(); ++p)
      for (Index i = 0; i < g[p].size(); ++i) {
        off += (static_cast<double>(g[p][i]) - exact[p][i]) * (static_cast<double>(g[p][i]) - exact[p][i]);
        all += exact[p][i] * exact[p][i];
      }
    return std::sqrt(off / all);
  };
  const double plain = compare();
  const ProductsInScope now(Products::split);
  const auto before = cpu::split::measured();
  const double split = compare();
  const auto products = cpu::split::measured().since(before);
  WARN("gradient: float32 " << plain << ", split " << split << ", measured " << products.relative());
  CHECK(products.split_flops > 1e8);
  CHECK(split < 1e-4);
  CHECK(split > plain);
}
