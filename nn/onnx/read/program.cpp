#include "nn/onnx/read/program.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace tangentplane::onnx {
namespace {

/// A batch that no extent of the file is a multiple of.
Index tracking_batch(const Graph& graph) {
  for (Index prime : {10007, 10009, 10037, 10039, 10061, 10067, 10069, 10079, 10091, 10093, 10099}) {
    const auto divides = [prime](Index d) { return d != 0 && d % prime == 0; };
    bool fits = std::none_of(graph.extents.begin(), graph.extents.end(), [&](const auto& d) { return d && divides(*d); });
    for (const Initialiser& i : graph.initialisers) fits = fits && std::none_of(i.value->dims.begin(), i.value->dims.end(), divides);
    if (fits) return prime;
  }
  throw std::invalid_argument(fmt::format("{}: has sizes that are multiples of ten large primes at once", graph.file));
}

/// True if the constant of a reading with that batch is this one, or this one repeated along an axis.
bool repeats(const Constant& one, const Constant& many, Index batch) {
  if (one.dims.size() != many.dims.size()) return true;  // of a value whose shape is compared by its name
  bool fits = one.type == many.type;
  for (std::size_t i = 0; i < one.dims.size(); ++i) fits = fits && (many.dims[i] == one.dims[i] || many.dims[i] == batch * one.dims[i]);
  const auto same = [&](bool batch_first) {
    for (Index i = 0; i < many.size(); ++i) {
      Index place = 0, step = 1, rest = i;
      for (std::size_t a = one.dims.size(); a-- > 0;) {
        const Index at = rest % many.dims[a];
        rest /= many.dims[a];
        place += step * (many.dims[a] == one.dims[a] ? at : batch_first ? at % one.dims[a] : at / batch);
        step *= one.dims[a];
      }
      const double u = one.real(place), v = many.real(i);
      if (u != v && !(std::isnan(u) && std::isnan(v))) return false;
    }
    return true;
  };
  return fits && (same(true) || same(false));
}

/// What holds for a batch of one must hold for every batch: the same ops, and shapes that differ by the batch alone.
void compare(const Graph& graph, const Reading& one, const Reading& many) {
  const auto differ = [&](const std::string& what) {
    throw std::invalid_argument(
        fmt::format("{}: {} depends on the size of the batch; a network here treats each example on its own", graph.file, what));
  };
  // A change of shape may come to nothing for a batch of one, and constants are computed at once where they are few.
  const auto compared = [](const Reading& r) {
    std::vector<std::size_t> list;
    for (std::size_t i = 0; i < r.steps.size(); ++i)
      if (r.values[static_cast<std::size_t>(r.steps[i].output)].role != Role::constant &&
          !std::holds_alternative<op::Regroup>(r.steps[i].op) && !std::holds_alternative<op::Expand>(r.steps[i].op))
        list.push_back(i);
    return list;
  };
  const auto mine = compared(one), theirs = compared(many);
  for (std::size_t i = 0; i < std::min(mine.size(), theirs.size()); ++i) {
    const Step &step = one.steps[mine[i]], &other = many.steps[theirs[i]];
    bool same = step.node == other.node && step.op == other.op;
    for (std::size_t k = 0; same && k < std::min(step.inputs.size(), other.inputs.size()); ++k) {
      const auto value = [k](const Reading& r, const Step& s) {
        return s.inputs[k] < 0 ? nullptr : r.values[static_cast<std::size_t>(s.inputs[k])].value;
      };
      const ConstantPointer a = value(one, step), b = value(many, other);
      same = !a || !b || a == b || repeats(*a, *b, many.batch);
    }
    if (!same) differ(fmt::format("what {} does", step.node));
  }
  if (mine.size() != theirs.size()) differ("which nodes are needed");
  for (const auto& [name, id] : one.numbers) {
    const auto other = many.numbers.find(name);
    if (other == many.numbers.end()) continue;  // a value without a name of its own
    const Known &a = one.values[static_cast<std::size_t>(id)], &b = many.values[static_cast<std::size_t>(other->second)];
    if (a.type != Type::real) continue;
    bool same = a.dims.size() == b.dims.size() && a.role == b.role;
    for (std::size_t i = 0; same && i < a.dims.size(); ++i) {
      const bool batch = b.role == Role::examples ? static_cast<int>(i) == b.batch_axis : a.dims[i] != b.dims[i];
      same = b.dims[i] == (batch ? a.dims[i] * many.batch : a.dims[i]);
    }
    if (!same) differ(fmt::format("the shape of {}, {} for one example,", name, text(a.dims)));
    if (a.value && b.value && a.dims == b.dims && !(*a.value == *b.value)) differ(fmt::format("the value of {}", name));
  }
}

/// The reading with a batch of one, after the other has shown that examples stay apart.
Reading read_for_any_batch(const Graph& graph, const Roles& roles) {
  if (graph.extents[0] == 1) return read_nodes(graph, roles, 1);
  try {
    const Reading many = read_nodes(graph, roles, tracking_batch(graph));
    Reading one = read_nodes(graph, roles, 1, &many);
    compare(graph, one, many);
    // Constants that are too many at that batch are compared at a small one.
    compare(graph, one, read_nodes(graph, roles, 3, &many));
    const Known& out = many.values[static_cast<std::size_t>(many.numbers.at(graph.output))];
    std::vector<std::string> shown;
    for (Index d : out.dims) shown.push_back(d == many.batch ? "N" : std::to_string(d));
    require(out.role != Role::examples || (out.dims.size() == 2 && out.batch_axis == 0 && out.dims[0] == many.batch),
            "{}: output {} is [{}]; a network here gives logits [N,O]", graph.file, graph.output, fmt::join(shown, ","));
    one.tracked = nullptr;
    return one;
  } catch (const std::invalid_argument& e) {
    if (!graph.extents[0]) throw;
    throw std::invalid_argument(
        fmt::format("{} (its batch is fixed at {}; export it with a dynamic batch, or with a batch of 1)", e.what(), *graph.extents[0]));
  }
}

}  // namespace

