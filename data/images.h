// What data sets do with images [N, H, W, C]: check, gather and standardise them.
#pragma once

#include <string>
#include <vector>

#include "autodiff/tensor.h"

namespace tangentplane::data {

/// The shape of n examples of that shape: [n, H, W, C].
inline Shape batch_shape(Index n, const Shape& example) {
  Shape all{n};
  for (int axis = 0; axis < example.rank(); ++axis) all.append(example[axis]);
  return all;
}
/// The shape of one of them.
inline Shape example_shape(const Shape& batch) {
  Shape one;
  for (int axis = 1; axis < batch.rank(); ++axis) one.append(batch[axis]);
  return one;
}
/// Throws std::invalid_argument naming the file unless its shape is that of images [N, H, W, C], or, where `any`, [N, ...]. Where not
/// `any`, square images of 1, 3 or 4 channels in PyTorch's order, such as [N, 3, 32, 32], are refused too, and told how to turn them.
void require_image_shape(const std::string& name, const Shape& shape, bool any);

/// Throws std::invalid_argument, naming the first image (row; `what` calls it, the first one has number `number`) that holds a NaN or an
/// infinity and where in it.
template <class S>
void require_finite(const std::string& name, const Tensor<S>& images, const char* what = "image", Index number = 0);

/// By which images are standardised.
struct ChannelStatistics {
  std::vector<double> mean, deviation;  ///< [C]; the deviation is biased (divided by N H W)
};

/// Mean and deviation of each channel (last axis) over all other axes, in double and in a fixed order. Throws for no images.
template <class S>
ChannelStatistics channel_statistics(const Tensor<S>& images);

/// (x - mean) / deviation of each channel, in place where nothing else shares `images`. Throws std::invalid_argument for a channel
/// of deviation 0; `name` is the data's, for the message.
template <class S>
Tensor<S> standardised(const std::string& name, Tensor<S> images, const ChannelStatistics& statistics);

}  // namespace tangentplane::data
