// Steps that belong together become one, where that one has a routine of its own or saves sweeps over memory.
#include <algorithm>
#include <cmath>

#include "nn/onnx/read/program.h"

namespace tangentplane::onnx {
namespace {

/// The steps by what they make, and how often each value is used.
class Joiner {
 public:
  explicit Joiner(Program& program) : program_(program), maker_(program.values.size(), -1), uses_(program.values.size()) {
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
      maker_[static_cast<std::size_t>(program.steps[i].output)] = static_cast<int>(i);
      for (int id : program.steps[i].inputs)
        if (id >= 0) ++uses_[static_cast<std::size_t>(id)];
    }
    ++uses_[static_cast<std::size_t>(program.output)];
  }

  /// The step that makes the value, if it is an Op and nothing else takes the value.
  template <class Op>
  const Op* only(int id, const Step** step) const {
    if (id < 0 || uses_[static_cast<std::size_t>(id)] != 1) return nullptr;
    const int i = maker_[static_cast<std::size_t>(id)];
    if (i < 0) return nullptr;
    *step = &program_.steps[static_cast<std::size_t>(i)];
    return std::get_if<Op>(&(*step)->op);
  }
  /// The one number that the value is, if it is known.
  std::optional<double> number(int id) const {
    const ConstantPointer& c = id >= 0 ? program_.values[static_cast<std::size_t>(id)].constant : nullptr;
    if (!c || c->size() != 1) return std::nullopt;
    return c->real(0);
  }
  /// An operand and the number that the value is made of by f: x + 1, x / s.
  struct Operand {
    int x;
    double number;
  };
  std::optional<Operand> with_number(int id, op::Arithmetic f) const {
    const Step* s = nullptr;
    const auto* c = only<op::Combine>(id, &s);
    return c && c->f == f ? operand(*s, f) : std::nullopt;
  }
  std::optional<Operand> operand(const Step& s, op::Arithmetic f) const {
    if (const auto v = number(s.inputs[1])) return Operand{s.inputs[0], *v};
    if (f == op::Arithmetic::divide || f == op::Arithmetic::subtract) return std::nullopt;
    if (const auto v = number(s.inputs[0])) return Operand{s.inputs[1], *v};
    return std::nullopt;
  }

  /// x and s of 1 + erf(x / s), where `id` is that.
  std::optional<Operand> one_plus_erf(int id) const {
    const auto sum = with_number(id, op::Arithmetic::add);
    if (!sum || sum->number != 1) return std::nullopt;
    const Step* s = nullptr;
    const auto* erf = only<op::Pointwise>(sum->x, &s);
    if (!erf || erf->f != op::Function::erf) return std::nullopt;
    if (const auto quotient = with_number(s->inputs[0], op::Arithmetic::divide)) return quotient;
    if (const auto times = with_number(s->inputs[0], op::Arithmetic::multiply)) return Operand{times->x, 1 / times->number};
    return std::nullopt;
  }

  /// GELU spelled out, as the product that ends it: x (b (1 + erf(x / s))), (x (1 + erf(x / s))) b, (x b) (1 + erf(x / s)).
  bool gelu(Step& step) const {
    const auto* product = std::get_if<op::Combine>(&step.op);
    if (!product || product->f != op::Arithmetic::multiply) return false;
    const auto becomes = [&](int x, double s, double b) {
      if (!(s > 0)) return false;
      step.inputs = {x};
      step.op = op::Pointwise{op::Function::spelled_gelu, s, b};
      return true;
    };
    if (const auto end = operand(step, op::Arithmetic::multiply)) {
      const Step* s = nullptr;
      const auto* inner = only<op::Combine>(end->x, &s);
      if (!inner || inner->f != op::Arithmetic::multiply) return false;
      for (int i : {0, 1})
        if (const auto e = one_plus_erf(s->inputs[static_cast<std::size_t>(1 - i)]); e && e->x == s->inputs[static_cast<std::size_t>(i)])
          return becomes(e->x, e->number, end->number);
      return false;
    }
    for (std::size_t i : {0, 1}) {
      const int a = step.inputs[i], b = step.inputs[1 - i];
      if (const auto half = with_number(b, op::Arithmetic::multiply))
        if (const auto e = one_plus_erf(half->x); e && e->x == a) return becomes(a, e->number, half->number);
      if (const auto e = one_plus_erf(b))
        if (const auto half = with_number(a, op::Arithmetic::multiply); half && half->x == e->x)
          return becomes(e->x, e->number, half->number);
    }
    return false;
  }

