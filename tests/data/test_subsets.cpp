// Subsets that are drawn by a seed, and subsets that keep the share of two classes: nested, stratified, and by the rule that the header
// states.
#include "autodiff/random.h"
#include "data/dataset.h"
#include "tests/catch.h"
#include "tests/thrown.h"

using namespace tangentplane;
using namespace tangentplane::data;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<int> random_classes(int count, int num_classes) {
  std::vector<int> classes;
  RandomStream random(6, "classes");
  for (int i = 0; i < count; ++i) classes.push_back(static_cast<int>(random.below(num_classes)));
  return classes;
}

/// 1 for `ones` of `size` images, spread over the file.
std::vector<int> labels_with(Index ones, Index size) {
  std::vector<int> labels;
  for (Index i = 0; i < size; ++i) labels.push_back(static_cast<int>((i + 1) * ones / size - i * ones / size));
  return labels;
}

Index of_class(const std::vector<int>& classes, const std::vector<Index>& rows, int c) {
  return std::count_if(rows.begin(), rows.end(), [&](Index i) { return classes[static_cast<std::size_t>(i)] == c; });
}

/// What the larger remainder of two gets, class 1 where they are equal.
Index largest_remainder(Index n, Index ones, Index size) {
  const Index whole = n * ones / size, rest = n * ones % size, other_rest = n * (size - ones) % size;
  return whole + (rest > 0 && rest >= other_rest);
}

}  // namespace

TEST_CASE("subsets drawn by a seed are nested, stratified, and the first of a permutation of each class") {
  const auto classes = random_classes(400, 7);
  for (const std::uint64_t seed : {0, 9}) {
    std::vector<std::vector<Index>> drawn(7);
    for (std::size_t c = 0; c < 7; ++c) {
      std::vector<Index> images;
      for (std::size_t i = 0; i < classes.size(); ++i)
        if (classes[i] == static_cast<int>(c)) images.push_back(static_cast<Index>(i));
      for (Index k : RandomStream(seed, "subset of training images", c).permutation(static_cast<Index>(images.size())))
        drawn[c].push_back(images[static_cast<std::size_t>(k)]);
    }
    std::vector<Index> before;
    for (Index n = 1; n <= 280; ++n) {
      const auto rows = stratified_rows(classes, 7, n, {.seed = seed});
      REQUIRE(static_cast<Index>(rows.size()) == n);
      REQUIRE(std::is_sorted(rows.begin(), rows.end()));
      REQUIRE(std::includes(rows.begin(), rows.end(), before.begin(), before.end()));
      for (int c = 0; c < 7; ++c) {
        const Index count = n / 7 + (c < n % 7);
        REQUIRE(of_class(classes, rows, c) == count);
        const auto& first = drawn[static_cast<std::size_t>(c)];
        for (Index k = 0; k < count; ++k) REQUIRE(std::binary_search(rows.begin(), rows.end(), first[static_cast<std::size_t>(k)]));
      }
      before = rows;
    }
  }
  CHECK(stratified_rows(classes, 7, 400, {.seed = 9}) == stratified_rows(classes, 7, 400));  // the whole
  CHECK_THAT(thrown([&] { stratified_rows(classes, 7, 399, {.seed = 9}); }), ContainsSubstring("or all 400"));
}

