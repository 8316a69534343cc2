// What an eigenfunction looks like: the images at which it is lowest and highest, as one picture with its numbers beside.
#pragma once

#include <filesystem>
#include <vector>

#include "autodiff/tensor.h"
#include "data/png.h"

namespace tangentplane::experiments {

/// The images (rows) at which an eigenfunction is lowest and highest, the most extreme first; of equal values the earlier image.
struct Extremes {
  Index eigenfunction = 0;
  std::vector<Index> lowest = {}, highest = {};
};

/// The eigenfunctions that a gallery shows of `count`: 0, 1, 2, 5, 20, 100 and 500, as far as there are.
std::vector<Index> gallery_eigenfunctions(Index count);

/// Of each of these rows of `eigenvectors` [k, N] the `count` lowest and highest of N images; of fewer than twice as many images, half.
template <class S>
std::vector<Extremes> extremes(const Tensor<S>& eigenvectors, const std::vector<Index>& eigenfunctions, Index count);

/// Pixels between two pictures of a gallery, and between lowest and highest ones.
inline constexpr Index gallery_gap = 2, gallery_divide = 8;

/// A row for each eigenfunction: on the left the images [N, H, W, C] where it is lowest, on the right where it is highest, the most extreme
/// ones outside. Of three channels in colour, of others the mean over channels. All images shown share one scale for each channel, from
/// its least to its largest number, so that standardised images look as they were.
template <class S>
data::Picture gallery(const Tensor<S>& images, const std::vector<Extremes>& extremes);

/// The gallery of the eigenvectors [k, N] in a file (eigvecs.npy). Writes `path` (.png) and beside it a .csv of what it shows: index (of
/// the eigenfunction), side, place (0: the most extreme), image (its row, training images first), value. Always true. Throws as the data's
/// functions do.
template <class S>
bool save_gallery(const std::filesystem::path& path, const Tensor<S>& images, const std::filesystem::path& eigenvectors);

}  // namespace tangentplane::experiments
