// Pooling against the naive loops, windows that overlap, leave gaps, or leave a last row and column out.
#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/pool.h"
#include "reference.h"
#include "tests/catch.h"

using namespace tangentplane;
using reference::difference;
using reference::draw;
using reference::same_bits;

namespace {

template <class S>
void check_pooling(double tolerance) {
  cpu::poison_new_blocks(true);
  RandomStream random(0, "pool");
  for (auto [n, at] : {std::pair<Index, cpu::PoolGeometry>{1, {4, 4, 1, 2, 2}},
                       {3, {13, 11, 3, 2, 2}},
                       {2, {9, 10, 5, 3, 2}},
                       {2, {9, 10, 5, 2, 3}},
                       {2, {3, 3, 16, 3, 1}},
                       {5, {32, 32, 6, 2, 2}},
                       {1, {1, 7, 2, 1, 1}}}) {
    INFO(fmt::format("[{},{},{},{}] by {} step {}", n, at.height, at.width, at.channels, at.window, at.stride));
    const auto x = draw<S>(random, {n, at.height, at.width, at.channels});
    const auto dy = draw<S>(random, {n, at.out_height(), at.out_width(), at.channels});
    CHECK(difference(cpu::average_pool(at, x), reference::average_pool(at, x)) <= tolerance);
    CHECK(difference(cpu::average_pool_transpose(at, dy), reference::average_pool_transpose(at, dy)) <= tolerance);
    // The global mean is one window as large as the image, whatever the image's shape.
    const auto mean = cpu::global_mean(x);
    Tensor<double> expected = Tensor<double>::zeros({n, at.channels});
    for (Index i = 0; i < x.size(); ++i)
      expected[i / x.shape().row_size() * at.channels + i % at.channels] += double(x[i]) / double(at.height * at.width);
    CHECK(difference(mean, expected) <= tolerance);
    const auto back = cpu::global_mean_transpose(at.height, at.width, mean);
    Tensor<double> spread(x.shape());
    for (Index i = 0; i < x.size(); ++i)
      spread[i] = expected[i / x.shape().row_size() * at.channels + i % at.channels] / double(at.height * at.width);
    CHECK(difference(back, spread) <= tolerance);
  }
  cpu::poison_new_blocks(false);
}

}  // namespace

TEST_CASE("pooling equals the definition, in double") { check_pooling<double>(1e-14); }
TEST_CASE("pooling equals the definition, in float") { check_pooling<float>(1e-6); }

TEST_CASE("pooling gives the same bits for any number of threads") {
  RandomStream random(1, "pool threads");
  const cpu::PoolGeometry at{33, 31, 7, 2, 2};
  const auto x = draw<float>(random, {40, 33, 31, 7});
  const auto run = [&](int threads) {
    cpu::set_threads(threads);
    const auto y = cpu::average_pool(at, x);
    return std::array{y, cpu::average_pool_transpose(at, y), cpu::global_mean(x), cpu::global_mean_transpose(33, 31, cpu::global_mean(x))};
  };
  const auto one = run(1), two = run(2);
  cpu::set_threads(0);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], two[i]));
}
