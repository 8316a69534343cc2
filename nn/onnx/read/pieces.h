// Steps that several kinds of node are made of. Each gives the number of its value: the node's output `which`, or (-1) one of its own.
#pragma once

#include "nn/onnx/read/reader.h"

namespace tangentplane::onnx::reading {

/// The same numbers under other dims, as the node's output or (-1) a value of its own.
inline int regroup(NodeReader& n, int x, Dims dims, int which = 0) {
  const Known out = n.regrouped(n.at(x), std::move(dims));
  if (out.dims == n.at(x).dims) {
    if (which >= 0) n.alias(x, which);
    return x;
  }
  return n.emit(op::Regroup{}, {x}, out, which);
}

inline int permute(NodeReader& n, int x, std::vector<int> order, int which = 0) {
  const Known& from = n.at(x);
  Known out = from;
  out.value = nullptr;
  for (std::size_t i = 0; i < order.size(); ++i) {
    out.dims[i] = from.dims[static_cast<std::size_t>(order[i])];
    if (order[i] == from.batch_axis) out.batch_axis = static_cast<int>(i);
  }
  return n.emit(op::Transpose{std::move(order)}, {x}, out, which);
}

/// Entries `places` of one axis.
inline int take(NodeReader& n, int x, int axis, std::vector<Index> places, int which) {
  const Known& from = n.at(x);
  n.keep_apart(from, axis);
  Known out = from;
  out.value = nullptr;
  const auto count = static_cast<Index>(places.size());
  out.dims[static_cast<std::size_t>(axis)] = count;
  return n.emit(op::Gather{axis, {count}, std::move(places)}, {x}, out, which);
}

inline int cut(NodeReader& n, int x, const std::vector<op::Slice::Range>& ranges, int which) {
  Known out = n.at(x);
  out.value = nullptr;
  for (const auto& r : ranges) {
    n.keep_apart(out, r.axis);
    const Index length = r.step > 0 ? (r.end - r.begin + r.step - 1) / r.step : (r.begin - r.end - r.step - 1) / -r.step;
    out.dims[static_cast<std::size_t>(r.axis)] = std::max<Index>(0, length);
  }
  return n.emit(op::Slice{ranges}, {x}, out, which);
}

}  // namespace tangentplane::onnx::reading
