// Networks from files against PyTorch in float64: names, logits, J v, J^T u, and kernels.
#include <set>

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

/// J's rows, image by image and output by output, by as many pull-backs.
std::vector<std::vector<Real>> jacobian(const onnx::Loaded<double>& l, const Real& images) {
  std::vector<std::vector<Real>> rows;
  for (Index n = 0; n < images.rows(); ++n) {
    const auto f = [&](const auto& p) {
      return forward(l.network, l.variables, p, lift<typename std::decay_t<decltype(p)>::value_type>(images.slice(n, n + 1)));
    };
    const auto back = pullback(f, l.variables.parameters);
    for (Index o = 0; o < l.description.outputs; ++o) {
      Real u = Real::zeros({1, l.description.outputs});
      u[o] = 1;
      const auto gradient = back(u);
      std::vector<Real> row;
      for (std::size_t i = 0; i < gradient.size(); ++i)
        row.push_back(gradient[i] ? *gradient[i] : Real::zeros(l.variables.parameters[i].shape()));
      rows.push_back(row);
    }
  }
  return rows;
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
    for (std::size_t i = 0; i < variables.paths.size(); ++i) {
      INFO(variables.paths[i]);
      REQUIRE(gradient[i]);
      close_to(*gradient[i], c["vjp/" + variables.paths[i]], 1e-10);
    }
  }
}

TEST_CASE("onnx: kernels in each layout equal PyTorch's") {
  for (const auto& name : onnx_cases) {
    INFO(name);
    const auto c = load_case<double>(name);
    const auto rows = jacobian(c.loaded, c.images);
    const auto count = static_cast<Index>(rows.size()), O = c.loaded.description.outputs, N = count / O;
    Real full({count, count}), trace = Real::zeros({N, N}), sum = Real::zeros({N, N});
    for (Index i = 0; i < count; ++i)
      for (Index j = 0; j < count; ++j) {
        double& k = full[i * count + j];
        k = check::inner(rows[static_cast<std::size_t>(i)], rows[static_cast<std::size_t>(j)]);
        sum[i / O * N + j / O] += k / static_cast<double>(O);
        if (i % O == j % O) trace[i / O * N + j / O] += k / static_cast<double>(O);
      }
    close_to(full, c["ntk_full"].reshaped({count, count}), 1e-10);
    if (!c.has("ntk_trace")) continue;
    close_to(trace, c["ntk_trace"], 1e-10);
    close_to(sum, c["ntk_sum"], 1e-10);
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
  }
}
