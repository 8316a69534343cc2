// make_network's definition, for the two files that compile it: each precision in a file of its own, so that they compile side by side.
#pragma once

#include "nn/lenet.h"
#include "nn/mlp.h"
#include "nn/models.h"
#include "nn/resnet.h"

namespace tangentplane {

template <class S>
Network<S> make_network(const ModelConfig& config) {
  const Activation activation = activation_named(config.activation);
  for (Index n : config.features) require(n >= 1, "features: a width of {} is below 1", n);
  if (config.model == "mlp") {
    Mlp m{.activation = activation};
    if (!config.features.empty()) m.features = config.features;
    return Network<S>(m);
  }
  if (config.model == "lenet") {
    LeNet m{.activation = activation};
    if (!config.features.empty()) m.features = config.features;
    require(m.features.size() == 5, "features: lenet takes five widths, got {}", m.features.size());
    return Network<S>(m);
  }
  require(config.model == "resnet18", "model: {} is not one of mlp, lenet, resnet18", config.model);
  require(config.filters >= 1, "filters: {} is below 1", config.filters);
  require(!config.blocks.empty(), "blocks: resnet18 needs at least one stage");
  for (Index n : config.blocks) require(n >= 1, "blocks: a stage of {} blocks", n);
  return Network<S>(ResNet{config.filters, config.blocks, 1, activation});
}

}  // namespace tangentplane
