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

}  // namespace

Roles assign_roles(const Graph& graph, const Trainable& wanted) {
  std::map<std::string, std::vector<Use>> uses;
  for (const Node& node : graph.nodes)
    for (std::size_t i = 0; i < node.inputs.size(); ++i) uses[node.inputs[i]].push_back({&node, static_cast<int>(i)});

  Roles roles;
  std::set<std::string> only_statistics;
  for (const Initialiser& i : graph.initialisers) {
    if (i.value->type != Type::real) continue;
    const auto& of = uses[i.name];
    const auto all = [&](auto is) { return !of.empty() && std::all_of(of.begin(), of.end(), [&](const Use& u) { return (u.*is)(); }); };
    if (all(&Use::statistic)) only_statistics.insert(i.name);
    const bool weight = std::any_of(of.begin(), of.end(), [](const Use& u) { return u.weight(); });
    roles.parameter[i.name] = !all(&Use::statistic) && !all(&Use::setting) && i.value->size() > 0 && (i.value->size() > 1 || weight);
  }

  const auto change = [&](const std::vector<std::string>& names, bool to) {
    for (const std::string& name : names) {
      const auto found = roles.parameter.find(name);
      require(found != roles.parameter.end(), "{}: no floating-point initialiser is named {}; its names are printed when it is read",
              graph.file, name);
      require(!to || !only_statistics.contains(name), "{}: {} is a running mean or variance, which has no derivative", graph.file, name);
      require(!to || std::find(wanted.freeze.begin(), wanted.freeze.end(), name) == wanted.freeze.end(),
              "{}: {} is both to train and to freeze", graph.file, name);
      found->second = to;
    }
  };
  change(wanted.train, true);
  change(wanted.freeze, false);
  require(std::any_of(roles.parameter.begin(), roles.parameter.end(), [](const auto& p) { return p.second; }),
          "{}: nothing in it is trainable", graph.file);

  // Each BatchNormalization has statistics of its own, even where an exporter has merged equal ones.
  std::map<std::string, int> taken;
  for (const Node& node : graph.nodes) {
    if (node.op != "BatchNormalization" || node.inputs.size() < 5 || node.outputs.empty()) continue;
    const auto own = [&](const std::string& name) {
      const int before = taken[name]++ + (only_statistics.contains(name) ? 0 : 1);
      return before == 0 ? name : fmt::format("{}/statistic{}", name, before == 1 ? "" : fmt::format("_{}", before));
    };
    if (!roles.parameter.contains(node.inputs[3]) || !roles.parameter.contains(node.inputs[4])) continue;
    const std::string mean = own(node.inputs[3]);
    roles.statistics[node.outputs[0]] = {mean, own(node.inputs[4])};
  }
  return roles;
}

}  // namespace tangentplane::onnx
