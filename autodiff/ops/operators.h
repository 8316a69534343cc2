// + - * / between values of one shape, entry by entry, for every value type.
#pragma once

#include "autodiff/pointwise.h"
#include "autodiff/value.h"

namespace tangentplane {

namespace operators_detail {

struct Inverse {
  template <class X>
  X operator()(const X& x) const {
    return X(1) / x;
  }
};

}  // namespace operators_detail

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
  return mul(x, pointwise(operators_detail::Inverse{}, y));
}

}  // namespace tangentplane
