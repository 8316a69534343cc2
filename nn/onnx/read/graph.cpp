#include "nn/onnx/read/graph.h"

#include <algorithm>
#include <set>

#include "nn/onnx/read/table.h"

namespace tangentplane::onnx {
namespace {

bool default_domain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

std::string joined(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

Attribute attribute(const Graph& graph, const std::filesystem::path& folder, const Node& node, const proto::AttributeProto& a) {
  using A = proto::AttributeProto;
  switch (a.type()) {
    case A::FLOAT:
      return static_cast<double>(a.f());
    case A::INT:
      return static_cast<std::int64_t>(a.i());
    case A::STRING:
      return a.s();
    case A::FLOATS:
      return std::vector<double>(a.floats().begin(), a.floats().end());
    case A::INTS:
      return std::vector<std::int64_t>(a.ints().begin(), a.ints().end());
    case A::TENSOR:
      return std::make_shared<const Constant>(
          read_tensor(graph.file, folder, fmt::format("attribute {} of {}", a.name(), node.text()), a.t()));
    default:
      return std::monostate{};
  }
}

Node read_node(const Graph& graph, const std::filesystem::path& folder, const proto::NodeProto& n, int number) {
  Node node{n.name().empty() ? fmt::format("{} of the file", number) : n.name(), n.op_type(), {}, {}, {}};
  node.inputs.assign(n.input().begin(), n.input().end());
  node.outputs.assign(n.output().begin(), n.output().end());
  require(default_domain(n.domain()), "{}: node {}: operator {} {} is of another domain than ONNX's own; export without it", graph.file,
          node.name, n.domain(), n.op_type());
  const Operator* const known = find_operator(node.op);
  require(known, "{}: node {}: operator {} is not there; these are: {}", graph.file, node.name, node.op, operators_text());
  require(graph.opset >= known->since, "{}: {} is there from opset {} on, the file is of opset {}", graph.file, node.text(), known->since,
          graph.opset);
  for (const auto& a : n.attribute()) node.attributes.emplace(a.name(), attribute(graph, folder, node, a));
  return node;
}

/// Which nodes lead to the output.
std::vector<bool> needed(const proto::GraphProto& g, const std::string& output) {
  std::set<std::string> wanted{output};
  std::vector<bool> keep(static_cast<std::size_t>(g.node_size()));
  for (int i = g.node_size(); i-- > 0;) {
    const auto& n = g.node(i);
    if (std::none_of(n.output().begin(), n.output().end(), [&](const auto& o) { return wanted.contains(o); })) continue;
    keep[static_cast<std::size_t>(i)] = true;
    wanted.insert(n.input().begin(), n.input().end());
  }
  return keep;
}

/// Every name is defined once, and before it is used.
void check_names(const Graph& graph, const proto::GraphProto& g) {
  std::set<std::string> defined, later;
  for (const auto& t : g.initializer()) require(defined.insert(t.name()).second, "{}: two initialisers are named {}", graph.file, t.name());
  for (const auto& i : g.input()) defined.insert(i.name());
  for (const auto& n : g.node())
    for (const auto& o : n.output()) later.insert(o);
  for (int i = 0; i < g.node_size(); ++i) {
    const auto& n = g.node(i);
    const std::string name = n.name().empty() ? fmt::format("{} of the file", i) : n.name();
    for (const auto& input : n.input()) {
      if (input.empty() || defined.contains(input)) continue;
      if (later.contains(input))
        throw std::invalid_argument(
            fmt::format("{}: node {} ({}) takes {}, which is computed only after it; nodes must come in the order in which they run, and "
                        "in no circle",
                        graph.file, name, n.op_type(), input));
      throw std::invalid_argument(
          fmt::format("{}: node {} ({}) takes {}, which is neither an initialiser nor computed by a node; the file lacks it", graph.file,
                      name, n.op_type(), input));
    }
    for (const auto& o : n.output())
      require(o.empty() || defined.insert(o).second, "{}: node {} ({}) computes {}, which is there already", graph.file, name, n.op_type(),
              o);
  }
}

void read_input(Graph& graph, const proto::GraphProto& g) {
  std::set<std::string> initialisers;
  for (const auto& t : g.initializer()) initialisers.insert(t.name());
  std::vector<std::string> inputs, outputs;
  const proto::ValueInfoProto* input = nullptr;
  for (const auto& i : g.input())
    if (!initialisers.contains(i.name())) inputs.push_back(i.name()), input = &i;
  for (const auto& o : g.output()) outputs.push_back(o.name());
  require(inputs.size() == 1, "{}: has {} inputs ({}); a network here takes one, the images", graph.file, inputs.size(), joined(inputs));
  require(outputs.size() == 1, "{}: has {} outputs ({}); a network here has one, the logits [N,O]", graph.file, outputs.size(),
          joined(outputs));
  graph.input = inputs[0], graph.output = outputs[0];
  const auto& tensor = input->type().tensor_type();
  require(input->type().has_tensor_type() && tensor.has_shape(), "{}: input {} has no shape; export it with one", graph.file, graph.input);
  require(tensor.elem_type() == DataType::float32 || tensor.elem_type() == DataType::float64,
          "{}: input {} is of type {}; a network here takes float32", graph.file, graph.input, DataType::name(tensor.elem_type()));
  std::vector<std::string> shown;
  for (const auto& d : tensor.shape().dim()) {
    const bool known = d.has_dim_value() && d.dim_value() >= 0;
    graph.extents.push_back(known ? std::optional<Index>(d.dim_value()) : std::nullopt);
    graph.dynamic_names.push_back(d.dim_param());
    shown.push_back(known ? std::to_string(d.dim_value()) : d.dim_param().empty() ? "?" : d.dim_param());
  }
  const std::size_t rank = graph.extents.size();
  require(rank >= 2 && rank <= 4, "{}: input {} is [{}]; a network here takes images [N,C,H,W], or [N,D]", graph.file, graph.input,
          joined(shown));
  for (std::size_t i = 0; i < rank; ++i) {
    require(i == 0 || graph.extents[i],
            "{}: input {} is [{}]; no size but the batch's, the first, may be dynamic; export it with the others fixed", graph.file,
            graph.input, joined(shown));
    require(!graph.extents[i] || *graph.extents[i] > 0, "{}: input {} is [{}]; an extent of 0 holds no images", graph.file, graph.input,
            joined(shown));
  }
}

}  // namespace

Graph read_graph(const std::filesystem::path& path) {
  const proto::ModelProto model = parse_model(path);
  const proto::GraphProto& g = model.graph();
  Graph graph;
  graph.file = path.string();
  for (const auto& o : model.opset_import())
    if (default_domain(o.domain())) graph.opset = static_cast<int>(std::min<std::int64_t>(o.version(), 1000));
  require(graph.opset != 0, "{}: names no opset of ONNX's operators; the file may end early", graph.file);
  require(graph.opset >= first_opset && graph.opset <= last_opset, "{}: is of opset {}; opsets {} to {} are read", graph.file, graph.opset,
          first_opset, last_opset);
  require(g.sparse_initializer_size() == 0, "{}: holds sparse initialisers; export them dense", graph.file);
  read_input(graph, g);
  check_names(graph, g);

  const std::filesystem::path folder = path.parent_path();
  const std::vector<bool> keep = needed(g, graph.output);
  std::set<std::string> used{graph.output};
  std::vector<Node> nodes;
  for (int i = 0; i < g.node_size(); ++i) {
    if (!keep[static_cast<std::size_t>(i)]) continue;
    nodes.push_back(read_node(graph, folder, g.node(i), i));
    used.insert(nodes.back().inputs.begin(), nodes.back().inputs.end());
  }
  std::map<std::string, Initialiser> values;
  for (const auto& t : g.initializer()) {
    if (!used.contains(t.name())) continue;
    values[t.name()] = {t.name(), std::make_shared<const Constant>(read_tensor(graph.file, folder, t.name(), t)), t.name()};
    graph.initialisers.push_back(values[t.name()]);
  }
  for (Node& node : nodes) {
    const bool alias = node.op == "Identity" && node.inputs.size() == 1 && values.contains(node.inputs[0]);
    if (alias) {
      const Initialiser& source = values[node.inputs[0]];
      graph.initialisers.push_back({node.outputs.at(0), source.value, source.stored});
      values[node.outputs[0]] = graph.initialisers.back();
    } else {
      graph.nodes.push_back(std::move(node));
    }
  }
  // An initialiser that only its aliases use is none of the network's.
  used = {graph.output};
  for (const Node& node : graph.nodes) used.insert(node.inputs.begin(), node.inputs.end());
  std::erase_if(graph.initialisers, [&](const Initialiser& i) { return !used.contains(i.name); });
  return graph;
}

}  // namespace tangentplane::onnx
