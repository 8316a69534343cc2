// Block Lanczos with full orthogonalisation (Golub and Underwood 1977; Grimes, Lewis and Simon 1994) for many leading eigenpairs of a
// matrix that is met only through its products with blocks of vectors.
#pragma once

#include "kernels/eigen.h"
#include "kernels/eigen/columns.h"

namespace tangentplane::kernels {

/// A symmetric matrix K [N, N], wherever it is kept. Where ranks share it, each holds some columns of every vector, and all call the same
/// functions in the same order.
template <class S>
class SymmetricOperator {
 public:
  virtual ~SymmetricOperator() = default;
  virtual Index size() const = 0;  ///< N
  /// The columns of vectors that this rank holds.
  virtual Columns columns() const { return Columns::all(size()); }
  /// out [b, N] <- v [b, N] K: a row is a vector; with ranks of both its own columns. The same bits whatever the thread count.
  virtual void apply(const Tensor<S>& v, Tensor<S>& out) const = 0;
  /// Vectors that eigen_residuals multiplies at a time: as many as their products may take memory.
  virtual Index batch() const { return 256; }
};

/// K as a tensor [N, N], both triangles stored.
template <class S>
class DenseOperator final : public SymmetricOperator<S> {
 public:
  /// Throws std::invalid_argument unless K is square.
  explicit DenseOperator(Tensor<S> K);
  Index size() const override { return K_.rows(); }  ///< N
  void apply(const Tensor<S>& v, Tensor<S>& out) const override;

 private:
  Tensor<S> K_;
};

/// The k largest eigenvalues of K and their eigenvectors. Stops when the estimated residuals are within the tolerance and measures them
/// by a closing product; goes on with a larger basis where the measurement disagrees. An eigenvalue that occurs more often than
/// the block has vectors is found only by rounding or by the random vectors that replace an exhausted block.
/// With ranks the vectors returned are this rank's columns [k, width], all else is the same on every rank: products and sums are shared,
/// the small dense problem is solved by rank 0. Throws std::invalid_argument unless 1 <= k <= N, block >= 0 and max_basis is 0 or at least
/// k; std::runtime_error where K's products are not finite.
template <class S>
Eigenpairs<S> block_lanczos(const SymmetricOperator<S>& K, Index k, const EigenOptions& options = {});

/// Vectors of a block of Lanczos for k pairs: what EigenOptions::block = 0 takes.
Index lanczos_block(Index n, Index k);
/// Vectors of the basis, the block under way included, that block_lanczos makes room for at first; most spectra need fewer.
Index lanczos_basis(Index n, Index k, Index block = 0);
/// Vectors that it is expected to multiply: 3 k, or four blocks beside a few pairs. Of the study's kernels LeNet's needed 2.8 k to 3.2 k
/// for 100 pairs or more, the MLP's 3.2 k to 4 k.
Index lanczos_expected(Index n, Index k, Index block = 0);
/// Bytes that block_lanczos takes beside the operator with a basis of so many vectors, `batch` of them multiplied at a time in the end; of
/// a rank with so many of the columns (0: all).
template <class S>
double lanczos_bytes(Index n, Index k, Index basis, Index batch = 256, Index width = 0);
/// Flops that are expected of it.
double lanczos_flops(Index n, Index k);

/// ||K u_j - theta_j u_j|| for the rows u_j of vectors [k, N] (this rank's columns), in double from products in S. Throws
/// std::invalid_argument unless there is a value for each and N is K's.
template <class S>
std::vector<double> eigen_residuals(const SymmetricOperator<S>& K, const std::vector<double>& values, const Tensor<S>& vectors,
                                    const std::function<void(Index done)>& progress = {});

}  // namespace tangentplane::kernels
