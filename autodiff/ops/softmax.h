// Softmax and its logarithm over one axis, as Composites: compositions of ops, and for plain tensors and Var<Tensor> a fused pair of
// routines (cpu/softmax.h). Tests hold the two equal.
#pragma once

#include "autodiff/cpu/softmax.h"
#include "autodiff/ops/axes.h"

namespace tangentplane {

namespace ops_detail {

/// Splits x at the axis that is normalised. Throws std::invalid_argument where there is none.
inline cpu::SoftmaxGeometry softmax_geometry(const char* op, const Shape& x, int axis) {
  check_examples(op, x);
  const int along = axis_of(op, x, axis);
  cpu::SoftmaxGeometry at{1, x[along], 1};
  for (int i = 0; i < x.rank(); ++i)
    if (i != along) (i < along ? at.outer : at.inner) *= x[i];
  return at;
}
/// x less its largest entry along the axis, which is a constant: it changes the numbers on the way alone.
template <class T>
T shifted(const T& x, int axis) {
  return broadcast_subtract(x, lift<T>(max(primal(x), {axis}, true)));
}
inline Reach softmax_reach(const Shape& x, int axis) { return axis_of("softmax", x, axis) > 0 ? Reach::row : Reach::batch; }

}  // namespace ops_detail

/// e^x over its sum along the axis.
template <class T>
T softmax_composed(const T& x, int axis) {
  if (ops_detail::softmax_geometry("softmax", shape_of(x), axis).extent == 0) return x;
  const T e = exp(ops_detail::shifted(x, axis));
  return broadcast_div(e, sum(e, {axis}, true));
}
/// x less the logarithm of the sum of e^x along the axis.
template <class T>
T log_softmax_composed(const T& x, int axis) {
  if (ops_detail::softmax_geometry("log_softmax", shape_of(x), axis).extent == 0) return x;
  const T z = ops_detail::shifted(x, axis);
  return broadcast_subtract(z, log(sum(exp(z), {axis}, true)));
}

/// e^x over its sum along one axis; negative axes count from the last. A row that holds a NaN is NaN. Throws std::invalid_argument for an
/// axis that x does not have, as the next one does.
template <class T>
T softmax(const T& x, int axis = -1) {
  return softmax_composed(x, axis);
}
/// The same, fused.
template <class S>
Tensor<S> softmax(const Tensor<S>& x, int axis = -1) {
  return cpu::softmax(ops_detail::softmax_geometry("softmax", x.shape(), axis), x);
}
/// The same, fused, and recorded as one step.
template <class S>
Var<Tensor<S>> softmax(const Var<Tensor<S>>& x, int axis = -1) {
  const auto at = ops_detail::softmax_geometry("softmax", x.value.shape(), axis);
  Tensor<S> y = cpu::softmax(at, x.value);
  if (!x.at.tape) return y;
  x.at.tape->take("softmax", ops_detail::softmax_reach(x.value.shape(), axis), x.at, x.value.shape(), x.at.constant());
  if (x.at.constant()) return {std::move(y), x.at};
  return x.at.tape->record(
      y, [at, y, to = x.at](const Tensor<S>& dy, Pull<Tensor<S>>& pull) { pull.into(to, cpu::softmax_pullback(at, y, dy)); },
      x.at.examples);
}

/// The logarithm of softmax, without taking the logarithm of what has become 0.
template <class T>
T log_softmax(const T& x, int axis = -1) {
  return log_softmax_composed(x, axis);
}
/// The same, fused.
template <class S>
Tensor<S> log_softmax(const Tensor<S>& x, int axis = -1) {
  return cpu::log_softmax(ops_detail::softmax_geometry("log_softmax", x.shape(), axis), x);
}
/// The same, fused, and recorded as one step.
template <class S>
Var<Tensor<S>> log_softmax(const Var<Tensor<S>>& x, int axis = -1) {
  const auto at = ops_detail::softmax_geometry("log_softmax", x.value.shape(), axis);
  Tensor<S> y = cpu::log_softmax(at, x.value);
  if (!x.at.tape) return y;
  x.at.tape->take("log_softmax", ops_detail::softmax_reach(x.value.shape(), axis), x.at, x.value.shape(), x.at.constant());
  if (x.at.constant()) return {std::move(y), x.at};
  return x.at.tape->record(
      y, [at, y, to = x.at](const Tensor<S>& dy, Pull<Tensor<S>>& pull) { pull.into(to, cpu::log_softmax_pullback(at, y, dy)); },
      x.at.examples);
}

}  // namespace tangentplane
