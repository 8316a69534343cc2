// What models are made of, under flax's names and with its defaults. Each layer takes the scope named after it.
#pragma once

#include "autodiff/batch_norm.h"
#include "autodiff/segment.h"
#include "nn/parameters.h"

namespace tangentplane {

/// Functions that follow a layer.
enum class Activation { relu, gelu, tanh };

/// f of the pointwise function that `kind` names.
template <class F>
auto with_activation(Activation kind, const F& f) {
  switch (kind) {
    case Activation::relu:
      return f(Relu{});
    case Activation::gelu:
      return f(Gelu{});
    case Activation::tanh:
      return f(Tanh{});
  }
  throw std::invalid_argument("activation: unknown kind");
}

/// f(x), entry by entry.
template <class T>
T activate(Activation kind, const T& x) {
  return with_activation(kind, [&](const auto& f) { return pointwise(f, x); });
}

/// x [N, ..., K] -> [N, ..., features], with a bias: the same in every position between.
template <class T>
T dense(const Scope<T>& scope, Index features, const T& x) {
  const Shape& s = shape_of(x);
  require(s.rank() >= 2, "dense: takes [N,...,K], got {}", s);
  const T kernel = scope.parameter("kernel", {s[-1], features}, lecun_normal());
  return bias(matmul(x, kernel), scope.parameter("bias", {features}, zeros()));
}

/// Of conv.
struct ConvOptions {
  Index stride = 1;      ///< down and across
  bool use_bias = true;  ///< one number a channel
};

/// x [N, H, W, C] -> [N, H', W', features] with a square kernel and SAME padding.
template <class T>
T conv(const Scope<T>& scope, Index features, Index kernel, const T& x, ConvOptions options = {}) {
  const Shape& s = shape_of(x);
  require(s.rank() == 4, "conv: takes images [N,H,W,C], got {}", s);
  T y = conv2d(x, scope.parameter("kernel", {kernel, kernel, s[3], features}, lecun_normal()), options.stride);
  return options.use_bias ? bias(std::move(y), scope.parameter("bias", {features}, zeros())) : y;
}

/// The same (stride 1, with a bias), activated and averaged over 2 x 2 windows.
template <class T>
T conv_activate_pool(const Scope<T>& scope, Index features, Index kernel, Activation kind, const T& x) {
  const Shape& s = shape_of(x);
  require(s.rank() == 4, "conv: takes images [N,H,W,C], got {}", s);
  const T w = scope.parameter("kernel", {kernel, kernel, s[3], features}, lecun_normal()), b = scope.parameter("bias", {features}, zeros());
  return with_activation(kind, [&](const auto& f) { return convolve_activate_pool(f, x, w, b); });
}

/// Ioffe and Szegedy (2015) over all axes but the last: eps 1e-5, biased variance throughout, running <- 0.9 running + 0.1 batch.
/// Training mode couples the examples; evaluation mode uses the stored statistics.
template <class T>
T batch_norm(const Scope<T>& scope, const T& x, const Initializer& scale_initial = ones()) {
  using S = ScalarOf<T>;
  constexpr double epsilon = batch_norm_epsilon, momentum = 0.9;
  const Index c = shape_of(x)[-1];
  const T gamma = scope.parameter("scale", {c}, scale_initial), beta = scope.parameter("bias", {c}, zeros());
  const Tensor<S> mean = scope.statistic("mean", {c}, 0), variance = scope.statistic("var", {c}, 1);
  // A float32 statistic is used in its own precision, as flax does.
  const auto in_precision = [single = scope.single_statistics()](double v) {
    return single ? static_cast<double>(static_cast<float>(v)) : v;
  };
  if (scope.mode() == Mode::evaluation) {
    Tensor<S> inverse_deviation({c});
    for (Index i = 0; i < c; ++i)
      inverse_deviation[i] = static_cast<S>(in_precision(1 / std::sqrt(in_precision(static_cast<double>(variance[i]) + epsilon))));
    return normalise(x, mean, inverse_deviation, gamma, beta);
  }
  auto result = normalise_by_batch(x, gamma, beta, epsilon);
  const auto blend = [&](const Tensor<S>& old, const Tensor<S>& batch) {
    Tensor<S> t(old.shape());
    for (Index i = 0; i < c; ++i)
      t[i] = static_cast<S>(in_precision(in_precision(momentum) * static_cast<double>(old[i])) +
                            (1 - momentum) * static_cast<double>(batch[i]));
    return t;
  };
  scope.update_statistic("mean", blend(mean, result.mean));
  scope.update_statistic("var", blend(variance, result.variance));
  return std::move(result.y);
}

}  // namespace tangentplane
