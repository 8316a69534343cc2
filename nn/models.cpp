#include "nn/models.h"

#include "nn/make_network.h"

namespace tangentplane {

Activation activation_named(const std::string& name) {
  if (name == "relu") return Activation::relu;
  if (name == "gelu") return Activation::gelu;
  if (name == "tanh") return Activation::tanh;
  throw std::invalid_argument("activation: " + name + " is not one of relu, gelu, tanh");
}

template Network<double> make_network(const ModelConfig&);

}  // namespace tangentplane
