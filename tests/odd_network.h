// A network of its own that does what the study's three do not, and what contractions could get wrong: a weight used twice, two weights
// that share one cotangent and one bias, a bias behind a reshape, a convolution's weight used twice.
#pragma once

#include "nn/network.h"

namespace tangentplane {

/// For images [N, 4, 3, 2].
Network<double> odd_network(Index outputs);

}  // namespace tangentplane
