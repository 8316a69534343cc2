// compute_ntk of a network of one's own.
#include <experiments/programs.h>

#include "tiny.h"

using namespace tangentplane::experiments;

int main(int argc, char** argv) { return compute_ntk(argc, argv, own_network("tiny", Tiny{})); }
