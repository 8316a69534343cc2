#include <algorithm>
#include <set>

#include "nn/onnx/read/program.h"

namespace tangentplane::onnx {
namespace {

/// Where an initialiser is used.
struct Use {
  const Node* node;
  int slot;

  bool statistic() const { return node->op == "BatchNormalization" && slot >= 3; }
  /// Slots of weights: what stands there is trained even if it is one number.
  bool weight() const {
    static const std::set<std::string> ops{"Conv",   "ConvTranspose",         "Gemm",
                                           "MatMul", "BatchNormalization",    "LayerNormalization",
                                           "PRelu",  "InstanceNormalization", "GroupNormalization"};
    return ops.contains(node->op) && !statistic();
  }
  /// Slots of settings, which are read with the file.
  bool setting() const {
    const std::string& op = node->op;
    return ((op == "Resize" || op == "Clip" || op == "Dropout") && slot >= 1) || (op == "Pad" && slot >= 1) || (op == "Pow" && slot == 1);
  }
};

using Uses = std::vector<Use>;

/// Of each floating-point initialiser.
std::map<std::string, Uses> uses_of(const Graph& graph) {
  std::map<std::string, Uses> uses;
  for (const Initialiser& i : graph.initialisers)
    if (i.value->type == Type::real) uses[i.name];
  for (const Node& node : graph.nodes)
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (const auto found = uses.find(node.inputs[i]); found != uses.end()) found->second.push_back({&node, static_cast<int>(i)});
  return uses;
}
/// True if every use is of that kind.
bool only(const Uses& uses, bool (Use::*is)() const) {
  return !uses.empty() && std::all_of(uses.begin(), uses.end(), [is](const Use& u) { return (u.*is)(); });
}

}  // namespace

Statistics statistics_of(const Graph& graph) {
  const auto uses = uses_of(graph);
  Statistics statistics;
  std::map<std::string, int> taken;
  for (const Node& node : graph.nodes) {
    if (node.op != "BatchNormalization" || node.inputs.size() < 5 || node.outputs.empty()) continue;
    const auto own = [&](const std::string& name) {
      const int before = taken[name]++ + (only(uses.at(name), &Use::statistic) ? 0 : 1);
      return before == 0 ? name : fmt::format("{}/statistic{}", name, before == 1 ? "" : fmt::format("_{}", before));
    };
    if (!uses.contains(node.inputs[3]) || !uses.contains(node.inputs[4])) continue;
    const std::string mean = own(node.inputs[3]);
    statistics[node.outputs[0]] = {mean, own(node.inputs[4])};
  }
  return statistics;
}

Roles assign_roles(const Graph& graph, const Trainable& wanted) {
  const auto uses = uses_of(graph);
  Roles roles{{}, statistics_of(graph)};
  for (const Initialiser& i : graph.initialisers) {
    if (i.value->type != Type::real) continue;
    const Uses& of = uses.at(i.name);
    const bool weight = std::any_of(of.begin(), of.end(), [](const Use& u) { return u.weight(); });
    roles.parameter[i.name] =
        !only(of, &Use::statistic) && !only(of, &Use::setting) && i.value->size() > 0 && (i.value->size() > 1 || weight);
  }

  const auto change = [&](const std::vector<std::string>& names, bool to) {
    for (const std::string& name : names) {
      const auto found = roles.parameter.find(name);
      require(found != roles.parameter.end(), "{}: no floating-point initialiser is named {}; its names are printed when it is read",
              graph.file, name);
      require(!to || !only(uses.at(name), &Use::statistic), "{}: {} is a running mean or variance, which has no derivative", graph.file,
              name);
      require(!to || std::find(wanted.freeze.begin(), wanted.freeze.end(), name) == wanted.freeze.end(),
              "{}: {} is both to train and to freeze", graph.file, name);
      found->second = to;
    }
  };
  change(wanted.train, true);
  change(wanted.freeze, false);
  require(std::any_of(roles.parameter.begin(), roles.parameter.end(), [](const auto& p) { return p.second; }),
          "{}: nothing in it is trainable", graph.file);
  return roles;
}

}  // namespace tangentplane::onnx
