// Maps, and their transposes through the tape, against their definition.
#include "naive.h"

using namespace tangentplane;
using namespace tangentplane::values;

namespace {

/// The cotangent of x where that of f(x) is `u`.
template <class S, class F>
Tensor<S> pulled(const F& f, const Tensor<S>& x, const Tensor<S>& u) {
  return *pullback([&](const auto& p) { return f(p[0]); }, std::vector{x})(u)[0];
}

template <class S>
void check_maps() {
  RandomStream random(2, "maps");
  const auto x = draw<S>(random, {2, 5, 7, 3}), y = draw<S>(random, {2, 5, 7, 3}), b = draw<S>(random, {3});
  using I = Index;
  equals(bias(x, b), x.shape(), [&](I n, I i, I j, I c) { return at(x, {n, i, j, c}) + at(b, {c}); });
  equals(apply(ChannelBias{{4, 3}}, b), {4, 3}, [&](I, I c, I, I) { return at(b, {c}); });
  equals(add(x, y), x.shape(), [&](I n, I i, I j, I c) { return at(x, {n, i, j, c}) + at(y, {n, i, j, c}); });
  equals(subtract(x, y), x.shape(), [&](I n, I i, I j, I c) { return at(x, {n, i, j, c}) - at(y, {n, i, j, c}); });
  equals(scale(x, -2.5), x.shape(), [&](I n, I i, I j, I c) { return -2.5 * at(x, {n, i, j, c}); });
  equals(flatten(x), {2, 105}, [&](I n, I k, I, I) { return at(x, {n, k / 21, k / 3 % 7, k % 3}); });
  equals(reshape(x, {10, 21}), {10, 21}, [&](I r, I k, I, I) { return at(x, {r / 5, r % 5, k / 3, k % 3}); });
  equals(channel_sum(x), {3}, [&](I c, I, I, I) {
    double total = 0;
    for (I r = 0; r < 70; ++r) total += static_cast<double>(x[r * 3 + c]);
    return total;
  });
  equals(sum(x), {}, [&](I, I, I, I) {
    double total = 0;
    for (I r = 0; r < 210; ++r) total += static_cast<double>(x[r]);
    return total;
  });
  equals(global_mean(x), {2, 3}, [&](I n, I c, I, I) {
    double total = 0;
    for (I p = 0; p < 35; ++p) total += static_cast<double>(x[(n * 35 + p) * 3 + c]);
    return total / 35;
  });
  // Windows, strides, and the rows and columns that are left: 5 x 7 by 2 is 2 x 3, by 3 step 2 is 2 x 3, by 4 step 1 is 2 x 4.
  for (const auto& [window, stride, rows, columns] : {std::array<I, 4>{2, 0, 2, 3}, {3, 2, 2, 3}, {4, 1, 2, 4}, {5, 0, 1, 1}}) {
    const I k = window, s = stride ? stride : window, h = rows, w = columns;
    equals(average_pool(x, window, stride), {2, h, w, 3}, [&](I n, I i, I j, I c) {
      double total = 0;
      for (I p = 0; p < k; ++p)
        for (I q = 0; q < k; ++q) total += at(x, {n, i * s + p, j * s + q, c});
      return total / static_cast<double>(k * k);
    });
    equals(max_pool(x, window, stride), {2, h, w, 3}, [&](I n, I i, I j, I c) {
      double most = -1e300;
      for (I p = 0; p < k; ++p)
        for (I q = 0; q < k; ++q) most = std::max(most, at(x, {n, i * s + p, j * s + q, c}));
      return most;
    });
    // The transposes: to each entry, what every window that it is in hands back.
    const auto u = draw<S>(random, {2, h, w, 3});
    const auto windows_of = [&](I n, I i, I j, I c, const auto& share) {
      double total = 0;
      for (I p = 0; p < h; ++p)
        for (I q = 0; q < w; ++q)
          if (p * s <= i && i < p * s + k && q * s <= j && j < q * s + k) total += share(p, q) * at(u, {n, p, q, c});
      return total;
    };
    equals(pulled([&](const auto& v) { return average_pool(v, k, s); }, x, u), x.shape(),
           [&](I n, I i, I j, I c) { return windows_of(n, i, j, c, [&](I, I) { return 1 / static_cast<double>(k * k); }); });
    const auto largest = max_pool(x, window, stride);
    equals(pulled([&](const auto& v) { return max_pool(v, k, s); }, x, u), x.shape(), [&](I n, I i, I j, I c) {
      return windows_of(n, i, j, c, [&](I p, I q) { return at(largest, {n, p, q, c}) == at(x, {n, i, j, c}) ? 1.0 : 0.0; });
    });
  }
  const auto u = draw<S>(random, {2, 3}), v = draw<S>(random, x.shape());
  equals(pulled([](const auto& p) { return global_mean(p); }, x, u), x.shape(), [&](I n, I, I, I c) { return at(u, {n, c}) / 35; });
  equals(pulled([](const auto& p) { return sum(p); }, x, Tensor<S>::full({}, S(0.75))), x.shape(), [](I, I, I, I) { return 0.75; });
  equals(pulled([](const auto& p) { return channel_sum(p); }, x, b), x.shape(), [&](I, I, I, I c) { return at(b, {c}); });
  equals(pulled([](const auto& p) { return scale(p, 3); }, x, v), x.shape(), [&](I n, I i, I j, I c) { return 3 * at(v, {n, i, j, c}); });
}

}  // namespace

TEST_CASE("maps and their transposes are what they say, in float") { check_maps<float>(); }
TEST_CASE("maps and their transposes are what they say, in double") { check_maps<double>(); }

TEST_CASE("maximum pooling takes the first of equal entries") {
  // Windows of 2 x 2 over [[1, 2, 2], [2, 1, 0], [2, 2, 2]], step 1: the first 2 in row order of each.
  const auto x = Real::from({1, 3, 3, 1}, {1, 2, 2, 2, 1, 0, 2, 2, 2});
  const auto back = pulled([](const auto& p) { return max_pool(p, 2, 1); }, x, Real::from({1, 2, 2, 1}, {1, 10, 100, 1000}));
  const std::vector<double> expected{0, 1 + 10, 0, 100, 0, 0, 0, 1000, 0};
  for (Index i = 0; i < 9; ++i) CHECK(back[i] == expected[static_cast<std::size_t>(i)]);
}
