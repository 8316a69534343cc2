#include "nn/onnx/read/fold.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tangentplane::onnx {
namespace {

/// Extents to the right of each axis, multiplied.
Dims strides(const Dims& dims) {
  Dims s(dims.size());
  Index n = 1;
  for (std::size_t i = dims.size(); i-- > 0;) s[i] = n, n *= dims[i];
  return s;
}

/// Calls f with each place's index along every axis, in row-major order, and collects what it says.
template <class F>
Constant picked_by_axes(const Constant& c, const Dims& to, const F& f) {
  const Dims step = strides(to);
  Dims at(to.size());
  return picked(c, to, [&](Index place) {
    for (std::size_t i = 0; i < to.size(); ++i) at[i] = place / step[i] % to[i];
    return f(at);
  });
}

std::int64_t combined(op::Arithmetic f, std::int64_t a, std::int64_t b) {
  std::int64_t y = 0;
  bool lost = false;
  switch (f) {
    case op::Arithmetic::add:
      lost = __builtin_add_overflow(a, b, &y);
      break;
    case op::Arithmetic::subtract:
      lost = __builtin_sub_overflow(a, b, &y);
      break;
    case op::Arithmetic::multiply:
      lost = __builtin_mul_overflow(a, b, &y);
      break;
    case op::Arithmetic::divide:
      require(b != 0, "divides integers by zero");
      lost = b == -1 && a == std::numeric_limits<std::int64_t>::min();
      if (!lost) y = a / b;
  }
  require(!lost, "its integers leave the range of 64 bits");
  return y;
}
double combined(op::Arithmetic f, double a, double b) {
  switch (f) {
    case op::Arithmetic::add:
      return a + b;
    case op::Arithmetic::subtract:
      return a - b;
    case op::Arithmetic::multiply:
      return a * b;
    default:
      return a / b;
  }
}

template <class F>
Constant elementwise(const Constant& a, const Constant& b, const Dims& to, const F& f) {
  Constant y{a.type, to, {}, {}};
  const Index n = numbers(to);
  for (Index i = 0; i < n; ++i) {
    const Index p = broadcast_place(a.dims, to, i), q = broadcast_place(b.dims, to, i);
    if (a.type == Type::real)
      y.reals.push_back(f(a.real(p), b.real(q)));
    else
      y.integers.push_back(f(a.integers[static_cast<std::size_t>(p)], b.integers[static_cast<std::size_t>(q)]));
  }
  return y;
}

double value(const op::Pointwise& p, double x) {
  using enum op::Function;
  switch (p.f) {
    case relu:
      return x <= 0 ? 0 : x;
    case tanh:
      return std::tanh(x);
    case sigmoid:
      return 1 / (1 + std::exp(-x));
    case exp:
      return std::exp(x);
    case log:
      return std::log(x);
    case sqrt:
    case root:
      return std::sqrt(x);
    case abs:
      return std::abs(x);
    case negate:
      return -x;
    case reciprocal:
      return 1 / x;
    case sin:
      return std::sin(x);
    case cos:
      return std::cos(x);
    case erf:
      return std::erf(x);
    case gelu:
      return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
    case gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case silu:
      return x / (1 + std::exp(-x));
    case softplus:
      return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
    case leaky_relu:
      return x <= 0 ? p.a * x : x;
    case elu:
      return x <= 0 ? p.a * std::expm1(x) : x;
    case selu:
      return p.b * (x <= 0 ? p.a * std::expm1(x) : x);
    case hard_swish:
      return x * std::clamp(x / 6 + 0.5, 0.0, 1.0);
    case hard_sigmoid:
      return std::clamp(p.a * x + p.b, 0.0, 1.0);
    case clip:
      return x < p.a ? p.a : x > p.b ? p.b : x;
    case power:
      return std::pow(x, p.a);
    case nan_to_zero:
      return std::isnan(x) ? 0 : x;
    case spelled_gelu:
      return x * (1 + std::erf(x / p.a)) * p.b;
  }
  return x;
}

struct Folder {
  const std::vector<ConstantPointer>& in;
  const Dims& to;
  const Constant& x() const { return *in[0]; }

