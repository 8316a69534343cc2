// Networks from files against PyTorch in float64: names, logits, J v, J^T u, and kernels.
#include <set>

#include "kernels/ntk.h"
#include "tests/nn/onnx/graphs.h"

using namespace tangentplane;
using namespace tangentplane::onnx_test;
using check::Real;

namespace {

std::set<std::string> names(const nlohmann::json& list) {
  std::set<std::string> all;
  for (const auto& entry : list) all.insert(entry.is_string() ? entry.get<std::string>() : entry["name"].get<std::string>());
  return all;
}

}  // namespace

TEST_CASE("onnx: a file gives its weights under their names, and what is not trained is said") {
  for (const auto& name : onnx_cases) {
    INFO(name);
    const auto c = load_case<double>(name);
    const auto& d = c.loaded.description;
    const std::set<std::string> trained(c.loaded.variables.paths.begin(), c.loaded.variables.paths.end());
    if (name == "fresh_resnet") {
      CHECK(trained == names(c.about["parameters_separate"]));
      continue;
    }
    CHECK(trained == names(c.about["trainable"]));
    CHECK(std::set<std::string>(d.statistics.begin(), d.statistics.end()) == names(c.about["statistics"]));
    CHECK(std::set<std::string>(d.constants.begin(), d.constants.end()) == names(c.about["constants"]));
    CHECK(c.loaded.variables.size() == c.about["parameters"].get<Index>());
    CHECK(d.size.parameters == c.about["parameters"].get<double>());
    CHECK(d.outputs == c.about["O"].get<Index>());
    for (const auto& t : c.about["trainable"]) {
      Shape s;
      for (const auto& n : t["shape"]) s.append(n.get<Index>());
      CHECK(c.loaded.variables[t["name"].get<std::string>()].shape() == s);
    }
  }
}

TEST_CASE("onnx: logits, J v and J^T u equal PyTorch's in float64") {
  const check::Poison poison;
  for (const auto& name : onnx_cases) {
    INFO(name);
    const auto c = load_case<double>(name);
    const auto& [network, variables, description] = c.loaded;
    close_to(evaluate(network, variables, c.images, 3), c["logits"], 1e-11);
    if (!c.has("jvp")) continue;
    std::vector<std::optional<Real>> tangents;
    for (const auto& path : variables.paths) tangents.push_back(c["tangent/" + path]);
    const auto& net = network;
    const auto& v = variables;
    const auto f = [&](const auto& p) { return forward(net, v, p, lift<typename std::decay_t<decltype(p)>::value_type>(c.images)); };
    close_to(*jvp(f, variables.parameters, tangents).tangent, c["jvp"], 1e-10);
    const auto gradient = pullback(f, variables.parameters)(c["u"]);
    double size = 0;  // of all entries: some gradients are exactly zero
    for (const auto& path : variables.paths) size = std::max(size, largest(c["vjp/" + path]));
    for (std::size_t i = 0; i < variables.paths.size(); ++i) {
      INFO(variables.paths[i]);
      REQUIRE(gradient[i]);
      const Real expected = c["vjp/" + variables.paths[i]];
      REQUIRE(gradient[i]->shape() == expected.shape());
      double worst = 0;
      for (Index k = 0; k < expected.size(); ++k) worst = std::max(worst, std::abs((*gradient[i])[k] - expected[k]));
      CHECK(worst <= 1e-10 * size);
    }
  }
}

TEST_CASE("onnx: kernels in each layout, by rows, by factors and by the plan, equal PyTorch's") {
  for (const auto& name : onnx_cases) {
    INFO(name);
    const auto c = load_case<double>(name);
    const Index N = c.images.rows(), O = c.loaded.description.outputs;
    for (const Outputs& outputs : {Outputs::full(), Outputs::trace(), Outputs::sum()}) {
      if (!c.has("ntk_" + outputs.str())) continue;
      const Index side = outputs == Outputs::full() ? N * O : N;
      const Real expected = c["ntk_" + outputs.str()].reshaped({side, side});
      for (Contraction way : {Contraction::automatic, Contraction::rows, Contraction::factors}) {
        INFO(outputs.str() << " " << static_cast<int>(way));
        NtkOptions options;
        options.outputs = outputs;
        options.contraction = way;
        close_to(ntk(c.loaded.network, c.loaded.variables, c.images, options), expected, 1e-10);
      }
      close_to(FactoredJacobian<double>(c.loaded.network, c.loaded.variables, c.images, outputs).gram(), expected, 1e-10);
    }
  }
}

TEST_CASE("onnx: float32 gives the same logits and J v to its precision") {
  for (const auto& name : onnx_cases) {
    INFO(name);
    const auto c = load_case<float>(name);
    const auto& net = c.loaded.network;
    const auto& v = c.loaded.variables;
    close_to(evaluate(net, v, c.images), c["logits"], 2e-5);
    if (!c.has("jvp")) continue;
    std::vector<std::optional<Tensor<float>>> tangents;
    for (const auto& path : v.paths) tangents.push_back(cast<float>(c["tangent/" + path]));
    const auto f = [&](const auto& p) { return forward(net, v, p, lift<typename std::decay_t<decltype(p)>::value_type>(c.images)); };
    close_to(*jvp(f, v.parameters, tangents).tangent, c["jvp"], 2e-4);
    NtkOptions options;
    options.outputs = Outputs::full();
    const auto full = c["ntk_full"];
    const auto k = ntk(net, v, c.images, options);
    close_to(k, full.reshaped(k.shape()), 2e-4);
  }
}

TEST_CASE("onnx: what is computed from small parameters alone keeps its examples apart") {
  const TemporaryFolder folder;
  GraphWriter g(17, {-1, 4, 6});
  g.weight("table", {5, 2}), g.weight("token", {1, 9, 6}), g.weight("size", {1, 1, 1, 1}, 0.3), g.weight("w", {12, 3});
  g.integers("places", {0, 3, 4, 4, 1, 2, 0, 1, 3, 2, 1, 0}), g.integers("begin", {2}), g.integers("end", {6}), g.integers("one", {1});
  g.integers("to", {1, 4, 6}), g.integers("flat", {-1, 12}), g.integers("last", {-1});
  g.node("Gather", {"table", "places"}, {"looked"});  // 24 numbers, two for each of 12 places
  g.node("Reshape", {"looked", "to"}, {"bias"});
  g.node("Slice", {"token", "begin", "end", "one"}, {"cut"});
  g.node("Tanh", {"cut"}, {"shaped"});
  g.node("Add", {"x", "bias"}, {"a"});
  g.node("Mul", {"a", "shaped"}, {"b"});
  g.node("Reshape", {"b", "flat"}, {"c"});  // two rows an image
  g.node("MatMul", {"c", "w"}, {"d"});
  g.integers("back", {-1, 6});
  g.node("Reshape", {"d", "back"}, {"y"});
  const auto l = onnx::load_onnx<double>(g.write(folder));
  CHECK(l.description.trainable == std::vector<std::string>{"table", "token", "w"});
  RandomStream random(9, "images");
  const Real images = check::draw({3, 4, 6}, random);
  const FactoredJacobian<double> jacobian(l.network, l.variables, images, Outputs::full());
  const auto v = check::draw_like(l.variables.parameters, random);
  const auto f = [&](const auto& p) {
    return forward(l.network, l.variables, p, lift<typename std::decay_t<decltype(p)>::value_type>(images));
  };
  check::same(jacobian.times(v), *jvp(f, l.variables.parameters, check::some(v)).tangent, 1e-12);
}
