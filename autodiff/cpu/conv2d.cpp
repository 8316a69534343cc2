// Which path computes which convolution (conv2d_paths.h declares them).
#include "autodiff/cpu/conv2d.h"

#include "autodiff/cpu/conv2d_paths.h"

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

/// Rough share of peak speed that patches and BLAS reach: each number of a patch is copied twice and used O times.
double gemm_speed(Index o) { return 0.95 * static_cast<double>(o) / static_cast<double>(o + 24); }

template <class S>
Tensor<S> fastest_conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w) {
  const Index o = at.out_channels;
  // One vector of channels makes too few accumulators to hide the latency of a multiply-add.
  const bool few = o <= lanes<S>;
  if (o % lanes<S> == 0 && !few) return paths::tiled_conv2d(at, x, w);
  if (0.8 * filled<S>(at.out_width()) > gemm_speed(o)) return paths::planar_conv2d(at, x, w);
  return o % lanes<S> == 0 ? paths::tiled_conv2d(at, x, w) : paths::gemm_conv2d(at, x, w);
}

enum class WeightPath { across_channels, across_row, gemm };

/// `limit`: bytes of a weight gradient that may be added to once for every few rows of an image.
template <class S>
WeightPath weight_path(const ConvGeometry& at, Index limit) {
  const Index o = at.out_channels, row = at.kernel_width * at.channels;
  const bool cached = at.patch_size() * o * Index(sizeof(S)) <= limit;
  if (o % lanes<S> == 0 && o > lanes<S> && cached) return WeightPath::across_channels;
  if (cached && 0.9 * filled<S>(row) > gemm_speed(o)) return WeightPath::across_row;
  return o % lanes<S> == 0 && cached ? WeightPath::across_channels : WeightPath::gemm;
}

}  // namespace

template <class S>
Tensor<S> conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w) {
  return fastest_conv2d(at, x, w);
}

template <class S>
Tensor<S> conv2d_input(const ConvGeometry& at, const Tensor<S>& w, const Tensor<S>& dy) {
  return paths::input_gradient<S>(at, w, dy, fastest_conv2d<S>);
}

template <class S>
Tensor<S> conv2d_weight(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  const WeightPath path = weight_path<S>(at, 1 << 20);
  if (path == WeightPath::gemm) return paths::gemm_weight(at, x, dy);
  return paths::tiled_weight(at, path == WeightPath::across_row ? Across::kernel_row : Across::out_channels, x, dy);
}

template <class S>
Tensor<S> conv2d_weight_rows(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  const WeightPath path = weight_path<S>(at, 1 << 18);
  if (path == WeightPath::gemm) return paths::gemm_weight_rows(at, x, dy);
  return paths::tiled_weight_rows(at, path == WeightPath::across_row ? Across::kernel_row : Across::out_channels, x, dy);
}

template Tensor<float> conv2d(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> conv2d(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&);
template Tensor<float> conv2d_input(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> conv2d_input(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&);
template Tensor<float> conv2d_weight(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> conv2d_weight(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&);
template Tensor<float> conv2d_weight_rows(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> conv2d_weight_rows(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&);

}  // namespace tangentplane::cpu
