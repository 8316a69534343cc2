// Leading eigenpairs of a symmetric matrix by LAPACK: the whole of `full`, Lanczos's Ritz problem, Nystrom's small problem.
#pragma once

#include "autodiff/tensor.h"

namespace tangentplane::kernels {

/// The k largest eigenvalues, descending, and as the rows of vectors [k, n] their orthonormal eigenvectors, of the symmetric matrix in
/// the upper triangle of a [n, n], which is overwritten. The tridiagonal problem is solved in double for either S. Throws
/// std::invalid_argument unless a is square and 1 <= k <= n, and std::runtime_error where it is not finite or LAPACK fails.
template <class S>
void dense_eigenpairs(Tensor<S>& a, Index k, std::vector<double>& values, Tensor<S>& vectors);

/// Bytes that it takes beside a.
template <class S>
double dense_bytes(Index n, Index k);

/// For all calls of LAPACKE: its own search for NaNs indexes in 32 bits and crashes beyond 46,340 rows. Callers check what they are given.
void no_lapacke_checks();

}  // namespace tangentplane::kernels
