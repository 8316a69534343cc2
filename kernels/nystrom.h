// Eigenpairs of a kernel too large to compute, from the m columns of it that belong to m chosen points.
#pragma once

#include "kernels/eigen.h"

namespace tangentplane::kernels {

/// m different points of {0, ..., N-1}, ascending, a uniform choice that follows from the seed. Throws std::invalid_argument unless
/// 1 <= m <= N.
std::vector<Index> nystrom_points(Index N, Index m, std::uint64_t seed);

/// The rows of K that belong to these images, `side` to each, one after another: of a kernel in the layout full whole images are chosen.
std::vector<Index> rows_of_images(const std::vector<Index>& images, Index side);

/// Orthonormal Nystrom: the k <= m leading eigenpairs of K_nm K_mm^-1 K_nm^T, exactly (Fowlkes et al. 2004, one-shot for a positive
/// definite K). With K_mm = L L^T, after adding 1e-7 lambda_1(K_mm) to its diagonal, and B = K_nm L^-T, they are the eigenvalues s of B^T B
/// and U = B R s^-1/2 for its eigenvectors R. K_nm [N, m] holds the chosen columns for all N points, K_mm [m, m] its chosen
/// rows. Eigenvector j is near the kernel's own up to about j = m/30, the span much further; vectors are orthonormal as far as s_k stands
/// above rounding. No residuals: K is not there to measure them. Throws std::invalid_argument for shapes that do not fit, entries
/// that are not finite, or k above the numerical rank.
template <class S>
Eigenpairs<S> nystrom_eigenpairs(const Tensor<S>& K_mm, const Tensor<S>& K_nm, Index k);

/// Its flops for m points of n.
double nystrom_flops(Index n, Index m, Index k);
/// Bytes that it takes, K_nm included.
double nystrom_bytes(Index n, Index m);

}  // namespace tangentplane::kernels
