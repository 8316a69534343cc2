// Functions of each entry, and of two entries at the same place.
#include <cmath>
#include <limits>

#include "nn/onnx/read/reader.h"
#include "nn/onnx/read/table.h"

namespace tangentplane::onnx::reading {
namespace {

Known like(const Known& x) {
  Known y = x;
  y.value = nullptr;
  return y;
}

/// The function of a node whose operator is one of one number.
op::Pointwise function(NodeReader& n) {
  using enum op::Function;
  const std::string& name = n.node.op;
  static const std::map<std::string, op::Function> plain{
      {"Relu", relu},         {"Tanh", tanh},           {"Sigmoid", sigmoid},       {"Exp", exp}, {"Log", log}, {"Sqrt", sqrt},
      {"Abs", abs},           {"Neg", negate},          {"Reciprocal", reciprocal}, {"Sin", sin}, {"Cos", cos}, {"Erf", erf},
      {"Softplus", softplus}, {"HardSwish", hard_swish}};
  if (const auto found = plain.find(name); found != plain.end()) return {found->second};
  if (name == "LeakyRelu") return {leaky_relu, n.real("alpha", 0.01f)};
  if (name == "Elu") return {elu, n.real("alpha", 1)};
  if (name == "Selu") return {selu, n.real("alpha", 1.67326319217681884765625f), n.real("gamma", 1.05070102214813232421875f)};
  if (name == "HardSigmoid") return {hard_sigmoid, n.real("alpha", 0.2f), n.real("beta", 0.5f)};
  const std::string form = n.word("approximate", "none");
  n.check(form == "none" || form == "tanh", "attribute approximate is {}, not none or tanh", form);
  return {form == "tanh" ? gelu_tanh : gelu};
}

}  // namespace

void pointwise(NodeReader& n) {
  if (n.node.op == "Mish") {  // x tanh(softplus(x))
    const Known x = n.input(0);
    const int inner = n.emit(op::Pointwise{op::Function::softplus}, {n.id(0)}, like(x), -1);
    const int outer = n.emit(op::Pointwise{op::Function::tanh}, {inner}, like(x), -1);
    n.emit(op::Combine{op::Arithmetic::multiply}, {n.id(0), outer}, like(x));
    return;
  }
  n.emit(function(n), {n.id(0)}, like(n.input(0)));
}

void clip(NodeReader& n) {
  constexpr float none = std::numeric_limits<float>::infinity();
  const double low = n.has(1) ? n.known_number(1, "lower bound") : n.real("min", -none);
  const double high = n.has(2) ? n.known_number(2, "upper bound") : n.real("max", none);
  n.check(low <= high, "clips to [{}, {}], which is empty", low, high);
  n.emit(op::Pointwise{op::Function::clip, low, high}, {n.id(0)}, like(n.input(0)));
}

void power(NodeReader& n) {
  const Known& x = n.input(0);
  const double exponent = n.known_number(1, "exponent");
  if (x.value && x.type != Type::real) {
    Constant y = *x.value;
    for (auto& v : y.integers) v = static_cast<std::int64_t>(std::llround(std::pow(static_cast<double>(v), exponent)));
    return n.constant(std::move(y));
  }
  const auto dims = broadcast_dims(x.dims, n.input(1).dims);
  n.check(dims && *dims == x.dims, "its exponent {} is larger than what it is an exponent of, {}", text(n.input(1).dims), n.shown(x.dims));
  n.emit(op::Pointwise{op::Function::power, exponent}, {n.id(0)}, like(x));
}

void prelu(NodeReader& n) {
  const Known y = n.broadcast({n.id(0), n.id(1)});
  n.check(n.input(1).role != Role::examples && y.dims == n.input(0).dims, "its slope {} does not go with {}", n.shown(n.input(1).dims),
          n.shown(n.input(0).dims));
  n.emit(op::PRelu{}, {n.id(0), n.id(1)}, y);
}

void combine(NodeReader& n) {
  using enum op::Arithmetic;
  const std::string& name = n.node.op;
  const op::Arithmetic f = name == "Add" || name == "Sum" || name == "Mean" ? add
                           : name == "Sub"                                  ? subtract
                           : name == "Mul"                                  ? multiply
                                                                            : divide;
  n.input(0);
  if (name != "Sum" && name != "Mean") {
    n.check(n.count() == 2 && n.has(1), "takes 2 inputs, {} are given", n.count());
    n.emit(op::Combine{f}, {n.id(0), n.id(1)}, n.broadcast({n.id(0), n.id(1)}));
    return;
  }
  int sum = n.id(0);
  for (int i = 1; i < n.count(); ++i) sum = n.emit(op::Combine{f}, {sum, n.id(i)}, n.broadcast({sum, n.id(i)}), -1);
  if (name == "Sum" || n.count() == 1) return n.alias(sum);
  Constant share{Type::real, {}, {1 / static_cast<double>(n.count())}, {}};
  const int constant = n.value(std::move(share));
  n.emit(op::Combine{multiply}, {sum, constant}, like(n.at(sum)));
}

void extreme(NodeReader& n) {
  const bool largest = n.node.op == "Max";
  n.input(0);
  int y = n.id(0);
  for (int i = 1; i < n.count(); ++i) {
    const int x = n.id(i);
    const int which = i + 1 == n.count() ? 0 : -1;
    const Known out = n.broadcast({y, x});
    const auto one = [&](int id) { return n.at(id).value && n.at(id).value->size() == 1 && n.at(id).type == Type::real; };
    const int bound = one(x) ? x : one(y) ? y : -1, other = bound == x ? y : x;
    if (bound >= 0 && n.at(other).dims == out.dims && !n.at(other).value) {
      constexpr double none = std::numeric_limits<double>::infinity();
      const double v = n.at(bound).value->reals[0];
      y = n.emit(op::Pointwise{op::Function::clip, largest ? v : -none, largest ? none : v}, {other}, out, which);
    } else {
      y = n.emit(op::Extreme{largest}, {y, x}, out, which);
    }
  }
  if (n.count() == 1) n.alias(y);
}

void same(NodeReader& n) {
  n.input(0);
  n.alias(n.id(0));
}

void dropout(NodeReader& n) {
  n.check(!n.has(2) || n.known_number(2, "training_mode") == 0, "is in training mode; export the network in evaluation mode");
  same(n);
}

void cast(NodeReader& n) {
  const Known& x = n.input(0);
  const auto to = static_cast<int>(n.integer("to", 0));
  const Type type = DataType::real(to) ? Type::real : to == DataType::boolean ? Type::boolean : Type::integer;
  n.check(DataType::bytes(to) > 0, "casts to {}; a network here computes in float32 or float64", DataType::name(to));
  if (x.role == Role::constant && n.only_shape(type, x.dims, {&x})) return;
  if (!x.value) {
    n.check(type == Type::real && x.type == Type::real, "casts numbers that are not known when the file is read to {}", DataType::name(to));
    return n.alias(n.id(0));
  }
  Constant y{type, x.value->dims, {}, {}};
  for (Index i = 0; i < x.value->size(); ++i) {
    const double v = x.value->real(i);
    if (type == Type::real) {
      y.reals.push_back(v);
    } else if (type == Type::boolean) {
      y.integers.push_back(v != 0);
    } else {
      n.check(x.value->type != Type::real || (std::abs(v) < 0x1p63), "casts {} to {}", v, DataType::name(to));
      y.integers.push_back(x.value->type == Type::real ? static_cast<std::int64_t>(v) : x.value->integers[static_cast<std::size_t>(i)]);
    }
  }
  n.constant(std::move(y));
}

}  // namespace tangentplane::onnx::reading
