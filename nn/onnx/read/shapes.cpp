// Nodes that only rearrange, select or repeat.
#include <cmath>

#include "nn/onnx/read/fold.h"
#include "nn/onnx/read/reader.h"
#include "nn/onnx/read/table.h"

namespace tangentplane::onnx::reading {
namespace {

/// The same numbers under other dims, as the node's output or (-1) a value of its own.
int regroup(NodeReader& n, int x, Dims dims, int which = 0) {
  const Known out = n.regrouped(n.at(x), std::move(dims));
  if (out.dims == n.at(x).dims) {
    if (which >= 0) n.alias(x, which);
    return x;
  }
  return n.emit(op::Regroup{}, {x}, out, which);
}

int permute(NodeReader& n, int x, std::vector<int> order, int which = 0) {
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
int take(NodeReader& n, int x, int axis, std::vector<Index> places, int which) {
  const Known& from = n.at(x);
  n.keep_apart(from, axis);
  Known out = from;
  out.value = nullptr;
  const auto count = static_cast<Index>(places.size());
  out.dims[static_cast<std::size_t>(axis)] = count;
  return n.emit(op::Gather{axis, {count}, std::move(places)}, {x}, out, which);
}

int cut(NodeReader& n, int x, const std::vector<op::Slice::Range>& ranges, int which) {
  Known out = n.at(x);
  out.value = nullptr;
  for (const auto& r : ranges) {
    n.keep_apart(out, r.axis);
    const Index length = r.step > 0 ? (r.end - r.begin + r.step - 1) / r.step : (r.begin - r.end - r.step - 1) / -r.step;
    out.dims[static_cast<std::size_t>(r.axis)] = std::max<Index>(0, length);
  }
  return n.emit(op::Slice{ranges}, {x}, out, which);
}

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

void pad(NodeReader& n) {
  const Known& x = n.input(0);
  const std::string mode = n.word("mode", "constant");
  const auto amounts = n.known_integers(1, "pads");
  std::vector<int> axes;
  if (n.has(3)) {
    for (auto a : n.known_integers(3, "axes")) axes.push_back(n.axis(a, x.dims.size()));
  } else {
    for (std::size_t i = 0; i < x.dims.size(); ++i) axes.push_back(static_cast<int>(i));
  }
  n.check(amounts.size() == 2 * axes.size(), "has {} pads for {} axes", amounts.size(), axes.size());
  n.check(mode == "constant" || mode == "reflect" || mode == "edge", "pads by mode {}; constant, reflect and edge are read", mode);
  const double value = n.has(2) ? n.known_number(2, "value") : 0;
  constexpr std::int64_t most = std::int64_t(1) << 31;
  Known out = x;
  out.value = nullptr;
  std::vector<Index> before(x.dims.size()), after(x.dims.size());
  std::vector<op::Slice::Range> cropped;
  bool any = false;
  int y = n.id(0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto a = static_cast<std::size_t>(axes[i]);
    const std::int64_t low = amounts[i], high = amounts[axes.size() + i];
    n.check(std::abs(low) < most && std::abs(high) < most, "pads axis {} by {} and {}", axes[i], low, high);
    if (low == 0 && high == 0) continue;
    n.keep_apart(x, axes[i]);
    const Index extent = x.dims[a];
    if (mode != "constant") {
      std::vector<Index> places;
      for (Index p = -low; p < extent + high; ++p) {
        Index q = mode == "edge" ? std::clamp<Index>(p, 0, extent - 1) : p;
        if (q < 0) q = -q;
        if (q >= extent) q = 2 * extent - 2 - q;
        n.check(q >= 0 && q < extent, "reflects more than there is of axis {} of {}", axes[i], n.shown(x.dims));
        places.push_back(q);
      }
      y = take(n, y, axes[i], std::move(places), -1);
      continue;
    }
    n.check(extent + std::min<Index>(low, 0) + std::min<Index>(high, 0) > 0, "crops all of axis {} of {}", axes[i], n.shown(x.dims));
    if (low < 0 || high < 0) cropped.push_back({axes[i], -std::min<Index>(low, 0), extent + std::min<Index>(high, 0), 1});
    before[a] = std::max<Index>(low, 0), after[a] = std::max<Index>(high, 0);
    out.dims[a] = extent + low + high;
    any = any || before[a] > 0 || after[a] > 0;
  }
  if (!cropped.empty()) y = cut(n, y, cropped, -1);
  if (!any) return n.alias(y);
  n.emit(op::Pad{before, after, value}, {y}, out);
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

void tile(NodeReader& n) {
  const Known& x = n.input(0);
  const auto repeats = n.known_integers(1, "repeats");
  n.check(repeats.size() == x.dims.size(), "has {} repeats for {}", repeats.size(), n.shown(x.dims));
  int y = n.id(0);
  for (std::size_t a = 0; a < repeats.size(); ++a) {
    n.check(repeats[a] >= 1 && repeats[a] * x.dims[a] <= most_folded, "repeats axis {} of {} {} times", a, n.shown(x.dims), repeats[a]);
    if (repeats[a] == 1) continue;
    std::vector<Index> places;
    for (Index i = 0; i < repeats[a] * x.dims[a]; ++i) places.push_back(i % x.dims[a]);
    y = take(n, y, static_cast<int>(a), std::move(places), -1);
  }
  n.alias(y);
}

void resize(NodeReader& n) {
  const Known& x = n.input(0);
  const std::string mode = n.word("mode", "nearest"), place = n.word("coordinate_transformation_mode", "half_pixel"),
                    nearest = n.word("nearest_mode", "round_prefer_floor");
  n.check(mode == "nearest", "resizes by mode {}; nearest is read", mode);
  n.check(place == "asymmetric" || place == "half_pixel", "resizes with coordinates {}; asymmetric and half_pixel are read", place);
  const bool by_sizes = n.has(3) && !n.known_integers(3, "sizes").empty();
  std::vector<int> axes;
  if (const auto given = n.integers("axes")) {
    for (auto a : *given) axes.push_back(n.axis(a, x.dims.size()));
  } else {
    for (std::size_t i = 0; i < x.dims.size(); ++i) axes.push_back(static_cast<int>(i));
  }
  n.check(by_sizes || n.has(2), "names neither scales nor sizes");
  n.check(n.word("keep_aspect_ratio_policy", "stretch") == "stretch", "keeps aspect ratios; only stretch is read");
  const Constant& given = by_sizes ? n.known(3, "sizes") : n.known(2, "scales");
  n.check(given.size() == static_cast<Index>(axes.size()), "has {} {} for {} axes", given.size(), by_sizes ? "sizes" : "scales",
          axes.size());
  struct Change {
    int axis;
    Index extent;
    double scale;
  };
  std::vector<Change> changes;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Index extent = x.dims[static_cast<std::size_t>(axes[i])];
    const double v = given.real(static_cast<Index>(i)), to = by_sizes ? v : std::floor(static_cast<double>(extent) * v);
    n.check(to >= 1 && to <= static_cast<double>(most_folded), "resizes axis {} of {} to {}", axes[i], n.shown(x.dims), to);
    const double scale = by_sizes ? v / static_cast<double>(extent) : v;
    if (static_cast<Index>(to) != extent || scale != 1) changes.push_back({axes[i], static_cast<Index>(to), scale});
  }
  if (changes.empty()) return n.alias(n.id(0));
  for (const Change& c : changes) n.keep_apart(x, c.axis);
  const auto factor = [&](int axis) {
    for (const Change& c : changes)
      if (c.axis == axis) return c.scale;
    return 1.0;
  };
  const bool whole = factor(2) == std::floor(factor(2)) && factor(3) == std::floor(factor(3)) && factor(2) >= 1 && factor(3) >= 1;
  const bool images = x.dims.size() == 4 && std::all_of(changes.begin(), changes.end(), [](const Change& c) { return c.axis >= 2; });
  if (whole && images && (place == "half_pixel" || nearest == "floor")) {
    Known out = x;
    out.value = nullptr;
    for (const Change& c : changes) out.dims[static_cast<std::size_t>(c.axis)] = c.extent;
    n.emit(op::Upsample{static_cast<Index>(factor(2)), static_cast<Index>(factor(3))}, {n.id(0)}, out);
    return;
  }
  int y = n.id(0);
  for (const Change& c : changes) {
    std::vector<Index> places;
    const Index extent = x.dims[static_cast<std::size_t>(c.axis)];
    for (Index i = 0; i < c.extent; ++i) {
      const double at = place == "asymmetric" ? static_cast<double>(i) / c.scale : (static_cast<double>(i) + 0.5) / c.scale - 0.5;
      const double to = nearest == "floor"               ? std::floor(at)
                        : nearest == "ceil"              ? std::ceil(at)
                        : nearest == "round_prefer_ceil" ? std::floor(at + 0.5)
                                                         : std::ceil(at - 0.5);
      places.push_back(std::clamp<Index>(static_cast<Index>(to), 0, extent - 1));
    }
    y = take(n, y, c.axis, std::move(places), -1);
  }
  n.alias(y);
}

void depth_to_space(NodeReader& n) {
  const Known& x = n.input(0);
  const Index b = n.integer("blocksize", 0);
  n.check(x.dims.size() == 4 && b >= 1, "takes images [N,C,H,W] and a blocksize of at least 1, got {} and {}", n.shown(x.dims), b);
  const Index N = x.dims[0], C = x.dims[1], H = x.dims[2], W = x.dims[3];
  if (n.node.op == "SpaceToDepth") {
    n.check(H % b == 0 && W % b == 0, "blocks of {} do not divide {}", b, n.shown(x.dims));
    const int y = permute(n, regroup(n, n.id(0), {N, C, H / b, b, W / b, b}, -1), {0, 3, 5, 1, 2, 4}, -1);
    regroup(n, y, {N, C * b * b, H / b, W / b});
    return;
  }
  const std::string mode = n.word("mode", "DCR");
  n.check(C % (b * b) == 0 && (mode == "DCR" || mode == "CRD"), "mode {} with blocks of {} of {}", mode, b, n.shown(x.dims));
  const int y = mode == "DCR" ? permute(n, regroup(n, n.id(0), {N, b, b, C / (b * b), H, W}, -1), {0, 3, 4, 1, 5, 2}, -1)
                              : permute(n, regroup(n, n.id(0), {N, C / (b * b), b, b, H, W}, -1), {0, 1, 4, 2, 5, 3}, -1);
  regroup(n, y, {N, C / (b * b), H * b, W * b});
}

}  // namespace tangentplane::onnx::reading
