// The study's three networks by name, compiled once for float and double.
#pragma once

#include <string>

#include "nn/layers.h"
#include "nn/network.h"

namespace tangentplane {

/// What identifies a network's architecture in options and results folders.
struct ModelConfig {
  std::string model = "lenet";            ///< mlp, lenet or resnet18
  std::vector<Index> features;            ///< widths of mlp and lenet, the study's if empty; resnet18 ignores them
  Index filters = 64;                     ///< of resnet18's first stage; mlp and lenet ignore this and the next
  std::vector<Index> blocks{2, 2, 2, 2};  ///< of each of resnet18's stages
  std::string activation = "relu";        ///< relu, gelu or tanh
};

/// The activation called relu, gelu or tanh; throws std::invalid_argument for any other name.
Activation activation_named(const std::string& name);
/// The network that the configuration describes, without parameters (`initialise` draws them). Throws std::invalid_argument for an unknown
/// model or activation and for unusable widths or blocks (lenet takes five widths).
template <class S>
Network<S> make_network(const ModelConfig& config);

}  // namespace tangentplane
