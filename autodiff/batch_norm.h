// BatchNorm as a composition of ops. It is a Composite: memory-bound, so plain tensors and Var<Tensor> take a fused pair of routines
// (cpu/batch_norm.h) that sweep over the array as few times as can be; every other nest takes the composition, and tests hold the two
// equal.
#pragma once

#include "autodiff/cpu/batch_norm.h"
#include "autodiff/ops.h"

namespace tangentplane {

namespace batch_norm_detail {

/// The fused routines read a number for each channel of x [..., C] from everything else that they are given.
inline void check(const Shape& x, std::initializer_list<std::pair<const char*, Shape>> others) {
  require(x.rank() >= 1, "batch_norm: a scalar has no channels");
  for (const auto& [name, shape] : others)
    require(shape == Shape{x[-1]}, "batch_norm: input {} has {} channels, its {} is {}", x, x[-1], name, shape);
  ops_detail::check_examples("batch_norm", x);
}
/// Statistics of a batch divide by the number of its entries.
inline void check_batch(const Shape& x, std::initializer_list<std::pair<const char*, Shape>> others) {
  check(x, others);
  require(x.size() > 0, "batch_norm: input {} has no examples to take statistics of", x);
}
inline void check(const Shape& x, const Shape& mean, const Shape& inverse_deviation, const Shape& gamma, const Shape& beta) {
  check(x, {{"mean", mean}, {"inverse deviation", inverse_deviation}, {"scale", gamma}, {"bias", beta}});
}

}  // namespace batch_norm_detail

/// (x - mean) * inverse_deviation * gamma + beta with given statistics, gamma and beta [C]: each example on its own. Throws
/// std::invalid_argument where one of them has another shape, as all of this file do.
template <class T>
T normalise_composed(const T& x, const Tensor<ScalarOf<T>>& mean, const Tensor<ScalarOf<T>>& inverse_deviation, const T& gamma,
                     const T& beta) {
  const T centred = bias(x, lift<T>(scale(mean, -1)));
  return bias(channel_scale(channel_scale(centred, lift<T>(inverse_deviation)), gamma), beta);
}

/// The same; other types have routines of their own.
template <class T>
T normalise(const T& x, const Tensor<ScalarOf<T>>& mean, const Tensor<ScalarOf<T>>& inverse_deviation, const T& gamma, const T& beta) {
  return normalise_composed(x, mean, inverse_deviation, gamma, beta);
}

/// The same in one sweep.
template <class S>
Tensor<S> normalise(const Tensor<S>& x, const Tensor<S>& mean, const Tensor<S>& inverse_deviation, const Tensor<S>& gamma,
                    const Tensor<S>& beta) {
  batch_norm_detail::check(x.shape(), mean.shape(), inverse_deviation.shape(), gamma.shape(), beta.shape());
  return cpu::normalise(x, mean, inverse_deviation, gamma, beta, static_cast<Tensor<S>*>(nullptr));
}

/// The same in one sweep, recorded as one step.
template <class S>
Var<Tensor<S>> normalise(const Var<Tensor<S>>& x, const Tensor<S>& mean, const Tensor<S>& inverse_deviation, const Var<Tensor<S>>& gamma,
                         const Var<Tensor<S>>& beta) {
  using T = Tensor<S>;
  const auto operands = {&x.at, &gamma.at, &beta.at};
  auto* tape = tape_detail::common_tape(operands);
  if (tape_detail::all_constant(operands))
    return {normalise(x.value, mean, inverse_deviation, gamma.value, beta.value), tape_detail::constant_place(operands)};
  batch_norm_detail::check(x.value.shape(), mean.shape(), inverse_deviation.shape(), gamma.value.shape(), beta.value.shape());
  tape->spread(ChannelScale::name, gamma.at, x.at.examples);
  tape->spread(ChannelBias::name, beta.at, x.at.examples);
  T normalised, y = cpu::normalise(x.value, mean, inverse_deviation, gamma.value, beta.value, gamma.at.constant() ? nullptr : &normalised);
  return tape->record(
      std::move(y),
      [normalised, inverse_deviation, gamma_value = gamma.value, x_at = x.at, gamma_at = gamma.at, beta_at = beta.at,
       shape = x.value.shape()](const T& dy, Pull<T>& pull) {
        // In the order of the composition; a gamma of zeros lets nothing through to x.
        tape_detail::contribute_map(ChannelBias{shape}, beta_at, dy, pull);
        tape_detail::contribute<Slot::weight, Slot::input, Slot::output>(ChannelScale{}, gamma_at, normalised, dy, pull);
        if (!x_at.constant() && !exactly_zero(gamma_value)) pull.into(x_at, cpu::scale_twice(dy, gamma_value, inverse_deviation));
      },
      x.at.examples);
}

/// The output and the statistics of the batch that made it.
template <class T>
struct BatchNormalised {
  T y;                                 ///< normalised
  Tensor<ScalarOf<T>> mean, variance;  ///< [C], the variance biased
};

/// The same with the batch's own mean and biased variance over all axes but the last.
template <class T>
BatchNormalised<T> normalise_by_batch_composed(const T& x, const T& gamma, const T& beta, double epsilon) {
  batch_norm_detail::check_batch(shape_of(x), {});
  const double weight = static_cast<double>(shape_of(x)[-1]) / static_cast<double>(shape_of(x).size());
  const T mean = scale(channel_sum(x), weight);
  const T centred = bias(x, scale(mean, -1));
  const T variance = scale(channel_sum(mul(centred, centred)), weight);
  const T y = bias(channel_scale(channel_scale(centred, rsqrt(variance, epsilon)), gamma), beta);
  return {y, primal(mean), primal(variance)};
}

/// The same; other types have routines of their own.
template <class T>
BatchNormalised<T> normalise_by_batch(const T& x, const T& gamma, const T& beta, double epsilon) {
  return normalise_by_batch_composed(x, gamma, beta, epsilon);
}

/// The same in two sweeps.
template <class S>
BatchNormalised<Tensor<S>> normalise_by_batch(const Tensor<S>& x, const Tensor<S>& gamma, const Tensor<S>& beta, double epsilon) {
  batch_norm_detail::check_batch(x.shape(), {{"scale", gamma.shape()}, {"bias", beta.shape()}});
  auto m = cpu::channel_moments(x);
  return {cpu::batch_norm(x, m, gamma, beta, epsilon), m.mean, m.variance};
}

/// The same, and its pull-back in two sweeps.
template <class S>
BatchNormalised<Var<Tensor<S>>> normalise_by_batch(const Var<Tensor<S>>& x, const Var<Tensor<S>>& gamma, const Var<Tensor<S>>& beta,
                                                   double epsilon) {
  const auto operands = {&x.at, &gamma.at, &beta.at};
  auto* tape = tape_detail::common_tape(operands);
  auto value = normalise_by_batch(x.value, gamma.value, beta.value, epsilon);
  if (tape) tape->couple("batch_norm");
  if (tape_detail::all_constant(operands)) return {{value.y, tape_detail::constant_place(operands)}, value.mean, value.variance};
  auto y =
      tape->record(value.y, [x_value = x.value, moments = cpu::ChannelMoments<S>{value.mean, value.variance}, gamma_value = gamma.value,
                             epsilon, x_at = x.at, gamma_at = gamma.at, beta_at = beta.at](const Tensor<S>& dy, Pull<Tensor<S>>& pull) {
        auto back = cpu::batch_norm_pullback(x_value, moments, gamma_value, epsilon, dy, !x_at.constant());
        pull.into(beta_at, std::move(back.beta));
        pull.into(gamma_at, std::move(back.gamma));
        if (!x_at.constant()) pull.into(x_at, std::move(back.x));
      });
  return {std::move(y), value.mean, value.variance};
}

}  // namespace tangentplane
