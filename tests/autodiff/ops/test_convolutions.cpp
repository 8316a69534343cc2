// Convolutions with groups, dilations, two strides and any padding, transposed ones and upsampling: every corner against loops, derivatives
// of every order, factors.
#include "autodiff/cpu/conv2d/paths.h"
#include "by_index.h"

using namespace tangentplane;
using namespace tangentplane::by_index;
using check::all_orders;
using cpu::ConvGeometry;

namespace {

struct Case {
  Index images, height, width, channels, kernel_height, kernel_width, out;
  Conv2dOptions o;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (Index channels : {4, 16, 35, 70})  // depthwise, lanes and rests
    for (Index stride : {1, 2}) all.push_back({2, 7, 6, channels, 3, 3, channels, {stride, stride, 1, 1, channels, {1, 1, 1, 1}}});
  all.push_back({3, 5, 9, 6, 3, 5, 12, {2, 1, 1, 2, 6, {0, 2, 3, 1}}});      // a multiplier of 2
  all.push_back({1, 5, 150, 17, 1, 3, 17, {1, 1, 1, 1, 17, {0, 0, 1, 1}}});  // rows longer than a sum in the tensor's precision
  all.push_back({2, 6, 7, 3, 2, 2, 9, {1, 3, 3, 1, 3, {-1, 1, 0, -1}}});
  all.push_back({2, 7, 8, 6, 3, 3, 4, {1, 1, 1, 1, 2, {1, 1, 1, 1}}});  // groups
  all.push_back({2, 7, 8, 6, 3, 2, 9, {2, 1, 1, 2, 3, {1, 0, 2, 1}}});
  all.push_back({2, 9, 8, 4, 3, 3, 5, {1, 1, 2, 2, 1, {2, 2, 2, 2}}});  // dilations alone
  all.push_back({2, 9, 8, 4, 3, 3, 5, {1, 1, 2, 3, 1, {}}});
  all.push_back({2, 9, 8, 4, 3, 3, 5, {2, 3, 1, 1, 1, {1, 0, 0, 1}}});  // strides alone
  all.push_back({2, 9, 8, 4, 3, 3, 5, {3, 1, 1, 2, 1, {-2, 1, 1, -1}}});
  all.push_back({37, 12, 12, 4, 3, 3, 6, {1, 1, 1, 1, 2, {}}});  // several chunks and blocks
  return all;
}

/// f(x entry, w entry, y entry) for each term.
template <class F>
void for_terms(const Case& k, Index out_height, Index out_width, const F& f) {
  const Index in_group = k.channels / k.o.groups, out_group = k.out / k.o.groups;
  for (Index n = 0; n < k.images; ++n)
    for (Index i = 0; i < out_height; ++i)
      for (Index j = 0; j < out_width; ++j)
        for (Index a = 0; a < k.kernel_height; ++a)
          for (Index b = 0; b < k.kernel_width; ++b) {
            const Index u = i * k.o.stride_height + a * k.o.dilation_height - k.o.pad.top;
            const Index v = j * k.o.stride_width + b * k.o.dilation_width - k.o.pad.left;
            if (u < 0 || u >= k.height || v < 0 || v >= k.width) continue;
            for (Index o = 0; o < k.out; ++o)
              for (Index c = 0; c < in_group; ++c)
                f(((n * k.height + u) * k.width + v) * k.channels + o / out_group * in_group + c,
                  ((a * k.kernel_width + b) * in_group + c) * k.out + o, ((n * out_height + i) * out_width + j) * k.out + o);
          }
}

Index extent(Index n, Index before, Index after, Index kernel, Index dilation, Index stride) {
  return (n + before + after - (kernel - 1) * dilation - 1) / stride + 1;
}

template <class S>
void check_values(double tolerance) {
  const check::Poison poison;
  RandomStream random(6, "convolutions");
  for (const Case& k : cases()) {
    const Index height = extent(k.height, k.o.pad.top, k.o.pad.bottom, k.kernel_height, k.o.dilation_height, k.o.stride_height);
    const Index width = extent(k.width, k.o.pad.left, k.o.pad.right, k.kernel_width, k.o.dilation_width, k.o.stride_width);
    const Shape images{k.images, k.height, k.width, k.channels}, weights{k.kernel_height, k.kernel_width, k.channels / k.o.groups, k.out},
        results{k.images, height, width, k.out};
    INFO(fmt::format("{} {} groups {} strides {} {} dilations {} {}", images, weights, k.o.groups, k.o.stride_height, k.o.stride_width,
                     k.o.dilation_height, k.o.dilation_width));
    const auto x = reference::draw<S>(random, images), w = reference::draw<S>(random, weights), dy = reference::draw<S>(random, results);
    Real y = Real::zeros(results), dx = Real::zeros(images), dw = Real::zeros(weights), rows = Real::zeros({k.images, weights.size()});
    for_terms(k, height, width, [&](Index p, Index q, Index r) {
      y[r] += double(x[p]) * double(w[q]);
      dx[p] += double(w[q]) * double(dy[r]);
      dw[q] += double(x[p]) * double(dy[r]);
      rows[p / images.row_size() * weights.size() + q] += double(x[p]) * double(dy[r]);
    });
    const ConvGeometry at = ops_detail::conv_geometry("conv2d", k.height, k.width, weights, k.o);
    CHECK_FALSE(at.plain());
    CHECK(reference::difference(conv2d(x, w, k.o), y) <= tolerance);
    CHECK(reference::difference(cpu::conv2d_input(at, w, dy), dx) <= tolerance);
    CHECK(reference::difference(cpu::conv2d_weight(at, x, dy), dw) <= tolerance);
    const auto check_rows = [&](const auto& write) {
      const Index apart = weights.size() + 3;
      auto spread = Tensor<S>::full({k.images, apart}, 7);
      write(spread.data(), apart);
      Tensor<S> closed(rows.shape());
      for (Index n = 0; n < k.images; ++n) {
        std::copy_n(spread.data() + n * apart, weights.size(), closed.data() + n * weights.size());
        for (Index i = weights.size(); i < apart; ++i) CHECK(spread[n * apart + i] == 7);
      }
      CHECK(reference::difference(closed, rows) <= tolerance);
    };
    check_rows([&](S* to, Index apart) { cpu::conv2d_weight_rows(at, x, dy, to, apart); });
    // The general path, whatever was taken.
    CHECK(reference::difference(cpu::paths::grouped_conv2d(at, x, w), y) <= tolerance);
    CHECK(reference::difference(cpu::paths::grouped_input(at, w, dy), dx) <= tolerance);
    CHECK(reference::difference(cpu::paths::grouped_weight(at, x, dy), dw) <= tolerance);
    check_rows([&](S* to, Index apart) { cpu::paths::grouped_weight_rows(at, x, dy, to, apart); });
    // The transposed convolution is the one of dy, with the padding that makes its result as large as x.
    const auto rest = [](Index n, Index out, Index before, Index after, Index kernel, Index dilation, Index stride) {
      return n - ((out - 1) * stride - before - after + (kernel - 1) * dilation + 1);
    };
    const Index below = rest(k.height, height, k.o.pad.top, k.o.pad.bottom, k.kernel_height, k.o.dilation_height, k.o.stride_height);
    const Index right = rest(k.width, width, k.o.pad.left, k.o.pad.right, k.kernel_width, k.o.dilation_width, k.o.stride_width);
    CHECK(reference::difference(conv2d_transpose(dy, w, k.o, below, right), dx) <= tolerance);
  }
  {  // plain transposed convolution
    const auto x = reference::draw<S>(random, {2, 3, 4, 5}), w = reference::draw<S>(random, {3, 2, 6, 5});
    Real y = Real::zeros({2, 6, 8, 6});
    for (Index n = 0; n < 2; ++n)
      for (Index i = 0; i < 3; ++i)
        for (Index j = 0; j < 4; ++j)
          for (Index a = 0; a < 3; ++a)
            for (Index b = 0; b < 2; ++b)
              for (Index o = 0; o < 6; ++o)
                for (Index c = 0; c < 5; ++c) {
                  const Index u = i * 2 + a - 1, v = j * 2 + b;
                  if (u < 0 || u >= 6) continue;
                  y[((n * 6 + u) * 8 + v) * 6 + o] += at(x, {n, i, j, c}) * at(w, {a, b, o, c});
                }
    CHECK(reference::difference(conv2d_transpose(x, w, {.stride_height = 2, .stride_width = 2, .pad = {1, 1, 0, 0}}, 1, 0), y) <=
          tolerance);
    equals(upsample_nearest(x, 3, 2), {2, 9, 8, 5}, 0, [&](const Indices& p) { return at(x, {p[0], p[1] / 3, p[2] / 2, p[3]}); });
  }
}

}  // namespace

