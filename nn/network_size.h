// How large a network will be, known before anything of it is allocated.
#pragma once

#include "nn/models.h"

namespace tangentplane {

/// Counts of numbers, in double: the widths that an option asks for may multiply to more than an integer holds.
struct NetworkSize {
  double parameters = 0, statistics = 0;  ///< in all
  double largest = 0;                     ///< of the parameters
  double activations = 0;                 ///< outputs of all layers with a kernel, for one image
};

/// Of the network that make_network makes and `initialise` fills for images of shape [H, W, C]. Throws std::invalid_argument for an unknown
/// model, and unless lenet has five widths.
NetworkSize network_size(const ModelConfig& config, const Shape& image);

}  // namespace tangentplane
