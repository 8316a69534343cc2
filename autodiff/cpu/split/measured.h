// How far the split products of a run are from float32's, measured while it runs: a sample of them is computed both ways.
#pragma once

#include "autodiff/shape.h"

namespace tangentplane::cpu::split {

/// Of all products so far.
struct Measured {
  double split_flops = 0, float32_flops = 0;  ///< of float32 matrix products that went through split parts, and of those that did not
  Index samples = 0;                          ///< parts of products that were computed both ways
  double difference = 0, norm = 0;            ///< squares, summed over the samples: of split - float32, and of float32

  /// Relative difference of all samples in the Frobenius norm; 0 where there are none.
  double relative() const;
  /// What came since then.
  Measured since(const Measured& then) const;
};
/// Since the process began.
Measured measured();
/// What follows is another stage of a run, of which the first products are measured too.
void measure_anew();

/// Notes a product [m, k] [k, n] that went that way; while products() is split.
void count_product(bool is_split, Index m, Index n, Index k);
/// True for the first 16 tiles of a stage, and then for the 32nd, 64th, ...: each stage has some, none many.
bool wants_measuring();
/// Compares [rows, columns] of a split product, whose rows are `stride` apart, with float32's [rows, columns].
void measure(Index rows, Index columns, const float* split, Index stride, const float* float32);

}  // namespace tangentplane::cpu::split
