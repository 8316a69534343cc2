// Winograd's convolution in float against the definition in double: its error is bounded by the terms that each entry sums.
#include <cmath>
#include <vector>

#include "autodiff/cpu/conv2d/paths.h"
#include "autodiff/cpu/conv2d/winograd_transforms.h"
#include "autodiff/cpu/parallel.h"
#include "autodiff/random.h"
#include "reference.h"
#include "tests/catch.h"

using namespace tangentplane;
using cpu::ConvGeometry;
namespace paths = cpu::paths;
namespace winograd = cpu::paths::winograd;

namespace {

Tensor<float> draw(RandomStream& random, Shape shape) {
  Tensor<float> t(shape);
  for (float& v : t.span()) v = static_cast<float>(random.normal());
  return t;
}

double sum_of_squares(const float* v, Index n, Index step = 1) {
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += double(v[i * step]) * v[i * step];
  return sum;
}

struct Case {
  Index images;
  ConvGeometry at;
};

/// One row, one column, one pixel, odd sizes, ragged blocks and panels, padding on one side, none, more than the kernel and negative.
std::vector<Case> cases() {
  const Index l = paths::lanes<float>;
  std::vector<Case> all;
  for (const auto& [height, width] : std::vector<std::array<Index, 2>>{{1, 1}, {1, 9}, {7, 1}, {5, 6}, {4, 8}, {13, 11}})
    for (Index c : {l, 5 * l})
      for (Index o : {l, 9 * l}) all.push_back({3, {height, width, c, 3, 3, o, 1, 1, 1, 1, 1}});
  all.push_back({2, {6, 9, l, 3, 3, l, 1, 0, 0, 0, 0}});
  all.push_back({2, {6, 9, l, 3, 3, l, 1, 0, 2, 3, 1}});
  all.push_back({2, {9, 12, l, 3, 3, l, 1, -1, -2, -3, 0}});
  all.push_back({2, {4, 5, l, 3, 3, l, 1, 6, 5, 4, 7}});  // tiles of padding alone
  all.push_back({133, {4, 4, 2 * l, 3, 3, 3 * l, 1, 1, 1, 1, 1}});
  all.push_back({17, {31, 30, l, 3, 3, l, 1, 1, 1, 1, 1}});  // a task of two blocks
  all.push_back({2, {16, 16, 128, 3, 3, 144, 1, 1, 1, 1, 1}});
  return all;
}

/// The result, which must not depend on the number of threads.
template <class F>
Tensor<float> with_any_threads(const F& f) {
  cpu::set_threads(1);
  const Tensor<float> one = f();
  cpu::set_threads(2);
  const Tensor<float> two = f();
  cpu::set_threads(0);
  CHECK(reference::same_bits(one, two));
  return one;
}

/// The largest |result - expected| / scale(i), NaN if there is one.
template <class Scale>
double worst_error(const Tensor<float>& result, const Tensor<double>& expected, const Scale& scale) {
  REQUIRE(result.shape() == expected.shape());
  double worst = 0;
  for (Index i = 0; i < expected.size(); ++i)
    if (const double e = std::abs(double(result[i]) - expected[i]) / scale(i); !(e <= worst)) worst = e;
  return worst;
}

}  // namespace

TEST_CASE("six products give four outputs of a correlation, and three entries of its weight gradient") {
  // On integers up to 8, so that a margin of 1e-4 leaves room for rounding alone.
  RandomStream random(0, "winograd lines");
  const auto integer = [&] { return winograd::Vector(std::round(static_cast<float>(random.uniform(-8, 8)))); };
  winograd::Vector d[6], g[3], dy[4], td[6], tg[6], tdy[6], m[6], y[4], dg[3];
  for (auto& v : d) v = integer();
  for (auto& v : g) v = integer();
  for (auto& v : dy) v = integer();
  winograd::Input::line(d, td);
  winograd::Weight::line(g, tg);
  winograd::OutputCotangent::line(dy, tdy);
  for (int i = 0; i < 6; ++i) m[i] = td[i] * tg[i];
  winograd::Output::line(m, y);
  for (int i = 0; i < 4; ++i) CHECK(double(y[i][0]) == Approx(double((d[i] * g[0] + d[i + 1] * g[1] + d[i + 2] * g[2])[0])).margin(1e-4));
  for (int i = 0; i < 6; ++i) m[i] = td[i] * tdy[i];
  winograd::WeightCotangent::line(m, dg);
  for (int k = 0; k < 3; ++k)
    CHECK(double(dg[k][0]) == Approx(double((dy[0] * d[k] + dy[1] * d[k + 1] + dy[2] * d[k + 2] + dy[3] * d[k + 3])[0])).margin(1e-4));
}

