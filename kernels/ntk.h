// The neural tangent kernel K = J J^T of images at fixed weights, in evaluation mode (Jacot, Gabriel and Hongler, 2018; contracted as in
// features.h), by tiles: each pair of images once, any N, the last tile ragged. In the layout full (linearize/outputs.h) an image has
// `side` = O rows of K, one after another; in every other layout it has one. Images are what plans, tiles and panels count.
#pragma once

#include <functional>
#include <optional>

#include "kernels/features.h"

namespace tangentplane {

struct NtkPlan;

/// How a kernel is computed.
struct NtkOptions {
  Contraction contraction = Contraction::automatic;  ///< of each layer
  Index tile = 0;                          ///< images a side of a tile; 0 chooses by N. Panels hold whole tiles of a given size, if any
  double memory = 0;                       ///< bytes for features; if they do not fit they are computed anew by panels; 0: no limit
  std::optional<Outputs> outputs;          ///< which, and the kernel's layout; none: the only one, or trace
  std::function<void(double)> progress{};  ///< fraction done; may throw to stop, called from one thread at a time
  /// Made before, at these weights and for so many images: it is followed, and contraction, tile and memory are not looked at. None: one is
  /// made.
  const NtkPlan* plan = nullptr;
};

/// What a kernel costs and how it is cut, known before it is computed.
struct NtkPlan {
  FeaturePlan features;                      ///< of each image
  Index images = 0;                          ///< N
  Index rows = 0;                            ///< of K that are computed; all of them, but for ntk_rows
  Index others = 0;                          ///< M of K(a, b) [N, M]; 0: of the images among themselves
  Index tile = 0;                            ///< images a side of a tile
  Index pass = 0;                            ///< images of one forward and reverse pass
  Index panel = 0;                           ///< images whose features are held: all that fit
  Index strip = 0;                           ///< others whose features pass by at a time; 0 where all are held
  double feature_runs = 0;                   ///< how often an image's features are computed, on average
  double feature_images = 0;                 ///< images whose features are computed, each as often as it is
  double feature_flops = 0, pair_flops = 0;  ///< in all
  double feature_bytes = 0;                  ///< held at once, tile_bytes included
  double tile_bytes = 0;                     ///< of rows that are multiplied out for a tile, and their products

  /// Rows of K that belong to an image: O in the layout full, otherwise 1.
  Index side() const { return features.side(); }
};
/// Of K, all rows. From a forward and reverse pass over one image: fit_ntk of plan_ntk_features. Throws std::invalid_argument for no
/// images, a negative tile, too little memory for the features of two images, and as FactoredJacobian does; so does everything below.
template <class S>
NtkPlan plan_ntk(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, const NtkOptions& options = {});

/// What the features of one image cost: of the first of `images`, though all of one shape cost the same, zeros too.
template <class S>
FeaturePlan plan_ntk_features(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, const NtkOptions& options);
/// How the first `rows` rows of a kernel of so many images are cut to fit into options.memory, and what they then cost: arithmetic alone.
template <class S>
NtkPlan fit_ntk(FeaturePlan features, Index images, Index rows, const NtkOptions& options);
/// The same of K(a, b) [n, m].
template <class S>
NtkPlan fit_ntk_between(FeaturePlan features, Index n, Index m, const NtkOptions& options);

/// A block of K: rows [i0, i1), columns [j0, j1) of K, whole images of both, `block` [i1 - i0, j1 - j0] contiguous.
template <class S>
using TileConsumer = std::function<void(Index i0, Index i1, Index j0, Index j1, const S* block)>;
/// Whether the tile whose first entry is K[i0, j0] is wanted. Asked by the caller's thread of each tile once, before any is computed.
using TileFilter = std::function<bool(Index i0, Index j0)>;

/// Hands over K tile by tile, those on and above the diagonal (j0 >= i0), from several threads at once; a tile on the diagonal is whole and
/// bit-symmetric. No tile crosses image number `boundary` (so that training and test blocks stay apart). Nothing of size N x N is held.
/// With `wanted`, only tiles of which it says so are computed, and no features for which there is none.
template <class S>
void ntk_tiles(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, const NtkOptions& options, Index boundary,
               const TileConsumer<S>& consume, const TileFilter& wanted = {});

/// Writes a tile and, off the diagonal, its mirror image into the first `rows` rows of K, k [rows, n]; what lies beyond is left out. All
/// numbers are K's rows and columns.
template <class S>
void write_tile(S* k, Index rows, Index n, Index i0, Index i1, Index j0, Index j1, const S* block);

/// K [N, N], bit-symmetric; [N O, N O] in the layout full.
template <class S>
Tensor<S> ntk(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, const NtkOptions& options = {});
/// The rows of the first `rows` images, K [rows, N] (or [rows O, N O]): what training in function space needs of it, the training images
/// first. Throws std::invalid_argument unless 1 <= rows <= N.
template <class S>
Tensor<S> ntk_rows(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index rows,
                   const NtkOptions& options = {});
/// K(a, b) [N, M] (or [N O, M O]) between two sets of images.
template <class S>
Tensor<S> ntk(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& a, const Tensor<S>& b,
              const NtkOptions& options = {});

}  // namespace tangentplane
