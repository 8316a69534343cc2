// A convolutional layer of LeNet's kind, average_pool(f(conv2d(x, w) + b), 2), as a Composite: its steps are memory-bound, so plain tensors
// and Var<Tensor> take a fused pair of routines (cpu/segment.h) that walks a few images at a time; every other nest takes the composition,
// and tests hold the two equal.
#pragma once

#include "autodiff/cpu/segment.h"
#include "autodiff/ops.h"

namespace tangentplane {

/// x [N, H, W, C], w [kh, kw, C, O], b [O] -> [N, floor(H / 2), floor(W / 2), O], SAME padding.
template <class F, class T>
T convolve_activate_pool_composed(const F& f, const T& x, const T& w, const T& b) {
  return average_pool(pointwise(f, bias(conv2d(x, w), b)), 2);
}

/// The same; other types have routines of their own.
template <class F, class T>
T convolve_activate_pool(const F& f, const T& x, const T& w, const T& b) {
  return convolve_activate_pool_composed(f, x, w, b);
}

namespace segment_detail {

/// Checks the shapes as the composition would.
inline Conv2d convolution(const Shape& x, const Shape& w, const Shape& b) {
  ops_detail::check_conv2d(x, w, 1);
  require(b.rank() == 1 && b[0] == w[3], "bias: input {} has no last axis for a bias {}", Shape{x[0], x[1], x[2], w[3]}, b);
  require(x[1] >= 2 && x[2] >= 2, "average_pool: window 2 does not fit into {}", Shape{x[0], x[1], x[2], w[3]});
  const Padding pad = Padding::same(x[1], x[2], w[0], w[1], 1);
  return {ops_detail::conv_geometry("conv2d", x[1], x[2], w, Conv2dOptions{.pad = pad})};
}

}  // namespace segment_detail

/// The same, a few images at a time.
template <class F, class S>
Tensor<S> convolve_activate_pool(const F& f, const Tensor<S>& x, const Tensor<S>& w, const Tensor<S>& b) {
  return cpu::convolve_activate_pool(segment_detail::convolution(x.shape(), w.shape(), b.shape()).at, x, w, b, f,
                                     static_cast<Tensor<S>*>(nullptr));
}

/// The same, and its pull-back, a few images at a time.
template <class F, class S>
Var<Tensor<S>> convolve_activate_pool(const F& f, const Var<Tensor<S>>& x, const Var<Tensor<S>>& w, const Var<Tensor<S>>& b) {
  using T = Tensor<S>;
  const Conv2d form = segment_detail::convolution(x.value.shape(), w.value.shape(), b.value.shape());
  const auto operands = {&x.at, &w.at, &b.at};
  Tape<T>* tape = tape_detail::common_tape(operands);
  const bool constant = tape_detail::all_constant(operands);
  if (tape) {
    tape->spread(Conv2d::name, w.at, x.at.examples);
    tape->spread(ChannelBias::name, b.at, x.at.examples);
    tape->take(Conv2d::name, form.reach(), x.at, x.value.shape(), constant);
  }
  if (constant) return {convolve_activate_pool(f, x.value, w.value, b.value), tape_detail::constant_place(operands)};
  T z, y = cpu::convolve_activate_pool(form.at, x.value, w.value, b.value, f, &z);
  return tape->record(
      std::move(y),
      [form, f, z, x, w_at = w.at, w_value = x.at.constant() ? T{} : w.value, b_at = b.at](const T& dy, Pull<T>& pull) {
        const T dz = cpu::activate_pool_pullback(z, dy, Derivative<F>{f});
        // In the order of the composition.
        tape_detail::contribute_map(ChannelBias{z.shape()}, b_at, dz, pull);
        tape_detail::contribute<Slot::input, Slot::weight, Slot::output>(form, x.at, w_value, dz, pull);
        tape_detail::contribute<Slot::weight, Slot::input, Slot::output>(form, w_at, x.value, dz, pull);
      },
      x.at.examples);
}

}  // namespace tangentplane