TEST_CASE("convolutions of every kind equal their definition, in double") { check_values<double>(1e-13); }
TEST_CASE("convolutions of every kind equal their definition, in float") { check_values<float>(3e-6); }

TEST_CASE("convolutions of every kind: derivatives of every order") {
  all_orders(OP(conv2d(a, b, Conv2dOptions{1, 1, 1, 1, 3, {1, 1, 1, 1}})), {{2, 4, 5, 3}, {3, 3, 1, 3}});
  all_orders(OP(conv2d(a, b, Conv2dOptions{2, 1, 1, 2, 2, {1, 0, 1, 2}})), {{2, 5, 4, 2}, {3, 2, 1, 4}});
  all_orders(OP(conv2d(a, b, Conv2dOptions{1, 2, 2, 1, 2, {}})), {{1, 6, 5, 4}, {2, 3, 2, 2}});
  all_orders(OP(conv2d_transpose(a, b, Conv2dOptions{2, 2, 1, 1, 1, {1, 0, 0, 1}}, 1, 0)), {{2, 3, 2, 3}, {3, 3, 2, 3}});
  all_orders(OP(conv2d_transpose(a, b, Conv2dOptions{2, 1, 1, 2, 2, {}})), {{1, 2, 3, 4}, {2, 2, 1, 4}});
  all_orders(OP(upsample_nearest(a, 2, 3)), {{2, 2, 3, 2}});
}