Program make_program(const Graph& graph, const Roles& roles) {
  Reading reading = read_for_any_batch(graph, roles);
  Program program;
  program.file = graph.file;
  for (std::size_t i = 0; i < reading.values.size(); ++i) {
    const Known& k = reading.values[i];
    program.values.push_back({reading.names[i], k.dims, k.role, k.value});
  }
  program.input = reading.numbers.at(graph.input);
  program.output = reading.numbers.at(graph.output);
  program.steps = std::move(reading.steps);
  const ValueInfo& out = program.values[static_cast<std::size_t>(program.output)];
  require(out.role == Role::examples, "{}: output {} does not depend on the images", graph.file, graph.output);
  require(out.dims.size() == 2 && out.dims[0] == 1, "{}: output {} is {}; a network here gives logits [N,O]", graph.file, graph.output,
          text(out.dims));
  program.outputs = out.dims[1];

  const Dims& in = program.values[static_cast<std::size_t>(program.input)].dims;
  if (in.size() == 4)
    program.image = {in[2], in[3], in[1]};
  else
    for (std::size_t i = 1; i < in.size(); ++i) program.image.append(in[i]);
  program.image.size();  // throws where no memory holds an image

  join_steps(program);
  order_steps(program);
  mark_by_example(program);
  std::set<int> used;
  for (const Step& s : program.steps) used.insert(s.inputs.begin(), s.inputs.end());
  std::map<std::string, ConstantPointer> starts;
  for (const Initialiser& i : graph.initialisers) {
    starts[i.name] = i.value;
    const int id = reading.numbers.at(i.name);
    const auto role = roles.parameter.find(i.name);
    if (role != roles.parameter.end() && role->second && used.contains(id)) program.parameters.push_back({id, {i.name, i.value}});
  }
  require(!program.parameters.empty(), "{}: no parameter leads to output {}", graph.file, graph.output);
  for (const Node& node : graph.nodes) {
    const auto found = roles.statistics.find(node.outputs.empty() ? "" : node.outputs[0]);
    const bool runs = std::any_of(program.steps.begin(), program.steps.end(), [&](const Step& s) {
      const auto* norm = std::get_if<op::BatchNorm>(&s.op);
      return norm && found != roles.statistics.end() && norm->mean == found->second.first;
    });
    if (!runs) continue;
    program.statistics.push_back({found->second.first, starts.at(node.inputs[3])});
    program.statistics.push_back({found->second.second, starts.at(node.inputs[4])});
  }
  return program;
}

void order_steps(Program& program) {
  std::vector<bool> needed(program.values.size());
  needed[static_cast<std::size_t>(program.output)] = true;
  std::vector<Step> kept;
  for (std::size_t i = program.steps.size(); i-- > 0;) {
    Step& s = program.steps[i];
    if (!needed[static_cast<std::size_t>(s.output)]) continue;
    s.done.clear();
    for (int id : s.inputs) {
      if (id < 0 || needed[static_cast<std::size_t>(id)]) continue;
      needed[static_cast<std::size_t>(id)] = true;
      s.done.push_back(id);  // from the end: no later step takes it
    }
    kept.push_back(std::move(s));
  }
  program.steps.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
}

NetworkSize size_of(const Program& program) {
  NetworkSize size;
  for (const auto& [id, start] : program.parameters) {
    size.parameters += static_cast<double>(start.value->size());
    size.largest = std::max(size.largest, static_cast<double>(start.value->size()));
  }
  for (const Start& s : program.statistics) size.statistics += static_cast<double>(s.value->size());
  for (const Step& s : program.steps) {
    const auto is = [&]<class Op>(const Op*) { return std::holds_alternative<Op>(s.op); };
    if (is(static_cast<op::Conv*>(nullptr)) || is(static_cast<op::ConvTranspose*>(nullptr)) || is(static_cast<op::MatMul*>(nullptr)) ||
        is(static_cast<op::Gemm*>(nullptr)) || is(static_cast<op::ConvActivatePool*>(nullptr)))
      size.activations += static_cast<double>(numbers(program.values[static_cast<std::size_t>(s.output)].dims));
  }
  return size;
}

}  // namespace tangentplane::onnx
