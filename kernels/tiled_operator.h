// K's products with blocks of vectors where K lies on disk: one pass over its tiles a product, each tile read once and used for both its
// sides.
#pragma once

#include "kernels/lanczos.h"
#include "kernels/tile_file.h"

namespace tangentplane::kernels {

/// K as the tiles of a file, which must outlive this. The tiles are read ahead of the products by a thread of its own; a failure of
/// the disk reaches the caller of apply as std::runtime_error.
template <class S>
class TiledOperator final : public SymmetricOperator<S> {
 public:
  /// `batch`: vectors that eigen_residuals multiplies in one pass. `poll` is called many times in a pass, by the caller of apply, and may
  /// throw to stop. Throws std::invalid_argument unless every tile is there and batch >= 1.
  explicit TiledOperator(const TileFile<S>& file, Index batch = 256, std::function<void()> poll = {});
  Index size() const override { return file_.size(); }  ///< N
  Index batch() const override { return batch_; }
  void apply(const Tensor<S>& v, Tensor<S>& out) const override;

  /// What apply takes besides v and out, for `vectors` of them.
  static double bytes(Index n, Index tile, Index vectors);

 private:
  const TileFile<S>& file_;
  Index batch_;
  std::function<void()> poll_;
};

}  // namespace tangentplane::kernels