  std::optional<Constant> operator()(const op::Pointwise& p) const {
    Constant y = x();
    if (y.type != Type::real) {
      require(p.f == op::Function::negate || p.f == op::Function::abs || p.f == op::Function::clip || p.f == op::Function::relu,
              "takes floating-point numbers, not integers");
      for (auto& v : y.integers) v = static_cast<std::int64_t>(value(p, static_cast<double>(v)));
      return y;
    }
    for (double& v : y.reals) v = value(p, v);
    return y;
  }
  std::optional<Constant> operator()(const op::Combine& c) const {
    require(x().type == in[1]->type, "combines floating-point numbers with integers");
    return elementwise(x(), *in[1], to, [&](auto a, auto b) { return combined(c.f, a, b); });
  }
  std::optional<Constant> operator()(const op::Extreme& e) const {
    return elementwise(x(), *in[1], to, [&](auto a, auto b) { return e.largest ? std::max(a, b) : std::min(a, b); });
  }
  std::optional<Constant> operator()(const op::Regroup&) const {
    Constant y = x();
    y.dims = to;
    return y;
  }
  std::optional<Constant> operator()(const op::Transpose& t) const {
    const Dims step = strides(x().dims);
    return picked_by_axes(x(), to, [&](const Dims& at) {
      Index from = 0;
      for (std::size_t i = 0; i < at.size(); ++i) from += at[i] * step[static_cast<std::size_t>(t.order[i])];
      return from;
    });
  }
  std::optional<Constant> operator()(const op::Concat& c) const {
    const auto axis = static_cast<std::size_t>(c.axis);
    Constant y{x().type, to, {}, {}};
    Index before = 1;
    for (std::size_t i = 0; i < axis; ++i) before *= to[i];
    for (Index row = 0; row < before; ++row)
      for (const ConstantPointer& p : in) {
        require(p->type == y.type, "concatenates floating-point numbers and integers");
        const Index count = p->size() / std::max<Index>(1, before);
        if (y.type == Type::real)
          y.reals.insert(y.reals.end(), p->reals.begin() + row * count, p->reals.begin() + (row + 1) * count);
        else
          y.integers.insert(y.integers.end(), p->integers.begin() + row * count, p->integers.begin() + (row + 1) * count);
      }
    return y;
  }
  std::optional<Constant> operator()(const op::Slice& s) const {
    const Dims step = strides(x().dims);
    return picked_by_axes(x(), to, [&](const Dims& at) {
      Index from = 0;
      for (std::size_t i = 0; i < at.size(); ++i) {
        Index place = at[i];
        for (const auto& r : s.ranges)
          if (static_cast<std::size_t>(r.axis) == i) place = r.begin + at[i] * r.step;
        from += place * step[i];
      }
      return from;
    });
  }
  std::optional<Constant> operator()(const op::Gather& g) const {
    const auto axis = static_cast<std::size_t>(g.axis);
    Index after = 1;
    for (std::size_t i = axis + 1; i < x().dims.size(); ++i) after *= x().dims[i];
    const auto count = static_cast<Index>(g.places.size()), extent = x().dims[axis];
    return picked(x(), to, [&](Index place) {
      const Index row = place / (after * count), at = place / after % count;
      return (row * extent + g.places[static_cast<std::size_t>(at)]) * after + place % after;
    });
  }
  std::optional<Constant> operator()(const op::Expand&) const {
    return picked(x(), to, [&](Index place) { return broadcast_place(x().dims, to, place); });
  }
  std::optional<Constant> operator()(const op::Reduce& r) const {
    const Dims step = strides(x().dims);
    std::vector<bool> reduced(x().dims.size());
    for (int a : r.axes) reduced[static_cast<std::size_t>(a)] = true;
    const Index n = x().size(), out = numbers(to);
    std::vector<double> all(static_cast<std::size_t>(out));
    std::vector<bool> seen(all.size());
    for (Index i = 0; i < n; ++i) {
      Index place = 0;
      for (std::size_t k = 0; k < step.size(); ++k)
        if (!reduced[k]) place = place * x().dims[k] + i / step[k] % x().dims[k];
      double& y = all[static_cast<std::size_t>(place)];
      const double v = x().real(i);
      if (!seen[static_cast<std::size_t>(place)])
        y = v;
      else if (r.f == op::Fold::max)
        y = std::max(y, v);
      else if (r.f == op::Fold::min)
        y = std::min(y, v);
      else if (r.f == op::Fold::product)
        y *= v;
      else
        y += v;
      seen[static_cast<std::size_t>(place)] = true;
    }
    if (r.f == op::Fold::mean)
      for (double& y : all) y /= static_cast<double>(n) / static_cast<double>(out);
    Constant c{x().type, to, {}, {}};
    if (c.type == Type::real)
      c.reals = std::move(all);
    else
      c.integers.assign(all.begin(), all.end());
    return c;
  }
  template <class Other>
  std::optional<Constant> operator()(const Other&) const {
    return std::nullopt;
  }
};

}  // namespace

Index broadcast_place(const Dims& from, const Dims& to, Index place) {
  Index result = 0, step = 1;
  for (std::size_t i = from.size(), j = to.size(); i-- > 0;) {
    --j;
    const Index at = place % to[j];
    place /= to[j];
    if (from[i] != 1) result += at * step;
    step *= from[i];
  }
  return result;
}

std::optional<Constant> fold(const Operation& op, const std::vector<ConstantPointer>& inputs, const Dims& to) {
  return std::visit(Folder{inputs, to}, op);
}

}  // namespace tangentplane::onnx
