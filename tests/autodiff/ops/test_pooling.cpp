// Pooling with padding, two windows and two strides: values by loops, derivatives of every order, refusals.
#include "by_index.h"

using namespace tangentplane;
using namespace tangentplane::by_index;
using check::all_orders;

namespace {

const std::vector<std::pair<Shape, PoolOptions>> cases{
    {{2, 7, 6, 3}, {2, 2, 2, 2, {}}},
    {{2, 7, 6, 3}, {3, 3, 2, 2, {1, 1, 1, 1}}},
    {{1, 5, 9, 17}, {3, 2, 1, 3, {2, 1, 0, 1}}},
    {{3, 4, 4, 35}, {2, 3, 1, 1, {1, 0, 1, 2}}},
    {{2, 8, 8, 5}, {3, 3, 2, 2, {0, 0, 0, 0}, false, 1, 1}},  // a last window that sticks out
    {{2, 6, 6, 4}, {3, 3, 2, 2, {1, 1, 1, 1}, true, 1, 0}},
    {{2, 5, 5, 2}, {5, 4, 1, 1, {4, 4, 3, 3}, true}},
    {{2, 9, 9, 3}, {2, 2, 3, 4, {1, 0, 0, 0}}},  // gaps
    {{40, 12, 10, 33}, {2, 2, 2, 2, {}}},
};

template <class S>
void check_values() {
  const check::Poison poison;
  RandomStream random(9, "pooling");
  for (const auto& [s, o] : cases) {
    auto x = reference::draw<S>(random, s);
    for (Index i = 0; i < x.size(); i += 3) x[i] = S(-1);  // equal entries, and below the zeros that padding is not
    const Index stride_height = o.stride_height, stride_width = o.stride_width;
    const Index height = (s[1] + o.pad.top + o.pad.bottom + o.beyond_bottom - o.window_height) / stride_height + 1;
    const Index width = (s[2] + o.pad.left + o.pad.right + o.beyond_right - o.window_width) / stride_width + 1;
    INFO(fmt::format("{} by {} x {}", s, o.window_height, o.window_width));
    Shape to{s[0], height, width, s[3]};
    Real largest(to), average(to), chosen = Real::zeros(s), shared = Real::zeros(s);
    const auto dy = reference::draw<S>(random, to);
    for (Index r = 0; r < to.size(); ++r) {
      const Indices p = place_of(to, r);
      double sum = 0, best = -1e9, count = 0, counted = 0;
      Index place = -1;
      for (int pass = 0; pass < 2; ++pass)
        for (Index u = p[1] * stride_height - o.pad.top, a = 0; a < o.window_height; ++a, ++u)
          for (Index v = p[2] * stride_width - o.pad.left, b = 0; b < o.window_width; ++b, ++v) {
            const bool padded = u < s[1] + o.pad.bottom && v < s[2] + o.pad.right;
            if (pass == 0 && padded) ++counted;
            if (u < 0 || v < 0 || u >= s[1] || v >= s[2]) continue;
            const Index i = ((p[0] * s[1] + u) * s[2] + v) * s[3] + p[3];
            if (pass == 1) {
              shared[i] += double(dy[r]) / (o.count_padding ? counted : count);
              continue;
            }
            sum += double(x[i]), ++count;
            if (double(x[i]) > best) best = double(x[i]), place = i;
          }
      largest[r] = best, average[r] = sum / (o.count_padding ? counted : count), chosen[place] += double(dy[r]);
    }
    CHECK(reference::difference(max_pool(x, o), largest) == 0);
    CHECK(reference::difference(pullback([&, &options = o](const auto& q) { return max_pool(q[0], options); }, std::vector{x}).value(),
                                largest) == 0);
    const Tensor<S> by_choice = jvp([&, &options = o](const auto& q) { return max_pool(q[0], options); }, std::vector{x}, {x}).primal;
    CHECK(reference::difference(by_choice, largest) == 0);
    CHECK(reference::difference(average_pool(x, o), average) <= rounding<S>);
    const auto back = [&, &options = o](auto op) {
      return *pullback([&](const auto& q) { return op(q[0], options); }, std::vector{x})(dy)[0];
    };
    CHECK(reference::difference(back([](const auto& v, const PoolOptions& options) { return max_pool(v, options); }), chosen) <=
          rounding<S>);
    CHECK(reference::difference(back([](const auto& v, const PoolOptions& options) { return average_pool(v, options); }), shared) <=
          rounding<S>);
  }
}

}  // namespace

