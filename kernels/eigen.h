// The leading eigenpairs of a large symmetric matrix, such as a neural tangent kernel: the eigenfunctions that the study trains on.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "autodiff/tensor.h"
#include "kernels/eigen/columns.h"

namespace tangentplane::kernels {

/// How eigenpairs are found.
enum class EigenMethod { automatic, full, lanczos, nystrom };

/// auto, full, lanczos, nystrom.
std::string_view name(EigenMethod method);
/// The inverse of name(); throws std::invalid_argument for any other word.
EigenMethod eigen_method(std::string_view word);

/// What `automatic` comes to for k pairs of a matrix [n, n] in memory.
EigenMethod automatic_method(Index n, Index k);

/// Told of progress: the fraction done in [0, 1] and what is being done. May throw to cancel; the exception reaches the caller.
using Progress = std::function<void(double fraction, std::string_view what)>;

/// How they are found, and when that is good enough.
struct EigenOptions {
  EigenMethod method = EigenMethod::automatic;  ///< automatic: lanczos where it is faster, else full; never nystrom
  std::uint64_t seed = 0;                       ///< of Lanczos's start block
  Index block = 0;                              ///< vectors in a Lanczos block; 0: k/8 within 16 and 128
  Index max_basis = 0;                          ///< Lanczos stops, converged or not, at this many vectors; 0: may grow to N
  double tolerance = 0;                         ///< residual relative to ||K||, for a kernel lambda_1; 0: 1e-6 for float, 1e-10 for double
  Progress progress;                            ///< may be empty
};

/// The k largest eigenvalues and their eigenvectors.
template <class S>
struct Eigenpairs {
  std::vector<double> values;     ///< [k], descending
  Tensor<S> vectors;              ///< [k, N]: row j is eigenvector j, of unit norm, its (first) entry of largest magnitude positive
  std::vector<double> residuals;  ///< [k]: ||K u - theta u||, from a product with K after the run; empty for nystrom
  EigenMethod method = EigenMethod::full;  ///< how they were found
  bool converged = true;                   ///< all residuals within the tolerance
  Index basis = 0;                         ///< order of the eigenproblem that was solved densely
  Index products = 0;                      ///< vectors multiplied by K, the closing product included
  double flops = 0;                        ///< multiplications and additions
};

/// The k largest (not largest in magnitude) eigenvalues of the symmetric matrix K [N, N], and their eigenvectors. K is not changed. `full`
/// is LAPACK (full_bytes), `lanczos` is block_lanczos of lanczos.h (a basis of 2.5 k vectors, then larger ones). Throws
/// std::invalid_argument unless K is square, finite and, up to rounding, symmetric, and 1 <= k <= N, and for the method nystrom, which
/// takes blocks of K (nystrom.h).
template <class S>
Eigenpairs<S> leading_eigenpairs(const Tensor<S>& K, Index k, const EigenOptions& options = {});

/// Bytes that `full` takes beside K.
template <class S>
double full_bytes(Index n, Index k);
/// Its flops.
double full_flops(Index n, Index k);

/// Scales each row of [k, N] to unit norm and turns it so that its (first) entry of largest magnitude is positive.
template <class S>
void normalise_rows(Tensor<S>& vectors);
/// The same of vectors whose columns ranks share, this rank's [k, width].
template <class S>
void normalise_rows(Tensor<S>& vectors, const Columns& columns);

}  // namespace tangentplane::kernels
