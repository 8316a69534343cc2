// Every path of a convolution against the naive loops, over shapes chosen to be awkward, and the same bits for any threads.
#include <vector>

#include "autodiff/cpu/conv2d/paths.h"
#include "autodiff/cpu/parallel.h"
#include "reference.h"
#include "tests/catch.h"

using namespace tangentplane;
using cpu::ConvGeometry;
using cpu::paths::Across;
using reference::difference;
using reference::draw;
using reference::same_bits;

namespace {

struct Case {
  Index images;
  ConvGeometry at;
};

ConvGeometry geometry(Index height, Index width, Index channels, Index kernel, Index out, Index stride, Index before, Index after) {
  return {height, width, channels, kernel, kernel, out, stride, before, after, before, after};
}

/// One image, one channel, 13 x 11, strides beyond the kernel, padding on one side, a kernel larger than the image, ragged chunks.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (Index channels : {1, 3, 16})
    for (Index out : {1, 5, 6, 16, 17})
      for (Index kernel : {1, 2, 3, 5})
        for (Index stride : {1, 2, 3}) all.push_back({2, geometry(13, 11, channels, kernel, out, stride, 0, kernel > 1 ? 1 : 0)});
  all.push_back({1, geometry(3, 2, 2, 5, 3, 1, 2, 2)});
  all.push_back({3, geometry(2, 3, 1, 5, 16, 1, 3, 1)});
  all.push_back({2, geometry(4, 4, 6, 5, 6, 2, 1, 2)});
  all.push_back({2, geometry(5, 5, 2, 2, 3, 1, 3, 4)});  // windows that see padding alone: the transpose crops
  all.push_back({2, geometry(5, 6, 3, 2, 4, 3, 4, 3)});
  all.push_back({1, geometry(1, 1, 1, 1, 1, 1, 0, 0)});
  all.push_back({2, geometry(1, 40, 17, 1, 48, 1, 0, 0)});
  all.push_back({37, geometry(8, 8, 3, 5, 6, 1, 2, 2)});  // the last chunk is short
  all.push_back({33, geometry(4, 4, 6, 5, 16, 1, 2, 2)});
  all.push_back({3, geometry(4, 4, 70, 3, 80, 1, 1, 1)});  // two panels of channels, two pieces of the taps
  all.push_back({5, geometry(8, 8, 32, 3, 64, 2, 0, 1)});
  all.push_back({2, geometry(8, 8, 32, 1, 64, 2, 0, 0)});
  for (Index channels : {3, 6})  // rows of whole vectors and a rest
    for (Index out : {6, 16}) all.push_back({2, geometry(5, 37, channels, 5, out, 1, 2, 2)});
  all.push_back({3, {9, 14, 5, 2, 3, 32, 2, 1, 0, 0, 2}});  // nothing square
  all.push_back({3, {7, 12, 4, 4, 1, 6, 1, 3, 2, 0, 0}});
  for (Index channels : {3, 16})  // negative padding crops the image
    for (Index out : {5, 16})
      for (Index kernel : {1, 2, 3, 5})
        for (Index stride : {1, 2, 3}) {
          all.push_back({2, geometry(13, 11, channels, kernel, out, stride, -1, -2)});
          all.push_back({2, geometry(9, 10, channels, kernel, out, stride, -4, 1)});
          all.push_back({2, geometry(9, 10, channels, kernel, out, stride, 2, -3)});
        }
  all.push_back({2, {4, 7, 3, 2, 3, 5, 2, -5, 4, -1, 0}});    // rows of windows that see padding alone
  all.push_back({19, geometry(4, 4, 512, 1, 528, 1, 0, 0)});  // weights beyond L2: images go together
  return all;
}

template <class S>
using Corner = Tensor<S> (*)(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&);

template <class S, Corner<S> conv>
Tensor<S> input_by(const ConvGeometry& at, const Tensor<S>& w, const Tensor<S>& dy) {
  return cpu::paths::input_gradient<S>(at, w, dy, conv);
}
template <class S, Across across>
Tensor<S> weight_by(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  return cpu::paths::tiled_weight(at, across, x, dy);
}
/// Rows written with a stride longer than they are, closed up; what lies between must not be touched.
template <class S, class F>
Tensor<S> in_strides(const ConvGeometry& at, const Tensor<S>& x, const F& write) {
  const Index n = x.rows(), size = at.patch_size() * at.out_channels, stride = size + 3;
  Tensor<S> apart = Tensor<S>::full({n, stride}, 7), rows({n, size});
  write(apart.data(), stride);
  for (Index i = 0; i < n; ++i) {
    std::copy_n(apart.data() + i * stride, size, rows.data() + i * size);
    for (Index k = size; k < stride; ++k) CHECK(apart[i * stride + k] == 7);
  }
  return rows;
}
template <class S>
Tensor<S> weight_rows(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  return in_strides<S>(at, x, [&](S* rows, Index stride) { cpu::conv2d_weight_rows(at, x, dy, rows, stride); });
}
template <class S>
Tensor<S> rows_by_gemm(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  return in_strides<S>(at, x, [&](S* rows, Index stride) { cpu::paths::gemm_weight_rows(at, x, dy, rows, stride); });
}
template <class S, Across across>
Tensor<S> rows_by(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  return in_strides<S>(at, x, [&](S* rows, Index stride) { cpu::paths::tiled_weight_rows(at, across, x, dy, rows, stride); });
}

