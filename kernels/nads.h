// Neural anisotropy directions (Ortiz-Jimenez, Modas, Moosavi-Dezfooli and Frossard, NeurIPS 2020): the right singular vectors of the mixed
// derivative d2f / dx dtheta, the input directions in which a network learns most and least easily.
#pragma once

#include <functional>

#include "nn/network.h"

namespace tangentplane {

/// How directions are computed.
struct NadsOptions {
  Index block = 0;    ///< directions of one pass; 0 chooses
  double memory = 0;  ///< bytes for the layers' tangents, and as many for a pass; if they do not fit, layers take turns and passes are run
                      ///< again; 0: no limit
  bool compress = true;                  ///< false multiplies every layer out; for tests
  std::function<void(double)> progress;  ///< fraction done; may throw to stop
};

/// What the directions cost, known before they are computed.
struct NadsPlan {
  Index directions = 0;                                    ///< D, the numbers of one image
  Index numbers = 0;                                       ///< that carry the tangents of one direction (rows of the Gram matrix's factor)
  Index block = 0;                                         ///< directions of one pass
  Index turns = 0;                                         ///< how often all passes are run
  double pass_flops = 0, gram_flops = 0, eigen_flops = 0;  ///< of the three stages
  double pass_bytes = 0, eigen_bytes = 0;                  ///< resident while tangents are multiplied, and during the eigendecomposition
};

/// All directions, the largest singular value first.
template <class S>
struct Nads {
  std::vector<double> eigvals;  ///< [D] squared singular values, descending, never negative
  Tensor<S> directions;  ///< [D, D], one a row, of unit norm, the entry of largest magnitude positive; pixels as in an image [H, W, C]
};

/// Throws std::invalid_argument for no points, for weights or points that are not finite, a network with several outputs, and where one
/// layer's tangents alone do not fit into the memory.
template <class S>
NadsPlan plan_nads(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& points, const NadsOptions& options = {});

/// The Gram matrix <T_e, T_g> [D, D] over the parameters of T_e = mean over the points x_i [n, H, W, C] of d/dx_e df(x_i)/dtheta, in
/// evaluation mode. By forward over reverse mode: D copies of a point with tangents e_1 ... e_D. Where a pre-activation is
/// exactly zero a ReLU has no second derivative and the result is that of relu'(0) = 0. Throws as plan_nads does, and
/// std::invalid_argument where the derivative overflows S.
template <class S>
Tensor<double> nads_gram(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& points,
                         const NadsOptions& options = {});

/// All D directions, by one eigendecomposition of the Gram matrix in double. Throws as nads_gram does.
template <class S>
Nads<S> nads(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& points, const NadsOptions& options = {});

}  // namespace tangentplane
