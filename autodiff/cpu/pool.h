// Pooling of NHWC images: averages over windows and over whole images, largest entries of windows, and their transposes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "autodiff/tensor.h"

namespace tangentplane::cpu {

/// Windows over images of one size; a window that would stick out of the padded image is left out.
struct PoolGeometry {
  Index height = 0, width = 0, channels = 0;                       ///< of an input image
  Index window = 2, stride = 2;                                    ///< down, and across where the next two are 0
  Index window_across = 0, stride_across = 0;                      ///< across; 0: as down
  Index pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;  ///< rows and columns around an image, none of them entries
  bool count_padding = false;                                      ///< whether averages divide by the window's padding too
  Index beyond_bottom = 0, beyond_right = 0;                       ///< more of them, which averages never count

  Index window_width() const { return window_across ? window_across : window; }                               ///< columns
  Index stride_width() const { return stride_across ? stride_across : stride; }                               ///< columns
  Index out_height() const { return (height + pad_top + pad_bottom + beyond_bottom - window) / stride + 1; }  ///< of an output image
  Index out_width() const { return (width + pad_left + pad_right + beyond_right - window_width()) / stride_width() + 1; }  ///< likewise
  /// True for square windows that lie in the image whole.
  bool plain() const {
    return window_width() == window && stride_width() == stride && pad_top == 0 && pad_bottom == 0 && pad_left == 0 && pad_right == 0 &&
           beyond_bottom == 0 && beyond_right == 0;
  }
  bool overlaps() const { return stride < window || stride_width() < window_width(); }  ///< whether an entry may be in several windows
};

/// One axis of a window: where it starts (which may be before the image), its entries [first, last) in the image, and how many it counts.
struct WindowSpan {
  Index start;    ///< of the window
  Index first;    ///< entry inside
  Index last;     ///< the one after it
  Index counted;  ///< what an average divides by
};
inline WindowSpan span_of(Index start, Index window, Index extent, Index before, Index after, bool count_padding) {
  const Index end = start + window;
  const WindowSpan inside{start, std::max<Index>(start, 0), std::min(end, extent), 0};
  const Index counted = count_padding ? std::min(end, extent + after) - std::max(start, -before) : inside.last - inside.first;
  return {start, inside.first, inside.last, counted};
}
inline WindowSpan rows_of(const PoolGeometry& at, Index i) {
  return span_of(i * at.stride - at.pad_top, at.window, at.height, at.pad_top, at.pad_bottom, at.count_padding);
}
inline WindowSpan columns_of(const PoolGeometry& at, Index j) {
  return span_of(j * at.stride_width() - at.pad_left, at.window_width(), at.width, at.pad_left, at.pad_right, at.count_padding);
}

/// [N, H, W, C] -> [N, H', W', C].
template <class S>
Tensor<S> average_pool(const PoolGeometry& at, const Tensor<S>& x);
template <class S>
Tensor<S> average_pool_transpose(const PoolGeometry& at, const Tensor<S>& y);

/// [N, H, W, C] -> [N, C].
template <class S>
Tensor<S> global_mean(const Tensor<S>& x);
template <class S>
Tensor<S> global_mean_transpose(Index height, Index width, const Tensor<S>& y);

/// Which entry of its window each entry of [N, H', W', C] is, counted row by row through the window (padding included).
using WindowChoices = std::shared_ptr<const std::vector<std::int32_t>>;
/// The largest entry of each window, the first in row order where several are; the first NaN where a window holds one. Padding is never
/// chosen; each window holds an entry. Which it was, too, where that is wanted.
template <class S>
Tensor<S> max_pool(const PoolGeometry& at, const Tensor<S>& x, WindowChoices* choices);
/// The chosen entries: [N, H, W, C] -> [N, H', W', C].
template <class S>
Tensor<S> choose(const PoolGeometry& at, const WindowChoices& choices, const Tensor<S>& x);
/// The transpose: each number to the entry that was chosen for it.
template <class S>
Tensor<S> choose_transpose(const PoolGeometry& at, const WindowChoices& choices, const Tensor<S>& y);

}  // namespace tangentplane::cpu
