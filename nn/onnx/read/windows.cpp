// Convolutions and pooling over [N,C,H,W]; over [N,C,L] as images of height 1.
#include <algorithm>

#include "nn/onnx/read/reader.h"
#include "nn/onnx/read/table.h"

namespace tangentplane::onnx::reading {
namespace {

/// Two numbers, down and across, of an attribute that may be of one axis.
std::pair<Index, Index> pair(NodeReader& n, const char* name, bool line, Index otherwise) {
  const auto list = n.integers(name);
  const Index first = line ? otherwise : list ? list->at(0) : otherwise, second = list ? list->back() : otherwise;
  n.check(!list || list->size() == (line ? 1u : 2u), "its {} are {} numbers", name, list ? list->size() : 0);
  constexpr Index most = Index(1) << 31;  // so that sums of them stay integers
  n.check(first >= 0 && second >= 0 && first < most && second < most, "its {} are {} and {}", name, first, second);
  return {line ? (otherwise == 0 ? 0 : 1) : first, second};
}

/// Strides, dilations and padding of a window kh x kw over h x w.
op::Window window(NodeReader& n, bool line, Index h, Index w, Index kh, Index kw) {
  op::Window at;
  std::tie(at.stride_height, at.stride_width) = pair(n, "strides", line, 1);
  std::tie(at.dilation_height, at.dilation_width) = pair(n, "dilations", line, 1);
  n.check(at.stride_height >= 1 && at.stride_width >= 1 && at.dilation_height >= 1 && at.dilation_width >= 1,
          "its strides and dilations must be at least 1");
  const std::string rule = n.word("auto_pad", "NOTSET");
  if (rule == "SAME_UPPER" || rule == "SAME_LOWER") {
    const auto share = [&](Index size, Index kernel, Index stride, Index dilation, Index& before, Index& after) {
      const Index total = std::max<Index>(((size + stride - 1) / stride - 1) * stride + (kernel - 1) * dilation + 1 - size, 0);
      before = rule == "SAME_UPPER" ? total / 2 : total - total / 2;
      after = total - before;
    };
    share(h, kh, at.stride_height, at.dilation_height, at.pad.top, at.pad.bottom);
    share(w, kw, at.stride_width, at.dilation_width, at.pad.left, at.pad.right);
    return at;
  }
  n.check(rule == "NOTSET" || rule == "VALID" || rule.empty(), "its auto_pad is {}", rule);
  const auto pads = n.integers("pads");
  if (!pads || rule == "VALID") return at;
  n.check(pads->size() == (line ? 2u : 4u), "has {} pads", pads->size());
  for (auto p : *pads) n.check(p >= 0 && p < (Index(1) << 31), "pads by {}", p);
  const auto& p = *pads;
  at.pad = line ? Padding{0, 0, p[0], p[1]} : Padding{p[0], p[2], p[1], p[3]};
  return at;
}

/// Places of a window along an axis.
Index places(NodeReader& n, Index size, Index kernel, Index stride, Index dilation, Index padding) {
  const Index span = (kernel - 1) * dilation + 1;
  n.check(kernel >= 1 && size + padding >= span, "a window of {} does not fit into {}", span, size + padding);
  return (size + padding - span) / stride + 1;
}

/// [N,C,L] as [N,C,1,L]: by numbers of values.
int image(NodeReader& n, int x) {
  const Dims& d = n.at(x).dims;
  if (d.size() == 4) return x;
  return n.emit(op::Regroup{}, {x}, n.regrouped(n.at(x), {d[0], d[1], 1, d[2]}), -1);
}

/// What a node makes of images, as its output; lines are lines again.
void finish(NodeReader& n, Operation op, std::vector<int> inputs, Known out, bool line) {
  if (!line) {
    n.emit(std::move(op), std::move(inputs), std::move(out));
    return;
  }
  const int y = n.emit(std::move(op), std::move(inputs), std::move(out), -1);
  const Dims d = n.at(y).dims;
  n.emit(op::Regroup{}, {y}, n.regrouped(n.at(y), {d[0], d[1], d[3]}));
}

/// Throws unless x is [N,C,H,W] or [N,C,L] with the batch as its first axis.
bool check_images(NodeReader& n) {
  const Known& x = n.input(0);
  n.check(x.role == Role::examples, "takes {}, which is not computed from the images", n.node.inputs[0]);
  n.check(x.dims.size() == 3 || x.dims.size() == 4, "takes images [N,C,H,W], got {}", n.shown(x.dims));
  for (int a = 1; a < static_cast<int>(x.dims.size()); ++a) n.keep_apart(x, a);
  n.check(n.tracking() || x.dims[0] == 1, "takes {} images an example, {}; a network here takes one", x.dims[0], n.shown(x.dims));
  return x.dims.size() == 3;
}

}  // namespace

void conv(NodeReader& n) {
  const bool line = check_images(n);
  const int x = image(n, n.id(0));
  const Dims d = n.at(x).dims;
  n.check(n.input(1).role != Role::examples, "its weight {} is computed from the images", n.node.inputs[1]);
  n.check(n.input(1).dims.size() == n.input(0).dims.size(), "takes a weight {} for images {}", n.shown(n.input(1).dims),
          n.shown(n.input(0).dims));
  const int w = image(n, n.id(1));
  const Dims k = n.at(w).dims;
  const Index groups = n.integer("group", 1);
  n.check(groups >= 1 && k[0] % groups == 0 && d[1] == k[1] * groups, "its weight {} in {} group{} does not go with images {}",
          n.shown(n.input(1).dims), groups, groups == 1 ? "" : "s", n.shown(n.input(0).dims));
  if (const auto shape = n.integers("kernel_shape"))
    n.check(shape->back() == k[3] && (line || shape->at(0) == k[2]), "its kernel_shape is {} where the weight is {}",
            text(Dims(shape->begin(), shape->end())), n.shown(n.input(1).dims));
  const op::Window at = window(n, line, d[2], d[3], k[2], k[3]);
  Known out = n.at(x);
  out.dims = {d[0], k[0], places(n, d[2], k[2], at.stride_height, at.dilation_height, at.pad.top + at.pad.bottom),
              places(n, d[3], k[3], at.stride_width, at.dilation_width, at.pad.left + at.pad.right)};
  std::vector<int> inputs{x, w};
  if (n.has(2)) {
    n.check(n.input(2).role != Role::examples && n.input(2).dims == Dims{k[0]}, "its bias {} does not go with a weight {}",
            n.shown(n.input(2).dims), n.shown(n.input(1).dims));
    inputs.push_back(n.id(2));
  }
  finish(n, op::Conv{at, groups}, std::move(inputs), std::move(out), line);
}

void conv_transpose(NodeReader& n) {
  const bool line = check_images(n);
  const int x = image(n, n.id(0));
  const Dims d = n.at(x).dims;
  n.check(n.input(1).role != Role::examples && n.input(1).dims.size() == n.input(0).dims.size(), "takes a weight {} for images {}",
          n.shown(n.input(1).dims), n.shown(n.input(0).dims));
  const int w = image(n, n.id(1));
  const Dims k = n.at(w).dims;  // [C, O / groups, kh, kw]
  const Index groups = n.integer("group", 1);
  n.check(groups >= 1 && k[0] == d[1] && k[0] % groups == 0, "its weight {} in {} groups does not go with images {}",
          n.shown(n.input(1).dims), groups, n.shown(n.input(0).dims));
  const std::string rule = n.word("auto_pad", "NOTSET");
  n.check((rule == "NOTSET" || rule == "VALID") && !n.integers("output_shape"), "auto_pad SAME and output_shape are not read; give pads");
  const op::Window at = window(n, line, d[2], d[3], k[2], k[3]);
  const auto [more_height, more_width] = pair(n, "output_padding", line, 0);
  const auto extent = [&](Index size, Index kernel, Index stride, Index dilation, Index padding, Index more) {
    const Index y = (size - 1) * stride + (kernel - 1) * dilation + 1 + more - padding;
    n.check(y >= 1 && more < std::max(stride, dilation), "padding of {} and output_padding of {} do not go with images {}", padding, more,
            n.shown(n.input(0).dims));
    return y;
  };
  Known out = n.at(x);
  out.dims = {d[0], k[1] * groups, extent(d[2], k[2], at.stride_height, at.dilation_height, at.pad.top + at.pad.bottom, more_height),
              extent(d[3], k[3], at.stride_width, at.dilation_width, at.pad.left + at.pad.right, more_width)};
  std::vector<int> inputs{x, w};
  if (n.has(2)) {
    n.check(n.input(2).role != Role::examples && n.input(2).dims == Dims{out.dims[1]}, "its bias is {} where there are {} channels",
            n.shown(n.input(2).dims), out.dims[1]);
    inputs.push_back(n.id(2));
  }
  finish(n, op::ConvTranspose{at, groups, more_height, more_width}, std::move(inputs), std::move(out), line);
}

void pool(NodeReader& n) {
  const bool line = check_images(n), largest = n.node.op == "MaxPool";
  const int x = image(n, n.id(0));
  const Dims d = n.at(x).dims;
  n.check(n.integers("kernel_shape").has_value(), "has no kernel_shape");
  op::Pool pool{largest, {}, 1, 1, n.integer("count_include_pad", 0) != 0, {}};
  std::tie(pool.height, pool.width) = pair(n, "kernel_shape", line, 1);
  pool.window = window(n, line, d[2], d[3], pool.height, pool.width);
  n.check(pool.window.dilation_height == 1 && pool.window.dilation_width == 1, "dilated pooling is not read");
  const bool up = n.integer("ceil_mode", 0) != 0;
  // Rounded up: one window more where one begins within the image or the padding before it, over rows that count for nothing.
  const auto extent = [&](Index size, Index kernel, Index stride, Index before, Index after, Index& beyond) {
    Index count = places(n, size, kernel, stride, 1, before + after);
    n.check(before < kernel && after < kernel, "padding of {} and {} around windows of {}", before, after, kernel);
    const Index left = size + before + after - kernel - (count - 1) * stride;
    if (up && left > 0 && count * stride < size + before) beyond = stride - left, ++count;
    return count;
  };
  Known out = n.at(x);
  const Padding& p = pool.window.pad;
  const Index height = extent(d[2], pool.height, pool.window.stride_height, p.top, p.bottom, pool.beyond.bottom);
  out.dims = {d[0], d[1], height, extent(d[3], pool.width, pool.window.stride_width, p.left, p.right, pool.beyond.right)};
  finish(n, pool, {x}, std::move(out), line);
}

}  // namespace tangentplane::onnx::reading
