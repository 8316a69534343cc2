// Forms against their definition, one loop for each index: no identity of the engine's own can hide a wrong factor, axis or offset.
#include "naive.h"

using namespace tangentplane;
using namespace tangentplane::values;

namespace {

/// y[n, i, j, o] of a convolution whose output has `rows` x `columns` positions and whose image starts at (top, left) of its padding.
template <class S>
void check_conv2d(const Tensor<S>& y, const Tensor<S>& x, const Tensor<S>& w, Index stride, Index top, Index left, Index rows,
                  Index columns) {
  const Shape &a = x.shape(), &b = w.shape();
  equals(y, {a[0], rows, columns, b[3]}, [&](Index n, Index i, Index j, Index o) {
    double sum = 0;
    for (Index p = 0; p < b[0]; ++p)
      for (Index q = 0; q < b[1]; ++q) {
        const Index u = i * stride + p - top, v = j * stride + q - left;
        if (u < 0 || u >= a[1] || v < 0 || v >= a[2]) continue;
        for (Index c = 0; c < a[3]; ++c) sum += at(x, {n, u, v, c}) * at(w, {p, q, c, o});
      }
    return sum;
  });
}

template <class S>
void check_forms() {
  RandomStream random(1, "forms");
  for (const auto& [n, k, c] : {std::tuple<Index, Index, Index>{1, 1, 1}, {3, 5, 2}, {7, 1, 9}, {67, 129, 5}}) {
    const auto x = draw<S>(random, {n, k}), w = draw<S>(random, {k, c});
    equals(matmul(x, w), {n, c}, [&](Index i, Index j, Index, Index) {
      double sum = 0;
      for (Index l = 0; l < x.shape()[1]; ++l) sum += at(x, {i, l}) * at(w, {l, j});
      return sum;
    });
  }
  const auto a = draw<S>(random, {3, 2, 5}), b = draw<S>(random, {3, 2, 5}), w = draw<S>(random, {5});
  equals(mul(a, b), {3, 2, 5}, [&](Index i, Index j, Index k, Index) { return at(a, {i, j, k}) * at(b, {i, j, k}); });
  equals(channel_scale(a, w), {3, 2, 5}, [&](Index i, Index j, Index k, Index) { return at(a, {i, j, k}) * at(w, {k}); });

  const auto x = draw<S>(random, {2, 7, 6, 3}), five = draw<S>(random, {5, 3, 3, 4}), two = draw<S>(random, {2, 4, 3, 16});
  // SAME: ceil(extent / stride) outputs; 7 rows by 5 need (7 - 1) + 5 - 7 = 4 more, 2 above, 6 columns by 3 need 2, 1 on the left.
  check_conv2d(conv2d(x, five), x, five, 1, 2, 1, 7, 6);
  // By 2: 4 rows need 3 * 2 + 5 - 7 = 4, 2 above; 3 columns need 2 * 2 + 3 - 6 = 1, none on the left.
  check_conv2d(conv2d(x, five, 2), x, five, 2, 2, 0, 4, 3);
  // Even extents: 7 rows by 2 need 1, none above; 6 columns by 4 need 3, 1 on the left.
  check_conv2d(conv2d(x, two), x, two, 1, 0, 1, 7, 6);
  check_conv2d(conv2d(x, two, 3, Padding{2, 1, 0, 3}), x, two, 3, 2, 0, (7 + 3 - 2) / 3 + 1, (6 + 3 - 4) / 3 + 1);
  check_conv2d(conv2d(x, two, 1, Padding{-1, 0, 0, -1}), x, two, 1, -1, 0, 5, 2);
  // In float, where Winograd's form takes over.
  const auto many = draw<S>(random, {8, 9, 9, 32}), taps = draw<S>(random, {3, 3, 32, 32});
  check_conv2d(conv2d(many, taps), many, taps, 1, 1, 1, 9, 9);
}

}  // namespace

TEST_CASE("forms are what they say, in float") { check_forms<float>(); }
TEST_CASE("forms are what they say, in double") { check_forms<double>(); }
