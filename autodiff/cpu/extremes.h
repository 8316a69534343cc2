// The places of largest and smallest entries over some axes.
#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "autodiff/cpu/strided.h"

namespace tangentplane::cpu {

/// For each entry of `ones` (x's shape with some axes of 1) the place in x of the largest, or smallest, of the entries that it stands for:
/// the first in row order where several are; the first NaN where there is one.
template <class S>
std::shared_ptr<const std::vector<Index>> extreme_places(const Shape& shape, const Shape& ones, const Tensor<S>& x, bool largest) {
  auto places = std::make_shared<std::vector<Index>>(static_cast<std::size_t>(ones.size()), Index(-1));
  if (x.empty() || shape.rank() == 0) {
    std::fill(places->begin(), places->end(), Index(0));
    return places;
  }
  const auto own = row_major_strides(shape), to = row_major_strides(ones);
  std::vector<StridedAxis> axes;
  for (int i = 0; i < shape.rank(); ++i) {
    const auto k = static_cast<std::size_t>(i);
    axes.push_back({shape[i], ones[i] == shape[i] ? to[k] : 0, own[k]});
  }
  // Rows of the first axis apart, unless they are compared with each other.
  const bool apart = ones[0] == shape[0];
  const Index row = shape.row_size();
  Index* best = places->data();
  parallel_rows(apart ? shape[0] : 1, row, [&](Index begin, Index end) {
    strided_detail::for_places(axes, begin * row, (apart ? end : shape[0]) * row, [&](Index z, Index i, Index) {
      const Index b = best[z];
      if (b < 0 || (!std::isnan(x[b]) && (std::isnan(x[i]) || (largest ? x[i] > x[b] : x[i] < x[b])))) best[z] = i;
    });
  });
  return places;
}

}  // namespace tangentplane::cpu
