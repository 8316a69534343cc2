// LayerNorm, GroupNorm and InstanceNorm: normalisations of each example on its own, as compositions of ops. LayerNorm over the last axis is
// a Composite: plain tensors and Var<Tensor> take fused routines (cpu/layer_norm.h), and tests hold the two equal.
#pragma once

#include "autodiff/cpu/layer_norm.h"
#include "autodiff/ops/axes.h"

namespace tangentplane {

/// x less its mean over some axes; its own transpose.
struct Centre {
  static constexpr const char* name = "centre";
  Shape from, ones;  ///< of the input, and the same with 1 for each axis that the mean is over
  Reach reach() const { return from.rank() > 0 && from[0] == ones[0] ? Reach::row : Reach::batch; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    if (x.empty()) return x;
    const Broadcast mean{ones, from, static_cast<double>(ones.size()) / static_cast<double>(from.size())}, less{ones, from, -1};
    // Twice: the mean is rounded, and rows may lie far from 0.
    Tensor<S> once = less.add_to(x, mean.transpose(x));
    const Tensor<S> missed = mean.transpose(once);
    return less.add_to(std::move(once), missed);
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return apply(y);
  }
};

namespace ops_detail {

/// (x - mean) / sqrt(variance + epsilon) with the moments over these axes.
template <class T>
T normalised_over(const char* op, const T& x, const std::vector<int>& axes, double epsilon) {
  const Shape s = shape_of(x), ones = with_ones(op, s, axes);
  if (s.size() == 0) return x;
  const T c = apply(Centre{s, ones}, x);
  return broadcast_mul(c, rsqrt(mean(mul(c, c), axes, true), epsilon));
}

/// The axes that LayerNorm is over; scale and bias must broadcast to them.
inline std::vector<int> check_layer_norm(const Shape& x, const Shape& scale, const Shape& bias, int first_axis) {
  check_examples("layer_norm", x);
  const int first = axis_of("layer_norm", x, first_axis);
  std::vector<int> axes;
  Shape rest;
  for (int i = first; i < x.rank(); ++i) axes.push_back(i), rest.append(x[i]);
  for (const auto& [name, s] : {std::pair<const char*, Shape>{"scale", scale}, {"bias", bias}})
    require(s.rank() <= rest.rank() && broadcast_shape("layer_norm", s, rest) == rest,
            "layer_norm: its {} is {} where axes {} on of input {} are {}", name, s, first, x, rest);
  return axes;
}

inline void check_groups(const char* op, const Shape& x, Index groups, const Shape& scale, const Shape& bias) {
  require(x.rank() >= 2, "{}: takes [N,...,C], got {}", op, x);
  check_examples(op, x);
  require(groups >= 1 && x[-1] % groups == 0, "{}: {} groups of the {} channels of {}; a divisor", op, groups, x[-1], x);
  for (const auto& [name, s] : {std::pair<const char*, Shape>{"scale", scale}, {"bias", bias}})
    require(s == Shape{x[-1]}, "{}: input {} has {} channels, its {} is {}", op, x, x[-1], name, s);
}

template <class T>
T group_norm(const char* op, const T& x, Index groups, const T& scale, const T& bias, double epsilon) {
  const Shape s = shape_of(x);
  check_groups(op, s, groups, shape_of(scale), shape_of(bias));
  if (s.size() == 0) return x;
  const Index c = s[-1];
  const T apart = reshape(x, {s[0], s.row_size() / c, groups, c / groups});
  return tangentplane::bias(channel_scale(reshape(normalised_over(op, apart, {1, 3}, epsilon), s), scale), bias);
}

}  // namespace ops_detail

/// (x - mean) / sqrt(variance + epsilon) * scale + bias with mean and biased variance over the axes from `first_axis` on.
template <class T>
T layer_norm_composed(const T& x, const T& scale, const T& bias, double epsilon, int first_axis = -1) {
  const auto axes = ops_detail::check_layer_norm(shape_of(x), shape_of(scale), shape_of(bias), first_axis);
  return broadcast_add(broadcast_mul(ops_detail::normalised_over("layer_norm", x, axes, epsilon), scale), bias);
}

/// The same. scale and bias have the shape of these axes, or one that broadcasts to it. Throws std::invalid_argument where they do not.
template <class T>
T layer_norm(const T& x, const T& scale, const T& bias, double epsilon, int first_axis = -1) {
  return layer_norm_composed(x, scale, bias, epsilon, first_axis);
}
/// The same, fused where it is over the last axis alone.
template <class S>
Tensor<S> layer_norm(const Tensor<S>& x, const Tensor<S>& scale, const Tensor<S>& bias, double epsilon, int first_axis = -1) {
  const auto axes = ops_detail::check_layer_norm(x.shape(), scale.shape(), bias.shape(), first_axis);
  if (axes.size() != 1 || scale.shape() != Shape{x.shape()[-1]} || bias.shape() != scale.shape())
    return layer_norm_composed(x, scale, bias, epsilon, first_axis);
  return cpu::layer_norm(x, scale, bias, epsilon, static_cast<cpu::RowMoments<S>*>(nullptr));
}
/// The same, and recorded as one step.
template <class S>
Var<Tensor<S>> layer_norm(const Var<Tensor<S>>& x, const Var<Tensor<S>>& scale, const Var<Tensor<S>>& bias, double epsilon,
                          int first_axis = -1) {
  using T = Tensor<S>;
  const Shape& s = x.value.shape();
  const auto axes = ops_detail::check_layer_norm(s, scale.value.shape(), bias.value.shape(), first_axis);
  if (axes.size() != 1 || s.rank() < 2 || scale.value.shape() != Shape{s[-1]} || bias.value.shape() != scale.value.shape())
    return layer_norm_composed(x, scale, bias, epsilon, first_axis);
  const auto operands = {&x.at, &scale.at, &bias.at};
  auto* tape = tape_detail::common_tape(operands);
  const bool constant = tape_detail::all_constant(operands);
  if (tape) {
    tape->take("layer_norm", Reach::row, x.at, s, constant);
    tape->spread(ChannelScale::name, scale.at, x.at.examples);
    tape->spread(ChannelBias::name, bias.at, x.at.examples);
  }
  if (constant) return {layer_norm(x.value, scale.value, bias.value, epsilon), tape_detail::constant_place(operands)};
  auto moments = std::make_shared<cpu::RowMoments<S>>();
  T y = cpu::layer_norm(x.value, scale.value, bias.value, epsilon, moments.get());
  return tape->record(
      std::move(y),
      [moments, x, scale, bias_at = bias.at](const T& dy, Pull<T>& pull) {
        // In the order of the composition.
        tape_detail::contribute_map(ChannelBias{dy.shape()}, bias_at, dy, pull);
        if (!scale.at.constant()) {
          const T normalised = cpu::normalised_rows(x.value, *moments);
          tape_detail::contribute<Slot::weight, Slot::input, Slot::output>(ChannelScale{}, scale.at, normalised, dy, pull);
        }
        if (!x.at.constant() && !exactly_zero(scale.value)) pull.into(x.at, cpu::layer_norm_pullback(x.value, *moments, scale.value, dy));
      },
      x.at.examples);
}

/// (x - mean) / sqrt(variance + epsilon) * scale + bias for x [N, ..., C], scale and bias [C], with the moments of each example's groups of
/// C / groups neighbouring channels at all positions. Throws std::invalid_argument unless `groups` divides C, as the next one does for
/// shapes.
template <class T>
T group_norm(const T& x, Index groups, const T& scale, const T& bias, double epsilon) {
  return ops_detail::group_norm("group_norm", x, groups, scale, bias, epsilon);
}
/// The same with a group for each channel.
template <class T>
T instance_norm(const T& x, const T& scale, const T& bias, double epsilon) {
  const Shape& s = shape_of(x);
  return ops_detail::group_norm("instance_norm", x, s.rank() > 0 ? s[-1] : 0, scale, bias, epsilon);
}

}  // namespace tangentplane
