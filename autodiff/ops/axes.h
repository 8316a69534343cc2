// Numbers moved along axes: permutations, slices, pieces put together, entries by index. Negative axes count from the last. Everything
// here throws std::invalid_argument for axes and places that x does not have.
#pragma once

#include <cmath>

#include "autodiff/ops/broadcast.h"
#include "autodiff/ops/reductions.h"

namespace tangentplane {

/// Axis k of the result is axis axes[k] of x; each axis once.
template <class T>
T permute(const T& x, const std::vector<int>& axes) {
  const Shape& s = shape_of(x);
  ops_detail::check_examples("permute", s);
  std::vector<int> places;
  for (int axis : axes) places.push_back(ops_detail::axis_of("permute", s, axis));
  std::array<bool, Shape::max_rank> seen{};
  for (int axis : places) seen[static_cast<std::size_t>(axis)] = true;
  require(static_cast<int>(axes.size()) == s.rank() && std::count(seen.begin(), seen.end(), true) == s.rank(),
          "permute: axes [{}] for input {}; each of its {} once", fmt::join(axes, ","), s, s.rank());
  return apply(Permute{s, std::move(places)}, x);
}

/// Entries begin, begin + step, ... before `end` along one axis. A negative step goes down: from `begin` to above `end`, which is -1 for
/// all down to the first.
template <class T>
T slice(const T& x, int axis, Index begin, Index end, Index step = 1) {
  const Shape& s = shape_of(x);
  ops_detail::check_examples("slice", s);
  const int along = ops_detail::axis_of("slice", s, axis);
  const Index n = s[along];
  require(step != 0, "slice: a step of 0");
  const Index count = step > 0 ? (end - begin + step - 1) / step : (begin - end - step - 1) / -step;
  const bool inside = step > 0 ? 0 <= begin && begin < end && end <= n : begin < n && end < begin && -1 <= end;
  require(inside, "slice: [{}, {}) by {} of axis {} of {}; at least one entry, within [0, {})", begin, end, step, axis, s, n);
  Slice cut{s, {}, {}, {}};
  for (int i = 0; i < s.rank(); ++i) {
    cut.to.append(i == along ? count : s[i]);
    cut.begin[static_cast<std::size_t>(i)] = i == along ? begin : 0;
    cut.step[static_cast<std::size_t>(i)] = i == along ? step : 1;
  }
  return apply(cut, x);
}

/// The values one after another along one axis; their other axes are equal.
template <class T>
T concat(const std::vector<T>& values, int axis) {
  require(!values.empty(), "concat: of nothing; at least one value");
  const Shape first = shape_of(values[0]);
  const int along = ops_detail::axis_of("concat", first, axis);
  Index total = 0;
  for (const T& v : values) {
    const Shape& s = shape_of(v);
    ops_detail::check_examples("concat", s);
    bool fits = s.rank() == first.rank();
    for (int i = 0; fits && i < s.rank(); ++i) fits = i == along || s[i] == first[i];
    require(fits, "concat: inputs {} and {} must have the same axes but for axis {}", first, s, axis);
    total += s[along];
  }
  if (values.size() == 1) return values[0];
  Shape whole;
  for (int i = 0; i < first.rank(); ++i) whole.append(i == along ? total : first[i]);
  Slice cut{whole, {}, {}, {}};
  std::fill(cut.step.begin(), cut.step.end(), Index(1));
  std::optional<T> y;
  for (const T& v : values) {
    cut.to = shape_of(v);
    if (y)
      y = add(std::move(*y), Embed{cut}, v);
    else
      y = apply(Embed{cut}, v);
    cut.begin[static_cast<std::size_t>(along)] += shape_of(v)[along];
  }
  return *y;
}

/// So many entries of `value` before and after x along each axis; negative numbers crop.
template <class T>
T pad(const T& x, const std::vector<Index>& before, const std::vector<Index>& after, double value = 0) {
  const Shape s = shape_of(x);
  ops_detail::check_examples("pad", s);
  require(static_cast<int>(before.size()) == s.rank() && before.size() == after.size(),
          "pad: {} numbers before and {} after for input {}; one an axis", before.size(), after.size(), s);
  // What is left of x, and where it goes.
  Slice crop{s, {}, {}, {}}, cut{{}, {}, {}, {}};
  bool crops = false, pads = false;
  for (int i = 0; i < s.rank(); ++i) {
    const auto k = static_cast<std::size_t>(i);
    const Index b = before[k], a = after[k], left = s[i] + std::min<Index>(b, 0) + std::min<Index>(a, 0);
    require(left > 0 || s[i] == 0, "pad: {} before and {} after leave nothing of axis {} of {}", b, a, i, s);
    require(s[i] > 0 || (a == 0 && b == 0), "pad: axis {} of {} holds nothing to pad", i, s);
    crop.to.append(left), crop.begin[k] = std::max<Index>(0, -b), crop.step[k] = 1;
    cut.from.append(left + std::max<Index>(b, 0) + std::max<Index>(a, 0)), cut.begin[k] = std::max<Index>(b, 0), cut.step[k] = 1;
    crops |= b < 0 || a<0, pads |= b> 0 || a > 0;
  }
  cut.to = crop.to;
  const T inside = crops ? apply(crop, x) : x;
  if (!pads) return inside;
  T y = apply(Embed{cut}, inside);
  if (value == 0) return y;
  // The value around it as a constant.
  using S = ScalarOf<T>;
  Tensor<S> frame = Tensor<S>::full(cut.from, static_cast<S>(value));
  const Tensor<S> hole = Tensor<S>::zeros(cut.to);
  auto walk = cut.walk(false);
  if (!hole.empty()) cpu::strided_copy(std::move(walk), hole.data(), frame.data() + cut.offset());
  return add(std::move(y), lift<T>(std::move(frame)));
}

/// Entries `indices` along one axis, in that order; negative ones count from the last.
template <class T>
T take(const T& x, int axis, std::vector<Index> indices) {
  const Shape& s = shape_of(x);
  ops_detail::check_examples("take", s);
  const int along = ops_detail::axis_of("take", s, axis);
  require(!indices.empty(), "take: no indices; at least one");
  for (Index& i : indices) {
    require(-s[along] <= i && i < s[along], "take: index {} of axis {} of {}", i, axis, s);
    if (i < 0) i += s[along];
  }
  return apply(Take{s, along, std::make_shared<const std::vector<Index>>(std::move(indices))}, x);
}

/// Rows of a table [V, D] by index: [...] -> [..., D]. The first axis of the indices is that of the examples.
template <class T>
T embedding(const T& table, std::vector<Index> indices, const Shape& of) {
  const Shape& s = shape_of(table);
  require(s.rank() == 2, "embedding: takes a table [V,D], got {}", s);
  ops_detail::check_weight("embedding", s);
  ops_detail::check_examples("embedding", of);
  require(of.rank() > 0 && of.size() == static_cast<Index>(indices.size()), "embedding: {} indices for shape {}", indices.size(), of);
  for (Index& i : indices) {
    require(-s[0] <= i && i < s[0], "embedding: index {} in a table {} of {} rows", i, s, s[0]);
    if (i < 0) i += s[0];
  }
  Shape to = of;
  to.append(s[1]);
  return apply(Embedding{s, to, std::make_shared<const std::vector<Index>>(std::move(indices))}, table);
}
/// The same with the indices as whole numbers in a tensor, as images are handed to a network.
template <class T>
T embedding(const T& table, const Tensor<ScalarOf<T>>& indices) {
  std::vector<Index> whole;
  for (const ScalarOf<T> v : indices.span()) {
    require(std::floor(v) == v && std::abs(v) < ScalarOf<T>(1 << 24), "embedding: index {} is not a whole number", v);
    whole.push_back(static_cast<Index>(v));
  }
  return embedding(table, std::move(whole), indices.shape());
}

}  // namespace tangentplane