TEST_CASE("Winograd's outputs and weight gradients in float equal the definition in double") {
  // The transforms round relative to all that a tile holds: an output to |w| |x| over its 6 x 6 pixels, a gradient to |x| |dy| of its two
  // channels. The largest error seen is 2.7e-7 of the one and 4.0e-7 of the other.
  cpu::poison_new_blocks(true);
  RandomStream random(1, "winograd");
  for (const auto& of_images : cases()) {
    const Index images = of_images.images;
    const auto& at = of_images.at;  // no structured binding: clang 14 lets no lambda take one
    const auto x = draw(random, {images, at.height, at.width, at.channels}), w = draw(random, {3, 3, at.channels, at.out_channels}),
               dy = draw(random, {images, at.out_height(), at.out_width(), at.out_channels});
    INFO(fmt::format("x {}, w {}, y {}", x.shape(), w.shape(), dy.shape()));
    const Index c = at.channels, o = at.out_channels;
    const auto pixel = [&](Index n, Index u, Index v) {
      const bool inside = u >= 0 && u < at.height && v >= 0 && v < at.width;
      return inside ? sum_of_squares(x.data() + ((n * at.height + u) * at.width + v) * c, c) : 0.0;
    };
    const auto y_scale = [&](Index i) {
      const Index k = i % o, column = i / o % at.out_width(), row = i / o / at.out_width() % at.out_height(), n = i / o / at.positions();
      double seen = 0;
      for (Index u = 0; u < 6; ++u)
        for (Index v = 0; v < 6; ++v) seen += pixel(n, row / 4 * 4 + u - at.pad_top, column / 4 * 4 + v - at.pad_left);
      return std::sqrt(seen * sum_of_squares(w.data() + k, 9 * c, o)) + 1e-30;
    };
    const auto w_scale = [&](Index i) {
      const Index k = i % o, channel = i / o % c;
      return std::sqrt(sum_of_squares(x.data() + channel, x.size() / c, c) * sum_of_squares(dy.data() + k, dy.size() / o, o)) + 1e-30;
    };
    const auto y = with_any_threads([&] { return paths::winograd_conv2d(at, x, w); });
    const auto dw = with_any_threads([&] { return paths::winograd_weight(at, x, dy); });
    CHECK(worst_error(y, reference::conv2d(at, x, w), y_scale) < 1e-6);
    CHECK(worst_error(dw, reference::conv2d_weight(at, x, dy), w_scale) < 1e-6);
  }
  cpu::poison_new_blocks(false);
}

TEST_CASE("Winograd's error at ResNet18's layers is at most three times that of the plain sum in float") {
  RandomStream random(2, "winograd layers");
  const auto error = [](const Tensor<float>& a, const Tensor<double>& b) {
    double difference = 0, norm = 0;
    for (Index i = 0; i < b.size(); ++i) difference += (a[i] - b[i]) * (a[i] - b[i]), norm += b[i] * b[i];
    return std::sqrt(difference / norm);
  };
  for (const auto& [images, at] : {Case{1, {32, 32, 64, 3, 3, 64, 1, 1, 1, 1, 1}}, Case{2, {8, 8, 256, 3, 3, 256, 1, 1, 1, 1, 1}}}) {
    const auto x = draw(random, {images, at.height, at.width, at.channels}), w = draw(random, {3, 3, at.channels, at.out_channels}),
               dy = draw(random, {images, at.out_height(), at.out_width(), at.out_channels});
    const auto wide = [](const Tensor<float>& t) {
      Tensor<double> d(t.shape());
      for (Index i = 0; i < t.size(); ++i) d[i] = t[i];
      return d;
    };
    const auto y = cpu::conv2d(at, wide(x), wide(w)), dw = cpu::conv2d_weight(at, wide(x), wide(dy));
    CHECK(error(paths::winograd_conv2d(at, x, w), y) < 3 * error(paths::tiled_conv2d(at, x, w), y));
    CHECK(error(paths::winograd_weight(at, x, dy), dw) < 1e-6);
    CHECK(error(cpu::conv2d_input(at, w, dy), cpu::conv2d_input(at, wide(w), wide(dy))) < 3e-6);
  }
}
