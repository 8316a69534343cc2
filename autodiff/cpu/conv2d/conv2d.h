// 2-d convolution (cross-correlation, as flax's nn.Conv) over NHWC images with HWIO weights: the three corners of the trilinear form
// <dy, B(x, w)>, and the per-example weight gradients. Each result is new and complete; shapes were checked by the caller (ops.h).
#pragma once

#include "autodiff/tensor.h"

namespace tangentplane::cpu {

/// All sizes of a convolution but the number of images.
struct ConvGeometry {
  Index height = 0, width = 0, channels = 0;                       ///< of an input image
  Index kernel_height = 0, kernel_width = 0;                       ///< of the weight
  Index out_channels = 0;                                          ///< of an output image
  Index stride = 1;                                                ///< down, and across unless stride_across says otherwise
  Index pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;  ///< rows and columns of zeros around an image; negative ones crop it
  Index stride_across = 0;                                         ///< across; 0: as down
  Index dilation_height = 1, dilation_width = 1;                   ///< from one tap to the next
  Index groups = 1;  ///< output channels of a group see that group of the input channels; the weight is [kh, kw, C / groups, O]

  Index stride_width() const { return stride_across ? stride_across : stride; }                             ///< across
  Index reach_down() const { return (kernel_height - 1) * dilation_height + 1; }                            ///< rows under the kernel
  Index reach_across() const { return (kernel_width - 1) * dilation_width + 1; }                            ///< columns under the kernel
  Index out_height() const { return (height + pad_top + pad_bottom - reach_down()) / stride + 1; }          ///< of an output image
  Index out_width() const { return (width + pad_left + pad_right - reach_across()) / stride_width() + 1; }  ///< of an output image
  Index positions() const { return out_height() * out_width(); }  ///< places at which the weight is used
  Index group_channels() const { return channels / groups; }      ///< input channels of a group
  Index patch_size() const {
    return kernel_height * kernel_width * group_channels();
  }  ///< numbers that an output channel sees at a position
  /// True for one stride, neighbouring taps and one group.
  bool plain() const { return stride_width() == stride && dilation_height == 1 && dilation_width == 1 && groups == 1; }
};

/// Images of a task of a convolution: at least some 20 microseconds of work.
Index images_per_task(const ConvGeometry& at);

/// y[n,i,j,o] = sum over a, b, c of x[n, i s + a - top, j s + b - left, c] w[a,b,c,o]: x [N,H,W,C], w [kh,kw,C,O] -> [N,H',W',O]; where
/// taps are dilated a and b count so many times, and c is within o's group.
template <class S>
Tensor<S> conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w);

/// Transpose in x: w, dy [N,H',W',O] -> dx [N,H,W,C].
template <class S>
Tensor<S> conv2d_input(const ConvGeometry& at, const Tensor<S>& w, const Tensor<S>& dy);

/// Transpose in w, summed over the images in a fixed order: x, dy -> dw [kh,kw,C / groups,O].
template <class S>
Tensor<S> conv2d_weight(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy);

/// The same for each image on its own, the rows of its Jacobian: x, dy -> N rows of kh kw C / groups O numbers, `stride` numbers apart.
template <class S>
void conv2d_weight_rows(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy, S* rows, Index stride);

}  // namespace tangentplane::cpu