TEST_CASE("pooling of every kind equals its definition") {
  check_values<double>();
  check_values<float>();
}

TEST_CASE("pooling of every kind: derivatives of every order") {
  const PoolOptions o{3, 2, 2, 1, {1, 1, 0, 1}, true}, beyond{2, 2, 2, 2, {}, false, 1, 0};
  all_orders(OP(max_pool(a, o)), {{2, 5, 4, 3}});
  all_orders(OP(average_pool(a, o)), {{2, 5, 4, 3}});
  all_orders(OP(max_pool(a, beyond)), {{1, 3, 4, 2}});
  all_orders(OP(average_pool(a, beyond)), {{1, 3, 4, 2}});
}

TEST_CASE("maximum pooling: the first of equal entries, the first NaN, minus infinity before padding") {
  const PoolOptions padded{3, 3, 3, 3, {1, 1, 1, 1}};
  auto x = Real::full({1, 4, 4, 1}, 2);
  auto g = grad([&](const auto& p) { return sum(max_pool(p[0], padded)); }, std::vector{x})[0];
  CHECK(g[0] == 1);
  CHECK(g[1] == 0);
  CHECK(g[2] == 1);
  x[0] = 5, x[1] = std::nan(""), x[4] = std::nan("");
  g = grad([&](const auto& p) { return sum(max_pool(p[0], padded)); }, std::vector{x})[0];
  CHECK(std::isnan(max_pool(x, padded)[0]));
  CHECK(g[1] == 1);
  CHECK(g[4] == 0);
  const double low = -std::numeric_limits<double>::infinity();
  for (double& v : x.span()) v = low;
  CHECK(max_pool(x, padded)[0] == low);
  CHECK(grad([&](const auto& p) { return sum(max_pool(p[0], padded)); }, std::vector{x})[0][0] == 1);
}

TEST_CASE("pooling of every kind: no examples give none, and what does not fit is told in one line") {
  const auto t = [](Shape s) { return Real::zeros(s); };
  CHECK(max_pool(t({0, 4, 4, 2}), PoolOptions{}).shape() == Shape({0, 2, 2, 2}));
  CHECK(average_pool(t({0, 4, 4, 2}), PoolOptions{}).shape() == Shape({0, 2, 2, 2}));
  CHECK(thrown([&] { max_pool(t({1, 4, 0, 2}), PoolOptions{}); }) == "max_pool: input [1,4,0,2] has an axis of 0; at least 1");
  CHECK(thrown([&] { max_pool(t({1, 4}), PoolOptions{}); }) == "max_pool: takes images [N,H,W,C], got [1,4]");
  CHECK(thrown([&] { max_pool(t({1, 4, 4, 2}), PoolOptions{5, 2}); }) == "max_pool: window 5 x 2 does not fit into [1,4,4,2]");
  CHECK(thrown([&] { average_pool(t({1, 4, 4, 2}), PoolOptions{0, 2}); }) == "average_pool: window 0 x 2; at least 1");
  CHECK(thrown([&] { average_pool(t({1, 4, 4, 2}), PoolOptions{2, 2, 1, -1}); }) == "average_pool: stride -1 is negative");
  CHECK(thrown([&] {
          average_pool(t({1, 4, 4, 2}), PoolOptions{2, 2, 1, 1, {-1, 0, 0, 0}});
        }) == "average_pool: padding is negative; crop with slice or pad");
  CHECK(thrown([&] {
          max_pool(t({1, 4, 4, 2}), PoolOptions{2, 2, 1, 1, {2, 0, 0, 0}});
        }) == "max_pool: a window of 2 lies in the padding of [1,4,4,2] alone; less padding");
  CHECK(thrown([&] {
          max_pool(t({1, 4, 4, 2}), PoolOptions{2, 2, 1, 1, {0, 2, 0, 0}});
        }) == "max_pool: a window of 2 lies in the padding of [1,4,4,2] alone; less padding");
}
