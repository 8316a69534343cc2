// BatchNorm over all axes but the last, with the statistics of the batch, in as few sweeps over memory as it takes.
#pragma once

#include "autodiff/tensor.h"

namespace tangentplane::cpu {

/// Statistics of a batch for each channel.
template <class S>
struct ChannelMoments {
  Tensor<S> mean, variance;  ///< [C], the variance biased
};
/// Mean and biased variance of each channel of x [..., C], in one sweep (pieces combined by Chan, Golub and LeVeque, 1979).
template <class S>
ChannelMoments<S> channel_moments(const Tensor<S>& x);

/// (x - mean) / sqrt(variance + epsilon) * gamma + beta, in one sweep.
template <class S>
Tensor<S> batch_norm(const Tensor<S>& x, const ChannelMoments<S>& m, const Tensor<S>& gamma, const Tensor<S>& beta, double epsilon);

/// The same with given statistics: x' gamma + beta with x' = (x - mean) inverse_deviation, in one sweep; x' too where it is given.
template <class S>
Tensor<S> normalise(const Tensor<S>& x, const Tensor<S>& mean, const Tensor<S>& inverse_deviation, const Tensor<S>& gamma,
                    const Tensor<S>& beta, Tensor<S>* normalised);

/// x u v in each channel, in one sweep.
template <class S>
Tensor<S> scale_twice(const Tensor<S>& x, const Tensor<S>& u, const Tensor<S>& v);

/// Of what batch_norm takes.
template <class S>
struct BatchNormCotangents {
  Tensor<S> x;            ///< empty unless wanted
  Tensor<S> gamma, beta;  ///< [C]
};
/// Pull-back of the above through x, its moments, gamma and beta: two sweeps.
template <class S>
BatchNormCotangents<S> batch_norm_pullback(const Tensor<S>& x, const ChannelMoments<S>& m, const Tensor<S>& gamma, double epsilon,
                                           const Tensor<S>& dy, bool want_x);

}  // namespace tangentplane::cpu
