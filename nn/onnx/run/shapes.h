// Steps that only rearrange, select or repeat.
#pragma once

#include "nn/onnx/run/value.h"

namespace tangentplane::onnx {

/// The same numbers under another of ONNX's shapes. Where axes are joined or split that lie beside one another in order, they stay where
/// they lie: [1,C,H,W] with its channels last becomes [1,C,HW] with its channels last.
template <class T>
Value<T> regrouped(const Value<T>& v, const Dims& dims) {
  const std::vector<int> from = wide_axes(v.dims), to = wide_axes(dims), lie = v.wide();
  std::vector<int> order;  // of the new axes
  bool stays = true;
  std::vector<std::pair<std::size_t, std::vector<int>>> groups(v.dims.size());  // by the first old axis: how many old ones, which new ones
  for (std::size_t i = 0, j = 0; i < from.size() && j < to.size();) {
    const std::size_t first = i;
    std::vector<int> news{to[j]};
    Index before = v.extent(from[i++]), after = dims[static_cast<std::size_t>(to[j++])];
    while (before != after) {
      if (before < after)
        before *= v.extent(from[i++]);
      else
        news.push_back(to[j]), after *= dims[static_cast<std::size_t>(to[j++])];
    }
    groups[static_cast<std::size_t>(from[first])] = {i - first, std::move(news)};
    const auto place = std::find(lie.begin(), lie.end(), from[first]);
    for (std::size_t k = 0; k < i - first; ++k)
      stays = stays && place + static_cast<std::ptrdiff_t>(k) < lie.end() && place[static_cast<std::ptrdiff_t>(k)] == from[first + k];
  }
  if (stays) {
    for (int a : lie) {
      const auto& news = groups[static_cast<std::size_t>(a)].second;
      order.insert(order.end(), news.begin(), news.end());
    }
  } else {
    order = to;
  }
  const T x = stays ? v.data : arranged(v, from);
  Value<T> y = made(x, order, dims, v.examples);
  y.data = under(x, y.shape(order));
  return y;
}

/// Axes under other names: nothing moves.
template <class T>
Value<T> transposed_axes(const Value<T>& v, const std::vector<int>& order) {
  Value<T> y = v;
  for (int& a : y.axes) a = static_cast<int>(std::find(order.begin(), order.end(), a) - order.begin());
  for (std::size_t i = 0; i < order.size(); ++i) y.dims[i] = v.extent(order[i]);
  return y;
}

template <class T>
Value<T> run(const op::Regroup&, const Step& s, Run<T>& r) {
  return regrouped(r.in(s, 0), r.out(s));
}

template <class T>
Value<T> run(const op::Transpose& op, const Step& s, Run<T>& r) {
  return transposed_axes(r.in(s, 0), op.order);
}

template <class T>
Value<T> run(const op::Concat& op, const Step& s, Run<T>& r) {
  const Dims& dims = r.out(s);
  bool examples = false;
  std::size_t largest = 0;
  for (std::size_t i = 0; i < s.inputs.size(); ++i) {
    const Value<T>&v = r.in(s, i), &best = r.in(s, largest);
    examples = examples || v.examples;
    if (std::pair(v.examples, shape_of(v.data).size()) > std::pair(best.examples, shape_of(best.data).size())) largest = i;
  }
  // As the largest lies; the axis itself at the end where that has but one entry of it.
  std::vector<int> order = r.in(s, largest).wide();
  if (std::find(order.begin(), order.end(), op.axis) == order.end()) order.insert(order.begin(), op.axis);
  std::vector<T> parts;
  for (std::size_t i = 0; i < s.inputs.size(); ++i) {
    const Value<T>& v = r.in(s, i);
    parts.push_back(arranged(examples ? of_examples(v, r.examples) : v, order));
  }
  const int place = static_cast<int>(std::find(order.begin(), order.end(), op.axis) - order.begin()) + (examples ? 1 : 0);
  return made(concat(parts, place), order, dims, examples);
}

template <class T>
Value<T> run(const op::Slice& op, const Step& s, Run<T>& r) {
  const Value<T>& v = r.in(s, 0);
  std::vector<int> order = v.wide();
  T y = arranged(v, order);
  for (const auto& range : op.ranges) {
    const auto place = std::find(order.begin(), order.end(), range.axis);
    if (place == order.end()) continue;  // one entry, which stays
    y = slice(y, v.first() + static_cast<int>(place - order.begin()), range.begin, range.end, range.step);
  }
  return made(std::move(y), order, r.out(s), v.examples);
}

template <class T>
Value<T> run(const op::Gather& op, const Step& s, Run<T>& r) {
  const Value<T>& v = r.in(s, 0);
  std::vector<int> order = v.wide();
  auto place = std::find(order.begin(), order.end(), op.axis);
  if (place == order.end()) place = order.insert(order.begin(), op.axis);
  const int at = v.first() + static_cast<int>(place - order.begin());
  const bool one = op.places.size() == 1;
  const T x = arranged(v, order);
  T y = one ? slice(x, at, op.places[0], op.places[0] + 1) : take(x, at, op.places);
  // The axis goes; those of the list of places take its place.
  const int more = static_cast<int>(op.dims.size());
  std::vector<int> axes;
  for (int a : order) {
    if (a == op.axis)
      for (int k = 0; k < more; ++k) axes.push_back(op.axis + k);
    else
      axes.push_back(a < op.axis ? a : a + more - 1);
  }
  Value<T> out = made(y, axes, r.out(s), v.examples);
  out.data = under(y, out.shape(axes));
  return out;
}

template <class T>
Value<T> run(const op::Pad& op, const Step& s, Run<T>& r) {
  const Value<T>& v = r.in(s, 0);
  std::vector<int> order = v.wide();
  for (int a = 0; a < static_cast<int>(v.dims.size()); ++a)
    if (v.extent(a) != r.out(s)[static_cast<std::size_t>(a)] && std::find(order.begin(), order.end(), a) == order.end()) order.push_back(a);
  std::vector<Index> before(static_cast<std::size_t>(v.first())), after = before;
  for (int a : order) {
    before.push_back(op.before[static_cast<std::size_t>(a)]);
    after.push_back(op.after[static_cast<std::size_t>(a)]);
  }
  return made(pad(arranged(v, order), before, after, op.value), order, r.out(s), v.examples);
}

/// The value broadcast to larger dims, by numpy's rules.
template <class T>
Value<T> expanded(const Value<T>& v, const Dims& dims) {
  const int shift = static_cast<int>(dims.size() - v.dims.size());
  Value<T> y = v;
  y.dims = dims;
  std::vector<int> order = v.wide();
  Shape ones;
  if (v.examples) ones.append(shape_of(v.data)[0]);
  for (int& a : order) ones.append(v.extent(a)), a += shift;
  const std::size_t before = order.size();
  std::vector<int> all;  // new axes first, so that what is repeated is repeated as a whole
  for (int a : wide_axes(dims))
    if (std::find(order.begin(), order.end(), a) == order.end()) all.push_back(a);
  if (all.empty()) {
    y.axes = order;
    y.data = arranged(v, v.wide());
    return y;
  }
  Shape from;
  if (v.examples) from.append(ones[0]);
  for (std::size_t i = 0; i < all.size(); ++i) from.append(1);
  for (std::size_t i = 0; i < before; ++i) from.append(ones[static_cast<int>(i) + v.first()]);
  for (const int a : order) all.push_back(a);  // g++ 14 warns falsely of an insertion of the range
  y.axes = all;
  const T x = arranged(v, v.wide());
  y.data = broadcast_to(v.examples ? under(x, from) : x, y.shape(all));
  return y;
}

template <class T>
Value<T> run(const op::Expand&, const Step& s, Run<T>& r) {
  return expanded(r.in(s, 0), r.out(s));
}

template <class T>
Value<T> run(const op::Upsample& op, const Step& s, Run<T>& r) {
  const Value<T>& v = r.in(s, 0);
  Value<T> x = of_examples(v, r.examples);
  return made(upsample_nearest(arranged(x, channels_last()), op.height, op.width), channels_last(), r.out(s), true);
}

}  // namespace tangentplane::onnx
