// Appending a block of vectors to an orthonormal basis: block Gram-Schmidt and Cholesky-QR, each twice, for blocks of any rank.
#pragma once

#include <vector>

#include "autodiff/random.h"
#include "autodiff/tensor.h"
#include "kernels/eigen/columns.h"

namespace tangentplane::kernels {

/// What orthonormalise took out of a block w [b, N].
struct Projection {
  std::vector<double> coefficients;  ///< [m, b]: Q w^T
  std::vector<double> gram;          ///< [b, b]: of the remainder w - coefficients^T Q
  Index replaced = 0;                ///< rows of the new block that are random, for want of independent rows in w
};

/// Turns w [b, N] into `wanted` <= b orthonormal rows that are orthogonal to the orthonormal rows of basis [m, N] and span what w has
/// beyond them; returns what was taken out. A direction of length <= floor counts as rounding and is replaced by a random one (the
/// next of `random`'s). With wanted = 0, w becomes empty. Throws std::runtime_error where w is not finite. Of vectors whose columns are
/// shared out among ranks basis and w are this rank's columns; what is returned is the same on all.
template <class S>
Projection orthonormalise(const Tensor<S>& basis, Tensor<S>& w, Index wanted, double floor, RandomStream& random, const Columns& columns);
/// Of vectors that are here whole.
template <class S>
Projection orthonormalise(const Tensor<S>& basis, Tensor<S>& w, Index wanted, double floor, RandomStream& random) {
  return orthonormalise(basis, w, wanted, floor, random, Columns::all(w.shape()[1]));
}

/// w w^T [b, b] in double.
template <class S>
std::vector<double> gram_matrix(const Tensor<S>& w);

}  // namespace tangentplane::kernels
