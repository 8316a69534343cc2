// A network whose rows, of three outputs, are held as factors.
#pragma once

#include "nn/layers.h"
#include "tests/small.h"

namespace tangentplane {

/// Layers over tokens, their weights as they are taken and as PyTorch keeps them, and a strided, padded convolution.
struct Tokens {
  Index outputs;

  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    Conv2dOptions strided;
    strided.stride_height = strided.stride_width = 3, strided.pad = {1, 1, 1, 1};
    const Index n = shape_of(images)[0];
    T x = tanh(conv2d(images, scope.parameter("patches", {3, 3, 3, 24}, lecun_normal()), strided));  // 2 x 4 positions
    x = reshape(x, {n, 8, 24});
    x = tanh(matmul(x, scope.parameter("own", {24, 26}, lecun_normal())));
    x = tanh(bias(matmul(x, permute(scope.parameter("turned", {22, 26}, lecun_normal()), {1, 0})), scope.parameter("bias", {22}, zeros())));
    return dense(scope / "head", outputs, mean(x, {1}, false));
  }
};

template <class S>
Small<S> tokens(Index outputs, Index images) {
  return draw_small<S>("tokens", Network<S>(Tokens{outputs}), {6, 12, 3}, images);
}

}  // namespace tangentplane
