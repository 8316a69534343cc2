// The part of a kernel that one rank computes, or one job of an array: the tiles that a deal gives it (deal.h), each pair of images once.
// Part p holds the features of its own images, by panels where not all fit, and those of the parts that follow it within half the way round
// pass by in strips: computed anew, or passed on by their ranks.
#pragma once

#include "autodiff/cpu/ranks.h"
#include "kernels/ntk.h"
#include "kernels/tiles/tiles.h"

namespace tangentplane {

/// What a part costs and how it is cut.
struct PartPlan {
  kernels::Deal images{1, 1};  ///< of images: n, images a side of a tile, parts
  Index part = 0;              ///< which it is
  NtkPlan ntk;                 ///< its counts are the part's: panel, strip, features, pairs
  bool passed_on = false;      ///< features of others come from their ranks
  double sent_bytes = 0;       ///< of features; as many come in

  /// Of K's rows: what its tiles are kept by.
  kernels::Deal rows() const { return {images.size() * ntk.side(), images.tile() * ntk.side(), images.parts()}; }
};

/// What decides between computing features anew and passing them on.
enum class PassOn {
  never,     ///< there are no ranks, as in an array of jobs
  cheaper,   ///< where an image's features take longer to compute than to send, and all of a rank's own are held
  wherever,  ///< all of a rank's own are held
};

/// For `options.memory` bytes of features on each rank (0: no limit). `image_seconds` to compute an image's features, `byte_seconds` to
/// send a byte. A decision on passing on needs the least memory of all ranks, and is then the same on all. Throws std::invalid_argument
/// naming
/// --memory where no whole tiles fit.
template <class S>
PartPlan plan_part(FeaturePlan features, const kernels::Deal& images, Index part, const NtkOptions& options, PassOn pass_on = PassOn::never,
                   double image_seconds = 0, double byte_seconds = 0);

/// Computes the tiles that are missing among `tiles`, which are of the plan's deal and part. Where the plan passes features on all ranks
/// must call it, with the part of their number. An entry of K has the same bits whatever the number of parts, and as in ntk_tiles where all
/// features are held at once and the tiles are the same. What options.progress throws leaves every finished tile.
template <class S>
void complete_part(kernels::Tiles<S>& tiles, const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
                   const PartPlan& plan, const NtkOptions& options, cpu::Ranks& ranks = cpu::Ranks::alone());

}  // namespace tangentplane
