// What is refused, in one line that names the file first and what is wrong.
#include "tests/nn/onnx/graphs.h"

using namespace tangentplane;
using namespace tangentplane::onnx_test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The line with which the file is refused; it begins with the file's path.
std::string refused(const std::filesystem::path& path, const onnx::Trainable& trainable = {}) {
  const std::string line = thrown([&] { onnx::load_onnx<double>(path, trainable); });
  INFO(line);
  CHECK(line.starts_with(path.string() + ": "));
  CHECK(line == thrown([&] { onnx::load_onnx<float>(path, trainable); }));
  return line.substr(std::min(line.size(), path.string().size() + 2));
}

void contains(const std::string& line, const std::vector<std::string>& parts) {
  for (const auto& part : parts) CHECK_THAT(line, ContainsSubstring(part));
}

/// y = W x of one axis, and nodes in between that `make` adds from `x` to `z` [batch, 4].
template <class F>
std::string refused_graph(int opset, const Integers& input, const F& make) {
  const TemporaryFolder folder;
  GraphWriter g(opset, input);
  g.weight("w", {4, 3});
  make(g);
  if (g.model.graph().node_size() == 0 || g.model.graph().node(g.model.graph().node_size() - 1).output(0) != "y")
    g.node("MatMul", {"z", "w"}, {"y"});
  return refused(g.write(folder));
}

}  // namespace

TEST_CASE("onnx: weights, masks and running variances that no network can have are refused by the initialiser's name") {
  const TemporaryFolder folder;
  // x [batch, 4] + mask, normalised, then a product; the variance is the third number from the end of what `change` may damage.
  const auto file = [&](const Reals& weight, const Reals& mean, const Reals& variance, const Reals& mask) {
    GraphWriter g(17, {-1, 4});
    g.reals("mask", {4}, mask);
    g.node("Add", {"x", "mask"}, {"a"});
    g.reals("s", {4}, {1, 1, 1, 1}), g.reals("b", {4}, {0, 0, 0, 0}), g.reals("m", {4}, mean), g.reals("v", {4}, variance);
    auto& norm = g.node("BatchNormalization", {"a", "s", "b", "m", "v"}, {"n"});
    set(norm, "epsilon", 1e-2);
    g.reals("w", {4, 1}, weight);
    g.node("MatMul", {"n", "w"}, {"y"});
    return g.write(folder);
  };
  const Reals zeros{0, 0, 0, 0}, ones{1, 1, 1, 1};
  const onnx::Trainable frozen{.train = {}, .freeze = {"mask"}};
  CHECK_NOTHROW(onnx::load_onnx<double>(file(ones, zeros, ones, zeros)));
  CHECK_NOTHROW(onnx::load_onnx<double>(file(ones, zeros, {1, -9e-3, 0, 1}, zeros)));  // its root plus epsilon is taken
  for (const double bad : {-1.1e-2, -3e38})
    contains(refused(file(ones, zeros, {1, bad, 1, 1}, zeros)), {"v holds -", "variance is above -0.0"});
  for (const double bad : {double(NAN), double(INFINITY), -double(INFINITY)}) {
    contains(refused(file({1, bad, 1, 1}, zeros, ones, zeros)), {"w holds ", "all weights must be finite"});
    contains(refused(file(ones, {0, 0, bad, 0}, ones, zeros)), {"m holds ", "all weights must be finite"});
    contains(refused(file(ones, zeros, {1, 1, 1, bad}, zeros)), {"v holds ", "all weights must be finite"});
    contains(refused(file(ones, zeros, ones, {bad, 0, 0, 0})), {"mask holds ", "all weights must be finite"});
  }
  contains(refused(file(ones, zeros, ones, {-INFINITY, 0, 0, 0})), {"mask holds -inf", "--freeze mask"});
  contains(refused(file(ones, zeros, ones, {0, NAN, 0, 0}), frozen), {"mask holds nan"});
  CHECK_NOTHROW(onnx::describe_onnx(file(ones, zeros, ones, {0, -INFINITY, 0, 0}), frozen));  // as masks of attention are
}

TEST_CASE("onnx: a weight of float64 that float32 does not hold is refused there by its name, and taken in float64") {
  const TemporaryFolder folder;
  GraphWriter g(17, {-1, 2});
  auto* w = g.tensor("w", {2, 1}, 11);
  for (const double v : {1e200, -1.0}) w->add_double_data(v);
  g.node("MatMul", {"x", "w"}, {"y"});
  const auto path = g.write(folder);
  CHECK(onnx::load_onnx<double>(path).variables.parameters[0][0] == 1e200);
  contains(thrown([&] { onnx::load_onnx<float>(path); }), {path.string() + ": w holds 1e+200", "--dtype float64"});
}

