// Plain loops over the definition, until the fast paths land.
#include "autodiff/cpu/conv2d.h"
namespace tangentplane::cpu {
template <class F>
void each(const ConvGeometry& g, Index N, F f) {
  for (Index n = 0; n < N; ++n)
    for (Index i = 0; i < g.out_height(); ++i)
      for (Index j = 0; j < g.out_width(); ++j)
        for (Index a = 0; a < g.kernel_height; ++a)
          for (Index b = 0; b < g.kernel_width; ++b) {
            Index y = i * g.stride + a - g.pad_top, x = j * g.stride + b - g.pad_left;
            if (y < 0 || y >= g.height || x < 0 || x >= g.width) continue;
            for (Index c = 0; c < g.channels; ++c)
              for (Index o = 0; o < g.out_channels; ++o)
                f(n, ((n * g.height + y) * g.width + x) * g.channels + c, ((a * g.kernel_width + b) * g.channels + c) * g.out_channels + o,
                  ((n * g.out_height() + i) * g.out_width() + j) * g.out_channels + o);
          }
}
template <class S>
Tensor<S> conv2d(const ConvGeometry& g, const Tensor<S>& x, const Tensor<S>& w) {
  auto y = Tensor<S>::zeros({x.rows(), g.out_height(), g.out_width(), g.out_channels});
  each(g, x.rows(), [&](Index, Index i, Index j, Index o) { y[o] += x[i] * w[j]; });
  return y;
}
template <class S>
Tensor<S> conv2d_input(const ConvGeometry& g, const Tensor<S>& w, const Tensor<S>& dy) {
  auto x = Tensor<S>::zeros({dy.rows(), g.height, g.width, g.channels});
  each(g, dy.rows(), [&](Index, Index i, Index j, Index o) { x[i] += dy[o] * w[j]; });
  return x;
}
template <class S>
Tensor<S> conv2d_weight(const ConvGeometry& g, const Tensor<S>& x, const Tensor<S>& dy) {
  auto w = Tensor<S>::zeros({g.kernel_height, g.kernel_width, g.channels, g.out_channels});
  each(g, dy.rows(), [&](Index, Index i, Index j, Index o) { w[j] += dy[o] * x[i]; });
  return w;
}
template <class S>
Tensor<S> conv2d_weight_rows(const ConvGeometry& g, const Tensor<S>& x, const Tensor<S>& dy) {
  Index P = g.patch_size() * g.out_channels;
  auto w = Tensor<S>::zeros({x.rows(), P});
  each(g, dy.rows(), [&](Index n, Index i, Index j, Index o) { w[n * P + j] += dy[o] * x[i]; });
  return w;
}
#define I(S)                                                                                 \
  template Tensor<S> conv2d(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&);        \
  template Tensor<S> conv2d_input(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&);  \
  template Tensor<S> conv2d_weight(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&); \
  template Tensor<S> conv2d_weight_rows(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&);
I(float) I(double)
}  // namespace tangentplane::cpu
