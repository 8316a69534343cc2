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

// A layer is a function of its weights: `dense_layer(scope / "Dense_0", ...)` asks the scope for them once, and what it returns may be
// applied any number of times. `dense(scope, ...)` and its like do both in one step.

/// Of a dense layer.
template <class T>
struct DenseLayer {
  T kernel;               ///< [K, C]
  std::optional<T> bias;  ///< [C]

  /// x [N, ..., K] -> [N, ..., C], the same in every position between.
  T operator()(const T& x) const {
    T y = matmul(x, kernel);
    return bias ? tangentplane::bias(std::move(y), *bias) : y;
  }
};
/// Takes `inputs` numbers to `features`.
template <class T>
DenseLayer<T> dense_layer(const Scope<T>& scope, Index inputs, Index features, bool use_bias = true) {
  DenseLayer<T> layer{scope.parameter("kernel", {inputs, features}, lecun_normal()), {}};
  if (use_bias) layer.bias = scope.parameter("bias", {features}, zeros());
  return layer;
}
/// x [N, ..., K] -> [N, ..., features], with a bias.
template <class T>
T dense(const Scope<T>& scope, Index features, const T& x) {
  const Shape& s = shape_of(x);
  require(s.rank() >= 2, "dense: takes [N,...,K], got {}", s);
  return dense_layer(scope, s[-1], features)(x);
}

/// Of conv.
struct ConvOptions {
  Index stride = 1;      ///< down and across
  bool use_bias = true;  ///< one number a channel
};
/// Of a convolution with SAME padding.
template <class T>
struct ConvLayer {
  T kernel;               ///< [kh, kw, C, O]
  std::optional<T> bias;  ///< [O]
  Index stride = 1;       ///< down and across

  /// x [N, H, W, C] -> [N, H', W', O].
  T operator()(const T& x) const {
    T y = conv2d(x, kernel, stride);
    return bias ? tangentplane::bias(std::move(y), *bias) : y;
  }
};
/// Takes `channels` channels to `features` with a square kernel.
template <class T>
ConvLayer<T> conv_layer(const Scope<T>& scope, Index channels, Index features, Index kernel, ConvOptions options = {}) {
  ConvLayer<T> layer{scope.parameter("kernel", {kernel, kernel, channels, features}, lecun_normal()), {}, options.stride};
  if (options.use_bias) layer.bias = scope.parameter("bias", {features}, zeros());
  return layer;
}
/// x [N, H, W, C] -> [N, H', W', features] with a square kernel and SAME padding.
template <class T>
T conv(const Scope<T>& scope, Index features, Index kernel, const T& x, ConvOptions options = {}) {
  const Shape& s = shape_of(x);
  require(s.rank() == 4, "conv: takes images [N,H,W,C], got {}", s);
  return conv_layer(scope, s[3], features, kernel, options)(x);
}

/// The same (stride 1, with a bias), activated and averaged over 2 x 2 windows.
template <class T>
T conv_activate_pool(const Scope<T>& scope, Index features, Index kernel, Activation kind, const T& x) {
  const Shape& s = shape_of(x);
  require(s.rank() == 4, "conv: takes images [N,H,W,C], got {}", s);
  const T w = scope.parameter("kernel", {kernel, kernel, s[3], features}, lecun_normal()), b = scope.parameter("bias", {features}, zeros());
  return with_activation(kind, [&](const auto& f) { return convolve_activate_pool(f, x, w, b); });
}

/// Of a layer normalisation.
template <class T>
struct LayerNormLayer {
  T scale, bias;          ///< [C]
  double epsilon = 1e-6;  ///< added to the variance

  /// x [N, ..., C] -> the same shape: each position less its mean, over the root of its biased variance.
  T operator()(const T& x) const { return layer_norm(x, scale, bias, epsilon); }
};
/// Over `channels` numbers, flax's epsilon by default.
template <class T>
LayerNormLayer<T> layer_norm_layer(const Scope<T>& scope, Index channels, double epsilon = 1e-6) {
  const T scale = scope.parameter("scale", {channels}, ones());
  return {scale, scope.parameter("bias", {channels}, zeros()), epsilon};
}
/// x [N, ..., C] normalised over its last axis (Ba, Kiros and Hinton, 2016).
template <class T>
T layer_norm(const Scope<T>& scope, const T& x, double epsilon = 1e-6) {
  require(shape_of(x).rank() >= 1, "layer_norm: a scalar has no channels");
  return layer_norm_layer(scope, shape_of(x)[-1], epsilon)(x);
}

/// Of rows by index.
template <class T>
struct EmbeddingLayer {
  T table;  ///< [V, D]

  /// Whole numbers [N, ...] in [0, V) -> [N, ..., D].
  T operator()(const Tensor<ScalarOf<T>>& indices) const { return embedding(table, indices); }
};
/// A table of `words` rows of `features` numbers, drawn as flax's: normal with variance 1 / features.
template <class T>
EmbeddingLayer<T> embedding_layer(const Scope<T>& scope, Index words, Index features) {
  return {scope.parameter("embedding", {words, features}, normal(std::sqrt(1 / static_cast<double>(features))))};
}
/// Whole numbers [N, ...] in [0, words) -> [N, ..., features].
template <class T>
T embed(const Scope<T>& scope, Index words, Index features, const Tensor<ScalarOf<T>>& indices) {
  return embedding_layer(scope, words, features)(indices);
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