TEST_CASE("onnx: bad files are refused by what is wrong with them") {
  const std::vector<std::pair<std::string, std::vector<std::string>>> bad{
      {"truncated", {"ends early"}},
      {"not_protobuf", {"no ONNX file", "git-lfs"}},
      {"unsupported_lstm", {"LSTM", "/lstm/LSTM", "Conv, ", "Softmax"}},
      {"two_inputs", {"image", "extra"}},
      {"missing_initialiser", {"conv.weight", "/conv/Conv"}},
      {"short_tensor", {"conv.weight", "2264", "2304"}},
      {"huge_dims", {"conv.weight", "2147483648"}},
      {"external_missing", {"external_missing.onnx.data", "beside the model"}},
      {"float16", {"stem.weight", "float16"}},
      {"cycle", {"/stem/Conv", "/Relu_output_0"}},
      {"external_escape", {"conv.weight", "../../../../etc/passwd", "outside the model's folder"}},
      {"contrib_op", {"com.microsoft FastGelu"}},
      {"output_4d", {"logits", "[N,2,8,8]", "[N,O]"}},
      {"empty", {"empty", "graph"}},
  };
  for (const auto& [name, parts] : bad) {
    INFO(name);
    contains(refused(golden_folder() / "bad" / (name + ".onnx")), parts);
  }
  CHECK_NOTHROW(onnx::load_onnx<float>(golden_folder() / "bad" / "external_data.onnx"));
  contains(refused(golden_folder() / "none.onnx"), {"no such file"});
  contains(refused(golden_folder()), {"no such file"});
}

TEST_CASE("onnx: a file cut anywhere is refused, and so is one of foreign bytes") {
  const TemporaryFolder folder;
  std::ifstream in(golden_folder() / "mlp_vectors" / "model.onnx", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  for (std::size_t cut : {std::size_t(1), std::size_t(2), std::size_t(30), bytes.size() / 3, bytes.size() / 2, bytes.size() - 1}) {
    INFO(cut);
    const std::string line = refused(folder.write("cut.onnx", bytes.substr(0, cut)));
    CHECK((line.find("ends early") != std::string::npos || line.find("no ONNX file") != std::string::npos ||
           line.find("no graph") != std::string::npos));
  }
  contains(refused(folder.write("zip.onnx", "PK\x03\x04 and so on")), {"no ONNX file"});
  contains(refused(folder.write("text.onnx", "import torch\n")), {"no ONNX file"});
  std::string damaged = bytes;
  for (std::size_t i = bytes.size() / 4; i < bytes.size(); i += 97) damaged[i] = static_cast<char>(damaged[i] ^ 0x5a);
  CHECK(thrown([&] { onnx::load_onnx<double>(folder.write("damaged.onnx", damaged)); }).find("damaged.onnx: ") != std::string::npos);
}

TEST_CASE("onnx: names that hold line breaks are refused in one line") {
  contains(refused_graph(18, {-1, 4}, [](GraphWriter& g) { g.node("Relu", {"no\nsuch\tname"}, {"z"}); }), {"no?such?name"});
}

TEST_CASE("onnx: examples that are mixed are refused by node and op") {
  const auto mixes = [](const std::string& op, const auto& make) {
    const std::string line = refused_graph(18, {-1, 4}, make);
    INFO(op);
    contains(line, {op, "mixes examples"});
  };
  mixes("ReduceMean", [](GraphWriter& g) {
    g.integers("axes", {0});
    g.node("ReduceMean", {"x", "axes"}, {"m"});
    g.node("Sub", {"x", "m"}, {"z"});
  });
  mixes("ReduceSum", [](GraphWriter& g) {
    g.node("ReduceSum", {"x"}, {"m"});
    g.node("Sub", {"x", "m"}, {"z"});
  });
  mixes("Softmax", [](GraphWriter& g) { set(g.node("Softmax", {"x"}, {"z"}), "axis", std::int64_t(0)); });
  mixes("Gather", [](GraphWriter& g) {
    g.integers("i", {0});
    g.node("Gather", {"x", "i"}, {"a"});
    g.node("Add", {"x", "a"}, {"z"});
  });
  mixes("Slice", [](GraphWriter& g) {
    g.integers("b", {0}), g.integers("e", {-1});
    g.node("Slice", {"x", "b", "e"}, {"z"});
  });
  mixes("MatMul", [](GraphWriter& g) {
    g.node("Transpose", {"x"}, {"t"});
    g.node("MatMul", {"x", "t"}, {"s"});
    g.node("MatMul", {"s", "x"}, {"z"});
  });
  mixes("Add", [](GraphWriter& g) {
    g.integers("axes", {1});
    g.node("ReduceMean", {"x", "axes"}, {"m"});
    g.node("Transpose", {"m"}, {"t"});
    g.node("Add", {"m", "t"}, {"s"});
    g.node("MatMul", {"s", "x"}, {"z"});
  });
  mixes("Reshape", [](GraphWriter& g) {
    g.integers("to", {4, -1});
    g.node("Reshape", {"x", "to"}, {"r"});
    g.node("Transpose", {"r"}, {"z"});
  });
  mixes("BatchNormalization", [](GraphWriter& g) {
    for (const char* n : {"s", "b", "m", "v"}) g.reals(n, {4}, {1, 2, 3, 4});
    set(g.node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"z"}), "training_mode", std::int64_t(1));
  });
  // What a size of the batch decides, though no axis is crossed.
  contains(refused_graph(18, {-1, 4},
                         [](GraphWriter& g) {
                           auto& cast = g.node("Shape", {"x"}, {"s"});
                           set(cast, "end", std::int64_t(1));
                           set(g.node("Cast", {"s"}, {"f"}), "to", std::int64_t(1));
                           g.node("Div", {"x", "f"}, {"z"});
                         }),
           {"size of the batch"});
}

