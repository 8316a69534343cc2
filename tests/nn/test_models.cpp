// What models refuse, padding, evaluation in batches, and the coupling of examples in training.
#include "autodiff/transforms.h"
#include "tests/small.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("unusable models are refused by name") {
  const auto make = [](ModelConfig c) { return make_network<double>(c); };
  CHECK_THROWS_WITH(make({.model = "vgg", .features = {}}), ContainsSubstring("model: vgg is not one of mlp, lenet, resnet18"));
  CHECK_THROWS_WITH(make({.model = "lenet", .features = {6, 16, 84, 1}}), ContainsSubstring("lenet takes five widths, got 4"));
  CHECK_THROWS_WITH(make({.model = "mlp", .features = {6, 0, 1}}), ContainsSubstring("features: a width of 0"));
  CHECK_THROWS_WITH(make({.model = "resnet18", .features = {}, .filters = 0}), ContainsSubstring("filters: 0"));
  CHECK_THROWS_WITH(make({.model = "resnet18", .features = {}, .blocks = {}}), ContainsSubstring("at least one stage"));
  CHECK_THROWS_WITH(make({.model = "resnet18", .features = {}, .blocks = {2, 0}}), ContainsSubstring("a stage of 0 blocks"));
  CHECK_THROWS_WITH(make({.model = "mlp", .features = {}, .activation = "elu"}), ContainsSubstring("elu is not one of relu, gelu, tanh"));
  CHECK_THROWS_AS(make({.model = "mlp", .features = {}, .activation = "elu"}), std::invalid_argument);
}

TEST_CASE("images of another shape than the weights are refused, naming the parameter") {
  for (const auto& s : small_networks(2)) {
    INFO(s.name);
    const Shape& shape = s.images.shape();
    CHECK_THROWS_AS(evaluate(s.network, s.variables, Tensor<double>::zeros({2, shape[1], shape[2], shape[3] + 1})), std::invalid_argument);
    CHECK_THROWS_WITH(evaluate(s.network, s.variables, Tensor<double>::zeros({0, shape[1], shape[2], shape[3]})),
                      ContainsSubstring("N > 0"));
    CHECK_THROWS_WITH(evaluate(s.network, s.variables, s.images, 0), ContainsSubstring("batch 0"));
  }
  const auto s = small_models<double>(2)[1];
  CHECK_THROWS_WITH(evaluate(s.network, s.variables, Tensor<double>::zeros({2, 9, 12, 3})),
                    "parameters: Dense_0/kernel has shape [8,6], this network on these images takes [24,6]");
  CHECK_THROWS_WITH(initialise(s.network, {3, 3, 1}, 0), ContainsSubstring("average_pool: window 2 does not fit"));
  CHECK_THROWS_WITH(initialise(s.network, {9}, 0), ContainsSubstring("conv: takes images [N,H,W,C]"));
}

TEST_CASE("SAME padding is flax's: the smaller half first") {
  const auto check = [](Index n, Index k, Index stride, Index before, Index after) {
    const Padding p = Padding::same(n, 1, k, 1, stride), q = Padding::same(1, n, 1, k, stride);
    INFO("n " << n << " k " << k << " stride " << stride);
    CHECK((p.top == before && p.bottom == after && p.left == 0 && p.right == 0));
    CHECK((q.left == before && q.right == after && q.top == 0 && q.bottom == 0));
    CHECK((n + before + after - k) / stride + 1 == (n + stride - 1) / stride);
  };
  check(32, 3, 1, 1, 1);
  check(32, 5, 1, 2, 2);
  check(32, 3, 2, 0, 1);
  check(8, 3, 2, 0, 1);
  check(7, 3, 2, 1, 1);
  check(7, 2, 1, 0, 1);
  check(6, 4, 1, 1, 2);
  check(7, 1, 1, 0, 0);
  check(9, 4, 3, 0, 1);
}

