#include "experiments/common/figures/gallery.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/npy.h"
#include "experiments/common/text/csv.h"

namespace tangentplane::experiments {
namespace {

constexpr Index pictures_a_side = 5, least_side = 32;  // pixels
constexpr std::uint8_t between = 128;                  // neither light nor dark

/// What a gallery shows of the images: one channel or three, each with its range.
struct Look {
  Index channels;
  std::vector<double> low, high;
};

template <class S>
double shade(const Tensor<S>& images, Index pixel, Index channel, Index channels) {
  const Index all = images.shape()[3];
  const S* const at = images.data() + pixel * all;
  if (channels == 3) return static_cast<double>(at[channel]);
  double sum = 0;
  for (Index c = 0; c < all; ++c) sum += static_cast<double>(at[c]);
  return sum / static_cast<double>(all);
}

template <class S>
Look look_of(const Tensor<S>& images, const std::vector<Extremes>& extremes) {
  const Index channels = images.shape()[3] == 3 ? 3 : 1, pixels = images.shape()[1] * images.shape()[2];
  Look look{channels, std::vector<double>(static_cast<std::size_t>(channels), INFINITY),
            std::vector<double>(static_cast<std::size_t>(channels), -INFINITY)};
  for (const Extremes& e : extremes)
    for (const auto* side : {&e.lowest, &e.highest})
      for (const Index image : *side)
        for (Index p = 0; p < pixels; ++p)
          for (Index c = 0; c < channels; ++c) {
            const double v = shade(images, image * pixels + p, c, channels);
            auto &low = look.low[static_cast<std::size_t>(c)], &high = look.high[static_cast<std::size_t>(c)];
            low = std::min(low, v), high = std::max(high, v);
          }
  return look;
}

}  // namespace

std::vector<Index> gallery_eigenfunctions(Index count) {
  std::vector<Index> shown;
  for (const Index j : {0, 1, 2, 5, 20, 100, 500})
    if (j < count) shown.push_back(j);
  return shown;
}

template <class S>
std::vector<Extremes> extremes(const Tensor<S>& eigenvectors, const std::vector<Index>& eigenfunctions, Index count) {
  const Index n = eigenvectors.shape()[1];
  const auto most = static_cast<std::ptrdiff_t>(std::min(count, n / 2));
  std::vector<Extremes> all;
  for (const Index j : eigenfunctions) {
    require(0 <= j && j < eigenvectors.rows(), "eigenfunction {}: there are {}", j, eigenvectors.rows());
    const S* const value = eigenvectors.data() + j * n;
    std::vector<Index> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), Index{0});
    const auto first = [&](const auto& before) {
      std::partial_sort(order.begin(), order.begin() + most, order.end(),
                        [&](Index a, Index b) { return value[a] != value[b] ? before(value[a], value[b]) : a < b; });
      return std::vector<Index>(order.begin(), order.begin() + most);
    };
    all.push_back({j, first(std::less<S>()), first(std::greater<S>())});
  }
  return all;
}

template <class S>
data::Picture gallery(const Tensor<S>& images, const std::vector<Extremes>& extremes) {
  require(images.shape().rank() == 4 && !extremes.empty() && !extremes[0].lowest.empty(), "gallery: nothing to show");
  const Index h = images.shape()[1], w = images.shape()[2], zoom = std::max<Index>(1, least_side / std::max(h, w));
  const Look look = look_of(images, extremes);
  const Index a_side = static_cast<Index>(extremes[0].lowest.size()), rows = static_cast<Index>(extremes.size());
  const Index step_x = w * zoom + gallery_gap, step_y = h * zoom + gallery_gap, channels = look.channels;
  const Index half = a_side * step_x - gallery_gap;
  data::Picture picture{rows * step_y - gallery_gap, 2 * half + gallery_divide, channels, {}};
  picture.pixels.assign(static_cast<std::size_t>(picture.height * picture.width * channels), between);
  const auto place = [&](Index image, Index top, Index left) {
    for (Index y = 0; y < h * zoom; ++y)
      for (Index x = 0; x < w * zoom; ++x)
        for (Index c = 0; c < channels; ++c) {
          const auto channel = static_cast<std::size_t>(c);
          const double low = look.low[channel], range = look.high[channel] - low;
          const double v = shade(images, (image * h + y / zoom) * w + x / zoom, c, channels);
          picture.pixels[static_cast<std::size_t>(((top + y) * picture.width + left + x) * channels + c)] =
              range > 0 ? static_cast<std::uint8_t>(std::lround(255 * (v - low) / range)) : between;
        }
  };
  for (Index row = 0; row < rows; ++row) {
    const Extremes& e = extremes[static_cast<std::size_t>(row)];
    for (Index i = 0; i < a_side; ++i) {
      place(e.lowest[static_cast<std::size_t>(i)], row * step_y, i * step_x);
      place(e.highest[static_cast<std::size_t>(i)], row * step_y, half + gallery_divide + (a_side - 1 - i) * step_x);
    }
  }
  return picture;
}

template <class S>
bool save_gallery(const std::filesystem::path& path, const Tensor<S>& images, const std::filesystem::path& eigenvectors) {
  std::vector<Extremes> shown;
  Csv csv({"index", "side", "place", "image", "value"});
  for (const Index j : gallery_eigenfunctions(data::npy_info(eigenvectors).shape[0])) {  // a row at a time: all of them may be many
    const auto vector = data::load_npy_rows<S>(eigenvectors, j, j + 1);
    Extremes e = extremes(vector, {0}, pictures_a_side)[0];
    for (const auto& [side, rows] : {std::pair{"lowest", &e.lowest}, std::pair{"highest", &e.highest}})
      for (std::size_t i = 0; i < rows->size(); ++i) csv.add(j, side, i, (*rows)[i], vector[(*rows)[i]]);
    e.eigenfunction = j;
    shown.push_back(std::move(e));
  }
  std::filesystem::path table = path;
  csv.save(table.replace_extension(".csv"));
  data::save_png(path, gallery(images, shown));
  return true;
}

template std::vector<Extremes> extremes(const Tensor<float>&, const std::vector<Index>&, Index);
template std::vector<Extremes> extremes(const Tensor<double>&, const std::vector<Index>&, Index);
template data::Picture gallery(const Tensor<float>&, const std::vector<Extremes>&);
template data::Picture gallery(const Tensor<double>&, const std::vector<Extremes>&);
template bool save_gallery(const std::filesystem::path&, const Tensor<float>&, const std::filesystem::path&);
template bool save_gallery(const std::filesystem::path&, const Tensor<double>&, const std::filesystem::path&);

}  // namespace tangentplane::experiments
