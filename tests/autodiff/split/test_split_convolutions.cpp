// Convolutions whose products are split, against the definition in double.
#include "autodiff/cpu/conv2d/conv2d.h"
#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/split/measured.h"
#include "autodiff/cpu/split/products.h"
#include "autodiff/random.h"
#include "tests/autodiff/reference.h"
#include "tests/relative.h"

using namespace tangentplane;
using cpu::ConvGeometry, cpu::Products, cpu::ProductsInScope;
using test::relative;

namespace {

/// What of f's flops was split, with the result that every number of threads gives.
template <class F>
double split_share(const F& f, Tensor<float>& result) {
  const auto before = cpu::split::measured();
  cpu::set_threads(1);
  result = f();
  const auto now = cpu::split::measured().since(before);
  for (const int threads : {2, 3}) {
    cpu::set_threads(threads);
    CHECK(reference::same_bits(f(), result));
  }
  cpu::set_threads(0);
  return now.split_flops;
}

}  // namespace

TEST_CASE("split: convolutions by Winograd and by patches are as close to the definition as their products, for any number of threads") {
  struct Case {
    const char* name;
    Index images;
    ConvGeometry at;
    bool weight;  // whether the weight gradient's products are split too
  };
  const Case cases[] = {{"winograd", 6, {13, 11, 64, 3, 3, 144, 1, 1, 1, 1, 1}, false},
                        {"winograd, several blocks", 9, {16, 15, 80, 3, 3, 64, 1, 1, 1, 1, 1}, false},
                        {"patches", 4, {22, 23, 64, 3, 3, 128, 2, 1, 1, 1, 1}, true},
                        {"pixels", 6, {8, 8, 128, 1, 1, 160, 1, 0, 0, 0, 0}, true}};
  RandomStream random(0, "split convolutions");
  for (const auto& [name, images, at, weight] : cases) {
    const ConvGeometry& g = at;
    const auto x = reference::draw<float>(random, {images, g.height, g.width, g.channels}),
               w = reference::draw<float>(random, {g.kernel_height, g.kernel_width, g.channels, g.out_channels}),
               dy = reference::draw<float>(random, {images, g.out_height(), g.out_width(), g.out_channels});
    const auto plain = cpu::conv2d(g, x, w);
    const ProductsInScope now(Products::split);
    INFO(name);
    Tensor<float> y;
    CHECK(split_share([&] { return cpu::conv2d(g, x, w); }, y) > 0);
    CHECK(!reference::same_bits(y, plain));
    // The transforms of F(4 x 4, 3 x 3) make numbers of unlike sizes, whose rounding counts some five times.
    const double most = std::string(name).starts_with("winograd") ? 4e-5 : 6e-6;
    const double forward = relative(y, reference::conv2d(g, x, w));
    CHECK(split_share([&] { return cpu::conv2d_input(g, w, dy); }, y) > 0);
    const double input = relative(y, reference::conv2d_input(g, w, dy));
    CHECK((split_share([&] { return cpu::conv2d_weight(g, x, dy); }, y) > 0) == weight);
    const double gradient = relative(y, reference::conv2d_weight(g, x, dy));
    WARN(name << ": output " << forward << ", input " << input << ", weight " << gradient);
    CHECK(forward < most);
    CHECK(input < most);
    CHECK(gradient < 6e-6);
  }
}

TEST_CASE("split: a NaN and an infinity go through a convolution by Winograd to the tiles that see them") {
  const ConvGeometry g{16, 16, 64, 3, 3, 64, 1, 1, 1, 1, 1};
  RandomStream random(1, "split convolutions");
  auto x = reference::draw<float>(random, {4, 16, 16, 64});
  const auto w = reference::draw<float>(random, {3, 3, 64, 64});
  const ProductsInScope now(Products::split);
  const auto clean = cpu::conv2d(g, x, w);
  x[5] = NAN;
  x[(3 * 256 + 255) * 64] = INFINITY;
  const auto y = cpu::conv2d(g, x, w);
  CHECK(std::isnan(y[0]));
  CHECK(!std::isfinite(y[(3 * 256 + 255) * 64]));
  for (const Index image : {1, 2})
    for (Index i = 0; i < 256 * 64; ++i)
      if (y[image * 256 * 64 + i] != clean[image * 256 * 64 + i]) FAIL("image " << image << " saw another");
}
