// The study's LeNet (after LeCun et al., 1998): two 5x5 convolutions with average pooling, three dense layers.
#pragma once

#include "nn/layers.h"

namespace tangentplane {

/// conv 5x5, pool, conv 5x5, pool, dense, dense, dense, with an activation after all but the last.
struct LeNet {
  std::vector<Index> features{6, 16, 120, 84, 1};  ///< two convolutions', then the dense layers' widths
  Activation activation = Activation::relu;        ///< after every layer but the last

  /// x [N, H, W, C] -> [N, features.back()].
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    T x = images;
    for (std::size_t i = 0; i < 2; ++i) x = conv_activate_pool(scope / ("Conv_" + std::to_string(i)), features[i], 5, activation, x);
    x = flatten(x);
    for (std::size_t i = 2; i < features.size(); ++i) {
      x = dense(scope / ("Dense_" + std::to_string(i - 2)), features[i], x);
      if (i + 1 < features.size()) x = activate(activation, x);
    }
    return x;
  }
};

}  // namespace tangentplane
