// BatchNorm as a composition of ops. In training it is a Composite: memory-bound, so plain tensors and Var<Tensor> take a fused pair of
// routines (cpu/batch_norm.h) that sweep over the array two and three times; every other nest takes the composition, and tests hold
// the two equal.
#pragma once

#include "autodiff/cpu/batch_norm.h"
#include "autodiff/ops.h"

namespace tangentplane {

/// (x - mean) * inverse_deviation * gamma + beta with given statistics [C]: each example on its own.
template <class T>
T normalise(const T& x, const Tensor<ScalarOf<T>>& mean, const Tensor<ScalarOf<T>>& inverse_deviation, const T& gamma, const T& beta) {
  const T centred = bias(x, lift<T>(scale(mean, -1)));
  return bias(channel_scale(channel_scale(centred, lift<T>(inverse_deviation)), gamma), beta);
}

/// The output and the statistics of the batch that made it.
template <class T>
struct BatchNormalised {
  T y;
  Tensor<ScalarOf<T>> mean, variance;  ///< [C], the variance biased
};

/// The same with the batch's own mean and biased variance over all axes but the last.
template <class T>
BatchNormalised<T> normalise_by_batch_composed(const T& x, const T& gamma, const T& beta, double epsilon) {
  const double weight = static_cast<double>(shape_of(x)[-1]) / static_cast<double>(std::max<Index>(1, shape_of(x).size()));
  const T mean = scale(channel_sum(x), weight);
  const T centred = bias(x, scale(mean, -1));
  const T variance = scale(channel_sum(mul(centred, centred)), weight);
  const T y = bias(channel_scale(channel_scale(centred, rsqrt(variance, epsilon)), gamma), beta);
  return {y, primal(mean), primal(variance)};
}

template <class T>
BatchNormalised<T> normalise_by_batch(const T& x, const T& gamma, const T& beta, double epsilon) {
  return normalise_by_batch_composed(x, gamma, beta, epsilon);
}

template <class S>
BatchNormalised<Tensor<S>> normalise_by_batch(const Tensor<S>& x, const Tensor<S>& gamma, const Tensor<S>& beta, double epsilon) {
  auto m = cpu::channel_moments(x);
  return {cpu::batch_norm(x, m, gamma, beta, epsilon), m.mean, m.variance};
}

template <class S>
BatchNormalised<Var<Tensor<S>>> normalise_by_batch(const Var<Tensor<S>>& x, const Var<Tensor<S>>& gamma, const Var<Tensor<S>>& beta,
                                                   double epsilon) {
  tape_detail::common_tape(x.at, beta.at);
  auto* tape = tape_detail::common_tape(x.at.constant() ? beta.at : x.at, gamma.at);
  auto value = normalise_by_batch(x.value, gamma.value, beta.value, epsilon);
  if (!tape) return {value.y, value.mean, value.variance};
  tape->couple("batch_norm");
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
