#include "data/images.h"

#include <atomic>
#include <cmath>

#include "autodiff/check.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::data {
namespace {

/// Sums over pixels of term(channel, value) in double: partial sums over fixed chunks of images, added in chunk order.
template <class S, class Term>
std::vector<double> channel_sums(const Tensor<S>& images, const Term& term) {
  constexpr Index chunk = 64;
  const Index n = images.rows(), row = images.shape().row_size(), channels = images.shape()[-1], chunks = (n + chunk - 1) / chunk;
  std::vector<double> partial(static_cast<std::size_t>(chunks * channels));
  cpu::parallel_chunks(n, chunk, [&](Index begin, Index end) {
    double* sums = partial.data() + begin / chunk * channels;
    for (const S *x = images.data() + begin * row, *last = images.data() + end * row; x < last; x += channels)
      for (Index c = 0; c < channels; ++c) sums[c] += term(c, static_cast<double>(x[c]));
  });
  std::vector<double> sums(static_cast<std::size_t>(channels));
  for (Index i = 0; i < chunks * channels; ++i) sums[static_cast<std::size_t>(i % channels)] += partial[static_cast<std::size_t>(i)];
  return sums;
}

}  // namespace

void require_image_shape(const std::string& name, const Shape& shape, bool any) {
  // As PyTorch has them. Nothing else is refused so: images 1, 3 or 4 high that have as many channels as columns are no images.
  const bool channels_first =
      !any && shape.rank() == 4 && (shape[1] == 1 || shape[1] == 3 || shape[1] == 4) && shape[2] == shape[3] && shape[3] > 4;
  require(!channels_first, "{}: shape {} looks like [N,C,H,W]; give [N,H,W,C], in numpy x.transpose(0, 2, 3, 1)", name, shape);
  require(shape.rank() == 4 || (any && shape.rank() >= 2), "{}: shape {}; images are [N,H,W,C]{}", name, shape, any ? " or [N,D]" : "");
}

template <class S>
void require_finite(const std::string& name, const Tensor<S>& images, const char* what, Index number) {
  const Index n = images.rows(), row = n ? images.size() / n : 0;
  std::atomic<Index> first{n};
  cpu::parallel_rows(n, row, [&](Index begin, Index end) {
    for (Index i = begin; i < end && i < first.load(std::memory_order_relaxed); ++i) {
      S sum = 0;  // x * 0 is NaN exactly where x is not finite
      for (Index k = 0; k < row; ++k) sum += images[i * row + k] * S(0);
      if (sum == S(0)) continue;
      Index before = first.load();
      while (i < before && !first.compare_exchange_weak(before, i)) {
      }
    }
  });
  if (first == n) return;
  const S* x = images.data() + first * row;
  Index k = 0;
  while (std::isfinite(x[k])) ++k;
  Shape place;  // [y, x, channel] of the number within its image
  for (int axis = 1, rank = images.shape().rank(); axis < rank; ++axis) {
    Index below = 1;
    for (int a = axis + 1; a < rank; ++a) below *= images.shape()[a];
    place.append(k / below % images.shape()[axis]);
  }
  require(false, "{}: {} {} holds {} at {}; every number must be finite", name, what, number + first.load(), x[k], place);
}

template <class S>
ChannelStatistics channel_statistics(const Tensor<S>& images) {
  require(images.shape().rank() >= 2 && images.size() > 0, "channel_statistics: no images in {}", images.shape());
  const auto pixels = static_cast<double>(images.size() / images.shape()[-1]);
  ChannelStatistics s;
  s.mean = channel_sums(images, [](Index, double v) { return v; });
  for (double& m : s.mean) m /= pixels;
  // Deviations from the mean, not E[x^2] - mean^2, which loses digits where the mean is large.
  s.deviation = channel_sums(images, [&](Index c, double v) {
    const double d = v - s.mean[static_cast<std::size_t>(c)];
    return d * d;
  });
  for (double& d : s.deviation) d = std::sqrt(d / pixels);
  return s;
}

template <class S>
Tensor<S> standardised(const std::string& name, Tensor<S> images, const ChannelStatistics& statistics) {
  const Index channels = images.shape()[-1];
  require(channels == static_cast<Index>(statistics.mean.size()), "{}: {} channels, statistics of {}", name, channels,
          statistics.mean.size());
  for (Index c = 0; c < channels; ++c)
    require(statistics.deviation[static_cast<std::size_t>(c)] > 0,
            "{}: channel {} is {} in every training image and cannot be standardised; take more images", name, c,
            statistics.mean[static_cast<std::size_t>(c)]);
  Tensor<S> result = images.unique() ? images : Tensor<S>(images.shape());
  const S* from = images.data();
  S* to = result.data();
  cpu::parallel_rows(images.size() / channels, channels, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p)
      for (Index c = 0; c < channels; ++c) {
        const auto k = static_cast<std::size_t>(c);
        to[p * channels + c] = static_cast<S>((static_cast<double>(from[p * channels + c]) - statistics.mean[k]) / statistics.deviation[k]);
      }
  });
  return result;
}

#define TANGENTPLANE_IMAGES(S)                                                               \
  template void require_finite<S>(const std::string&, const Tensor<S>&, const char*, Index); \
  template ChannelStatistics channel_statistics<S>(const Tensor<S>&);                        \
  template Tensor<S> standardised<S>(const std::string&, Tensor<S>, const ChannelStatistics&);
TANGENTPLANE_IMAGES(float)
TANGENTPLANE_IMAGES(double)
#undef TANGENTPLANE_IMAGES

}  // namespace tangentplane::data
