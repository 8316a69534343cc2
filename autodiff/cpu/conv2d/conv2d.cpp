// Which path computes which convolution (paths.h declares them):
//  - tiles: output channels that fill vectors. No patches are copied; best for the outputs and input gradients of a ResNet and, as
//    long as the gradient stays in L2, for weight gradients;
//  - planes: few output channels (LeNet, input gradients of first layers), where sgemm would use each patch too seldom;
//  - Winograd: 3 x 3 taps in float, where many tiles share the transformed taps;
//  - channels: depthwise convolutions;
//  - groups: other groups, dilations and two different strides;
//  - BLAS: other numbers of channels, and weight gradients that are large beside the number of positions.
//
// Measured as shares of OpenBLAS 0.3.21's sgemm (2048^3, same run): float, batch 128, one thread, CPU time, on a virtual Xeon with
// AVX-512 and AMX, November 2026. Left AVX-512 (sgemm 164 to 185 GFLOP/s), right built for AVX2 (105 to 112); in
// parentheses im2col + sgemm with AVX-512.
//                                 output       input        weight       weight rows
//   LeNet 32x32x3 -> 6, 5x5     0.69  0.88   0.63  0.71   0.89  0.96   0.86  0.97   (0.15, 0.13, 0.14, 0.13)
//   LeNet 16x16x6 -> 16, 5x5    0.84  1.05   0.99  0.97   1.04  1.08   0.97  1.07   (0.38, 0.16, 0.42, 0.47)
//   28x28x1 -> 6, 5x5           0.42  0.65   0.30  0.26   0.36  0.60   0.35  0.61   (0.06, 0.06, 0.05, 0.05)
//   ResNet 32x32x3 -> 64        0.79  0.55   0.39  0.46   0.89  0.71   0.88  0.72   (0.44, 0.23, 0.23, 0.47)
//   32x32x64 -> 64              0.99  0.83   1.03  0.89   1.05  0.88   1.04  0.85   (0.77, 0.79, 0.74, 0.77)
//   32x32x64 -> 128, stride 2   0.99  0.90   0.87  0.78   0.87  0.88   0.83  0.86
//   16x16x128 -> 128            1.00  0.96   1.06  0.96   0.91  0.91   0.88  0.93   (0.87, 0.87, 0.80, 0.85)
//   16x16x128 -> 256, stride 2  0.99  0.97   0.95  0.87   0.86  0.92   0.65  0.74
//   8x8x256 -> 256              0.99  0.98   1.01  0.97   0.87  0.94   0.67  0.74   (0.89, 0.87, 0.84, 0.64)
//   8x8x256 -> 512, stride 2    0.96  1.02   0.93  0.93   0.94  0.96   0.29  0.37   rows: bound by writing 600 MB
//   4x4x512 -> 512              0.99  1.03   0.94  0.97   0.98  1.02                (0.96, 0.83, 0.92)
//
// Winograd against tiles or BLAS, float, batch 128, 2 threads, milliseconds, 24 November 2026, 2 cores of a Xeon with AVX-512 (sgemm 305 to
// 370 GFLOP/s). Every layer is 9.7 GFLOP by the definition and 2.4 GFLOP (8 ms) by 36 products a tile:
//                       output          weight                                output          weight
//   32x32x64 -> 64     30.6 -> 10.6   28.8 -> 10.4      8x8x256 -> 256       31.1 -> 11.4   36.9 -> 12.6
//   16x16x128 -> 128   28.7 -> 10.2   31.3 -> 11.7      4x4x512 -> 512       32.0 -> 15.1   31.3 -> 13.6   taps: 38 MB
// With few images the transform of the taps does not pay: 8x8x256, one image: 0.68 -> 1.02 ms; 4x4x512, four images: 2.7 -> 3.8 ms.
#include "autodiff/cpu/conv2d/conv2d.h"

#include <algorithm>
#include <type_traits>

#include "autodiff/cpu/conv2d/paths.h"
#include "autodiff/cpu/split/products.h"

