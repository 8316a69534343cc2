// Steps that work on each entry, and on two entries at the same place.
#pragma once

#include <numbers>

#include "nn/onnx/run/functions.h"
#include "nn/onnx/run/shapes.h"

namespace tangentplane::onnx {

/// scale (x where x > 0, else alpha (e^x - 1)).
template <class T>
T selu(const T& x, double alpha, double factor) {
  return scale(elu(x, alpha), factor);
}

template <class T>
T function_of(const op::Pointwise& f, const T& x) {
  using enum op::Function;
  switch (f.f) {
    case relu:
      return tangentplane::relu(x);
    case tanh:
      return tangentplane::tanh(x);
    case sigmoid:
      return tangentplane::sigmoid(x);
    case exp:
      return tangentplane::exp(x);
    case log:
      return tangentplane::log(x);
    case sqrt:
      return tangentplane::sqrt(x);
    case root:
      return pointwise(Root{}, x);
    case abs:
      return tangentplane::abs(x);
    case negate:
      return tangentplane::negate(x);
    case reciprocal:
      return tangentplane::reciprocal(x);
    case sin:
      return tangentplane::sin(x);
    case cos:
      return tangentplane::cos(x);
    case erf:
      return tangentplane::erf(x);
    case gelu:
      return gelu_exact(x);
    case gelu_tanh:
      return tangentplane::gelu(x);
    case silu:
      return tangentplane::silu(x);
    case softplus:
      return tangentplane::softplus(x);
    case leaky_relu:
      return tangentplane::leaky_relu(x, f.a);
    case elu:
      return tangentplane::elu(x, f.a);
    case selu:
      return onnx::selu(x, f.a, f.b);
    case hard_swish:
      return tangentplane::hard_swish(x);
    case hard_sigmoid:
      return tangentplane::hard_sigmoid(x, f.a, f.b);
    case clip:
      return tangentplane::clip(x, f.a, f.b);
    case power:
      return f.a == 2 ? mul(x, x) : pow(x, f.a);
    case nan_to_zero:
      return pointwise(NanToZero{}, x);
    case spelled_gelu:
      return pointwise(SpelledGelu{std::numbers::sqrt2 / f.a, 2 * f.b}, x);
  }
  throw std::invalid_argument("onnx: unknown function");
}

template <class T>
Value<T> run(const op::Pointwise& op, const Step& s, Run<T>& r) {
  const Value<T>& x = r.in(s, 0);
  return made(function_of(op, x.data), x.axes, x.dims, x.examples);
}

/// An order of axes for what two values make: as the one lies that has most of them; ONNX's where neither has all.
template <class T>
std::vector<int> common_order(const Value<T>& a, const Value<T>& b, const Dims& dims) {
  const auto lies = [&](const Value<T>& v) {
    std::vector<int> w = v.wide();
    for (int& axis : w) axis += static_cast<int>(dims.size() - v.dims.size());
    return w;
  };
  const std::vector<int> all = wide_axes(dims);
  const bool first = std::pair(a.examples, a.wide().size()) >= std::pair(b.examples, b.wide().size());
  for (const Value<T>* v : {first ? &a : &b, first ? &b : &a})
    if (std::vector<int> order = lies(*v); order.size() == all.size()) return order;
  return all;
}

/// The value with its axes in that order of the axes of `dims`, to which it is broadcast; without axes of 1 before the first wide one if it
/// is not of the examples.
template <class T>
T aligned(Value<T> v, const std::vector<int>& order, const Dims& dims) {
  const int shift = static_cast<int>(dims.size() - v.dims.size());
  std::vector<int> own;
  Shape to;
  if (v.examples) to.append(shape_of(v.data)[0]);
  bool begun = v.examples;
  for (int a : order) {
    const bool wide = a >= shift && v.extent(a - shift) != 1;
    begun = begun || wide;
    if (wide) own.push_back(a - shift);
    if (begun) to.append(wide ? v.extent(a - shift) : 1);
  }
  return under(arranged(std::move(v), own), to);
}

/// x + c for a known number.
template <class T>
T plus_number(T x, double c) {
  const Shape s = shape_of(x);
  if (s.rank() == 0) return add(std::move(x), lift<T>(Tensor<ScalarOf<T>>::full(s, static_cast<ScalarOf<T>>(c))));
  return bias(std::move(x), lift<T>(Tensor<ScalarOf<T>>::full({s[-1]}, static_cast<ScalarOf<T>>(c))));
}

/// True for a shape that lies along the last axis of another alone.
inline bool of_last(const Shape& w, const Shape& x) { return w.rank() == 1 && x.rank() >= 2 && w[0] == x[-1]; }

/// Two values entry by entry, broadcast to `dims`.
template <class T>
Value<T> combined(op::Arithmetic f, Value<T> a, Value<T> b, const Dims& dims) {
  using enum op::Arithmetic;
  const std::vector<int> order = common_order(a, b, dims);
  const bool of_a = a.examples, of_b = b.examples;
  T x = aligned(std::move(a), order, dims), y = aligned(std::move(b), order, dims);
  const auto result = [&]() -> T {
    const Shape s = shape_of(x), t = shape_of(y);
    // Of what all examples share (constants: see run) only a parameter that divides the examples' must be repeated for them.
    if (f == divide) return of_a && !of_b ? broadcast_div(x, y) : broadcast_mul(x, reciprocal(y));
    if (of_a == of_b && s == t) {
      if (f == add) return tangentplane::add(std::move(x), std::move(y));
      if (f == subtract) return tangentplane::subtract(std::move(x), y);
      return mul(x, y);
    }
    if (f == add && of_a && !of_b && of_last(t, s)) return bias(std::move(x), y);
    if (f == add && of_b && !of_a && of_last(s, t)) return bias(std::move(y), x);
    if (f == multiply && of_a && !of_b && of_last(t, s)) return channel_scale(x, y);
    if (f == multiply && of_b && !of_a && of_last(s, t)) return channel_scale(y, x);
    if (f == add) return broadcast_add(x, y);
    if (f == subtract) return broadcast_subtract(x, y);
    return broadcast_mul(x, y);
  };
  return made(result(), order, dims, of_a || of_b);
}

template <class T>
Value<T> run(const op::Combine& op, const Step& s, Run<T>& r) {
  using enum op::Arithmetic;
  const Dims& dims = r.out(s);
  Value<T> a = r.take(s, 0), b = r.take(s, 1);
  const auto with = [&](Value<T>& v, const auto& f) {
    v.data = f(std::move(v.data));
    return std::move(v);
  };
  if (const auto c = r.number(s, 1); c && a.dims == dims) {
    if (op.f == add || op.f == subtract) return with(a, [&](T x) { return plus_number(std::move(x), op.f == add ? *c : -*c); });
    return with(a, [&](const T& x) { return scale(x, op.f == multiply ? *c : 1 / *c); });
  }
  if (const auto c = r.number(s, 0); c && b.dims == dims) {
    if (op.f == add) return with(b, [&](T x) { return plus_number(std::move(x), *c); });
    if (op.f == multiply) return with(b, [&](const T& x) { return scale(x, *c); });
    if (op.f == subtract) return with(b, [&](const T& x) { return plus_number(negate(x), *c); });
    return with(b, [&](const T& x) { return *c == 1 ? reciprocal(x) : scale(reciprocal(x), *c); });
  }
  if (op.f == divide && r.constant(s, 1)) return combined(multiply, std::move(a), with(b, [](const T& x) { return reciprocal(x); }), dims);
  return combined(op.f, std::move(a), std::move(b), dims);
}

/// Entries of each example where `kept` is not 0, else 0. Nothing is multiplied: an infinity that is left out leaves nothing behind.
struct Kept {
  static constexpr const char* name = "where";
  std::shared_ptr<const std::vector<char>> kept;
  Reach reach() const { return Reach::entry; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    Tensor<S> y(x.shape());
    const auto n = static_cast<Index>(kept->size());
    cpu::parallel_rows(x.size() / n, n, [&](Index begin, Index end) {
      for (Index i = begin * n; i < end * n; i += n)
        for (Index k = 0; k < n; ++k) y.data()[i + k] = (*kept)[static_cast<std::size_t>(k)] ? x.data()[i + k] : S(0);
    });
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return apply(y);
  }
};

template <class T>
Value<T> run(const op::Keep&, const Step& s, Run<T>& r) {
  const Dims& dims = r.out(s);
  const Value<T> x = expanded(r.in(s, 0), dims);
  const Value<T>& known = r.in(s, 1);
  const auto mask = arranged(expanded(made(primal(known.data), known.axes, known.dims, false), dims), x.wide());
  std::vector<char> kept;
  for (Index i = 0; i < mask.size(); ++i) kept.push_back(mask[i] != 0);
  return made(apply(Kept{std::make_shared<const std::vector<char>>(std::move(kept))}, arranged(x, x.wide())), x.wide(), dims, x.examples);
}

template <class T>
Value<T> run(const op::Extreme& op, const Step& s, Run<T>& r) {
  const Value<T>&a = r.in(s, 0), &b = r.in(s, 1);
  const Dims& dims = r.out(s);
  const bool examples = a.examples || b.examples;
  const std::vector<int> order = common_order(a, b, dims);
  std::vector<T> both;  // beside one another along a new last axis
  Shape all;
  for (const Value<T>* v : {&a, &b}) {
    Value<T> e = expanded(examples ? of_examples(*v, r.examples) : *v, dims);
    Shape one = e.shape(order);
    all = one;
    one.append(1);
    both.push_back(under(arranged(e, order), one));
  }
  const T pair = concat(both, all.rank());
  return made(op.largest ? max(pair, {all.rank()}, false) : min(pair, {all.rank()}, false), order, dims, examples);
}

template <class T>
Value<T> run(const op::PRelu&, const Step& s, Run<T>& r) {
  const Value<T>&x = r.in(s, 0), &slope = r.in(s, 1);
  const std::vector<int> order = common_order(x, slope, r.out(s));
  return made(prelu(aligned(x, order, x.dims), aligned(slope, order, x.dims)), order, x.dims, x.examples);
}

}  // namespace tangentplane::onnx
