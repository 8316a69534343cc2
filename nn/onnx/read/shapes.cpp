// Nodes that only rearrange, select or repeat.
#include "nn/onnx/read/pieces.h"
#include "nn/onnx/read/table.h"

namespace tangentplane::onnx::reading {
namespace {

std::vector<int> axes_of(NodeReader& n, const std::vector<std::int64_t>& list, std::size_t rank) {
  std::vector<int> axes;
  for (auto a : list) axes.push_back(n.axis(a, rank));
  std::sort(axes.begin(), axes.end());
  n.check(std::adjacent_find(axes.begin(), axes.end()) == axes.end(), "names an axis twice");
  return axes;
}

}  // namespace

void reshape(NodeReader& n) {
  const Known& x = n.input(0);
  const auto target = n.known_integers(1, "shape");
  const bool zero_copies = n.integer("allowzero", 0) == 0;
  Dims dims;
  int free = -1;
  for (std::size_t i = 0; i < target.size(); ++i) {
    n.check(target[i] >= -1 && (target[i] != -1 || free < 0), "its shape {} is none", text(Dims(target.begin(), target.end())));
    if (target[i] == -1) free = static_cast<int>(i);
    const bool copied = target[i] == 0 && zero_copies;
    n.check(!copied || i < x.dims.size(), "its shape {} has more axes than {}", text(Dims(target.begin(), target.end())), n.shown(x.dims));
    dims.push_back(copied ? x.dims[i] : target[i] == -1 ? 1 : target[i]);
  }
  if (free >= 0) {
    const Index others = numbers(dims), all = numbers(x.dims);
    n.check(others > 0 && all % others == 0, "makes {} of {}, which has another size", text(Dims(target.begin(), target.end())),
            n.shown(x.dims));
    dims[static_cast<std::size_t>(free)] = all / others;
  }
  regroup(n, n.id(0), std::move(dims));
}

void flatten(NodeReader& n) {
  const Known& x = n.input(0);
  const std::int64_t at = n.integer("axis", 1);
  const auto rank = static_cast<std::int64_t>(x.dims.size());
  n.check(at >= -rank && at <= rank, "axis {} of a value of rank {}", at, rank);
  const auto middle = x.dims.begin() + (at < 0 ? at + rank : at);
  regroup(n, n.id(0), {numbers(Dims(x.dims.begin(), middle)), numbers(Dims(middle, x.dims.end()))});
}

void squeeze(NodeReader& n) {
  const Known& x = n.input(0);
  std::vector<int> axes;
  const std::string& name = n.node.outputs.at(0);
  const Reading* const tracked = n.reading().tracked;
  if (const auto list = n.list("axes", 1)) {
    axes = axes_of(n, *list, x.dims.size());
  } else if (tracked && tracked->squeezed.contains(name)) {
    axes = tracked->squeezed.at(name);
  } else {
    for (std::size_t i = 0; i < x.dims.size(); ++i)
      if (x.dims[i] == 1) axes.push_back(static_cast<int>(i));
  }
  n.reading().squeezed[name] = axes;
  Dims dims = x.dims;
  for (std::size_t i = axes.size(); i-- > 0;) {
    n.check(axes[i] < static_cast<int>(dims.size()) && dims[static_cast<std::size_t>(axes[i])] == 1,
            "takes away axis {} of {}, which is not 1", axes[i], n.shown(x.dims));
    dims.erase(dims.begin() + axes[i]);
  }
  regroup(n, n.id(0), std::move(dims));
}

void unsqueeze(NodeReader& n) {
  const Known& x = n.input(0);
  const auto list = n.list("axes", 1);
  n.check(list.has_value(), "names no axes");
  Dims dims = x.dims;
  for (int a : axes_of(n, *list, x.dims.size() + list->size())) dims.insert(dims.begin() + a, 1);
  regroup(n, n.id(0), std::move(dims));
}

void transpose(NodeReader& n) {
  const std::size_t rank = n.input(0).dims.size();
  std::vector<int> order;
  if (const auto given = n.integers("perm")) {
    for (auto a : *given) order.push_back(n.axis(a, rank));
    std::vector<int> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    n.check(order.size() == rank && std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(), "perm {} is none of a value {}",
            text(Dims(given->begin(), given->end())), n.shown(n.input(0).dims));
  } else {
    for (std::size_t i = rank; i-- > 0;) order.push_back(static_cast<int>(i));
  }
  permute(n, n.id(0), std::move(order));
}

void concat(NodeReader& n) {
  const Known& first = n.input(0);
  n.check(!first.dims.empty(), "joins scalars");
  const int axis = n.axis(n.integer("axis", 0), first.dims.size());
  const auto at = static_cast<std::size_t>(axis);
  std::vector<int> ids;
  Index extent = 0;
  for (int i = 0; i < n.count(); ++i) {
    const Known& x = n.input(i);
    n.keep_apart(x, axis);
    extent += x.dims.size() > at ? x.dims[at] : 0;
    ids.push_back(n.id(i));
    Dims other = x.dims, same = first.dims;
    n.check(other.size() == same.size(), "joins {} and {}", n.shown(same), n.shown(other));
    other[at] = same[at] = 1;
    n.check(other == same, "joins {} and {} along axis {}", n.shown(first.dims), n.shown(x.dims), axis);
  }
  if (ids.size() == 1) return n.alias(ids[0]);
  Known out = first;
  out.value = nullptr;
  for (int id : ids) {
    const Known& x = n.at(id);
    out.role = std::max(out.role, x.role);
    if (x.batch_axis < 0) continue;
    n.check(out.batch_axis < 0 || (out.batch_axis == x.batch_axis && out.batch_inner == x.batch_inner),
            "joins values whose batches lie along different axes, so it mixes examples");
    out.batch_axis = x.batch_axis, out.batch_inner = x.batch_inner;
  }
  out.dims[at] = extent;
  n.emit(op::Concat{axis}, std::move(ids), out);
}

void slice(NodeReader& n) {
  const Known& x = n.input(0);
  const auto starts = n.known_integers(1, "starts"), ends = n.known_integers(2, "ends");
  std::vector<std::int64_t> axes, steps(starts.size(), 1);
  for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (n.has(3)) axes = n.known_integers(3, "axes");
  if (n.has(4)) steps = n.known_integers(4, "steps");
  n.check(ends.size() == starts.size() && axes.size() == starts.size() && steps.size() == starts.size(),
          "has {} starts, {} ends, {} axes and {} steps", starts.size(), ends.size(), axes.size(), steps.size());
  std::vector<op::Slice::Range> ranges;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const int axis = n.axis(axes[i], x.dims.size());
    const Index extent = x.dims[static_cast<std::size_t>(axis)], step = steps[i];
    n.check(step != 0 && step > std::numeric_limits<Index>::min(), "its step is {}", step);
    const Index low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
    const auto place = [&](std::int64_t v) { return std::clamp<Index>(v < 0 ? v + extent : v, low, high); };
    const Index begin = std::max<Index>(place(starts[i]), 0), end = place(ends[i]);
    if (begin == 0 && end == extent && step == 1) continue;
    const Index bounded = std::clamp<Index>(step, -std::max<Index>(1, extent), std::max<Index>(1, extent));  // a longer one stops as early
    ranges.push_back({axis, begin, end, bounded});
  }
  if (ranges.empty()) return n.alias(n.id(0));
  cut(n, n.id(0), ranges, 0);
}

