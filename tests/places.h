// Where this build's binaries and the tree's files lie. Known to one file alone: the others compile to the same objects wherever the tree
// is.
#pragma once

#include <string>

namespace tangentplane::places {

std::string golden();     ///< the folder of golden values
std::string binaries();   ///< the folder of the experiments' binaries
std::string reproduce();  ///< the script

}  // namespace tangentplane::places
