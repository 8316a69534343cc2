// K's tiles on and above the diagonal, dealt to parts: to ranks, or to the jobs of an array. Each tile goes to one part, so each pair of
// images is met once.
#pragma once

#include <utility>

#include "autodiff/check.h"
#include "autodiff/shape.h"

namespace tangentplane::kernels {

/// Part p has block rows I_p, one after another, and of the tiles between I_p and I_q those for which q follows p within half the way
/// round: a half-ring. So a part meets the images of half of the others only, and every part has as many pairs as any other, but for whole
/// tiles. In a row of tiles a part's are one run.
class Deal {
 public:
  /// [first, end).
  using Range = std::pair<Index, Index>;

  /// Of a matrix [n, n] in tiles of so many rows and columns. Throws std::invalid_argument unless all are positive.
  Deal(Index n, Index tile, Index parts = 1);

  Index size() const { return n_; }                          ///< N
  Index tile() const { return tile_; }                       ///< rows and columns of a tile, of the last ones at most
  Index parts() const { return parts_; }                     ///< P
  Index side() const { return (n_ + tile_ - 1) / tile_; }    ///< tiles a side
  Index tiles() const { return side() * (side() + 1) / 2; }  ///< of all parts
  /// Rows of the tiles of block row r, or columns of block column r.
  Index extent(Index r) const { return std::min(tile_, n_ - r * tile_); }

  /// The block rows I_p of a part; empty for some where there are more parts than block rows.
  Range blocks(Index p) const { return {side() * p / parts_, side() * (p + 1) / parts_}; }
  /// The same in numbers: its columns of a vector of N.
  Range columns(Index p) const { return {std::min(n_, blocks(p).first * tile_), std::min(n_, blocks(p).second * tile_)}; }
  /// The part whose block rows r is one of.
  Index part_of(Index r) const { return ((r + 1) * parts_ - 1) / side(); }
  /// The part that has tile (r, c), r <= c.
  Index owner(Index r, Index c) const;
  /// The tiles (r, c) of row r that part p has: c in [first, end).
  Range row(Index p, Index r) const;
  /// How many tiles part p has.
  Index tiles_of(Index p) const;
  /// How many numbers they hold.
  double numbers_of(Index p) const;

 private:
  /// Between parts that are half the way apart: the block columns of q before which tiles are p's.
  Index middle(Index q) const { return blocks(q).first + (blocks(q).second - blocks(q).first + 1) / 2; }

  Index n_, tile_, parts_;
};

}  // namespace tangentplane::kernels
