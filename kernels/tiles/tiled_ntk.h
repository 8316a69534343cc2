// The neural tangent kernel in a file of tiles: computed once, whatever interrupts it.
#pragma once

#include "kernels/ntk.h"
#include "kernels/tiles/tile_file.h"

namespace tangentplane {

/// Tells kernels apart: a hash of the images, of the weights and statistics under their names, and of the kernel of the first images,
/// in which the network, the output and the contraction show.
template <class S>
std::uint64_t ntk_fingerprint(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, const NtkOptions& options);

/// Images a side of a file's tiles, for a kernel whose features go by such panels and strips: up to 512 rows of K, fewer where panels would
/// lose much to whole tiles. The file has tiles of as many times plan.side() rows. Throws std::invalid_argument, naming --memory, where
/// fewer than 32 images of more have room.
Index file_tile(const NtkPlan& plan);

/// Throws std::invalid_argument, naming --memory, unless the plan's panels and strips consist of whole tiles.
void require_whole_tiles(const NtkPlan& plan, Index tile);

/// Computes the tiles that the file lacks. options.tile is the file's. options.plan, if any, is of such tiles. What options.progress throws
/// leaves every finished tile in the file. Throws std::invalid_argument unless the file is of as many images (of all their rows in the
/// layout full, and of tiles of whole images), and where options.memory has no room for whole tiles.
template <class S>
void complete(kernels::TileFile<S>& file, const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
              NtkOptions options);

}  // namespace tangentplane
