// The study's multilayer perceptron: flatten, 100, 100, 1.
#pragma once

#include "nn/layers.h"

namespace tangentplane {

/// Dense layers with an activation after all but the last.
struct Mlp {
  std::vector<Index> features{100, 100, 1};  ///< widths, the logits last
  Activation activation = Activation::relu;  ///< after every layer but the last

  /// x [N, ...] -> [N, features.back()].
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    T x = flatten(images);
    for (std::size_t i = 0; i < features.size(); ++i) {
      x = dense(scope / ("Dense_" + std::to_string(i)), features[i], x);
      if (i + 1 < features.size()) x = activate(activation, x);
    }
    return x;
  }
};

}  // namespace tangentplane
