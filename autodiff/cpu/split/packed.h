// A float32 matrix as two bfloat16 parts, in the order in which the tile unit (unit.h) takes them, and products of such matrices.
#pragma once

#include "autodiff/cpu/memory.h"
#include "autodiff/cpu/split/unit.h"
#include "autodiff/shape.h"

namespace tangentplane::cpu::split {

/// Which factor of a product A B a matrix is: A, of which tiles hold rows, or B, of which they hold columns.
enum class Side { left, right };

/// A factor as it lies in memory: number (i, p), with i a row of A or a column of B and p the place in the inner sum, is
/// data[i * next + p * next_inner]; one of the two steps is 1.
struct Factor {
  Side side;               ///< A or B
  const float* data;       ///< number (0, 0)
  Index next, next_inner;  ///< from a row or column to the next, and from a term to the next
  Index extent, inner;     ///< how many rows or columns; terms of the inner sum
};

/// Terms of the inner sum that are added up in the unit before they are added to C.
constexpr Index inner_piece = 1024;

/// A factor in parts. It reads the float32 numbers again where a product is not finite or its error is measured: they must stay.
class Packed {
 public:
  /// Room for it; nothing is packed yet.
  explicit Packed(const Factor& factor);
  /// Packs blocks of 16 rows or columns, [begin, end) of blocks().
  void pack(Index begin, Index end);
  /// Blocks of 16 rows or columns, the last one perhaps filled up with zeros.
  Index blocks() const { return (factor_.extent + lanes - 1) / lanes; }
  /// Pieces of the inner sum.
  Index pieces() const { return (factor_.inner + inner_piece - 1) / inner_piece; }

  const Factor& factor() const { return factor_; }    ///< what is packed
  Index steps(Index piece) const;                     ///< of the unit, in that piece of the inner sum
  const Pair* tiles(Index piece, Index block) const;  ///< of that piece, from that block on

 private:
  Factor factor_;
  Index padded_;  // terms of the inner sum, with the zeros that fill the last tile
  Block numbers_;
};

/// Rows and columns of C that one task computes.
constexpr Index tile_extent = 256;

/// C's rows [row, row + rows) and columns [column, column + columns) <- alpha A B + beta C, on the calling thread; row and column are
/// multiples of 16, c is where C itself begins. At most tile_extent rows and columns. With beta = 0, C is only written. An entry that is
/// not finite is what float32 gives.
void multiply(const Packed& a, Index row, Index rows, const Packed& b, Index column, Index columns, float alpha, float beta, float* c,
              Index stride);

/// The same for all of C.
void multiply(const Packed& a, const Packed& b, float alpha, float beta, float* c, Index stride);

/// With a unit of one's own choice, in place of the fastest: for tests.
void multiply(const Unit& unit, const Packed& a, Index row, Index rows, const Packed& b, Index column, Index columns, float alpha,
              float beta, float* c, Index stride);

/// The two parts of a number: high is x rounded to bfloat16 to nearest even (towards zero where that would be infinite), low is x - high
/// rounded so. Of an infinity and a NaN the low part is 0.
struct Parts {
  std::uint32_t high, low;  ///< in the lower 16 bits
};
Parts parts_of(float x);

}  // namespace tangentplane::cpu::split
