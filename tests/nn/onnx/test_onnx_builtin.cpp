// The built-in networks written as ONNX files with their own weights: the same logits, kernels and steps of training.
#include "kernels/ntk.h"
#include "nn/network_learner.h"
#include "tests/nn/onnx/graphs.h"

using namespace tangentplane;
using namespace tangentplane::onnx_test;
using check::Real;

namespace {

/// Writes layers with weights of a built-in network, under PyTorch's layouts: convolutions [O,C,kh,kw], dense layers [O,K].
class Exporter {
 public:
  Exporter(const Small<double>& s, const Shape& image) : writer(17, {-1, image[2], image[0], image[1]}, "logits"), s_(s) {}

  std::string conv(const std::string& path, const std::string& x, std::int64_t stride = 1) {
    const Real& w = s_.variables[path + "/kernel"];
    const Index kh = w.shape()[0], kw = w.shape()[1], C = w.shape()[2], O = w.shape()[3];
    Reals turned(static_cast<std::size_t>(w.size()));
    for (Index o = 0; o < O; ++o)
      for (Index c = 0; c < C; ++c)
        for (Index i = 0; i < kh * kw; ++i) turned[static_cast<std::size_t>((o * C + c) * kh * kw + i)] = w[(i * C + c) * O + o];
    doubles(path + "/kernel", {O, C, kh, kw}, turned);
    std::vector<std::string> inputs{x, path + "/kernel"};
    if (has(path + "/bias")) same(path + "/bias"), inputs.push_back(path + "/bias");
    auto& n = writer.node("Conv", inputs, {path});
    set(n, "auto_pad", std::string("SAME_UPPER")), set(n, "strides", Integers{stride, stride});
    return path;
  }
  std::string dense(const std::string& path, const std::string& x, const std::string& out = "") {
    const Real& w = s_.variables[path + "/kernel"];
    const Index K = w.shape()[0], O = w.shape()[1];
    Reals turned(static_cast<std::size_t>(w.size()));
    for (Index k = 0; k < K; ++k)
      for (Index o = 0; o < O; ++o) turned[static_cast<std::size_t>(o * K + k)] = w[k * O + o];
    doubles(path + "/kernel", {O, K}, turned);
    same(path + "/bias");
    set(writer.node("Gemm", {x, path + "/kernel", path + "/bias"}, {out.empty() ? path : out}), "transB", std::int64_t(1));
    return path;
  }
  std::string batch_norm(const std::string& path, const std::string& x) {
    same(path + "/scale"), same(path + "/bias");
    for (const char* which : {"/mean", "/var"}) {
      const Real& t = s_.variables.statistics.at(path + which);
      doubles(path + which, {t.size()}, {t.data(), t.data() + t.size()});
    }
    writer.node("BatchNormalization", {x, path + "/scale", path + "/bias", path + "/mean", path + "/var"}, {path});
    return path;
  }
  std::string op(const std::string& name, const std::vector<std::string>& inputs) {
    const std::string out = name + std::to_string(count_++);
    writer.node(name, inputs, {out});
    return out;
  }
  onnx::proto::NodeProto& last() { return *writer.model.mutable_graph()->mutable_node(writer.model.graph().node_size() - 1); }
  /// With the built-in's order of axes, which a Flatten has to keep.
  std::string flatten(const std::string& x) {
    const std::string t = op("Transpose", {x});
    set(last(), "perm", Integers{0, 2, 3, 1});
    return op("Flatten", {t});
  }
  bool has(const std::string& path) const { return std::count(s_.variables.paths.begin(), s_.variables.paths.end(), path) > 0; }

  GraphWriter writer;

 private:
  void same(const std::string& path) {
    const Real& t = s_.variables[path];
    doubles(path, {t.size()}, {t.data(), t.data() + t.size()});
  }
  void doubles(const std::string& name, const Integers& dims, const Reals& values) {
    auto* t = writer.tensor(name, dims, 11);
    for (double v : values) t->add_double_data(v);
  }
  const Small<double>& s_;
  int count_ = 0;
};

void agree(const Small<double>& s, Exporter& e) {
  const TemporaryFolder folder;
  const auto l = onnx::load_onnx<double>(e.writer.write(folder));
  CHECK(l.variables.size() == s.variables.size());
  close_to(evaluate(l.network, l.variables, s.images), evaluate(s.network, s.variables, s.images), 1e-11);
  NtkOptions options;
  for (Contraction way : {Contraction::automatic, Contraction::rows, Contraction::factors}) {
    options.contraction = way;
    close_to(ntk(l.network, l.variables, s.images, options), ntk(s.network, s.variables, s.images, options), 1e-10);
  }
  std::map<std::string, Real> mine, theirs;
  close_to(forward_training(l.network, l.variables, l.variables.parameters, s.images, mine),
           forward_training(s.network, s.variables, s.variables.parameters, s.images, theirs), 1e-10);
  REQUIRE(mine.size() == theirs.size());
  for (const auto& [name, t] : theirs) close_to(mine.at(name), t, 1e-7);  // momentum is a float32 in the file
}

}  // namespace

TEST_CASE("onnx: LeNet and ResNet in a file are the built-in ones") {
  const auto models = small_models<double>(6);
  {
    const auto& s = models[1];
    Exporter e(s, {9, 7, 3});
    // gelu in its tanh form, mean over 2 x 2, as nn/lenet.h
    std::string x = "x";
    for (int i : {0, 1}) {
      x = e.conv("Conv_" + std::to_string(i), x);
      x = e.op("Gelu", {x});
      set(e.last(), "approximate", std::string("tanh"));
      x = e.op("AveragePool", {x});
      set(e.last(), "kernel_shape", Integers{2, 2}), set(e.last(), "strides", Integers{2, 2});
    }
    x = e.flatten(x);
    for (int i : {0, 1}) {
      x = e.dense("Dense_" + std::to_string(i), x);
      x = e.op("Gelu", {x});
      set(e.last(), "approximate", std::string("tanh"));
    }
    e.dense("Dense_2", x, "logits");
    e.writer.model.mutable_opset_import(0)->set_version(20);
    agree(s, e);
  }
  const auto& s = models[2];
  Exporter e(s, {8, 6, 1});
  std::string x = e.op("Tanh", {e.batch_norm("bn_init", e.conv("conv_init", "x"))});
  for (int b : {0, 1, 2}) {
    const std::string at = "ResNetBlock_" + std::to_string(b) + "/";
    const std::int64_t stride = b == 0 ? 1 : 2;
    std::string y = e.op("Tanh", {e.batch_norm(at + "BatchNorm_0", e.conv(at + "Conv_0", x, stride))});
    y = e.batch_norm(at + "BatchNorm_1", e.conv(at + "Conv_1", y));
    if (e.has(at + "conv_proj/kernel")) x = e.batch_norm(at + "norm_proj", e.conv(at + "conv_proj", x, stride));
    x = e.op("Tanh", {e.op("Add", {x, y})});
  }
  e.dense("Dense_0", e.op("Flatten", {e.op("GlobalAveragePool", {x})}), "logits");
  agree(s, e);
}
