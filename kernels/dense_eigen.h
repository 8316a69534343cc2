// Leading eigenpairs of a symmetric matrix by LAPACK: the whole of `full`, Lanczos's Ritz problem, Nystrom's small problem.
#pragma once

#include "autodiff/tensor.h"

namespace tangentplane::kernels {

/// The k largest eigenvalues, descending, and as the rows of vectors [k, n] their orthonormal eigenvectors, of the symmetric matrix in
/// the upper triangle of a [n, n], which is overwritten. The tridiagonal problem is solved in double for either S. Throws
/// std::runtime_error where LAPACK fails.
template <class S>
void dense_eigenpairs(Tensor<S>& a, Index k, std::vector<double>& values, Tensor<S>& vectors);

}  // namespace tangentplane::kernels