void split(NodeReader& n) {
  const Known& x = n.input(0);
  n.check(!x.dims.empty(), "splits a scalar");
  const int axis = n.axis(n.integer("axis", 0), x.dims.size());
  const Index extent = x.dims[static_cast<std::size_t>(axis)];
  const auto parts = static_cast<Index>(n.node.outputs.size());
  std::vector<std::int64_t> sizes;
  if (const auto list = n.list("split", 1)) {
    sizes = *list;
  } else {
    const Index each = (extent + parts - 1) / parts;
    for (Index i = 0; i < parts; ++i) sizes.push_back(std::min(each, extent - i * each));
  }
  Index begin = 0;
  for (auto s : sizes) n.check(s > 0, "splits {} into parts of {}", n.shown(x.dims), text(Dims(sizes.begin(), sizes.end()))), begin += s;
  n.check(begin == extent && static_cast<Index>(sizes.size()) == parts, "splits axis {} of {} into {} parts, {}", axis, n.shown(x.dims),
          parts, text(Dims(sizes.begin(), sizes.end())));
  begin = 0;
  for (std::size_t i = 0; i < sizes.size(); begin += sizes[i++]) {
    if (parts == 1) return n.alias(n.id(0));
    cut(n, n.id(0), {{axis, begin, begin + sizes[i], 1}}, static_cast<int>(i));
  }
}

void gather(NodeReader& n) {
  const Known& x = n.input(0);
  n.check(!x.dims.empty(), "takes entries of a scalar");
  const int axis = n.axis(n.integer("axis", 0), x.dims.size());
  const Constant& at = n.known(1, "list of indices");
  n.check(at.type == Type::integer && at.size() > 0, "takes entries by a list that is none of integers");
  n.keep_apart(x, axis);
  const Index extent = x.dims[static_cast<std::size_t>(axis)];
  std::vector<Index> places;
  for (auto i : at.integers) {
    n.check(i >= -extent && i < extent, "takes entry {} of axis {} of {}", i, axis, n.shown(x.dims));
    places.push_back(i < 0 ? i + extent : i);
  }
  Known out = x;
  out.value = nullptr;
  out.dims.erase(out.dims.begin() + axis);
  out.dims.insert(out.dims.begin() + axis, at.dims.begin(), at.dims.end());
  if (out.batch_axis > axis) out.batch_axis += static_cast<int>(at.dims.size()) - 1;
  n.emit(op::Gather{axis, at.dims, std::move(places)}, {n.id(0)}, out);
}

void expand(NodeReader& n) {
  const Known& x = n.input(0);
  const auto list = n.known_integers(1, "shape");
  const auto dims = broadcast_dims(x.dims, Dims(list.begin(), list.end()));
  n.check(dims.has_value(), "repeats {} to {}", n.shown(x.dims), n.shown(Dims(list.begin(), list.end())));
  if (*dims == x.dims) return n.alias(n.id(0));
  Known out = x;
  out.value = nullptr;
  if (out.batch_axis >= 0) out.batch_axis += static_cast<int>(dims->size() - x.dims.size());
  out.dims = *dims;
  n.emit(op::Expand{}, {n.id(0)}, out);
}

}  // namespace tangentplane::onnx::reading
