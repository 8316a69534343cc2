// Nodes whose result is known when the file is read: constants, shapes, and comparisons of them.
#include <cmath>

#include "nn/onnx/read/fold.h"
#include "nn/onnx/read/reader.h"
#include "nn/onnx/read/table.h"

namespace tangentplane::onnx::reading {

void constant(NodeReader& n) {
  for (const auto& [name, value] : n.node.attributes) {
    if (const auto* tensor = std::get_if<ConstantPointer>(&value); tensor && name == "value") return n.constant(**tensor);
    if (const auto* i = std::get_if<std::int64_t>(&value); i && name == "value_int") return n.constant({Type::integer, {}, {}, {*i}});
    if (const auto* f = std::get_if<double>(&value); f && name == "value_float") return n.constant({Type::real, {}, {*f}, {}});
    if (const auto* is = std::get_if<std::vector<std::int64_t>>(&value); is && name == "value_ints")
      return n.constant({Type::integer, {static_cast<Index>(is->size())}, {}, *is});
    if (const auto* fs = std::get_if<std::vector<double>>(&value); fs && name == "value_floats")
      return n.constant({Type::real, {static_cast<Index>(fs->size())}, *fs, {}});
  }
  n.fail("holds no number, list of numbers or tensor");
}

void constant_of_shape(NodeReader& n) {
  const auto dims = n.known_integers(0, "shape");
  Constant fill{Type::real, {1}, {0}, {}};
  if (const auto found = n.node.attributes.find("value"); found != n.node.attributes.end()) {
    const auto* tensor = std::get_if<ConstantPointer>(&found->second);
    n.check(tensor && (*tensor)->size() == 1, "its value is not a tensor of one number");
    fill = **tensor;
  }
  const Dims to(dims.begin(), dims.end());
  const Index count = numbers(to);
  if (n.only_shape(fill.type, to)) return;
  n.check(count <= most_folded, "makes {}, more numbers than are computed when a file is read", text(to));
  n.constant(picked(fill, to, [](Index) { return 0; }));
}

void range(NodeReader& n) {
  const Constant &from = n.known(0, "start"), &to = n.known(1, "limit"), &by = n.known(2, "step");
  n.check(from.size() == 1 && to.size() == 1 && by.size() == 1 && by.real(0) != 0, "takes a start, a limit and a step that is not 0");
  const double count = std::max(0.0, std::ceil((to.real(0) - from.real(0)) / by.real(0)));
  n.check(count <= static_cast<double>(most_folded), "makes {} numbers, more than are computed when a file is read", count);
  Constant y{from.type, {static_cast<Index>(count)}, {}, {}};
  for (Index i = 0; i < y.dims[0]; ++i) {
    if (y.type == Type::real)
      y.reals.push_back(from.reals[0] + static_cast<double>(i) * by.real(0));
    else
      y.integers.push_back(from.integers[0] + i * by.integers.at(0));
  }
  n.constant(std::move(y));
}

void shape(NodeReader& n) {
  const Dims& dims = n.input(0).dims;
  if (n.node.op == "Size") return n.constant({Type::integer, {}, {}, {numbers(dims)}});
  const auto rank = static_cast<std::int64_t>(dims.size());
  const auto place = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank); };
  const std::int64_t begin = place(n.integer("start", 0)), end = std::max(begin, place(n.integer("end", rank)));
  Constant y{Type::integer, {end - begin}, {}, {}};
  y.integers.assign(dims.begin() + begin, dims.begin() + end);
  n.constant(std::move(y));
}

