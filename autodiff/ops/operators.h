// + - * / between values of one shape, entry by entry, for every value type.
#pragma once

#include "autodiff/ops/functions.h"

namespace tangentplane {

/// x + y. Throws std::invalid_argument for two shapes, as all of this file do.
template <Value T>
T operator+(T x, T y) {
  return add(std::move(x), std::move(y));
}
/// x - y.
template <Value T>
T operator-(T x, const T& y) {
  return subtract(std::move(x), y);
}
/// x y, entry by entry.
template <Value T>
T operator*(const T& x, const T& y) {
  return mul(x, y);
}
/// x / y, entry by entry, as x times 1 / y.
template <Value T>
T operator/(const T& x, const T& y) {
  require(shape_of(x) == shape_of(y), "divide: shapes {} and {} differ", shape_of(x), shape_of(y));
  return mul(x, reciprocal(y));
}

}  // namespace tangentplane
