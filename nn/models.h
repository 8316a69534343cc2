// The study's three networks by name, compiled once for float and double.
#pragma once

#include <string>

#include "nn/layers.h"
#include "nn/network.h"

namespace tangentplane {

/// What identifies a network's architecture in options and results folders.
struct ModelConfig {
  std::string model = "lenet";  ///< mlp, lenet or resnet18
  std::vector<Index> features;  ///< widths of mlp and lenet; the study's if empty
  Index filters = 64;           ///< resnet18's width
  std::vector<Index> blocks{2, 2, 2, 2};
  std::string activation = "relu";  ///< relu, gelu or tanh
};

/// Throws std::invalid_argument for an unknown name or unusable widths (lenet takes five).
Activation activation_named(const std::string& name);
template <class S>
Network<S> make_network(const ModelConfig& config);

}  // namespace tangentplane