void known_function(NodeReader& n) {
  const std::string& name = n.node.op;
  for (int i = 0; i < n.count(); ++i)
    n.check(n.input(i).role == Role::constant && (n.input(i).value || n.tracking()),
            "takes {}, which is not known when the file is read; only then is {} computed", n.node.inputs[static_cast<std::size_t>(i)],
            name);
  const bool one = n.count() == 1;
  const Known &x = n.input(0), &z = one ? x : n.input(1);
  const auto dims = broadcast_dims(x.dims, z.dims);
  n.check(dims.has_value(), "takes {} and {}, which do not go together", n.shown(x.dims), n.shown(z.dims));
  const bool truth = name != "Mod" && name != "Floor" && name != "Ceil" && name != "Round" && name != "Sign";
  if (n.only_shape(truth ? Type::boolean : x.type, *dims, {&x, &z})) return;
  const Constant &a = *x.value, &b = *z.value;
  Constant y{truth ? Type::boolean : a.type, *dims, {}, {}};
  for (Index i = 0, count = numbers(*dims); i < count; ++i) {
    const Index p = broadcast_place(a.dims, *dims, i), q = broadcast_place(b.dims, *dims, i);
    if (name == "Mod" && a.type != Type::real) {  // of the divisor's sign, unless fmod
      const std::int64_t u = a.integers[static_cast<std::size_t>(p)], v = b.integers.at(static_cast<std::size_t>(q));
      n.check(v != 0, "divides integers by zero");
      std::int64_t r = v == -1 ? 0 : u % v;
      if (n.integer("fmod", 0) == 0 && r != 0 && (r < 0) != (v < 0)) r += v;
      y.integers.push_back(r);
      continue;
    }
    if (a.type == Type::integer && b.type == Type::integer && truth) {  // 64 bits are more than a double holds
      const std::int64_t u = a.integers[static_cast<std::size_t>(p)], v = b.integers[static_cast<std::size_t>(q)];
      y.integers.push_back(name == "Equal"         ? u == v
                           : name == "Less"        ? u < v
                           : name == "Greater"     ? u > v
                           : name == "LessOrEqual" ? u <= v
                                                   : u >= v);
      continue;
    }
    const double u = a.real(p), v = b.real(q);
    double r = 0;
    if (name == "Equal")
      r = u == v;
    else if (name == "Less")
      r = u < v;
    else if (name == "Greater")
      r = u > v;
    else if (name == "LessOrEqual")
      r = u <= v;
    else if (name == "GreaterOrEqual")
      r = u >= v;
    else if (name == "And")
      r = u != 0 && v != 0;
    else if (name == "Or")
      r = u != 0 || v != 0;
    else if (name == "Xor")
      r = (u != 0) != (v != 0);
    else if (name == "Not")
      r = u == 0;
    else if (name == "Floor")
      r = std::floor(u);
    else if (name == "Ceil")
      r = std::ceil(u);
    else if (name == "Round")
      r = std::nearbyint(u);
    else if (name == "Sign")
      r = (u > 0) - (u < 0);
    else if (name == "Mod")
      r = std::fmod(u, v);
    if (y.type == Type::real)
      y.reals.push_back(r);
    else
      y.integers.push_back(static_cast<std::int64_t>(r));
  }
  n.constant(std::move(y));
}

namespace {

/// a where the condition holds (or, for `otherwise`, does not), else 0.
Constant masked(const Constant& condition, const Constant& a, const Dims& dims, bool otherwise) {
  Constant y{a.type, dims, {}, {}};
  for (Index i = 0, count = numbers(dims); i < count; ++i) {
    const bool kept = (condition.real(broadcast_place(condition.dims, dims, i)) != 0) != otherwise;
    const auto place = static_cast<std::size_t>(broadcast_place(a.dims, dims, i));
    if (y.type == Type::real)
      y.reals.push_back(kept ? a.reals[place] : 0);
    else
      y.integers.push_back(kept ? a.integers[place] : 0);
  }
  return y;
}

}  // namespace

