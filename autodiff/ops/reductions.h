// Sums, means and extremes over some axes.
#pragma once

#include "autodiff/cpu/extremes.h"
#include "autodiff/ops/axis_maps.h"
#include "autodiff/ops/basic.h"

namespace tangentplane {

namespace ops_detail {

/// An axis that may be counted from the last, as one that is not negative.
inline int axis_of(const char* op, const Shape& x, int axis) {
  const int place = axis < 0 ? axis + x.rank() : axis;
  require(0 <= place && place < x.rank(), "{}: input {} has no axis {}; from {} to {}", op, x, axis, -x.rank(), x.rank() - 1);
  return place;
}

/// The shape of x with an extent of 1 for each of `axes`.
inline Shape with_ones(const char* op, const Shape& x, const std::vector<int>& axes) {
  check_examples(op, x);
  std::array<bool, Shape::max_rank> summed{};
  for (int axis : axes) {
    bool& s = summed[static_cast<std::size_t>(axis_of(op, x, axis))];
    require(!s, "{}: axis {} of {} is named twice", op, axis, x);
    s = true;
  }
  Shape ones;
  for (int i = 0; i < x.rank(); ++i) ones.append(summed[static_cast<std::size_t>(i)] ? 1 : x[i]);
  return ones;
}
/// The same without these axes.
inline Shape without(const Shape& x, const std::vector<int>& axes) {
  Shape rest;
  for (int i = 0; i < x.rank(); ++i)
    if (std::none_of(axes.begin(), axes.end(), [&](int axis) { return (axis < 0 ? axis + x.rank() : axis) == i; })) rest.append(x[i]);
  return rest;
}
template <class T>
T dropped(T y, const Shape& x, const std::vector<int>& axes, bool keep) {
  return keep || axes.empty() ? y : reshape(y, without(x, axes));
}

template <class T>
T extreme(const char* op, const T& x, const std::vector<int>& axes, bool keep, bool largest) {
  const Shape s = shape_of(x), ones = with_ones(op, s, axes);
  require(s.size() > 0 || ones.size() == 0, "{}: input {} has no entries to choose from", op, s);
  return dropped(apply(Gather{s, ones, cpu::extreme_places(s, ones, primal(x), largest), false}, x), s, axes, keep);
}

}  // namespace ops_detail

/// Sum over these axes, which stay as axes of 1 or go; negative ones count from the last, and none sums nothing. Throws
/// std::invalid_argument for an axis that x does not have or that is named twice, as all of this file do.
template <class T>
T sum(const T& x, const std::vector<int>& axes, bool keep = false) {
  const Shape s = shape_of(x), ones = ops_detail::with_ones("sum", s, axes);
  return ops_detail::dropped(apply(transposed(Broadcast{ones, s}), x), s, axes, keep);
}
/// Mean over these axes; as sum.
template <class T>
T mean(const T& x, const std::vector<int>& axes, bool keep = false) {
  const Shape s = shape_of(x), ones = ops_detail::with_ones("mean", s, axes);
  require(s.size() > 0 || ones.size() == 0, "mean: input {} has no entries to take a mean of", s);
  const double factor = s.size() > 0 ? static_cast<double>(ones.size()) / static_cast<double>(s.size()) : 1;
  return ops_detail::dropped(apply(transposed(Broadcast{ones, s, factor}), x), s, axes, keep);
}
/// Largest entry over these axes (the first in row order where several are, and NaN where one is), chosen by the innermost primal; as sum.
template <class T>
T max(const T& x, const std::vector<int>& axes, bool keep = false) {
  return ops_detail::extreme("max", x, axes, keep, true);
}
/// Smallest entry; as max.
template <class T>
T min(const T& x, const std::vector<int>& axes, bool keep = false) {
  return ops_detail::extreme("min", x, axes, keep, false);
}

}  // namespace tangentplane
