// Alignment of the NTK with vectors (Ortiz-Jimenez, Moosavi-Dezfooli and Frossard, NeurIPS 2021): alpha_j = ||J^T v_j||^2 / ||v_j||^2 =
// v_j^T K v_j / v_j^T v_j, over all images asked for, from the tiles of K, so that neither K nor anything of size k x P is held.
#pragma once

#include "kernels/ntk.h"

namespace tangentplane {

/// [3, k] for the rows of `vectors` [k, N] ([k, N O], image by image, in the layout full): each restricted to the training images (the
/// first num_train), to the test images, and whole, divided by its norm there. A row is NaN where its part holds no images. With `shares`
/// [G, k]: the test images are cut into G pieces, in their order and as even as can be, and entry (g, j) becomes the share of piece g in
/// row 1, the sum over its i of v_i (K v)_i over v^T K v, both of the test images alone; they sum to 1 (are 0 where that is 0), and tell
/// what another draw of the test images would change. Throws std::invalid_argument unless vectors have a column for each of K's, 0 <=
/// num_train <= N and shares, if given, have a column for each vector, and as ntk_tiles does.
template <class S>
Tensor<double> alignment(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index num_train,
                         const Tensor<S>& vectors, const NtkOptions& options = {}, Tensor<double>* shares = nullptr);

}  // namespace tangentplane