void where(NodeReader& n) {
  const Known &a = n.input(1), &b = n.input(2);
  if (const auto nan = n.reading().nan_of.find(n.id(0)); nan != n.reading().nan_of.end()) {
    n.check(nan->second == n.id(2) && a.value && a.value->size() == 1 && a.value->real(0) == 0,
            "chooses by IsNaN; only 0 in place of NaN is read");
    Known out = b;
    n.emit(op::Pointwise{op::Function::nan_to_zero}, {n.id(2)}, out);
    return;
  }
  const Known& c = n.input(0);
  if (!n.tracking() || c.role != Role::constant) n.known(0, "condition");
  auto dims = broadcast_dims(c.dims, a.dims);
  if (dims) dims = broadcast_dims(*dims, b.dims);
  n.check(dims.has_value() && a.type == b.type, "takes {}, {} and {}, which do not go together", n.shown(c.dims), n.shown(a.dims),
          n.shown(b.dims));
  if (a.role == Role::constant && b.role == Role::constant && n.only_shape(a.type, *dims, {&a, &b, &c})) return;
  static const Constant nothing{Type::boolean, {}, {}, {0}};
  const Constant& condition = c.value ? *c.value : nothing;
  // Each choice where it is chosen, else 0, and their sum; a known choice at once.
  const auto masked_value = [&](const Constant& x, const Dims& to, bool otherwise) {
    if (c.value && !n.too_many(to)) return n.value(masked(condition, x, to, otherwise));
    return n.reading().add("", {x.type, to, Role::constant, nullptr, -1, 1});
  };
  const auto part = [&](int i, bool otherwise) {
    const Known& x = n.input(i);
    if (x.value) return masked_value(*x.value, *broadcast_dims(c.dims, x.dims), otherwise);
    const int mask = masked_value(Constant{Type::real, {}, {1}, {}}, c.dims, otherwise);
    return n.emit(op::Keep{}, {n.id(i), mask}, n.broadcast({n.id(i), mask}), -1);
  };
  if (a.value && b.value && c.value) {
    const Constant first = masked(condition, *a.value, *dims, false), second = masked(condition, *b.value, *dims, true);
    Constant y = first;
    for (Index i = 0; i < y.size(); ++i) {
      const auto place = static_cast<std::size_t>(i);
      const bool chosen = condition.real(broadcast_place(condition.dims, *dims, i)) != 0;
      if (y.type == Type::real)
        y.reals[place] = chosen ? first.reals[place] : second.reals[place];
      else
        y.integers[place] = chosen ? first.integers[place] : second.integers[place];
    }
    return n.constant(std::move(y));
  }
  const int first = part(1, false), second = part(2, true);
  n.emit(op::Combine{op::Arithmetic::add}, {first, second}, n.broadcast({first, second}));
}

void is_nan(NodeReader& n) {
  const Known& x = n.input(0);
  if (x.value) {
    Constant y{Type::boolean, x.dims, {}, {}};
    for (Index i = 0; i < x.value->size(); ++i) y.integers.push_back(std::isnan(x.value->real(i)));
    return n.constant(std::move(y));
  }
  Known out = x;
  out.type = Type::boolean;
  n.reading().nan_of[n.reading().add(n.node.outputs.at(0), std::move(out))] = n.id(0);
}

void triangle(NodeReader& n) {
  if (const Known& k = n.input(0); k.role == Role::constant && n.only_shape(k.type, k.dims, {&k})) return;
  const Constant& x = n.known(0, "input");
  const std::size_t rank = x.dims.size();
  n.check(rank >= 2, "takes matrices, got {}", text(x.dims));
  const auto diagonal = n.has(1) ? static_cast<std::int64_t>(n.known_number(1, "diagonal")) : 0;
  const bool upper = n.integer("upper", 1) != 0;
  Constant y = x;
  const Index columns = x.dims[rank - 1], rows = x.dims[rank - 2];
  for (Index i = 0; i < y.size(); ++i) {
    const Index row = i / columns % rows, column = i % columns;
    if (upper ? column >= row + diagonal : column <= row + diagonal) continue;
    if (y.type == Type::real)
      y.reals[static_cast<std::size_t>(i)] = 0;
    else
      y.integers[static_cast<std::size_t>(i)] = 0;
  }
  n.constant(std::move(y));
}

}  // namespace tangentplane::onnx::reading