TEST_CASE("onnx: settings that are not read are refused by their names") {
  contains(refused_graph(18, {-1, 1, 4}, [](GraphWriter& g) { g.node("Attention", {"x", "x", "x"}, {"z"}); }), {"Attention", "Add, "});
  contains(refused_graph(12, {-1, 4}, [](GraphWriter& g) { g.node("Relu", {"x"}, {"z"}); }), {"opset 12", "13"});
  contains(refused_graph(99, {-1, 4}, [](GraphWriter& g) { g.node("Relu", {"x"}, {"z"}); }), {"opset 99", "13"});
  contains(refused_graph(17, {-1, 4}, [](GraphWriter& g) { g.node("Gelu", {"x"}, {"z"}); }), {"Gelu", "20", "17"});
  contains(refused_graph(18, {-1, -1}, [](GraphWriter& g) { g.node("Relu", {"x"}, {"z"}); }), {"[batch, batch]", "dynamic"});
  contains(refused_graph(18, {-1, 0}, [](GraphWriter& g) { g.node("Relu", {"x"}, {"z"}); }), {"[batch, 0]"});
  contains(refused_graph(18, {4}, [](GraphWriter& g) { g.node("Relu", {"x"}, {"z"}); }), {"[N,C,H,W]"});
  contains(refused_graph(18, {-1, 5}, [](GraphWriter& g) { g.node("Relu", {"x"}, {"z"}); }), {"MatMul", "[N,5]", "[4,3]"});
  contains(refused_graph(18, {-1, 2, 5, 5},
                         [](GraphWriter& g) {
                           g.reals("scales", {4}, {1, 1, 2, 2});
                           set(g.node("Resize", {"x", "", "scales"}, {"z"}), "mode", std::string("linear"));
                         }),
           {"Resize", "linear"});
  contains(refused_graph(18, {-1, 4},
                         [](GraphWriter& g) {
                           set(g.node("Cast", {"x"}, {"h"}), "to", std::int64_t(10));
                           g.node("Relu", {"h"}, {"z"});
                         }),
           {"Cast", "float16"});
  contains(refused_graph(18, {-1, 4}, [](GraphWriter& g) { g.node("Equal", {"x", "x"}, {"z"}); }), {"Equal", "known"});
  contains(refused_graph(18, {-1, 2, 5, 5},
                         [](GraphWriter& g) {
                           g.weight("k", {3, 2, 6, 6});
                           g.node("Conv", {"x", "k"}, {"z"});
                         }),
           {"Conv", "window of 6", "5"});
  contains(refused_graph(18, {-1, 4},
                         [](GraphWriter& g) {
                           g.node("MatMul", {"x", "w"}, {"y"});
                           g.node("Relu", {"x"}, {"y"});
                         }),
           {"computes y", "already"});
  contains(refused_graph(18, {-1, 4},
                         [](GraphWriter& g) {
                           g.integers("to", {1 << 30, 1 << 30, 4});
                           g.node("ConstantOfShape", {"to"}, {"c"});
                           g.node("Add", {"x", "c"}, {"z"});
                         }),
           {"ConstantOfShape", "[1073741824,1073741824,4]"});
  contains(refused_graph(18, {3, 4},
                         [](GraphWriter& g) {
                           g.integers("to", {3, 2, 2}), g.integers("back", {3, 4});
                           g.node("Reshape", {"x", "to"}, {"r"});
                           g.node("Reshape", {"r", "back"}, {"z"});
                         }),
           {"fixed at 3"});
  contains(refused_graph(18, {-1, 4}, [](GraphWriter& g) { g.node("Shape", {"x"}, {"y"}); }), {"nothing", "trainable"});
}

TEST_CASE("onnx: names to train and to freeze are those of the file") {
  const auto path = golden_folder() / "convnext_small" / "model.onnx";
  contains(refused(path, {{"none"}, {}}), {"none"});
  contains(refused(path, {{}, {"none"}}), {"none"});
  contains(refused(path, {{"stem.0.bias"}, {"stem.0.bias"}}), {"stem.0.bias", "both"});
  contains(refused(golden_folder() / "resnet_small" / "model.onnx", {{"stem.1.running_mean"}, {}}),
           {"stem.1.running_mean", "running mean"});
  const auto all = onnx::load_onnx<double>(path), changed = onnx::load_onnx<double>(path, {{"val_6"}, {"stem.0.bias", "val_4"}});
  CHECK(changed.variables.paths.size() == all.variables.paths.size() - 1);
  CHECK(changed.description.constants == std::vector<std::string>{"stem.0.bias", "val_4", "val_9", "val_11"});
  const auto images = data::load_npy<double>(golden_folder() / "convnext_small" / "images.npy");
  close_to(evaluate(changed.network, changed.variables, images), evaluate(all.network, all.variables, images), 1e-13);
}