  bool silu(Step& step) const {
    const auto* product = std::get_if<op::Combine>(&step.op);
    if (!product || product->f != op::Arithmetic::multiply) return false;
    for (std::size_t i : {0, 1}) {
      const Step* s = nullptr;
      const auto* gate = only<op::Pointwise>(step.inputs[1 - i], &s);
      if (!gate || gate->f != op::Function::sigmoid || s->inputs[0] != step.inputs[i]) continue;
      step.op = op::Pointwise{op::Function::silu};
      step.inputs = {s->inputs[0]};
      return true;
    }
    return false;
  }

  bool conv_activate_pool(Step& step) const {
    const auto* pool = std::get_if<op::Pool>(&step.op);
    const op::Window halves{2, 2, 1, 1, {}};
    if (!pool || pool->largest || pool->height != 2 || pool->width != 2 || !(pool->window == halves) || pool->beyond.bottom ||
        pool->beyond.right)
      return false;
    const Step *f = nullptr, *c = nullptr;
    const auto* function = only<op::Pointwise>(step.inputs[0], &f);
    if (!function || (function->f != op::Function::relu && function->f != op::Function::tanh && function->f != op::Function::sigmoid &&
                      function->f != op::Function::gelu_tanh))
      return false;
    const auto* conv = only<op::Conv>(f->inputs[0], &c);
    if (!conv || c->inputs.size() != 3 || conv->groups != 1) return false;
    const Dims &x = program_.values[static_cast<std::size_t>(c->inputs[0])].dims,
               &w = program_.values[static_cast<std::size_t>(c->inputs[1])].dims;
    const Padding same = Padding::same(x[2], x[3], w[2], w[3], 1);
    if (!(conv->window == op::Window{1, 1, 1, 1, same})) return false;
    step.op = op::ConvActivatePool{function->f};
    step.inputs = c->inputs;
    return true;
  }

 private:
  Program& program_;
  std::vector<int> maker_;
  std::vector<int> uses_;
};

}  // namespace

void join_steps(Program& program) {
  const Joiner joiner(program);
  for (Step& step : program.steps) joiner.gelu(step) || joiner.silu(step) || joiner.conv_activate_pool(step);
}

namespace {

using Views = std::variant<op::Regroup, op::Transpose>;

template <class... Ops>
bool one_of(const Operation& op, std::variant<Ops...>*) {
  return (std::holds_alternative<Ops>(op) || ...);
}

}  // namespace

void mark_by_example(Program& program) {
  const auto info = [&](int id) -> const ValueInfo& { return program.values[static_cast<std::size_t>(id)]; };
  using Free = std::variant<op::Pointwise, op::Combine, op::Keep, op::Extreme, op::Concat, op::Slice, op::Gather, op::Pad, op::Expand,
                            op::Reduce, op::Softmax>;
  Index most = 0;  // numbers of an example's largest value
  for (const Step& s : program.steps)
    if (info(s.output).role == Role::examples) most = std::max(most, numbers(info(s.output).dims));
  most = std::max<Index>(4 * most, 4096);
  // From the end: whether everything that takes the value takes one of the examples as well.
  std::vector<bool> takes(program.values.size(), true);
  for (std::size_t i = program.steps.size(); i-- > 0;) {
    Step& s = program.steps[i];
    const bool views = one_of(s.op, static_cast<Views*>(nullptr)), shared = info(s.output).role == Role::shared;
    const bool computes = shared && !views && one_of(s.op, static_cast<Free*>(nullptr));
    s.by_example = computes && takes[static_cast<std::size_t>(s.output)] && numbers(info(s.output).dims) <= most;
    for (int id : s.inputs) s.by_example = s.by_example && id >= 0 && numbers(info(id).dims) <= most;
    const bool fine =
        shared ? (views ? takes[static_cast<std::size_t>(s.output)] : s.by_example) : views || one_of(s.op, static_cast<Free*>(nullptr));
    for (int id : s.inputs)
      if (id >= 0 && !fine) takes[static_cast<std::size_t>(id)] = false;
  }
}

std::string computed_weight_of(const Program& program) {
  std::vector<bool> computed(program.values.size());
  for (const Step& s : program.steps) {
    const ValueInfo& out = program.values[static_cast<std::size_t>(s.output)];
    int of = -1;
    for (int id : s.inputs)
      if (of < 0 && id >= 0 && computed[static_cast<std::size_t>(id)]) of = id;
    if (out.role == Role::examples && of >= 0) {
      const std::string& name = program.values[static_cast<std::size_t>(of)].name;
      return fmt::format("{} takes {}", s.node, name.empty() ? "a weight" : name);
    }
    if (out.role == Role::shared)
      computed[static_cast<std::size_t>(s.output)] = of >= 0 || !(s.by_example || one_of(s.op, static_cast<Views*>(nullptr)));
  }
  return {};
}

}  // namespace tangentplane::onnx
