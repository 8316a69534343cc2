// The study's three networks at 32x32x3 with fresh weights, and random images.
#pragma once

#include "autodiff/random.h"
#include "nn/models.h"

namespace tangentplane::bench {

struct Model {
  Network<float> network;
  Variables<float> variables;
};

/// Every BatchNorm scale is 1: at the zeros of initialisation half of ResNet18 would be skipped.
inline Model make_model(const std::string& name) {
  ModelConfig config;
  config.model = name;
  Model m{make_network<float>(config), {}};
  m.variables = initialise(m.network, {32, 32, 3}, 0);
  for (std::size_t i = 0; i < m.variables.paths.size(); ++i)
    if (m.variables.paths[i].ends_with("/scale")) m.variables.parameters[i] = Tensor<float>::full(m.variables.parameters[i].shape(), 1);
  return m;
}

inline Tensor<float> random_images(Index n) {
  Tensor<float> x({n, 32, 32, 3});
  RandomStream random(0, "bench images");
  for (float& v : x.span()) v = static_cast<float>(random.normal());
  return x;
}

}  // namespace tangentplane::bench
