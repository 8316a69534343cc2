// A value of a running graph. Its shape is ONNX's, of one example; its numbers lie in whatever order of axes they came, after a first axis
// of the examples. Transposes and most reshapes only change what is said of that order: a ResNet runs with its channels last throughout.
#pragma once

#include <algorithm>

#include "nn/onnx/program.h"
#include "nn/parameters.h"

namespace tangentplane::onnx {

/// Numbers of type T, and how they lie.
template <class T>
struct Value {
  T data;                 ///< [N, extents of `axes`...]; without N if they are not of the examples
  std::vector<int> axes;  ///< of ONNX's shape, as they lie; one of extent 1 may be left out
  Dims dims;              ///< ONNX's shape of one example
  bool examples = true;   ///< false: computed from parameters and constants alone

  Index extent(int axis) const { return dims[static_cast<std::size_t>(axis)]; }
  /// `axes` but those of extent 1.
  std::vector<int> wide() const {
    std::vector<int> w;
    for (int a : axes)
      if (extent(a) != 1) w.push_back(a);
    return w;
  }
  /// Place of the first of `axes` in the data's shape.
  int first() const { return examples ? 1 : 0; }
  /// The data's shape for axes in that order.
  Shape shape(const std::vector<int>& order) const {
    Shape s;
    if (examples) s.append(shape_of(data)[0]);
    for (int a : order) s.append(extent(a));
    return s;
  }
};

/// The numbers under that shape; nothing is recorded where it is theirs already.
template <class T>
T under(const T& x, const Shape& shape) {
  return shape_of(x) == shape ? x : reshape(x, shape);
}

/// The numbers with exactly these axes, in that order; every axis that is left out has extent 1.
template <class T>
T arranged(const Value<T>& v, const std::vector<int>& order) {
  std::vector<int> wanted;
  for (int a : order)
    if (v.extent(a) != 1) wanted.push_back(a);
  const std::vector<int> wide = v.wide();
  if (wide == wanted) return under(v.data, v.shape(order));
  require(std::is_permutation(wide.begin(), wide.end(), wanted.begin(), wanted.end()), "onnx: axes of {} are lost", text(v.dims));
  const auto permuted = [&](const T& x, const std::vector<int>& from, const std::vector<int>& to) {
    std::vector<int> places;
    if (v.examples) places.push_back(0);
    for (int a : to) places.push_back(v.first() + static_cast<int>(std::find(from.begin(), from.end(), a) - from.begin()));
    return permute(x, places);
  };
  // With all axes in place one permutation does; else those of extent 1 go first and come last.
  if (v.axes.size() == order.size() && std::is_permutation(order.begin(), order.end(), v.axes.begin()))
    return permuted(v.data, v.axes, order);
  return under(permuted(under(v.data, v.shape(wide)), wide, wanted), v.shape(order));
}

/// The same of a value that is let go of: its numbers may then be written over.
template <class T>
T arranged(Value<T>&& v, const std::vector<int>& order) {
  if (v.axes == order && shape_of(v.data) == v.shape(order)) return std::move(v.data);
  const Value<T>& kept = v;
  return arranged(kept, order);
}

/// A new value of these numbers.
template <class T>
Value<T> made(T data, std::vector<int> axes, const Dims& dims, bool examples) {
  return {std::move(data), std::move(axes), dims, examples};
}

/// All axes of extent above 1, in ONNX's order.
inline std::vector<int> wide_axes(const Dims& dims) {
  std::vector<int> w;
  for (std::size_t a = 0; a < dims.size(); ++a)
    if (dims[a] != 1) w.push_back(static_cast<int>(a));
  return w;
}

/// The value's axes of extent above 1 as they lie, but for `last`, which come at the end in that order whatever their extent is.
template <class T>
std::vector<int> with_last(const Value<T>& v, const std::vector<int>& last) {
  std::vector<int> order;
  for (int a : v.wide())
    if (std::find(last.begin(), last.end(), a) == last.end()) order.push_back(a);
  order.insert(order.end(), last.begin(), last.end());
  return order;
}

/// Images [1,C,H,W] with their channels last: the order of axes that convolutions take.
inline const std::vector<int>& channels_last() {
  static const std::vector<int> order{2, 3, 1};
  return order;
}

/// Dims as a tensor has them.
inline Shape shape_from(const Dims& dims) {
  Shape s;
  for (Index d : dims) s.append(d);
  return s;
}

/// The value repeated for n examples.
template <class T>
Value<T> of_examples(const Value<T>& v, Index n) {
  if (v.examples) return v;
  Shape to{n};
  for (int a : v.axes) to.append(v.extent(a));
  return made(broadcast_to(v.data, to), v.axes, v.dims, true);
}

/// What a step is run with.
template <class T>
struct Run {
  const Program& program;
  const Scope<T>& scope;
  Index examples;  ///< N
  std::vector<std::optional<Value<T>>> values;

  const Value<T>& at(int id) const { return *values[static_cast<std::size_t>(id)]; }
  /// The step's input i.
  const Value<T>& in(const Step& s, std::size_t i) const { return at(s.inputs[i]); }
  /// The same, let go of if no later step takes it.
  Value<T> take(const Step& s, std::size_t i) {
    const int id = s.inputs[i];
    if (std::count(s.inputs.begin(), s.inputs.end(), id) > 1 || std::find(s.done.begin(), s.done.end(), id) == s.done.end()) return at(id);
    return std::move(*values[static_cast<std::size_t>(id)]);
  }
  bool has(const Step& s, std::size_t i) const { return i < s.inputs.size() && s.inputs[i] >= 0; }
  /// True if it was known when the file was read.
  bool constant(const Step& s, std::size_t i) const { return program.values[static_cast<std::size_t>(s.inputs[i])].constant != nullptr; }
  const Dims& out(const Step& s) const { return program.values[static_cast<std::size_t>(s.output)].dims; }
  /// The one number that an input is, if it was known when the file was read.
  std::optional<double> number(const Step& s, std::size_t i) const {
    const ConstantPointer& c = program.values[static_cast<std::size_t>(s.inputs[i])].constant;
    if (!c || c->size() != 1) return std::nullopt;
    return c->real(0);
  }
};

}  // namespace tangentplane::onnx