TEST_CASE("evaluation does not depend on how images are grouped") {
  const check::Poison poison;
  for (const auto& s : small_networks(9, 2)) {
    INFO(s.name);
    const auto whole = evaluate(s.network, s.variables, s.images);
    for (Index batch : {1, 2, 4}) check::same(evaluate(s.network, s.variables, s.images, batch), whole, 1e-14);
  }
}

TEST_CASE("a network with BatchNorm couples its examples in training mode, and only there") {
  for (const auto& s : small_models<double>(4)) {
    INFO(s.name);
    std::map<std::string, Tensor<double>> updated;
    const auto training = pullback(
        [&](const std::vector<Var<Tensor<double>>>& p) { return forward_training(s.network, s.variables, p, Var(s.images), updated); },
        s.variables.parameters);
    CHECK(training.tape().batch_coupled() == (s.name == "resnet18"));
    CHECK(updated.size() == s.variables.statistics.size());
    if (s.name == "resnet18")
      CHECK_THROWS_WITH(training.tape().require_per_example("ntk", 4),
                        ContainsSubstring("ntk: the examples") && ContainsSubstring("evaluation mode"));
    using D = Dual<Tensor<double>>;
    std::vector<D> duals;
    for (const auto& p : s.variables.parameters) duals.emplace_back(p, p);
    const auto second = pullback(
        [&](const std::vector<Var<D>>& p) { return forward_training(s.network, s.variables, p, Var<D>(D(s.images)), updated); }, duals);
    CHECK(second.tape().batch_coupled() == (s.name == "resnet18"));
    check::same(second.value().primal, training.value(), 1e-12);
    const auto evaluation =
        pullback([&](const std::vector<Var<Tensor<double>>>& p) { return forward(s.network, s.variables, p, Var(s.images)); },
                 s.variables.parameters);
    CHECK_FALSE(evaluation.tape().batch_coupled());
  }
}

TEST_CASE("a scope refuses training without a place for the statistics, unknown names and names used twice") {
  const auto s = small_models<double>(2)[2];
  CHECK_THROWS_WITH(s.network(Scope<Tensor<double>>(s.variables, s.variables.parameters, Mode::training, nullptr), s.images),
                    ContainsSubstring("needs a place for the updated statistics"));
  CHECK_THROWS_WITH(s.variables["Conv_9/kernel"], ContainsSubstring("none named Conv_9/kernel"));
  Variables<double> v;
  const auto scope = Scope<Tensor<double>>::initialising(v, 0);
  scope.parameter("w", {2}, zeros());
  CHECK_THROWS_WITH(scope.parameter("w", {2}, zeros()), ContainsSubstring("two are named w"));
}

TEST_CASE("ResNet18 at its initialisation prunes every residual branch but its last scale, and its gradient is still right") {
  const check::Poison poison;
  const auto network = make_network<double>({.model = "resnet18", .features = {}, .filters = 3, .blocks = {1, 1}, .activation = "gelu"});
  const auto v = initialise(network, {6, 5, 2}, 1);
  RandomStream random(4, "pruned");
  const auto x = check::draw({3, 6, 5, 2}, random), u = check::draw({3, 1}, random);
  const auto back = pullback([&](const std::vector<Var<Tensor<double>>>& p) { return forward(network, v, p, Var(x)); }, v.parameters);
  const auto gradient = back(u);
  int pruned = 0;
  for (std::size_t i = 0; i < v.paths.size(); ++i) {
    INFO(v.paths[i]);
    const bool in_branch = v.paths[i].find("/Conv_") != std::string::npos || v.paths[i].find("/BatchNorm_0") != std::string::npos;
    CHECK(gradient[i].has_value() == !in_branch);
    pruned += in_branch;
    const auto direction = check::draw(v.parameters[i].shape(), random);
    const auto value = [&](double h) {
      auto moved = v.parameters;
      moved[i] = check::shifted(moved[i], direction, h);
      return check::inner(forward(network, v, moved, x), u);
    };
    const double h = 1e-5;
    check::same(gradient[i] ? check::inner(*gradient[i], direction) : 0.0, (value(h) - value(-h)) / (2 * h), 1e-7);
  }
  CHECK(pruned == 8);
}
