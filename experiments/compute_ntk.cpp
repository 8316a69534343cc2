// The binary compute_ntk of the built-in networks; experiments/programs/compute_ntk.cpp says what it does. A main like this one, with a
// network of one's own as a third argument, is that experiment on it (experiments/programs.h).
#include "experiments/programs.h"

int main(int argc, char** argv) { return tangentplane::experiments::compute_ntk(argc, argv); }
