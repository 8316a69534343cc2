// The images of a gallery are the ones at which an eigenfunction is lowest and highest, by brute force.
#include <algorithm>
#include <cmath>
#include <random>

#include "experiments/common/figures/gallery.h"
#include "experiments/common/text/csv.h"
#include "tests/catch.h"
#include "tests/experiments/run_binary.h"
#include "tests/temporary_folder.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

namespace {

// The image at each place, the lowest first, by comparing every two.
std::vector<Index> by_brute_force(const double* values, Index n) {
  std::vector<Index> order(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    Index place = 0;
    for (Index j = 0; j < n; ++j) place += values[j] < values[i] || (values[j] == values[i] && j < i) ? 1 : 0;
    order[static_cast<std::size_t>(place)] = i;
  }
  return order;
}

}  // namespace

TEST_CASE("extremes are the lowest and highest values, the most extreme first") {
  const Index k = 4, n = 37, count = 5;
  std::mt19937 random(7);
  std::uniform_int_distribution<int> draw(-9, 9);  // many are equal
  Tensor<double> vectors({k, n});
  for (Index i = 0; i < k * n; ++i) vectors[i] = draw(random);
  const auto all = extremes(vectors, {3, 0}, count);
  REQUIRE(all.size() == 2);
  for (const Extremes& e : all) {
    CHECK(e.eigenfunction == (&e == &all[0] ? 3 : 0));
    const double* values = vectors.data() + e.eigenfunction * n;
    std::vector<double> negative(values, values + n);
    for (double& v : negative) v = -v;
    auto lowest = by_brute_force(values, n), highest = by_brute_force(negative.data(), n);
    lowest.resize(count), highest.resize(count);
    CHECK(e.lowest == lowest);
    CHECK(e.highest == highest);
  }
  CHECK(extremes(vectors, {0}, 100)[0].lowest.size() == 18);  // no image twice
  CHECK(thrown([&] { extremes(vectors, {4}, 1); }) == "eigenfunction 4: there are 4");
  CHECK(gallery_eigenfunctions(1) == std::vector<Index>{0});
  CHECK(gallery_eigenfunctions(21) == std::vector<Index>{0, 1, 2, 5, 20});
}

TEST_CASE("a gallery's pixels are those of its images, on one scale") {
  // Image i is all of the number i; 6 x 1 pixels, zoomed to 32.
  const Index n = 8, zoom = 5;
  Tensor<double> images({n, 6, 1, 1});
  for (Index i = 0; i < images.size(); ++i) images[i] = static_cast<double>(i / 6);
  const std::vector<Extremes> shown{{0, {3, 1}, {7, 2}}};
  const data::Picture p = gallery(images, shown);
  CHECK(p.channels == 1);
  CHECK(p.height == 6 * zoom);
  CHECK(p.width == 4 * zoom + 2 * gallery_gap + gallery_divide);
  const auto at = [&](Index x) { return static_cast<int>(p.pixels[static_cast<std::size_t>(x)]); };
  const auto shade = [](double v) { return static_cast<int>(std::lround(255 * (v - 1) / 6)); };  // 1 to 7 are shown
  CHECK(at(0) == shade(3));
  CHECK(at(zoom) == 128);  // the gap
  CHECK(at(zoom + gallery_gap) == shade(1));
  CHECK(at(2 * zoom + gallery_gap + gallery_divide) == shade(2));
  CHECK(at(p.width - 1) == shade(7));  // the highest is outside
  CHECK(gallery(Tensor<double>::zeros({n, 2, 2, 3}), shown).channels == 3);
  CHECK(gallery(Tensor<double>::zeros({n, 2, 2, 2}), shown).channels == 1);
  CHECK(thrown([&] { gallery(images, {}); }) == "gallery: nothing to show");
}

TEST_CASE("compute_ntk leaves the images of its eigenfunctions' extremes") {
  const Sandbox box;
  box.good("compute_ntk --model mlp --features 4,1 --num-train 20 --num-test 6 --eigen 7 --dtype float64 --out k");
  REQUIRE(fs::exists(box / "k/eigenfunctions.png"));
  const auto vectors = box.array("k/eigvecs.npy");
  const Index n = 26;
  const Csv csv = Csv::read(box / "k/eigenfunctions.csv");
  CHECK(csv.columns() == std::vector<std::string>{"index", "side", "place", "image", "value"});
  REQUIRE(csv.rows().size() == 4 * 2 * 5);  // 0, 1, 2 and 5; five a side
  for (const auto& row : csv.rows()) {
    const Index j = parse_number<Index>("index", row[0]), image = parse_number<Index>("image", row[3]),
                place = parse_number<Index>("place", row[2]);
    const auto order = by_brute_force(vectors.data() + j * n, n);
    CHECK(image == order[static_cast<std::size_t>(row[1] == "lowest" ? place : n - 1 - place)]);
    CHECK(parse_number<double>("value", row[4]) == vectors[j * n + image]);
  }
}
