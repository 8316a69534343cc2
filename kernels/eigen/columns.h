// Vectors of N numbers of which each rank holds some columns: what of block Lanczos passes between ranks.
#pragma once

#include <algorithm>
#include <span>

#include "autodiff/cpu/ranks.h"
#include "autodiff/random.h"

namespace tangentplane::kernels {

/// Columns [first, end) of n are this rank's; those of all ranks, in their order, are all of them.
struct Columns {
  Index n = 0;                               ///< of a vector
  Index first = 0;                           ///< of this rank's
  Index end = 0;                             ///< beyond its last
  cpu::Ranks* ranks = &cpu::Ranks::alone();  ///< that share them

  /// All of them, with no other rank.
  static Columns all(Index n) { return {n, 0, n}; }
  Index width() const { return end - first; }  ///< how many are this rank's
  /// Sums over this rank's columns become sums over all.
  void sum(std::span<double> numbers) const { ranks->sum(numbers); }
  /// This rank's part of the next vector of normal numbers, the same vector for any number of ranks.
  template <class S>
  void normals(RandomStream& random, double scale, S* row) const {
    for (Index i = 0; i < n; ++i)
      if (const double v = scale * random.normal(); first <= i && i < end) row[i - first] = static_cast<S>(v);
  }
};

}  // namespace tangentplane::kernels
