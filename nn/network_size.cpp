#include "nn/network_size.h"

#include <algorithm>
#include <cmath>

#include "nn/lenet.h"
#include "nn/mlp.h"
#include "nn/resnet.h"

namespace tangentplane {
namespace {

/// Follows an image through a network's layers, as layers.h has them.
struct Walk {
  double height, width, channels;
  NetworkSize size = {};

  explicit Walk(const Shape& image)
      : height(static_cast<double>(image[0])), width(static_cast<double>(image[1])), channels(static_cast<double>(image[2])) {}

  void add(double numbers) {
    size.parameters += numbers;
    size.largest = std::max(size.largest, numbers);
  }
  void conv(double features, double kernel, double stride, bool use_bias) {
    add(kernel * kernel * channels * features);
    if (use_bias) add(features);
    height = std::ceil(height / stride), width = std::ceil(width / stride), channels = features;
    size.activations += height * width * channels;
  }
  void batch_norm() {
    add(channels), add(channels);
    size.statistics += 2 * channels;
  }
  void pool() { height = std::floor(height / 2), width = std::floor(width / 2); }
  void flatten() { channels *= height * width, height = width = 1; }
  void mean() { height = width = 1; }
  void dense(double features) {
    add(channels * features), add(features);
    channels = features;
    size.activations += features;
  }
};

void walk_resnet(Walk& at, const ResNet& net) {
  at.conv(static_cast<double>(net.filters), 3, 1, false);
  at.batch_norm();
  for (std::size_t stage = 0; stage < net.blocks.size(); ++stage)
    for (Index j = 0; j < net.blocks[stage]; ++j) {
      const double width = std::ldexp(static_cast<double>(net.filters), static_cast<int>(stage));
      const double stride = stage > 0 && j == 0 ? 2 : 1;
      Walk shortcut = at;
      at.conv(width, 3, stride, false);
      at.batch_norm();
      at.conv(width, 3, 1, false);
      at.batch_norm();
      if (shortcut.height == at.height && shortcut.width == at.width && shortcut.channels == at.channels) continue;
      shortcut.size = at.size;
      shortcut.conv(width, 1, stride, false);
      shortcut.batch_norm();
      at.size = shortcut.size;
    }
  at.mean();
  at.dense(static_cast<double>(net.outputs));
}

}  // namespace

NetworkSize network_size(const ModelConfig& config, const Shape& image) {
  require(image.rank() == 3, "network size: images of shape {}; give [H,W,C]", image);
  Walk at(image);
  const auto dense = [&](const std::vector<Index>& features, std::size_t from) {
    at.flatten();
    for (std::size_t i = from; i < features.size(); ++i) at.dense(static_cast<double>(features[i]));
  };
  if (config.model == "mlp") {
    dense(config.features.empty() ? Mlp().features : config.features, 0);
  } else if (config.model == "lenet") {
    const auto features = config.features.empty() ? LeNet().features : config.features;
    require(features.size() == 5, "features: lenet takes five widths, got {}", features.size());
    for (std::size_t i = 0; i < 2; ++i) {
      at.conv(static_cast<double>(features[i]), 5, 1, true);
      at.pool();
    }
    dense(features, 2);
  } else {
    require(config.model == "resnet18", "model: {} is not one of mlp, lenet, resnet18", config.model);
    walk_resnet(at, {.filters = config.filters, .blocks = config.blocks});
  }
  return at.size;
}

}  // namespace tangentplane