TEST_CASE("weights of convolutions of every kind leave factors by example") {
  RandomStream random(7, "convolution factors");
  const auto see = [&](const auto& f, const Shape& weights) {
    const std::vector<Real> p{check::draw(weights, random)};
    const auto back = pullback(f, p);
    const Real u = check::draw(back.value().shape(), random);
    const auto list = back.factors(u);
    REQUIRE(list.size() == 1);
    CHECK_NOTHROW(require_example_rows(list[0], 3, "test", "w"));
    // <u, B(a, v)> = <gradient, v>
    const Real v = check::draw(weights, random);
    check::same(check::inner(list[0].gradient(), v), check::inner(u, list[0].entrance->output(list[0].activation, v)), 1e-12);
  };
  const Real x = check::draw({3, 4, 5, 6}, random);
  see([&](const auto& p) { return conv2d(lift<std::decay_t<decltype(p[0])>>(x), p[0], Conv2dOptions{.groups = 6}); }, {3, 3, 1, 6});
  see([&](const auto& p) { return conv2d(lift<std::decay_t<decltype(p[0])>>(x), p[0], Conv2dOptions{.dilation_height = 2}); },
      {2, 3, 6, 2});
  see([&](const auto& p) { return conv2d_transpose(lift<std::decay_t<decltype(p[0])>>(x), p[0], Conv2dOptions{.stride_height = 2}); },
      {2, 3, 4, 6});
}

TEST_CASE("convolutions: the same bits for any number of threads") {
  RandomStream random(8, "convolution threads");
  const auto x = reference::draw<float>(random, {20, 9, 8, 34}), dw = reference::draw<float>(random, {3, 3, 1, 34}),
             gw = reference::draw<float>(random, {3, 3, 17, 6});
  const auto run = [&](int threads) {
    cpu::set_threads(threads);
    std::vector<Tensor<float>> all;
    for (const auto& [w, groups] : {std::pair{dw, Index(34)}, {gw, Index(2)}}) {
      const ConvGeometry at = ops_detail::conv_geometry("conv2d", 9, 8, w.shape(), Conv2dOptions{.groups = groups, .pad = {1, 1, 1, 1}});
      const auto y = cpu::conv2d(at, x, w);
      for (const auto& r : {y, cpu::conv2d_input(at, w, y), cpu::conv2d_weight(at, x, y)}) all.push_back(r);
    }
    cpu::set_threads(0);
    return all;
  };
  const auto one = run(1), two = run(2);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(reference::same_bits(one[i], two[i]));
}

