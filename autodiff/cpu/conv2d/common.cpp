// What the paths of a convolution share: how work is cut, padding, and the sum over chunks.
#include <algorithm>

#include "autodiff/cpu/conv2d/paths.h"
#include "autodiff/cpu/reduce.h"

namespace tangentplane::cpu {

Index images_per_task(const ConvGeometry& at) {
  const Index multiply_adds = at.positions() * at.patch_size() * at.out_channels;
  return std::max<Index>(1, (Index(1) << 21) / std::max<Index>(multiply_adds, 1));
}

namespace paths {

Index images_per_chunk(const ConvGeometry& at, Index images) {
  const Index numbers = std::max<Index>(1, at.patch_size() * at.out_channels);
  const Index chunks = std::clamp<Index>((Index(1) << 22) / numbers, 1, 32);
  return std::max<Index>({1, (images + chunks - 1) / chunks, images_per_task(at)});
}

template <class S>
void pad_image(const ConvGeometry& at, const S* x, S* padded) {
  const Index rows = padded_height(at), columns = padded_width(at), c = at.channels;
  const Index left = std::clamp<Index>(at.pad_left, 0, columns);
  const Index right = std::clamp<Index>(at.width + at.pad_left, left, columns);  // the image covers [left, right)
  for (Index r = 0; r < rows; ++r) {
    S* to = padded + r * columns * c;
    const Index u = r - at.pad_top;
    if (u < 0 || u >= at.height) {
      std::fill_n(to, columns * c, S(0));
      continue;
    }
    std::fill_n(to, left * c, S(0));
    std::copy_n(x + (u * at.width + left - at.pad_left) * c, (right - left) * c, to + left * c);
    std::fill_n(to + right * c, (columns - right) * c, S(0));
  }
}

template <class S>
Tensor<S> sum_chunks(const Tensor<S>& partials, Shape shape) {
  const Index chunks = partials.shape()[0], n = shape.size();
  if (chunks == 0) return Tensor<S>::zeros(shape);
  if (chunks == 1) return partials.reshaped(shape);
  Tensor<S> sum(shape);
  parallel_chunks(n, std::max<Index>(elementwise_chunk / chunks, 256), [&](Index begin, Index end) {
    std::vector<double> total(static_cast<std::size_t>(end - begin));
    const S* from = partials.data() + begin;
    add_rows(chunks, n, end - begin, total.data(), [from](Index i, Index) { return std::array{from[i]}; });
    for (Index i = begin; i < end; ++i) sum[i] = static_cast<S>(total[static_cast<std::size_t>(i - begin)]);
  });
  return sum;
}

template void pad_image(const ConvGeometry&, const float*, float*);
template void pad_image(const ConvGeometry&, const double*, double*);
template Tensor<float> sum_chunks(const Tensor<float>&, Shape);
template Tensor<double> sum_chunks(const Tensor<double>&, Shape);

}  // namespace paths
}  // namespace tangentplane::cpu
