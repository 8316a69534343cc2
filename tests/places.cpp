#include "tests/places.h"

namespace tangentplane::places {

std::string golden() { return PLACES_TREE "/tests/golden"; }
std::string binaries() { return PLACES_BINARIES; }
std::string reproduce() { return PLACES_TREE "/experiments/reproduce"; }

}  // namespace tangentplane::places
