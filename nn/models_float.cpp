#include "nn/make_network.h"

namespace tangentplane {

template Network<float> make_network(const ModelConfig&);

}  // namespace tangentplane