TEST_CASE("convolutions: no examples give none, NaN goes through, and what does not fit is told in one line") {
  const auto t = [](Shape s) { return Real::zeros(s); };
  const Conv2dOptions deep{.groups = 4}, wide{.dilation_height = 2, .dilation_width = 2};
  CHECK(conv2d(t({0, 5, 5, 4}), t({3, 3, 1, 4}), deep).shape() == Shape({0, 3, 3, 4}));
  CHECK(conv2d(t({0, 5, 5, 4}), t({3, 3, 4, 2}), wide).shape() == Shape({0, 1, 1, 2}));
  CHECK(conv2d_transpose(t({0, 5, 5, 4}), t({3, 3, 2, 4}), {}).shape() == Shape({0, 7, 7, 2}));
  const auto dw = cpu::conv2d_weight(ops_detail::conv_geometry("conv2d", 5, 5, {3, 3, 1, 4}, deep), t({0, 5, 5, 4}), t({0, 3, 3, 4}));
  for (double v : dw.span()) CHECK(v == 0);
  auto x = Real::full({1, 3, 3, 2}, 1);
  x[9] = std::nan("");  // the middle, second channel
  const Real y = conv2d(x, Real::full({3, 3, 1, 2}, 1), Conv2dOptions{.groups = 2});
  CHECK(y[0] == 9);
  CHECK(std::isnan(y[1]));
  CHECK(thrown([&] {
          conv2d(t({1, 5, 5, 4}), t({3, 3, 2, 4}), deep);
        }) == "conv2d: input [1,5,5,4] has 4 channels in 4 groups, weight [3,3,2,4] takes 2");
  CHECK(thrown([&] {
          conv2d(t({1, 5, 5, 4}), t({3, 3, 1, 6}), deep);
        }) == "conv2d: 4 groups of input [1,5,5,4] and weight [3,3,1,6]; a divisor of both's channels");
  CHECK(thrown([&] {
          conv2d(t({1, 4, 5, 4}), t({3, 3, 4, 2}), wide);
        }) == "conv2d: weight [3,3,4,2] is larger than the padded input [1,4,5,4]");
  CHECK(thrown([&] { conv2d(t({1, 5, 5, 4}), t({3, 3, 4, 2}), Conv2dOptions{.dilation_width = 0}); }) == "conv2d: dilation 0 is below 1");
  CHECK(thrown([&] { conv2d(t({1, 5, 0, 4}), t({3, 3, 1, 4}), deep); }) == "conv2d: input [1,5,0,4] has an axis of 0; at least 1");
  CHECK(thrown([&] { conv2d(t({1, 5, 5, 4}), t({3, 0, 1, 4}), deep); }) == "conv2d: weight [3,0,1,4] has an axis of 0; at least 1");
  CHECK(thrown([&] {
          conv2d_transpose(t({1, 5, 5, 4}), t({3, 3, 2, 3}), {});
        }) == "conv2d_transpose: input [1,5,5,4] has 4 channels, weight [3,3,2,3] takes 3");
  CHECK(thrown([&] {
          conv2d_transpose(t({1, 5, 5, 4}), t({3, 3, 2, 4}), {}, 1, 0);
        }) == "conv2d_transpose: output padding 1 x 0; at least 0 and below the strides 1 x 1");
  CHECK(thrown([&] {
          conv2d_transpose(t({1, 1, 1, 4}), t({1, 1, 2, 4}), {.pad = {1, 0, 0, 0}});
        }) == "conv2d_transpose: input [1,1,1,4] and weight [1,1,2,4] leave an image of 0 x 1; less padding");
  CHECK(thrown([&] { upsample_nearest(t({1, 2, 2, 3}), 0, 1); }) == "upsample_nearest: factors 0 x 1; at least 1");
  CHECK(thrown([&] { upsample_nearest(t({1, 2, 0, 3}), 1, 1); }) == "upsample_nearest: input [1,2,0,3] has an axis of 0; at least 1");
}

TEST_CASE("SAME padding gives the smaller half first, SAME_LOWER the larger") {
  const Padding upper = Padding::same(7, 8, 2, 5, 2, 3), lower = Padding::same_lower(7, 8, 2, 5, 2, 3);
  CHECK((upper.top == 0 && upper.bottom == 1 && upper.left == 1 && upper.right == 2));
  CHECK((lower.top == 1 && lower.bottom == 0 && lower.left == 2 && lower.right == 1));
}
