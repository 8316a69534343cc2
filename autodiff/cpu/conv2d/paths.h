// The ways in which conv2d.cpp computes a convolution, declared here so that tests and benchmarks can force each of them. In every
// path padding may be negative (the image is then cropped), because an input gradient is a convolution whose padding can be.
#pragma once

#include <experimental/simd>

#include "autodiff/cpu/conv2d/conv2d.h"

namespace tangentplane::cpu::paths {

template <class S>
using Lanes = std::experimental::native_simd<S>;

/// Lanes of a vector register of this build.
template <class S>
constexpr Index lanes = Index(Lanes<S>::size());

/// Registers of an AVX-512 machine hold 6 x 4 accumulators and their operands, the 16 of other machines 6 x 2.
template <class S>
constexpr Index max_vectors = sizeof(Lanes<S>) == 64 ? 4 : 2;
constexpr Index max_scalars = 6;

/// How many of n things the next block takes, so that the blocks are as few and as even as can be: 16 by 6 is 6, 5, 5.
constexpr Index even_block(Index n, Index limit) {
  const Index blocks = (n + limit - 1) / limit;
  return (n + blocks - 1) / blocks;
}

/// Rows and columns of the padded image that the kernel visits.
inline Index padded_height(const ConvGeometry& at) { return (at.out_height() - 1) * at.stride + at.kernel_height; }
inline Index padded_width(const ConvGeometry& at) { return (at.out_width() - 1) * at.stride + at.kernel_width; }

/// Copies x [H,W,C] into padded [padded_height, padded_width, C], zeros around it.
template <class S>
void pad_image(const ConvGeometry& at, const S* x, S* padded);

/// dw [row] = the sum of the partials [chunks, row], added in the order of the chunks.
template <class S>
Tensor<S> sum_chunks(const Tensor<S>& partials, Shape shape);

/// Images in a chunk of a weight gradient: a function of the sizes alone; large gradients get few chunks to keep partials small.
Index images_per_chunk(const ConvGeometry& at, Index images);

// gemm.cpp: patches in blocks that stay in L2 (im2col), then BLAS. Any sizes.
template <class S>
Tensor<S> gemm_conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w);
template <class S>
Tensor<S> gemm_weight(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy);
template <class S>
void gemm_weight_rows(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy, S* rows, Index stride);

// planar.cpp: lanes are neighbouring positions of one row. Any sizes; made for few output channels.
template <class S>
Tensor<S> planar_conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w);

// tiles.cpp: lanes are output channels, which must fill whole vectors; no patches are copied.
template <class S>
Tensor<S> tiled_conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w);

/// What lies across the lanes of a weight gradient: output channels (whole vectors of them), or a row of the kernel (kw C numbers).
enum class Across { out_channels, kernel_row };
template <class S>
Tensor<S> tiled_weight(const ConvGeometry& at, Across across, const Tensor<S>& x, const Tensor<S>& dy);
template <class S>
void tiled_weight_rows(const ConvGeometry& at, Across across, const Tensor<S>& x, const Tensor<S>& dy, S* rows, Index stride);

// winograd.cpp: F(4 x 4, 3 x 3), a quarter of the products. Kernels of 3 x 3, stride 1, both numbers of channels whole vectors.
// Rounding: for random x, w and dy the relative error in the 2-norm is some twice that of the definition summed in float (outputs, 64
// to 512 channels: 0.8e-6 to 2.3e-6 for 0.4e-6 to 1.1e-6; weight gradients: 5e-7). It is relative to the terms of a sum, not to the sum:
// test_winograd.cpp bounds it entry by entry.
Tensor<float> winograd_conv2d(const ConvGeometry& at, const Tensor<float>& x, const Tensor<float>& w);
Tensor<float> winograd_weight(const ConvGeometry& at, const Tensor<float>& x, const Tensor<float>& dy);

// transpose.cpp: the input gradient as stride x stride convolutions of stride 1, each by `conv`.
template <class S>
using Conv2dPath = Tensor<S> (*)(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&);
template <class S>
Tensor<S> input_gradient(const ConvGeometry& at, const Tensor<S>& w, const Tensor<S>& dy, Conv2dPath<S> conv);

// depthwise.cpp: each channel is a group; lanes are channels. Any strides and dilations.
inline bool is_depthwise(const ConvGeometry& at) { return at.groups > 1 && at.groups == at.channels; }
template <class S>
Tensor<S> depthwise_conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w);
template <class S>
Tensor<S> depthwise_input(const ConvGeometry& at, const Tensor<S>& w, const Tensor<S>& dy);
template <class S>
Tensor<S> depthwise_weight(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy);
template <class S>
void depthwise_weight_rows(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy, S* rows, Index stride);

// grouped.cpp: patches and BLAS for each group. Any sizes, strides, dilations and groups.
template <class S>
Tensor<S> grouped_conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w);
template <class S>
Tensor<S> grouped_input(const ConvGeometry& at, const Tensor<S>& w, const Tensor<S>& dy);
template <class S>
Tensor<S> grouped_weight(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy);
template <class S>
void grouped_weight_rows(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy, S* rows, Index stride);

}  // namespace tangentplane::cpu::paths
