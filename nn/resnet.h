// The study's ResNet18 for small images (He et al., 2016, V1): a 3x3 stem, four stages of two blocks, global mean, one dense layer. The
// second BatchNorm of a block starts at scale zero, so that each block starts as the identity.
#pragma once

#include "nn/layers.h"

namespace tangentplane {

/// Residual blocks of two 3x3 convolutions, in stages that halve the image and double the channels.
struct ResNet {
  Index filters = 64;                        ///< of the first stage; each further stage doubles them
  std::vector<Index> blocks{2, 2, 2, 2};     ///< a stage
  Index outputs = 1;                         ///< logits
  Activation activation = Activation::relu;  ///< within and after each block

  /// x [N, H, W, C] -> [N, outputs].
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    T x = conv(scope / "conv_init", filters, 3, images, {.stride = 1, .use_bias = false});
    x = activate(activation, batch_norm(scope / "bn_init", x));
    int count = 0;
    for (std::size_t stage = 0; stage < blocks.size(); ++stage)
      for (Index j = 0; j < blocks[stage]; ++j)
        x = block(scope / ("ResNetBlock_" + std::to_string(count++)), filters << stage, stage > 0 && j == 0 ? 2 : 1, x);
    return dense(scope / "Dense_0", outputs, global_mean(x));
  }

 private:
  template <class T>
  T block(const Scope<T>& scope, Index width, Index stride, const T& x) const {
    T y = conv(scope / "Conv_0", width, 3, x, {stride, false});
    y = activate(activation, batch_norm(scope / "BatchNorm_0", y));
    y = conv(scope / "Conv_1", width, 3, y, {1, false});
    y = batch_norm(scope / "BatchNorm_1", y, zeros());
    if (shape_of(x) == shape_of(y)) return activate(activation, add(x, std::move(y)));
    const T shortcut = batch_norm(scope / "norm_proj", conv(scope / "conv_proj", width, 1, x, {stride, false}));
    return activate(activation, add(shortcut, std::move(y)));
  }
};

}  // namespace tangentplane
