// What the tests of values share: operands, one number of a tensor by its place, and the comparison with what a formula gives in double.
#pragma once

#include "autodiff/transforms.h"
#include "tests/autodiff/reference.h"

namespace tangentplane::values {

using reference::difference;
using reference::draw;
using Real = Tensor<double>;

/// The entry at a place, one index an axis.
template <class S>
double at(const Tensor<S>& t, std::initializer_list<Index> place) {
  Index i = 0;
  int axis = 0;
  for (Index k : place) i = i * t.shape()[axis++] + k;
  return static_cast<double>(t[i]);
}

/// A tensor whose entries, in row order, are f(place).
template <class F>
Real tabulate(const Shape& shape, const F& f) {
  Real t(shape);
  for (Index i = 0; i < t.size(); ++i) {
    std::array<Index, 4> place{};
    for (Index rest = i, axis = shape.rank(); axis-- > 0; rest /= shape[static_cast<int>(axis)])
      place[static_cast<std::size_t>(axis)] = rest % shape[static_cast<int>(axis)];
    t[i] = f(place[0], place[1], place[2], place[3]);
  }
  return t;
}

/// Rounding of sums of a few hundred terms near 1.
template <class S>
constexpr double tolerance = std::is_same_v<S, float> ? 2e-5 : 1e-13;

/// The tensor is what the formula gives.
template <class S, class F>
void equals(const Tensor<S>& result, const Shape& shape, const F& f) {
  REQUIRE(result.shape() == shape);
  CHECK(difference(result, tabulate(shape, f)) <= tolerance<S>);
}

}  // namespace tangentplane::values
