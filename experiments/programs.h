// The experiments as functions: what a binary's main calls, for the built-in networks and for those of one's own. A whole main:
//
//   #include <experiments/programs.h>
//   #include <nn/layers.h>
//   using namespace tangentplane;
//
//   struct Vgg {
//     template <class T>
//     T operator()(const Scope<T>& scope, const T& images) const { ... }  // [N, H, W, C] -> [N, O]
//   };
//
//   int main(int argc, char** argv) { return experiments::compute_ntk(argc, argv, experiments::own_network("vgg", Vgg{})); }
//
// It has all options of the binary of that name, but for --features, --filters, --blocks and --activation, which are the built-in
// networks'; its results are those that the others build on: a train_ntk of the same network takes them with --ntk.
#pragma once

#include "experiments/common/subject/own_network.h"

namespace tangentplane::experiments {

// Each returns the exit status (experiments/common/process/run_main.h) and says what is wrong in one line on standard error.

/// A network's tangent kernel at its initial weights and its leading eigenpairs.
int compute_ntk(int argc, const char* const* argv, const OwnNetworks& own = {});
/// Trains a network or its linearization on eigenfunctions of its kernel, or on labels.
int train_ntk(int argc, const char* const* argv, const OwnNetworks& own = {});
/// Trains them on classes, on training sets of growing size.
int train_cifar(int argc, const char* const* argv, const OwnNetworks& own = {});
/// Trains a network on an eigenfunction, and its linearizations at the initial and at the trained weights.
int pretrained_ntk_comparison(int argc, const char* const* argv, const OwnNetworks& own = {});
/// A network's neural anisotropy directions at its initial weights.
int compute_nads(int argc, const char* const* argv, const OwnNetworks& own = {});
/// Trains a network or its linearization on classes that one of these directions separates.
int train_nads(int argc, const char* const* argv, const OwnNetworks& own = {});

}  // namespace tangentplane::experiments
