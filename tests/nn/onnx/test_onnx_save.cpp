// What save_onnx writes where the file's initialisers are not one each: copies, merged statistics, float64, weights in nodes.
#include "tests/nn/onnx/graphs.h"

using namespace tangentplane;
using namespace tangentplane::onnx_test;
using check::Real;

namespace {

constexpr int float32 = 1, float64 = 11;

/// The initialisers of a file as they stand there.
std::map<std::string, onnx::proto::TensorProto> tensors_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  onnx::proto::ModelProto model;
  REQUIRE(model.ParseFromString(std::string((std::istreambuf_iterator<char>(in)), {})));
  std::map<std::string, onnx::proto::TensorProto> all;
  for (const auto& t : model.graph().initializer()) all[t.name()] = t;
  return all;
}

void numbers(GraphWriter& g, const std::string& name, const Integers& dims, const Reals& values, int type) {
  if (type == float32) return g.reals(name, dims, values);
  auto* t = g.tensor(name, dims, float64);
  for (double v : values) t->add_double_data(v);
}

/// Two layers of 3 with biases b1, b2 = Identity(b1) and b3 = Identity(b2), and two BatchNormalizations with merged statistics.
GraphWriter merged(int type) {
  GraphWriter g(15, {-1, 3});
  const Reals one{0.1, -0.2, 1.0 / 3}, w{0.5, -1, 0.25, 2, 0.75, -0.3, 0.2, 0.4, -1.1};
  numbers(g, "b1", {3}, one, type), numbers(g, "w1", {3, 3}, w, type), numbers(g, "w2", {3, 3}, w, type);
  for (const std::string name : {"s1", "s2"}) numbers(g, name, {3}, {1, 2, 0.5}, type);
  numbers(g, "mean", {3}, one, type), numbers(g, "variance", {3}, {1, 0.5, 1.0 / 3}, type);
  g.node("Identity", {"b1"}, {"b2"});
  g.node("Identity", {"b2"}, {"b3"});
  g.node("Gemm", {"x", "w1", "b1"}, {"a"});
  g.node("BatchNormalization", {"a", "s1", "b3", "mean", "variance"}, {"n"});
  g.node("Tanh", {"n"}, {"t"});
  g.node("Gemm", {"t", "w2", "b2"}, {"c"});
  g.node("BatchNormalization", {"c", "s2", "b3", "mean", "variance"}, {"y"});
  return g;
}

}  // namespace

TEST_CASE("onnx: copies of an initialiser are saved as what they have become, frozen ones and float64 too") {
  const TemporaryFolder folder;
  RandomStream random(7, "images");
  const Real images = check::draw({4, 3}, random);
  for (int type : {float32, float64})
    for (const std::vector<std::string>& freeze :
         std::vector<std::vector<std::string>>{{}, {"b1"}, {"b2"}, {"b3"}, {"b1", "b3"}, {"b2", "b3"}}) {
      INFO(type << " " << fmt::format("{}", fmt::join(freeze, ",")));
      const auto path = merged(type).write(folder);
      const auto l = onnx::load_onnx<double>(path, {.train = {}, .freeze = freeze});
      auto moved = l.variables.clone();
      double step = 0.125;  // which float32 holds
      for (auto& p : moved.parameters)
        for (double& v : p.span()) v = static_cast<float>(v + (step += 0.125));
      for (auto& [name, t] : moved.statistics)
        for (double& v : t.span()) v = static_cast<float>(v + (step += 0.125));
      onnx::save_onnx(path, folder / "saved.onnx", moved);
      const auto again = onnx::load_onnx<double>(folder / "saved.onnx", {.train = {}, .freeze = freeze});
      close_to(evaluate(again.network, again.variables, images), evaluate(l.network, moved, images), 1e-14);
      const auto tensors = tensors_of(folder / "saved.onnx");
      for (const auto& [name, t] : tensors) CHECK(t.data_type() == type);
      for (const std::string name : {"b1", "b2", "b3", "mean/statistic", "variance/statistic"}) CHECK(tensors.contains(name));
    }
}

TEST_CASE("onnx: a network of which only a number is trained, by name, goes back into its graph") {
  const TemporaryFolder folder;
  GraphWriter g(15, {-1, 3});
  g.reals("factor", {}, {1.5});
  auto& node = g.node("Constant", {}, {"w"});
  auto* a = node.add_attribute();
  a->set_name("value"), a->set_type(onnx::proto::AttributeProto::TENSOR);
  a->mutable_t()->set_data_type(float32), a->mutable_t()->add_dims(3), a->mutable_t()->add_dims(2);
  for (float v : {0.5f, -1.f, 2.f, 0.25f, 3.f, -0.125f}) a->mutable_t()->add_float_data(v);
  g.node("MatMul", {"x", "w"}, {"p"});
  g.node("Mul", {"p", "factor"}, {"y"});
  const auto path = g.write(folder);
  auto l = onnx::load_onnx<double>(path, {.train = {"factor"}, .freeze = {}});
  REQUIRE(l.variables.paths == std::vector<std::string>{"factor"});
  l.variables.parameters[0][0] = -2.25;
  onnx::save_onnx(path, folder / "saved.onnx", l.variables);
  CHECK(tensors_of(folder / "saved.onnx").at("factor").raw_data().size() == 4);
  CHECK(onnx::load_onnx<double>(folder / "saved.onnx", {.train = {"factor"}, .freeze = {}}).variables.parameters[0][0] == -2.25);
}
