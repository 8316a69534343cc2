// The patches of an image that a convolution multiplies with its weight, and the shifts of the kernel that make them.
#pragma once

#include <utility>
#include <vector>

#include "autodiff/cpu/conv2d/conv2d.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane {

/// Pairs (position, its place in the input under one shift of the kernel), those outside the image left out.
using Shift = std::vector<std::pair<Index, Index>>;

/// One for each entry of the kernel [kh, kw], row by row.
inline std::vector<Shift> shifts_of(const cpu::ConvGeometry& at) {
  std::vector<Shift> shifts;
  for (Index u = 0; u < at.kernel_height; ++u)
    for (Index v = 0; v < at.kernel_width; ++v) {
      Shift& inside = shifts.emplace_back();
      for (Index s = 0; s < at.positions(); ++s) {
        const Index y = s / at.out_width() * at.stride + u * at.dilation_height - at.pad_top,
                    z = s % at.out_width() * at.stride_width() + v * at.dilation_width - at.pad_left;
        if (0 <= y && y < at.height && 0 <= z && z < at.width) inside.emplace_back(s, y * at.width + z);
      }
    }
  return shifts;
}

/// x [N, H, W, C] -> [N, positions, kh kw C]: the patch of each position, zeros outside the image. Of a convolution in one group.
template <class S>
Tensor<S> patches(const cpu::ConvGeometry& at, const Tensor<S>& x) {
  const auto shifts = shifts_of(at);
  const Index places = at.height * at.width, c = at.channels, patch = at.patch_size();
  Tensor<S> a = Tensor<S>::zeros({x.rows(), at.positions(), patch});
  cpu::parallel_for(x.rows(), [&](Index i) {
    for (std::size_t e = 0; e < shifts.size(); ++e)
      for (const auto& [s, place] : shifts[e])
        std::copy_n(x.data() + (i * places + place) * c, c, a.data() + (i * at.positions() + s) * patch + static_cast<Index>(e) * c);
  });
  return a;
}

}  // namespace tangentplane