template <class S>
void check_all_paths(double tolerance) {
  namespace paths = cpu::paths;
  cpu::poison_new_blocks(true);
  RandomStream random(0, "conv2d");
  for (const Case& one_case : cases()) {
    const Index images = one_case.images;
    const ConvGeometry at = one_case.at;
    const auto x = draw<S>(random, {images, at.height, at.width, at.channels});
    const auto w = draw<S>(random, {at.kernel_height, at.kernel_width, at.channels, at.out_channels});
    const auto dy = draw<S>(random, {images, at.out_height(), at.out_width(), at.out_channels});
    const bool whole = at.out_channels % paths::lanes<S> == 0, whole_in = at.channels % paths::lanes<S> == 0;
    INFO(fmt::format("x {}, w {}, y {}, stride {}", x.shape(), w.shape(), dy.shape(), at.stride));
    const auto check = [&](const char* name, Corner<S> corner, const Tensor<S>& p, const Tensor<S>& q, const Tensor<double>& expected) {
      INFO(name);
      cpu::set_threads(1);
      const auto one = corner(at, p, q);
      cpu::set_threads(2);
      const auto two = corner(at, p, q);
      CHECK(one.shape() == expected.shape());
      CHECK(difference(one, expected) < tolerance);
      CHECK(same_bits(one, two));
    };
    const auto y = reference::conv2d(at, x, w), dx = reference::conv2d_input(at, w, dy), dw = reference::conv2d_weight(at, x, dy),
               rows = reference::conv2d_weight_rows(at, x, dy);
    check("conv2d", cpu::conv2d<S>, x, w, y);
    check("gemm_conv2d", paths::gemm_conv2d<S>, x, w, y);
    check("planar_conv2d", paths::planar_conv2d<S>, x, w, y);
    if (whole) check("tiled_conv2d", paths::tiled_conv2d<S>, x, w, y);
    check("conv2d_input", cpu::conv2d_input<S>, w, dy, dx);
    check("input by gemm", input_by<S, paths::gemm_conv2d<S>>, w, dy, dx);
    check("input by planes", input_by<S, paths::planar_conv2d<S>>, w, dy, dx);
    if (whole_in) check("input by tiles", input_by<S, paths::tiled_conv2d<S>>, w, dy, dx);
    check("conv2d_weight", cpu::conv2d_weight<S>, x, dy, dw);
    check("gemm_weight", paths::gemm_weight<S>, x, dy, dw);
    check("weight across row", weight_by<S, Across::kernel_row>, x, dy, dw);
    if (whole) check("weight across channels", weight_by<S, Across::out_channels>, x, dy, dw);
    check("conv2d_weight_rows", weight_rows<S>, x, dy, rows);
    check("gemm_weight_rows", rows_by_gemm<S>, x, dy, rows);
    check("rows across row", rows_by<S, Across::kernel_row>, x, dy, rows);
    if (whole) check("rows across channels", rows_by<S, Across::out_channels>, x, dy, rows);
  }
  cpu::set_threads(0);
  cpu::poison_new_blocks(false);
}

}  // namespace

TEST_CASE("every path of a convolution equals the definition, in double") { check_all_paths<double>(1e-12); }
TEST_CASE("every path of a convolution equals the definition, in float") { check_all_paths<float>(1e-5); }

TEST_CASE("the corners of a convolution are transposes of one another at the sizes of the networks") {
  RandomStream random(1, "corners");
  const auto dot = [](const Tensor<double>& a, const Tensor<double>& b) {
    REQUIRE(a.size() == b.size());
    double sum = 0;
    for (Index i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  for (const auto& [images, at] : {Case{3, geometry(32, 32, 3, 5, 6, 1, 2, 2)},
                                   {3, geometry(16, 16, 6, 5, 16, 1, 2, 2)},
                                   {2, geometry(28, 28, 1, 5, 6, 1, 2, 2)},
                                   {2, geometry(32, 32, 3, 3, 64, 1, 1, 1)},
                                   {1, geometry(32, 32, 64, 3, 64, 1, 1, 1)},
                                   {1, geometry(32, 32, 64, 3, 128, 2, 0, 1)},
                                   {1, geometry(16, 16, 128, 1, 256, 2, 0, 0)},
                                   {3, geometry(4, 4, 256, 3, 512, 1, 1, 1)}}) {
    const auto x = draw<double>(random, {images, at.height, at.width, at.channels});
    const auto w = draw<double>(random, {at.kernel_height, at.kernel_width, at.channels, at.out_channels});
    const auto dy = draw<double>(random, {images, at.out_height(), at.out_width(), at.out_channels});
    const double form = dot(dy, cpu::conv2d(at, x, w));
    const auto rows = weight_rows(at, x, dy);
    double by_rows = 0;
    for (Index n = 0; n < images; ++n) by_rows += dot(rows.slice(n, n + 1), w);
    CHECK(dot(cpu::conv2d_input(at, w, dy), x) == Approx(form).epsilon(1e-9));
    CHECK(dot(cpu::conv2d_weight(at, x, dy), w) == Approx(form).epsilon(1e-9));
    CHECK(by_rows == Approx(form).epsilon(1e-9));
  }
}

TEST_CASE("a convolution of no images is empty, its weight gradient zero") {
  const auto at = geometry(6, 6, 2, 3, 4, 1, 1, 1);
  const Tensor<double> x({0, 6, 6, 2}), dy({0, 6, 6, 4});
  const auto w = Tensor<double>::full({3, 3, 2, 4}, 1.0);
  CHECK(cpu::conv2d(at, x, w).shape() == dy.shape());
  CHECK(cpu::conv2d_input(at, w, dy).shape() == x.shape());
  CHECK(weight_rows(at, x, dy).shape() == Shape({0, 72}));
  const auto dw = cpu::conv2d_weight(at, x, dy);
  CHECK(difference(dw, Tensor<double>::zeros(w.shape())) == 0);
}