namespace tangentplane::cpu {
namespace {

using paths::Across;
using paths::lanes;

/// The share of the lanes that n neighbouring numbers fill.
template <class S>
double filled(Index n) {
  const Index vectors = (n + lanes<S> - 1) / lanes<S>;
  return static_cast<double>(n) / static_cast<double>(vectors * lanes<S>);
}

// Rough speeds of the paths as shares of sgemm's, fitted to the measurements above.

/// Each number of a patch is copied twice (im2col, BLAS's packing) and used O / lanes times. Split products as split/product.cpp
/// estimates them: a third of a multiply-add each, 22 to pack a number of a patch, and 24 to copy it.
template <class S>
double gemm_speed(Index o) {
  if constexpr (std::is_same_v<S, float>)
    if (products() == Products::split) return static_cast<double>(o) / (0.33 * static_cast<double>(o) + 46);
  return static_cast<double>(o) / (static_cast<double>(o) + 1.5 * static_cast<double>(lanes<S>));
}

/// One vector of channels makes too few accumulators to hide the latency of a multiply-add.
template <class S>
double tiled_speed(Index o) {
  if (o % lanes<S> != 0) return 0;
  return o == lanes<S> ? 0.75 : paths::max_vectors<S> == 4 ? 0.97 : 0.87;
}

/// True if Winograd's path takes the convolution and is faster; `once`: products (of C O) that the transform of the taps is worth.
bool winograd_pays(const ConvGeometry& at, Index images, double once) {
  if (at.kernel_height != 3 || at.kernel_width != 3 || at.stride != 1) return false;
  const Index c = at.channels, o = at.out_channels;
  if (c % lanes<float> != 0 || o % lanes<float> != 0 || std::min(c, o) < 32) return false;
  // 36 products a tile, and transforms of 36 numbers a channel on either side.
  const double transforms = 450 / static_cast<double>(c) + 450 / static_cast<double>(o);
  const double tiles = static_cast<double>(images * ((at.out_height() + 3) / 4) * ((at.out_width() + 3) / 4));
  return 1.1 * (tiles * (40 + transforms) + once) < static_cast<double>(images * at.positions() * 9);
}

enum class WeightPath { across_channels, across_row, gemm };

/// `limit`: bytes of a weight gradient that may be added to once for every few rows of an image.
template <class S>
WeightPath weight_path(const ConvGeometry& at, Index limit) {
  const Index o = at.out_channels, bytes = at.patch_size() * o * Index(sizeof(S));
  // Few positions are a short sum for each time that an entry is read and written.
  if (bytes > (at.positions() >= 128 ? limit : limit / 16)) return WeightPath::gemm;
  const double channels = std::min(0.89, tiled_speed<S>(o)), gemm = gemm_speed<S>(o);
  const double row = 0.88 * filled<S>(at.kernel_width * at.channels);
  if (channels >= row && channels >= gemm) return WeightPath::across_channels;
  return row >= gemm ? WeightPath::across_row : WeightPath::gemm;
}

}  // namespace

template <class S>
Tensor<S> conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w) {
  if (!at.plain()) return paths::is_depthwise(at) ? paths::depthwise_conv2d(at, x, w) : paths::grouped_conv2d(at, x, w);
  if constexpr (std::is_same_v<S, float>)
    if (winograd_pays(at, x.rows(), 2200)) return paths::winograd_conv2d(at, x, w);
  const Index o = at.out_channels;
  const double tiled = tiled_speed<S>(o), gemm = gemm_speed<S>(o), planar = 0.8 * filled<S>(at.out_width());
  if (tiled >= planar && tiled >= gemm) return paths::tiled_conv2d(at, x, w);
  return planar >= gemm ? paths::planar_conv2d(at, x, w) : paths::gemm_conv2d(at, x, w);
}

template <class S>
Tensor<S> conv2d_input(const ConvGeometry& at, const Tensor<S>& w, const Tensor<S>& dy) {
  if (!at.plain()) return paths::is_depthwise(at) ? paths::depthwise_input(at, w, dy) : paths::grouped_input(at, w, dy);
  return paths::input_gradient<S>(at, w, dy, conv2d<S>);
}

template <class S>
Tensor<S> conv2d_weight(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  if (!at.plain()) return paths::is_depthwise(at) ? paths::depthwise_weight(at, x, dy) : paths::grouped_weight(at, x, dy);
  if constexpr (std::is_same_v<S, float>)
    if (winograd_pays(at, x.rows(), 650)) return paths::winograd_weight(at, x, dy);
  const WeightPath path = weight_path<S>(at, 1 << 20);
  if (path == WeightPath::gemm) return paths::gemm_weight(at, x, dy);
  return paths::tiled_weight(at, path == WeightPath::across_row ? Across::kernel_row : Across::out_channels, x, dy);
}

template <class S>
void conv2d_weight_rows(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy, S* rows, Index stride) {
  if (!at.plain())
    return paths::is_depthwise(at) ? paths::depthwise_weight_rows(at, x, dy, rows, stride)
                                   : paths::grouped_weight_rows(at, x, dy, rows, stride);
  const WeightPath path = weight_path<S>(at, 1 << 18);
  if (path == WeightPath::gemm) return paths::gemm_weight_rows(at, x, dy, rows, stride);
  paths::tiled_weight_rows(at, path == WeightPath::across_row ? Across::kernel_row : Across::out_channels, x, dy, rows, stride);
}

template Tensor<float> conv2d(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> conv2d(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&);
template Tensor<float> conv2d_input(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> conv2d_input(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&);
template Tensor<float> conv2d_weight(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> conv2d_weight(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&);
template void conv2d_weight_rows(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&, float*, Index);
template void conv2d_weight_rows(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&, double*, Index);

}  // namespace tangentplane::cpu
