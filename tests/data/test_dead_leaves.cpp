// Generated images: each depends on seed and index alone, fills its canvas, and no linear look at the pixels gives its class away.
#include <cmath>

#include "autodiff/cpu/parallel.h"
#include "data/dataset.h"
#include "data/dead_leaves.h"
#include "tests/catch.h"
#include "tests/checksum.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

using namespace tangentplane;
using namespace tangentplane::data;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("an image depends on seed and index alone") {
  const auto all = dead_leaves({.seed = 3}, 0, 70);
  CHECK(all.shape == Shape{70, 32, 32, 3});
  const auto some = dead_leaves({.seed = 3}, 33, 20);
  CHECK(std::equal(some.pixels.begin(), some.pixels.end(), all.pixels.begin() + 33 * 3072));
  CHECK(some.classes[0] == 3);
  cpu::set_threads(1);
  CHECK(dead_leaves({.seed = 3}, 0, 70).pixels == all.pixels);
  cpu::set_threads(0);
  const auto other = dead_leaves({.seed = 4}, 0, 70);
  for (Index i = 0; i < 70; ++i) {  // neither another seed nor another index gives the same image
    const auto at = [&](const ByteImages& images, Index k) {
      return Bytes(images.pixels.begin() + k * 3072, images.pixels.begin() + (k + 1) * 3072);
    };
    CHECK(at(all, i) != at(other, i));
    CHECK(at(all, i) != at(all, (i + 10) % 70));
  }
}

TEST_CASE("images are the known ones, byte for byte, on every machine and build") {
  const auto sum = [](const ByteImages& images) { return checksum<std::uint8_t>(images.pixels); };
  CHECK(sum(dead_leaves({}, 0, 500)) == 0x6346854037a40ee2u);
  CHECK(sum(dead_leaves({.seed = 3}, 33, 20)) == 0xe734f9c8b0d5856du);
  CHECK(sum(dead_leaves({.seed = 1, .height = 13, .width = 40, .channels = 1}, 0, 20)) == 0x81e790ca4da1d73fu);
}

TEST_CASE("test images follow the training images, standardised by these") {
  Source source;
  source.num_train = 23;  // no multiple of the ten classes
  source.num_test = 14;
  source.data_seed = 8;
  const auto d = load<double>(source);
  const auto bytes = dead_leaves({.seed = 8}, 0, 37);
  CHECK(d.classes == bytes.classes);
  REQUIRE(d.images.shape() == (Shape{37, 32, 32, 3}));
  double sum[3] = {}, squares[3] = {};
  for (Index i = 0; i < 23 * 3072; ++i) {
    const double v = bytes.pixels[static_cast<std::size_t>(i)] / 255.0;
    sum[i % 3] += v, squares[i % 3] += v * v;
  }
  double worst = 0;
  for (Index i = 0; i < d.images.size(); ++i) {
    const double mean = sum[i % 3] / (23 * 1024), deviation = std::sqrt(squares[i % 3] / (23 * 1024) - mean * mean);
    worst = std::max(worst, std::abs(d.images[i] - (bytes.pixels[static_cast<std::size_t>(i)] / 255.0 - mean) / deviation));
  }
  CHECK(worst < 1e-10);
  CHECK(layout({}).num_train == 2000);
  CHECK(layout({}).num_test == 500);
  CHECK(d.class_names.size() == 10);
}

TEST_CASE("sizes and channels follow the options") {
  for (const DeadLeaves& options : {DeadLeaves{0, 28, 28, 1}, {0, 8, 13, 3}, {0, 4, 64, 1}})
    CHECK(dead_leaves(options, 0, 11).pixels.size() == static_cast<std::size_t>(11 * options.height * options.width * options.channels));
  const auto colour = dead_leaves({0, 16, 16, 3}, 0, 10), grey = dead_leaves({0, 16, 16, 1}, 0, 10);
  int worst = 0;  // grey is the mean of the colours before these are clipped and rounded
  for (std::size_t p = 0; p < grey.pixels.size(); ++p) {
    const int r = colour.pixels[3 * p], g = colour.pixels[3 * p + 1], b = colour.pixels[3 * p + 2];
    if (std::min({r, g, b}) > 0 && std::max({r, g, b}) < 255) worst = std::max(worst, std::abs(r + g + b - 3 * grey.pixels[p]));
  }
  CHECK(worst <= 3);
  CHECK_THAT(thrown([] { dead_leaves({0, 32, 32, 2}, 0, 1); }), ContainsSubstring("2 channels, not 1 or 3"));
  CHECK_THAT(thrown([] { dead_leaves({0, 3, 32, 1}, 0, 1); }), ContainsSubstring("size 3 is not in 4 to 4096"));
  CHECK_THAT(thrown([] { dead_leaves({}, -1, 1); }), ContainsSubstring("images -1"));
}

TEST_CASE("classes differ in how their pixels vary nearby, not in the mean image") {
  constexpr Index n = 2000;
  const auto images = dead_leaves({}, 0, n);
  const auto grey = [&](Index i, Index y, Index x) {
    const std::uint8_t* p = images.pixels.data() + ((i * 32 + y) * 32 + x) * 3;
    return (p[0] + p[1] + p[2]) / 765.0;
  };
  std::array<double, 10> mean{}, edges{}, deviation{};
  for (Index i = 0; i < n; ++i) {
    const auto c = static_cast<std::size_t>(images.classes[static_cast<std::size_t>(i)]);
    double sum = 0, squares = 0, steps = 0;
    for (Index y = 0; y < 32; ++y)
      for (Index x = 0; x < 31; ++x) {
        sum += grey(i, y, x) / 992;
        squares += grey(i, y, x) * grey(i, y, x) / 992;
        steps += std::abs(grey(i, y, x + 1) - grey(i, y, x)) / 992;
      }
    mean[c] += sum / 200;
    edges[c] += steps / 200;
    deviation[c] += std::sqrt(squares - sum * sum) / 200;
  }
  for (std::size_t c = 0; c < 10; ++c) {
    INFO(leaf_classes[c].name << ": mean " << mean[c] << ", edges " << edges[c] << ", deviation " << deviation[c]);
    CHECK(std::abs(mean[c] - 0.46) < 0.03);                  // four standard errors
    CHECK(deviation[c] > 0.1);                               // there is something to see
    CHECK((c < 5 ? edges[c] < 0.0595 : edges[c] > 0.0595));  // what the default binary task rests on
  }
}
