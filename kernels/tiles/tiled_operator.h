// K's products with blocks of vectors where K is kept as tiles, on disk or in memory, here or shared out among ranks: one pass over the
// tiles a product, each tile read once and used for both its sides.
#pragma once

#include "kernels/eigen/lanczos.h"
#include "kernels/tiles/tile_file.h"

namespace tangentplane::kernels {

/// K as tiles, which must outlive this. Those of a file are read ahead of the products by a thread of its own; a failure of the disk
/// reaches the caller of apply as std::runtime_error.
template <class S>
class TiledOperator final : public SymmetricOperator<S> {
 public:
  /// `batch`: vectors that eigen_residuals multiplies in one pass. `poll` is called many times in a pass, by the caller of apply, and may
  /// throw to stop. Throws std::invalid_argument unless every tile is there and batch >= 1.
  explicit TiledOperator(const Tiles<S>& tiles, Index batch = 256, std::function<void()> poll = {});
  /// K as several parts, which are all of it; or, with ranks, the parts that this rank has: those of all ranks together are all. Each rank
  /// then has the columns of vectors that a deal to so many parts gives it. A product sends each rank's columns of v to those that meet
  /// them, and what these make of them back. Throws std::invalid_argument unless the parts are of one deal.
  TiledOperator(std::vector<const Tiles<S>*> parts, cpu::Ranks& ranks, Index batch = 256, std::function<void()> poll = {});
  Index size() const override { return deal_.size(); }  ///< N
  Columns columns() const override;
  Index batch() const override { return batch_; }
  void apply(const Tensor<S>& v, Tensor<S>& out) const override;

  /// What apply takes besides v and out, for `vectors` of them; `ranks` share K.
  static double bytes(Index n, Index tile, Index vectors, int ranks = 1);
  /// Bytes that a rank sends for the product of so many vectors, on average: as many as it receives.
  static double sent_bytes(const Deal& deal, Index vectors);

 private:
  /// Where block column c of gathered vectors lies: a rank's columns are contiguous.
  struct Place {
    Index offset, stride;
  };
  Place place(Index c, Index vectors) const;
  bool several() const { return ranks_->several(); }
  void multiply(const S* v, S* out, Index b) const;

  std::vector<const Tiles<S>*> parts_;
  Deal deal_;  // of vectors, to ranks
  cpu::Ranks* ranks_;
  Index batch_;
  std::function<void()> poll_;
  std::vector<unsigned char> meets_;  // [R, R]: whether rank p's tiles meet columns of rank q
};

}  // namespace tangentplane::kernels
