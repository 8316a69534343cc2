// Which way each layer is contracted, what that costs, and that every way gives the same.
#include "kernels/ntk.h"
#include "tests/small.h"

using namespace tangentplane;

namespace {

using Kind = LayerPlan::Kind;

Tensor<double> block_by(const FeaturePlan& plan, const FactoredJacobian<double>& jacobian) {
  const Index n = jacobian.examples();
  Features<double> features(plan, n);
  features.fill(0, jacobian);
  Tensor<double> k({n, n});
  Features<double>::block(features, 0, n, features, 0, n, k.data(), n);
  return k;
}

/// The plan with every convolution contracted in one way.
FeaturePlan convolutions_by(FeaturePlan plan, Kind kind) {
  for (auto& layer : plan.layers) {
    if (layer.kind != Kind::convolution && layer.kind != Kind::patches) continue;
    layer.kind = kind;
    layer.image_numbers =
        (kind == Kind::patches ? layer.at.positions() * layer.at.patch_size() : layer.at.height * layer.at.width * layer.at.channels) +
        layer.at.positions() * layer.at.out_channels;
  }
  return plan;
}

template <class S>
FeaturePlan study_plan(const std::string& model, bool trained) {
  const auto network = make_network<S>({.model = model, .features = {}});
  auto v = initialise(network, {32, 32, 3}, 0);
  if (trained)
    for (std::size_t i = 0; i < v.paths.size(); ++i)
      if (v.paths[i].ends_with("scale")) v.parameters[i] = Tensor<S>::full(v.parameters[i].shape(), S(0.5));
  RandomStream random(1, "image");
  return plan_ntk(network, v, cast<S>(check::draw({1, 32, 32, 3}, random))).features;
}

}  // namespace

TEST_CASE("convolutions by shifts, by patches and by rows agree, with strides and one-sided padding") {
  const check::Poison poison;
  for (const auto& s : small_networks(4)) {
    if (s.name == "mlp") continue;
    INFO(s.name);
    const FactoredJacobian<double> jacobian(s.network, s.variables, s.images);
    const auto gram = jacobian.gram();
    const auto plan = plan_features(jacobian, Contraction::factors);
    Index strided = 0, convolutions = 0;
    for (const auto& layer : plan.layers)
      if (layer.kind == Kind::convolution || layer.kind == Kind::patches) {
        ++convolutions;
        strided += layer.at.stride == 2 && layer.at.pad_top != layer.at.pad_bottom;
      }
    CHECK(convolutions == (s.name == "odd" ? 0 : s.name == "lenet" ? 2 : 9));  // the odd one's weight is used twice: by rows
    CHECK(strided == (s.name == "resnet18" ? 2 : 0));
    close_to(block_by(plan, jacobian), gram, 1e-12);
    close_to(block_by(convolutions_by(plan, Kind::convolution), jacobian), gram, 1e-12);
    close_to(block_by(convolutions_by(plan, Kind::patches), jacobian), gram, 1e-12);
    close_to(block_by(plan_features(jacobian, Contraction::rows), jacobian), gram, 1e-12);
  }
}

TEST_CASE("a bias is contracted once, whichever layers share its cotangent") {
  const auto s = small_networks(4)[3];
  const auto plan = plan_features(FactoredJacobian<double>(s.network, s.variables, s.images), Contraction::factors);
  std::vector<int> times(s.variables.paths.size(), 0);
  for (const auto& layer : plan.layers)
    for (int p : layer.parameters) ++times[static_cast<std::size_t>(p)];
  for (std::size_t i = 0; i < times.size(); ++i) {
    INFO(s.variables.paths[i]);
    CHECK(times[i] == 1);
  }
  CHECK(plan.active_parameters == s.variables.size());
}

TEST_CASE("layers whose activations or cotangents are exactly zero are skipped without change") {
  const check::Poison poison;
  auto mlp = small_models<double>(6)[0];
  mlp.variables.parameters[mlp.variables.index("Dense_0/bias")] = Tensor<double>::full({7}, -100);  // relu: dead for every image
  const auto lenet_network = make_network<double>({.model = "lenet", .features = {3, 4, 6, 5, 1}});
  auto lenet = draw_small<double>("lenet", lenet_network, {9, 7, 3}, 6);
  lenet.variables.parameters[lenet.variables.index("Conv_1/bias")] = Tensor<double>::full({4}, -100);
  for (const auto& s : {mlp, lenet}) {
    INFO(s.name);
    const FactoredJacobian<double> jacobian(s.network, s.variables, s.images);
    const auto gram = jacobian.gram();
    CHECK(largest(gram) > 0);
    for (auto contraction : {Contraction::automatic, Contraction::rows, Contraction::factors}) {
      NtkOptions options;
      options.contraction = contraction;
      options.tile = 4;
      close_to(ntk(s.network, s.variables, s.images, options), gram, 1e-12);
    }
  }
}

TEST_CASE("the best mix of the study's networks costs what counting says") {
  const auto mlp = study_plan<float>("mlp", false), lenet = study_plan<float>("lenet", false),
             resnet = study_plan<float>("resnet18", false), trained = study_plan<float>("resnet18", true);
  CHECK(mlp.active_parameters == 317501);
  CHECK(lenet.active_parameters == 136121);
  CHECK(resnet.active_parameters == 180033);
  CHECK(trained.active_parameters == 11169345);
  CHECK(mlp.pair_flops == (2 * (3072 + 100) + 1) + (2 * (100 + 100) + 1) + 2 * (100 + 1));  // the last layer by rows
  CHECK(lenet.pair_flops == Approx(8.61e3).epsilon(0.001));
  CHECK(resnet.pair_flops == Approx(0.360e6).epsilon(0.01));
  CHECK(trained.pair_flops == Approx(8.85e6).epsilon(0.001));
}
