// Long sums in float: of equal numbers, whose sum is known, to a few roundings; and the same bits for any number of threads.
#include "autodiff/batch_norm.h"
#include "autodiff/cpu/reduce.h"
#include "naive.h"

using namespace tangentplane;
using namespace tangentplane::values;

namespace {

constexpr double tenth = 0.1f;

void close(double sum, double exact) { CHECK(std::abs(sum / exact - 1) < 2.5e-7); }

}  // namespace

TEST_CASE("means and sums of many equal numbers are that number and so many times it") {
  for (Index side : {224, 2048}) {
    const double count = static_cast<double>(side * side);
    for (Index channels : {1, 3}) {
      if (side == 2048 && channels == 3) continue;
      const auto x = Tensor<float>::full({1, side, side, channels}, 0.1f);
      const auto mean = global_mean(x), wide = average_pool(x, side), most = channel_sum(x);
      for (Index c = 0; c < channels; ++c) {
        close(mean[c], tenth);
        close(wide[c], tenth);
        close(most[c], tenth * count);
      }
      close(sum(x)[0], tenth * count * static_cast<double>(channels));
    }
  }
}

TEST_CASE("sums of numbers of mixed sizes are as exact as their terms") {
  RandomStream random(1, "sums");
  for (const Shape& shape : {Shape{100003}, Shape{33335, 3}, Shape{9001, 17}, Shape{3, 70001}}) {
    Tensor<float> x(shape), y(shape);
    for (float& v : x.span()) v = static_cast<float>(1 + random.uniform());
    for (float& v : y.span()) v = static_cast<float>(1 + random.uniform());
    const Index c = shape[-1], rows = x.size() / c;
    std::vector<double> sums(static_cast<std::size_t>(c)), products(sums);
    double all = 0;
    for (Index i = 0; i < x.size(); ++i) {
      sums[static_cast<std::size_t>(i % c)] += x[i];
      products[static_cast<std::size_t>(i % c)] += static_cast<double>(x[i]) * y[i];
      all += x[i];
    }
    close(sum(x)[0], all);
    const auto by_channel = channel_sum(x);
    std::vector<float> dots(static_cast<std::size_t>(c));
    cpu::sum_channels(rows, c, dots.data(), [&](Index i) { return x[i] * y[i]; });
    double worst = 0;
    for (Index k = 0; k < c; ++k) {
      const auto i = static_cast<std::size_t>(k);
      worst = std::max({worst, std::abs(by_channel[k] / sums[i] - 1), std::abs(dots[i] / products[i] - 1)});
    }
    CHECK(worst < 4e-7);
  }
  // An inner product for each row.
  const auto a = Tensor<float>::full({2, 1000003}, 0.1f), b = Tensor<float>::full({2, 1000003}, 3.0f);
  std::array<float, 2> dots;
  cpu::row_dots(2, 1000003, a.data(), b.data(), dots.data());
  for (float v : dots) CHECK(std::abs(v / (static_cast<double>(0.1f * 3.0f) * 1000003) - 1) < 4e-7);
}

TEST_CASE("what overlapping windows hand back is summed as exactly") {
  // Every entry in the middle of an image is in 60 x 60 windows.
  const auto x = Tensor<float>::full({1, 150, 150, 1}, 0.1f), u = Tensor<float>::full({1, 91, 91, 1}, 0.1f);
  const auto back = pullback([](const auto& p) { return average_pool(p[0], 60, 1); }, std::vector{x})(u);
  close((*back[0])[75 * 150 + 75], tenth);
  // One entry that is the largest of all.
  auto peak = x.clone();
  peak[75 * 150 + 75] = 1;
  const auto most = pullback([](const auto& p) { return max_pool(p[0], 60, 1); }, std::vector{peak})(u);
  close((*most[0])[75 * 150 + 75], tenth * 3600);
}

TEST_CASE("a large constant channel has its mean, no variance and no NaN") {
  for (Index channels : {1, 5, 17}) {
    for (float value : {910.54895f, 3e15f, -1e-20f}) {
      auto x = Tensor<float>::full({131072, channels}, value);
      const auto m = cpu::channel_moments(x);
      const auto y = normalise_by_batch(x, Tensor<float>::full({channels}, 2), Tensor<float>::full({channels}, 0.5f), 1e-5).y;
      for (Index k = 0; k < channels; ++k) {
        CHECK(m.mean[k] == value);
        CHECK(m.variance[k] == 0);
        CHECK(y[k] == 0.5f);
      }
    }
  }
  // The variance of what varies is not touched, and NaN is not taken for a variance of zero.
  Tensor<float> x({70000, 1});
  for (Index i = 0; i < 70000; ++i) x[i] = i % 2 ? 1001.0f : 999.0f;
  CHECK(cpu::channel_moments(x).variance[0] == Approx(1).epsilon(1e-6));
  x[69999] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(cpu::channel_moments(x).variance[0]));
  CHECK(std::isnan(cpu::channel_moments(x).mean[0]));
}

TEST_CASE("sums have the same bits for any number of threads") {
  RandomStream random(2, "threads");
  for (const Shape& shape : {Shape{3, 50, 70, 3}, Shape{40, 30, 30, 17}}) {
    const auto x = draw<float>(random, shape);
    const auto run = [&](int threads) {
      cpu::set_threads(threads);
      const auto m = cpu::channel_moments(x);
      return std::array{sum(x), channel_sum(x), global_mean(x), average_pool(x, 10), m.mean, m.variance};
    };
    const auto one = run(1), two = run(2);
    cpu::set_threads(0);
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(reference::same_bits(one[i], two[i]));
  }
}
