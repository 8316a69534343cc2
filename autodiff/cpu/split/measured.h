// How far the split products of a run are from float32's, measured while it runs: a sample of them is computed both ways.
#pragma once

#include "autodiff/shape.h"

namespace tangentplane::cpu::split {

/// Since the last call of take_measured().
struct Measured {
  double split_flops = 0, float32_flops = 0;  ///< of float32 matrix products that went through split parts, and of those that did not
  Index samples = 0;                          ///< parts of products that were computed both ways
  double difference = 0, norm = 0;            ///< squares, summed over the samples: of split - float32, and of float32
  double largest = 0;                         ///< of the samples, the largest relative difference in the Frobenius norm

  /// Relative difference of all samples in the Frobenius norm; 0 where there are none.
  double relative() const;
};
/// What was measured since it was last asked for, and begins anew.
Measured take_measured();

/// Notes a product [m, k] [k, n] that went that way; while products() is split.
void count_product(bool is_split, Index m, Index n, Index k);
/// True for the first 16 split tiles since take_measured(), and then for the 32nd, 64th, ...: each stage has some, none many.
bool wants_measuring();
/// Compares [rows, columns] of a split product, whose rows are `stride` apart, with float32's [rows, columns].
void measure(Index rows, Index columns, const float* split, Index stride, const float* float32);

}  // namespace tangentplane::cpu::split
