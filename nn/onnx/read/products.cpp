// Products of matrices, sums along axes, and normalisations.
#include <algorithm>

#include "nn/onnx/read/reader.h"
#include "nn/onnx/read/table.h"

namespace tangentplane::onnx::reading {
namespace {

Known fresh(const Known& x) {
  Known y = x;
  y.value = nullptr;
  return y;
}

/// The product's value from what is known of its operands, [..., M, K] and [..., K, C].
Known product(NodeReader& n, const Known& a, const Known& b) {
  n.check(a.dims.size() >= 2 && b.dims.size() >= 2, "multiplies {} by {}; matrices are read", n.shown(a.dims), n.shown(b.dims));
  const std::size_t p = a.dims.size(), q = b.dims.size();
  n.check(a.dims[p - 1] == b.dims[q - 2], "multiplies {} by {}", n.shown(a.dims), n.shown(b.dims));
  n.keep_apart(a, static_cast<int>(p) - 1);
  n.keep_apart(b, static_cast<int>(q) - 2);
  const auto leading = broadcast_dims(Dims(a.dims.begin(), a.dims.end() - 2), Dims(b.dims.begin(), b.dims.end() - 2));
  n.check(leading.has_value(), "multiplies {} by {}, whose first axes do not go together", n.shown(a.dims), n.shown(b.dims));
  Known y;
  y.dims = *leading;
  y.dims.push_back(a.dims[p - 2]);
  y.dims.push_back(b.dims[q - 1]);
  y.role = std::max(a.role, b.role);
  const auto rank = static_cast<int>(y.dims.size());
  const int of_a = a.batch_axis < 0 ? -1 : rank - (static_cast<int>(p) - a.batch_axis),
            of_b = b.batch_axis < 0 ? -1 : rank - (static_cast<int>(q) - b.batch_axis);
  n.check(of_a < 0 || of_b < 0 || (of_a == of_b && of_a < rank - 2 && a.batch_inner == b.batch_inner),
          "multiplies {} by {}, so it mixes examples; a network here treats each on its own", n.shown(a.dims), n.shown(b.dims));
  y.batch_axis = std::max(of_a, of_b);
  y.batch_inner = of_a >= 0 ? a.batch_inner : b.batch_inner;
  return y;
}

/// Throws unless a scale or bias is one number a channel, and none of the images'.
void check_channels(NodeReader& n, int i, Index channels, const char* what) {
  const Known& w = n.input(i);
  n.check(w.role != Role::examples && w.dims == Dims{channels}, "its {} is {} where there are {} channels", what, n.shown(w.dims),
          channels);
}

/// Axes of the node's list, all of them where there is none.
std::vector<int> reduced_axes(NodeReader& n, const Known& x) {
  std::vector<int> axes;
  const auto list = n.list("axes", 1);
  if (list && !list->empty()) {
    for (auto a : *list) axes.push_back(n.axis(a, x.dims.size()));
    std::sort(axes.begin(), axes.end());
    n.check(std::adjacent_find(axes.begin(), axes.end()) == axes.end(), "names an axis twice");
  } else if (n.integer("noop_with_empty_axes", 0) == 0) {
    for (std::size_t i = 0; i < x.dims.size(); ++i) axes.push_back(static_cast<int>(i));
  }
  return axes;
}

void fold_axes(NodeReader& n, op::Fold f, int x, const std::vector<int>& axes, bool keep, int which) {
  Known out = fresh(n.at(x));
  for (std::size_t i = axes.size(); i-- > 0;) {
    n.keep_apart(out, axes[i]);
    if (keep)
      out.dims[static_cast<std::size_t>(axes[i])] = 1;
    else {
      out.dims.erase(out.dims.begin() + axes[i]);
      if (out.batch_axis > axes[i]) --out.batch_axis;
    }
  }
  n.emit(op::Reduce{f, axes}, {x}, out, which);
}

}  // namespace

void matmul(NodeReader& n) { n.emit(op::MatMul{}, {n.id(0), n.id(1)}, product(n, n.input(0), n.input(1))); }

void gemm(NodeReader& n) {
  const auto turned = [&](int i, const char* name) {
    Known x = n.input(i);
    n.check(x.dims.size() == 2, "takes matrices, not {}", n.shown(x.dims));
    if (n.integer(name, 0) == 0) return x;
    std::swap(x.dims[0], x.dims[1]);
    if (x.batch_axis >= 0) x.batch_axis = 1 - x.batch_axis;
    return x;
  };
  Known y = product(n, turned(0, "transA"), turned(1, "transB"));
  const op::Gemm gemm{n.integer("transA", 0) != 0, n.integer("transB", 0) != 0, n.real("alpha", 1), n.real("beta", 1)};
  std::vector<int> inputs{n.id(0), n.id(1)};
  if (n.has(2) && gemm.beta != 0) {
    const Known& c = n.input(2);
    const auto dims = broadcast_dims(y.dims, c.dims);
    n.check(dims && *dims == y.dims, "adds {} to a product {}", n.shown(c.dims), n.shown(y.dims));
    const int place = c.batch_axis < 0 ? -1 : 2 - static_cast<int>(c.dims.size()) + c.batch_axis;
    n.check(place < 0 || y.batch_axis < 0 || place == y.batch_axis,
            "adds values whose batches lie along different axes, so it mixes examples");
    y.role = std::max(y.role, c.role);
    y.batch_axis = std::max(y.batch_axis, place);
    inputs.push_back(n.id(2));
  }
  n.emit(gemm, std::move(inputs), y);
}

void reduce(NodeReader& n) {
  const Known& x = n.input(0);
  const std::string& name = n.node.op;
  const auto axes = reduced_axes(n, x);
  const bool keep = n.integer("keepdims", 1) != 0;
  int y = n.id(0);
  if (name == "ReduceL1") y = n.emit(op::Pointwise{op::Function::abs}, {y}, fresh(x), -1);
  if (name == "ReduceL2" || name == "ReduceSumSquare") y = n.emit(op::Pointwise{op::Function::power, 2}, {y}, fresh(x), -1);
  if (axes.empty()) return n.alias(y);
  if (name == "ReduceProd") n.known(0, "input");
  const op::Fold f = name == "ReduceMean"   ? op::Fold::mean
                     : name == "ReduceMax"  ? op::Fold::max
                     : name == "ReduceMin"  ? op::Fold::min
                     : name == "ReduceProd" ? op::Fold::product
                                            : op::Fold::sum;
  if (name != "ReduceL2") return fold_axes(n, f, y, axes, keep, 0);
  fold_axes(n, f, y, axes, keep, -1);
  const int sum = static_cast<int>(n.reading().values.size()) - 1;
  n.emit(op::Pointwise{op::Function::root}, {sum}, fresh(n.at(sum)));
}

void global_pool(NodeReader& n) {
  const Known& x = n.input(0);
  n.check(x.dims.size() >= 3, "takes images [N,C,H,W], got {}", n.shown(x.dims));
  std::vector<int> axes;
  for (std::size_t i = 2; i < x.dims.size(); ++i) axes.push_back(static_cast<int>(i));
  fold_axes(n, n.node.op == "GlobalMaxPool" ? op::Fold::max : op::Fold::mean, n.id(0), axes, true, 0);
}

void softmax(NodeReader& n) {
  const Known& x = n.input(0);
  n.check(!x.dims.empty(), "takes no scalar");
  const int axis = n.axis(n.integer("axis", -1), x.dims.size());
  n.keep_apart(x, axis);
  n.emit(op::Softmax{axis, n.node.op == "LogSoftmax"}, {n.id(0)}, fresh(x));
}

void batch_norm(NodeReader& n) {
  const Known& x = n.input(0);
  n.check(x.dims.size() >= 2, "takes [N,C,...], got {}", n.shown(x.dims));
  n.check(n.integer("training_mode", 0) == 0 && !n.uses_output(1),
          "is in training mode, so it mixes examples; export the network in evaluation mode");
  n.keep_apart(x, 1);
  n.check(n.count() >= 5, "takes 5 inputs, {} are given", n.count());
  for (int i = 1; i < 5; ++i) check_channels(n, i, x.dims[1], i == 1 ? "scale" : i == 2 ? "bias" : i == 3 ? "mean" : "variance");
  const auto found = n.roles().statistics.find(n.node.outputs.at(0));
  n.check(found != n.roles().statistics.end(), "its mean and variance are computed; initialisers are read");
  n.emit(op::BatchNorm{n.real("epsilon", 1e-5f), n.real("momentum", 0.9f), found->second.first, found->second.second},
         {n.id(0), n.id(1), n.id(2)}, fresh(x));
}

void layer_norm(NodeReader& n) {
  const Known& x = n.input(0);
  n.check(!x.dims.empty(), "takes no scalar");
  n.check(!n.uses_output(1) && !n.uses_output(2), "its further outputs are not read");
  const int axis = n.axis(n.integer("axis", -1), x.dims.size());
  for (int a = axis; a < static_cast<int>(x.dims.size()); ++a) n.keep_apart(x, a);
  const Dims over(x.dims.begin() + axis, x.dims.end());
  for (int i = 1; i <= (n.has(2) ? 2 : 1); ++i)
    n.check(n.input(i).role != Role::examples && n.input(i).dims == over, "its {} is {} where {} are normalised", i == 1 ? "scale" : "bias",
            n.shown(n.input(i).dims), n.shown(over));
  std::vector<int> inputs{n.id(0), n.id(1)};
  if (n.has(2)) inputs.push_back(n.id(2));
  n.emit(op::LayerNorm{axis, n.real("epsilon", 1e-5f)}, std::move(inputs), fresh(x));
}

void group_norm(NodeReader& n) {
  const Known& x = n.input(0);
  const Index groups = n.integer("num_groups", 0);
  n.check(x.dims.size() >= 2 && groups >= 1 && x.dims[1] % groups == 0, "takes [N,C,...] with channels in {} groups, got {}", groups,
          n.shown(x.dims));
  for (int a = 1; a < static_cast<int>(x.dims.size()); ++a) n.keep_apart(x, a);
  // One number a group up to opset 20, one a channel from 21 on (and in files that were early).
  const bool by_group = n.opset() < 21 && n.input(1).dims == Dims{groups} && groups != x.dims[1];
  for (int i = 1; i < 3; ++i) check_channels(n, i, by_group ? groups : x.dims[1], i == 1 ? "scale" : "bias");
  n.emit(op::GroupNorm{groups, n.real("epsilon", 1e-5f), by_group}, {n.id(0), n.id(1), n.id(2)}, fresh(x));
}

void instance_norm(NodeReader& n) {
  const Known& x = n.input(0);
  n.check(x.dims.size() >= 3, "takes [N,C,...], got {}", n.shown(x.dims));
  for (int a = 1; a < static_cast<int>(x.dims.size()); ++a) n.keep_apart(x, a);
  for (int i = 1; i < 3; ++i) check_channels(n, i, x.dims[1], i == 1 ? "scale" : "bias");
  n.emit(op::InstanceNorm{n.real("epsilon", 1e-5f)}, {n.id(0), n.id(1), n.id(2)}, fresh(x));
}

}  // namespace tangentplane::onnx::reading
