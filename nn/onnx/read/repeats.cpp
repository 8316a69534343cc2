// Nodes that pad, repeat and resize.
#include <algorithm>
#include <array>
#include <cmath>

#include "nn/onnx/read/fold.h"
#include "nn/onnx/read/pieces.h"
#include "nn/onnx/read/table.h"

namespace tangentplane::onnx::reading {

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
  // Of each axis that changes, the place that each new entry is taken from.
  struct Change {
    int axis;
    std::vector<Index> places;
  };
  std::vector<Change> changes;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Index extent = x.dims[static_cast<std::size_t>(axes[i])];
    const double v = given.real(static_cast<Index>(i)), old = static_cast<double>(extent);
    // A size by a scale is rounded in float32 before it is cut, as runtimes do it: 5 times 1.4f is 7.
    const double to = by_sizes ? v : std::floor(static_cast<double>(static_cast<float>(extent) * static_cast<float>(v)));
    n.check(to >= 1 && to <= static_cast<double>(most_folded), "resizes axis {} of {} to {}", axes[i], n.shown(x.dims), to);
    const double scale = by_sizes ? v / old : v;
    if (to == old && scale == 1) continue;
    n.keep_apart(x, axes[i]);
    std::vector<Index> places;
    for (Index k = 0; k < static_cast<Index>(to); ++k) {
      const double at = place == "asymmetric" ? static_cast<double>(k) / scale : (static_cast<double>(k) + 0.5) / scale - 0.5;
      const double from = nearest == "floor"               ? std::floor(at)
                          : nearest == "ceil"              ? std::ceil(at)
                          : nearest == "round_prefer_ceil" ? std::floor(at + 0.5)
                                                           : std::ceil(at - 0.5);
      places.push_back(static_cast<Index>(std::clamp(from, 0.0, old - 1)));
    }
    changes.push_back({axes[i], std::move(places)});
  }
  if (changes.empty()) return n.alias(n.id(0));

  // Each pixel of an image repeated so and so often is an op of its own.
  Known out = x;
  out.value = nullptr;
  std::array<Index, 2> repeats{1, 1};
  bool repeated = x.dims.size() == 4;
  for (const Change& c : changes) {
    const auto count = static_cast<Index>(c.places.size()), times = count / x.dims[static_cast<std::size_t>(c.axis)];
    repeated = repeated && c.axis >= 2 && count % x.dims[static_cast<std::size_t>(c.axis)] == 0;
    for (Index k = 0; repeated && k < count; ++k) repeated = c.places[static_cast<std::size_t>(k)] == k / times;
    if (!repeated) break;
    repeats[static_cast<std::size_t>(c.axis - 2)] = times;
    out.dims[static_cast<std::size_t>(c.axis)] = count;
  }
  if (repeated) {
    n.emit(op::Upsample{repeats[0], repeats[1]}, {n.id(0)}, out);
    return;
  }
  int y = n.id(0);
  for (Change& c : changes) y = take(n, y, c.axis, std::move(c.places), -1);
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