TEST_CASE("subsets drawn by a seed are the known ones, and each seed has its own") {
  std::vector<int> classes;
  for (int i = 0; i < 100; ++i) classes.push_back(i % 10);
  CHECK(stratified_rows(classes, 10, 12, {.seed = 0}) == std::vector<Index>{0, 10, 21, 27, 41, 45, 48, 53, 64, 72, 86, 89});
  CHECK(stratified_rows(classes, 10, 12, {.seed = 1}) == std::vector<Index>{6, 29, 35, 43, 51, 57, 62, 64, 78, 80, 90, 91});
  CHECK(stratified_rows(classes, 10, 12) == std::vector<Index>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

TEST_CASE("test images are drawn by a stream of their own") {
  Dataset<float> d{"x", Tensor<float>::zeros({100, 1, 1, 1}), {}, 50, 50, 5, {}};
  for (int i = 0; i < 100; ++i) d.classes.push_back(i % 5);
  const auto rows = stratified_rows(d, 10, 10, {.seed = 3});
  REQUIRE(rows.size() == 20);
  const std::vector<Index> train(rows.begin(), rows.begin() + 10);
  std::vector<Index> test;
  for (std::size_t k = 10; k < 20; ++k) test.push_back(rows[k] - 50);
  CHECK(train == stratified_rows(std::span<const int>(d.classes).first(50), 5, 10, {.seed = 3}));
  CHECK((train.back() < 50 && test.front() >= 0));
  CHECK(test != train);
  for (int c = 0; c < 5; ++c) CHECK(of_class(d.classes, test, c) == 2);
}

TEST_CASE("subsets keep the share of two classes for every size, and stay nested") {
  for (const auto& of_ones : {std::pair<Index, Index>{30, 100}, {7, 100}, {50, 100}, {93, 100}, {1, 3}, {2, 3}, {131, 262}}) {
    const Index ones = of_ones.first, size = of_ones.second;
    const auto labels = labels_with(ones, size);
    REQUIRE(std::count(labels.begin(), labels.end(), 1) == ones);
    for (const std::optional<std::uint64_t> seed : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(4)}) {
      std::vector<Index> before;
      for (Index n = 1; n <= size; ++n) {
        INFO(n << " of " << size << ", of which " << ones << " are 1");
        const Index wanted = largest_remainder(n, ones, size);
        const SubsetRule rule{.seed = seed, .same_shares = true};
        if (wanted == 0 || wanted == n) {
          const auto line = thrown([&] { stratified_rows(labels, 2, n, rule); });
          CHECK_THAT(line, ContainsSubstring(fmt::format("would hold none of class {}, which ", wanted == 0 ? 1 : 0)));
          // The least that it asks for is the first size that holds one.
          const Index least = std::stoll(line.substr(line.rfind(' ')));
          const auto missing = [&](Index m) {
            return wanted == 0 ? largest_remainder(m, ones, size) : m - largest_remainder(m, ones, size);
          };
          CHECK(missing(least) == 1);
          CHECK(missing(least - 1) == 0);
          continue;
        }
        const auto rows = stratified_rows(labels, 2, n, rule);
        REQUIRE(static_cast<Index>(rows.size()) == n);
        REQUIRE(of_class(labels, rows, 1) == wanted);
        REQUIRE(std::is_sorted(rows.begin(), rows.end()));
        REQUIRE(std::includes(rows.begin(), rows.end(), before.begin(), before.end()));
        before = rows;
      }
    }
  }
  CHECK_THAT(thrown([] { stratified_rows(random_classes(20, 3), 3, 6, {.same_shares = true}); }),
             ContainsSubstring("the shares of two classes, not of 3"));
  CHECK(stratified_rows(std::vector<int>(9, 1), 2, 4, {.same_shares = true}) == std::vector<Index>{0, 1, 2, 3});  // there is one class only
}

TEST_CASE("test images may hold none of a rare class") {
  Dataset<float> d{"x", Tensor<float>::zeros({200, 1, 1, 1}), {}, 100, 100, 2, {}};
  d.classes = labels_with(4, 100);
  d.classes.insert(d.classes.end(), d.classes.begin(), d.classes.end());
  const auto rows = stratified_rows(d, 50, 10, {.same_shares = true});
  CHECK(of_class(d.classes, rows, 1) == 2);
  CHECK(thrown([&] { stratified_rows(d, 10, 10, {.same_shares = true}); }) ==
        "x: 10 training images (--num-train) would hold none of class 1, which 4 of all 100 are; give at least 13");
}
