#include "nn/onnx/read/reader.h"

#include <algorithm>

#include "nn/onnx/read/fold.h"
#include "nn/onnx/read/table.h"

namespace tangentplane::onnx {

/// Of a value of one image: a file that asks for more is damaged, or means harm.
constexpr Index most_numbers = Index(1) << 32;

std::optional<Dims> broadcast_dims(const Dims& a, const Dims& b) {
  Dims y(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const Index p = i < a.size() ? a[a.size() - 1 - i] : 1, q = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (p != q && p != 1 && q != 1) return std::nullopt;
    y[y.size() - 1 - i] = p == 1 ? q : p;
  }
  return y;
}

int Reading::add(const std::string& name, Known known) {
  const int id = static_cast<int>(values.size());
  values.push_back(std::move(known));
  names.push_back(name);
  if (!name.empty()) numbers[name] = id;
  return id;
}

NodeReader::NodeReader(const Graph& graph, const Roles& roles, const Node& of, Reading& reading)
    : node(of), graph_(graph), roles_(roles), reading_(reading) {}

namespace {

template <class T>
const T* attribute(const NodeReader& n, const char* name, const char* kind) {
  const auto found = n.node.attributes.find(name);
  if (found == n.node.attributes.end()) return nullptr;
  const T* value = std::get_if<T>(&found->second);
  n.check(value != nullptr, "attribute {} is not {}", name, kind);
  return value;
}

}  // namespace

std::int64_t NodeReader::integer(const char* name, std::int64_t otherwise) const {
  const auto* v = attribute<std::int64_t>(*this, name, "an integer");
  return v ? *v : otherwise;
}
double NodeReader::real(const char* name, float otherwise) const {
  const auto* v = attribute<double>(*this, name, "a floating-point number");
  return v ? *v : static_cast<double>(otherwise);
}
std::string NodeReader::word(const char* name, const char* otherwise) const {
  const auto* v = attribute<std::string>(*this, name, "a text");
  return v ? *v : otherwise;
}
std::optional<std::vector<std::int64_t>> NodeReader::integers(const char* name) const {
  const auto* v = attribute<std::vector<std::int64_t>>(*this, name, "a list of integers");
  if (!v) return std::nullopt;
  return *v;
}

int NodeReader::id(int i) const {
  if (!has(i)) return -1;
  const std::string& name = node.inputs[static_cast<std::size_t>(i)];
  const auto found = reading_.numbers.find(name);
  check(found != reading_.numbers.end(), "takes {}, an output of its node that is not computed here", name);
  return found->second;
}

const Known& NodeReader::input(int i) const {
  check(has(i), "takes {} or more inputs, {} are given", i + 1, i);
  return at(id(i));
}

const Constant& NodeReader::known(int i, const char* what) const {
  const Known& k = input(i);
  check(k.role != Role::examples, "its {} is computed from the images; it must be known when the file is read", what);
  check(k.role != Role::shared, "its {} ({}) is a parameter; it must be known when the file is read", what,
        node.inputs[static_cast<std::size_t>(i)]);
  check(k.value != nullptr, "its {} has too many numbers, {}, to be computed when the file is read", what, shown(k.dims));
  return *k.value;
}

std::vector<std::int64_t> NodeReader::known_integers(int i, const char* what) const {
  const Constant& c = known(i, what);
  check(c.type == Type::integer && c.dims.size() <= 1, "its {} must be a list of integers", what);
  return c.integers;
}

double NodeReader::known_number(int i, const char* what) const {
  const Constant& c = known(i, what);
  check(c.size() >= 1, "its {} is empty", what);
  for (Index k = 1; k < c.size(); ++k) check(c.real(k) == c.real(0), "its {} is not one number but {}", what, text(c.dims));
  return c.real(0);
}

std::optional<std::vector<std::int64_t>> NodeReader::list(const char* name, int i) const {
  if (auto of_attribute = integers(name)) return of_attribute;
  if (!has(i)) return std::nullopt;
  return known_integers(i, name);
}

int NodeReader::axis(std::int64_t axis, std::size_t rank) const {
  const auto r = static_cast<std::int64_t>(rank);
  check(axis >= -r && axis < r, "axis {} of a value of rank {}", axis, r);
  return static_cast<int>(axis < 0 ? axis + r : axis);
}

void NodeReader::keep_apart(const Known& x, int axis) const {
  check(!tracking() || x.role != Role::examples || x.batch_axis != axis,
        "works along the axis of the batch of a value {}, so it mixes examples; a network here treats each on its own", shown(x.dims));
}

std::string NodeReader::shown(const Dims& dims) const {
  std::vector<std::string> list;
  for (Index d : dims) {
    if (!tracking() || d == 0 || d % reading_.batch != 0)
      list.push_back(std::to_string(d));
    else
      list.push_back(d == reading_.batch ? "N" : fmt::format("{}N", d / reading_.batch));
  }
  return fmt::format("[{}]", fmt::join(list, ","));
}

Known NodeReader::regrouped(const Known& x, Dims dims) const {
  check(numbers(dims) == numbers(x.dims), "makes {} of {}, which has another size", shown(dims), shown(x.dims));
  Known y = x;
  y.value = nullptr;
  if (tracking() && x.role == Role::examples) {
    // One step of the batch index is so many numbers, however they are grouped.
    Index step = x.batch_inner, after = 1;
    for (std::size_t i = x.dims.size(); i-- > static_cast<std::size_t>(x.batch_axis) + 1;) step *= x.dims[i];
    y.batch_axis = -1;
    for (std::size_t i = dims.size(); i-- > 0 && y.batch_axis < 0;) {
      if (dims[i] > 1 && step % after == 0 && dims[i] % (step / after * reading_.batch) == 0) {
        y.batch_axis = static_cast<int>(i);
        y.batch_inner = step / after;
      }
      after *= dims[i];
    }
    check(y.batch_axis >= 0, "makes {} of {}, so it mixes examples; a network here treats each on its own", shown(dims), shown(x.dims));
  }
  y.dims = std::move(dims);
  return y;
}

Known NodeReader::broadcast(const std::vector<int>& ids) const {
  Known y = at(ids.at(0));
  y.value = nullptr;
  int from_right = y.batch_axis < 0 ? -1 : static_cast<int>(y.dims.size()) - y.batch_axis;
  for (std::size_t i = 1; i < ids.size(); ++i) {
    const Known& b = at(ids[i]);
    const auto dims = broadcast_dims(y.dims, b.dims);
    check(dims.has_value(), "takes {} and {}, which do not go together", shown(y.dims), shown(b.dims));
    y.dims = *dims;
    y.role = std::max(y.role, b.role);
    if (b.batch_axis < 0) continue;
    const int place = static_cast<int>(b.dims.size()) - b.batch_axis;
    check(from_right < 0 || (from_right == place && y.batch_inner == b.batch_inner),
          "takes values whose batches lie along different axes, so it mixes examples; a network here treats each on its own");
    from_right = place;
    y.batch_inner = b.batch_inner;
  }
  y.batch_axis = from_right < 0 ? -1 : static_cast<int>(y.dims.size()) - from_right;
  return y;
}

int NodeReader::emit(Operation op, std::vector<int> inputs, Known out, int which) {
  const bool named = which >= 0;
  if (named && !uses_output(which)) return -1;
  const std::string name = named ? node.outputs[static_cast<std::size_t>(which)] : "";
  for (Index d : out.dims) check(d > 0 || out.role == Role::constant, "computes {}, which holds no numbers", shown(out.dims));
  const Index count = numbers(out.dims);
  check(tracking() || count <= most_numbers, "computes {} for one image, more numbers than any memory holds", text(out.dims));
  std::vector<ConstantPointer> constants;
  for (int i : inputs)
    if (i >= 0 && at(i).value) constants.push_back(at(i).value);
  const bool all_known = !inputs.empty() && constants.size() == inputs.size();
  if (all_known && count <= most_folded && !too_many(out.dims)) {
    if (auto value = fold(op, constants, out.dims)) {
      out.type = value->type;
      out.role = Role::constant;
      out.batch_axis = -1;
      out.value = std::make_shared<const Constant>(std::move(*value));
      return reading_.add(name, std::move(out));
    }
  }
  if (tracking() && out.role == Role::constant) {
    out.value = nullptr;
    return reading_.add(name, std::move(out));
  }
  for (int i : inputs)
    check(i < 0 || at(i).type == Type::real, "takes integers, {}; only what is known when the file is read may be of them",
          at(i).value ? shown(at(i).dims) : "too many to be computed then");
  out.value = nullptr;
  const int id = reading_.add(name, std::move(out));
  reading_.steps.push_back({std::move(op), std::move(inputs), id, {}, false, node.text()});
  return id;
}

bool NodeReader::too_many(const Dims& dims, const std::vector<const Known*>& of) const {
  return tracking() && (numbers(dims) > most_folded >> 4 || std::any_of(of.begin(), of.end(), [](const Known* k) { return !k->value; }));
}

bool NodeReader::only_shape(Type type, const Dims& dims, const std::vector<const Known*>& of) {
  if (!too_many(dims, of)) return false;
  if (uses_output(0)) reading_.add(node.outputs[0], {type, dims, Role::constant, nullptr, -1, 1});
  return true;
}

void NodeReader::alias(int id, int which) {
  if (uses_output(which)) reading_.numbers[node.outputs[static_cast<std::size_t>(which)]] = id;
}

void NodeReader::constant(Constant c, int which) {
  if (!uses_output(which)) return;
  Known k{c.type, c.dims, Role::constant, nullptr, -1, 1};
  k.value = std::make_shared<const Constant>(std::move(c));
  reading_.add(node.outputs[static_cast<std::size_t>(which)], std::move(k));
}

Reading read_nodes(const Graph& graph, const Roles& roles, Index batch, const Reading* tracked) {
  Reading reading;
  reading.batch = batch;
  reading.tracked = tracked;
  Known input;
  input.dims.push_back(batch);
  for (std::size_t i = 1; i < graph.extents.size(); ++i) input.dims.push_back(*graph.extents[i]);
  if (batch > 1) input.batch_axis = 0;
  reading.add(graph.input, input);
  for (const Initialiser& i : graph.initialisers) {
    const auto role = roles.parameter.find(i.name);
    const bool parameter = role != roles.parameter.end() && role->second;
    reading.add(i.name, {i.value->type, i.value->dims, parameter ? Role::shared : Role::constant, parameter ? nullptr : i.value, -1, 1});
  }
  for (const Node& node : graph.nodes) {
    NodeReader reader(graph, roles, node, reading);
    try {
      find_operator(node.op)->read(reader);
    } catch (const std::invalid_argument& e) {
      if (std::string_view(e.what()).starts_with(graph.file + ": ")) throw;
      reader.fail(e.what());
    }
  }
  return reading;
}

}  // namespace tangentplane::onnx
