// The binary train_nads of the built-in networks; experiments/programs/train_nads.cpp says what it does. A main like this one, with a
// network of one's own as a third argument, is that experiment on it (experiments/programs.h).
#include "experiments/programs.h"

int main(int argc, char** argv) { return tangentplane::experiments::train_nads(argc, argv); }
