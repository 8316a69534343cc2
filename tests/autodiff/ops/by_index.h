// What tests of ops over axes share: an entry by its place, one index an axis, for any number of axes.
#pragma once

#include "autodiff/transforms.h"
#include "tests/autodiff/reference.h"
#include "tests/check.h"
#include "tests/thrown.h"

namespace tangentplane::by_index {

using Real = Tensor<double>;
using Indices = std::vector<Index>;

/// The entry at a place.
template <class S>
double at(const Tensor<S>& t, const Indices& place) {
  REQUIRE(static_cast<int>(place.size()) == t.shape().rank());
  Index i = 0;
  for (int axis = 0; axis < t.shape().rank(); ++axis) {
    REQUIRE((0 <= place[static_cast<std::size_t>(axis)] && place[static_cast<std::size_t>(axis)] < t.shape()[axis]));
    i = i * t.shape()[axis] + place[static_cast<std::size_t>(axis)];
  }
  return static_cast<double>(t[i]);
}
/// The place of entry i in row-major order.
inline Indices place_of(const Shape& shape, Index i) {
  Indices p(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank(); axis-- > 0; i /= shape[axis]) p[static_cast<std::size_t>(axis)] = i % shape[axis];
  return p;
}
/// f(place) for every place, in row order.
template <class F>
void for_all(const Shape& shape, const F& f) {
  for (Index i = 0; i < shape.size(); ++i) f(place_of(shape, i));
}
/// The place as numpy broadcasts a value of `shape` to more axes.
inline Indices aligned(const Shape& shape, const Indices& p) {
  Indices q(p.end() - shape.rank(), p.end());
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (shape[axis] == 1) q[static_cast<std::size_t>(axis)] = 0;
  return q;
}

/// The result has the shape, and at each place what the formula says.
template <class S, class F>
void equals(const Tensor<S>& result, const Shape& shape, double tolerance, const F& formula) {
  REQUIRE(result.shape() == shape);
  Real expected(shape);
  for (Index i = 0; i < shape.size(); ++i) expected[i] = formula(place_of(shape, i));
  CHECK(reference::difference(result, expected) <= tolerance);
}

template <class S>
constexpr double rounding = std::is_same_v<S, float> ? 2e-6 : 1e-14;

}  // namespace tangentplane::by_index

// A smooth function around the op, so that second derivatives are not all zero.
#define OP(expression)                                             \
  [=](const auto& p) {                                             \
    const auto a = tanh(p[0]);                                     \
    [[maybe_unused]] const auto b = p.size() > 1 ? tanh(p[1]) : a; \
    return expression;                                             \
  }
