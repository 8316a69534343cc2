// Training a network from a file, and putting what was trained back into it.
#include "nn/network_learner.h"
#include "tests/nn/onnx/graphs.h"

using namespace tangentplane;
using namespace tangentplane::onnx_test;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

/// Convolution, BatchNormalization, ReLU, mean, Gemm over images [2,5,4], with statistics and epsilon of its own.
GraphWriter normalised(bool merged = false) {
  GraphWriter g(15, {-1, 2, 5, 4}, "logits");
  g.weight("conv.weight", {3, 2, 3, 3});
  g.reals("bn.weight", {3}, {0.5, -1.5, 2});
  g.reals("bn.bias", {3}, {0.1, 0.2, -0.3});
  g.reals("bn.mean", {3}, {0.3, -0.2, 0.1});
  g.reals("bn.var", {3}, {0.5, 1.5, 2});
  g.weight("fc.weight", {2, 3}), g.weight("fc.bias", {2});
  set(g.node("Conv", {"x", "conv.weight"}, {"c"}), "pads", Integers{1, 1, 1, 1});
  auto& n = g.node("BatchNormalization", {"c", "bn.weight", "bn.bias", "bn.mean", "bn.var"}, {"n"});
  set(n, "epsilon", 1e-3), set(n, "momentum", 0.75);
  std::string last = "n";
  if (merged) {  // a second one, whose statistics an exporter has merged with those of the first, and a bias that is a mean too
    auto& m = g.node("BatchNormalization", {"n", "bn.weight", "bn.bias", "bn.mean", "bn.var"}, {"m"});
    set(m, "momentum", 0.5);
    g.node("BatchNormalization", {"m", "bn.weight", "bn.bias", "bn.bias", "bn.var"}, {"l"});
    last = "l";
  }
  g.node("Relu", {last}, {"r"});
  g.node("GlobalAveragePool", {"r"}, {"p"});
  g.node("Flatten", {"p"}, {"f"});
  set(g.node("Gemm", {"f", "fc.weight", "fc.bias"}, {"logits"}), "transB", std::int64_t(1));
  return g;
}

Real images_of(Index n, const Shape& image, std::uint64_t seed = 7) {
  RandomStream random(seed, "images");
  Shape all{n};
  for (int i = 0; i < image.rank(); ++i) all.append(image[i]);
  return check::draw(all, random);
}

}  // namespace

TEST_CASE("onnx: BatchNormalization trains by the batch, and blends its statistics with the file's momentum") {
  const TemporaryFolder folder;
  const auto l = onnx::load_onnx<double>(normalised().write(folder));
  const Real images = images_of(6, l.description.image);
  std::map<std::string, Real> updated;
  const Real logits = forward_training(l.network, l.variables, l.variables.parameters, images, updated);

  // The same by hand, in [N,C,H,W].
  const Real& w = l.variables["conv.weight"];
  const auto x = [&](Index n, Index c, Index h, Index j) {
    return h < 0 || j < 0 || h > 4 || j > 3 ? 0 : images[((n * 5 + h) * 4 + j) * 2 + c];
  };
  std::vector<double> y(6 * 3 * 20);
  for (Index n = 0; n < 6; ++n)
    for (Index o = 0; o < 3; ++o)
      for (Index i = 0; i < 20; ++i) {
        double sum = 0;
        for (Index c = 0; c < 2; ++c)
          for (Index k = 0; k < 9; ++k) sum += w[(o * 2 + c) * 9 + k] * x(n, c, i / 4 + k / 3 - 1, i % 4 + k % 3 - 1);
        y[static_cast<std::size_t>((n * 3 + o) * 20 + i)] = sum;
      }
  Real expected = Real::zeros({6, 2});
  for (Index o = 0; o < 3; ++o) {
    double sum = 0, squares = 0;
    for (Index n = 0; n < 6; ++n)
      for (Index i = 0; i < 20; ++i) {
        const double v = y[static_cast<std::size_t>((n * 3 + o) * 20 + i)];
        sum += v, squares += v * v;
      }
    const double mean = sum / 120, variance = squares / 120 - mean * mean, epsilon = 1e-3f;
    CHECK(updated.at("bn.mean")[o] == Approx(0.75 * l.variables.statistics.at("bn.mean")[o] + 0.25 * mean).epsilon(1e-12));
    CHECK(updated.at("bn.var")[o] == Approx(0.75 * l.variables.statistics.at("bn.var")[o] + 0.25 * variance).epsilon(1e-12));
    for (Index n = 0; n < 6; ++n) {
      double pooled = 0;
      for (Index i = 0; i < 20; ++i)
        pooled += std::max(0.0, (y[static_cast<std::size_t>((n * 3 + o) * 20 + i)] - mean) / std::sqrt(variance + epsilon) *
                                        l.variables["bn.weight"][o] +
                                    l.variables["bn.bias"][o]) /
                  20;
      for (Index k = 0; k < 2; ++k)
        expected[n * 2 + k] += l.variables["fc.weight"][k * 3 + o] * pooled + (o == 0 ? l.variables["fc.bias"][k] : 0);
    }
  }
  close_to(logits, expected, 1e-12);
}

TEST_CASE("onnx: each BatchNormalization has statistics of its own, merged ones too") {
  const TemporaryFolder folder;
  const auto path = normalised(true).write(folder);
  const auto l = onnx::load_onnx<double>(path);
  CHECK(l.description.statistics.size() == 6);
  CHECK(l.variables.statistics.size() == 6);
  std::map<std::string, Real> updated;
  const Real images = images_of(6, l.description.image);
  forward_training(l.network, l.variables, l.variables.parameters, images, updated);
  REQUIRE(updated.size() == 6);
  CHECK(!same_bits(updated.at("bn.var"), updated.at("bn.var/statistic")));
  auto trained = l.variables;
  for (auto& [name, value] : trained.statistics) value = updated.at(name);
  onnx::save_onnx(path, folder / "saved.onnx", trained);
  const auto again = onnx::load_onnx<double>(folder / "saved.onnx");
  close_to(evaluate(again.network, again.variables, images), evaluate(l.network, trained, images), 1e-6);
  CHECK(again.variables.paths.size() == l.variables.paths.size());
}

TEST_CASE("onnx: what save_onnx writes reads back as it was given") {
  const TemporaryFolder folder;
  for (const auto& name : onnx_cases) {
    INFO(name);
    const auto from = golden_folder() / name / "model.onnx";
    const auto l = onnx::load_onnx<float>(from);
    RandomStream random(2, "moved");
    Variables<float> moved = l.variables.clone();
    for (auto& p : moved.parameters)
      for (float& v : p.span()) v += static_cast<float>(0.1 * random.normal());
    for (auto& [path, t] : moved.statistics)
      for (float& v : t.span()) v += static_cast<float>(random.uniform(0, 0.5));
    onnx::save_onnx(from, folder / "saved.onnx", moved);
    const auto again = onnx::load_onnx<float>(folder / "saved.onnx");
    REQUIRE(again.variables.paths.size() == moved.paths.size());
    for (std::size_t i = 0; i < moved.paths.size(); ++i) CHECK(same_bits(again.variables[moved.paths[i]], moved.parameters[i]));
    for (const auto& [path, t] : moved.statistics) CHECK(same_bits(again.variables.statistics.at(path), t));
    CHECK(again.description.constants == l.description.constants);
    const auto images = data::load_npy<float>(golden_folder() / name / "images.npy");
    close_to(evaluate(again.network, again.variables, images), evaluate(l.network, moved, images), 1e-6);
  }
  CHECK(folder.files() == 1);
}

TEST_CASE("onnx: save_onnx keeps what it does not know, and refuses other networks' variables") {
  const TemporaryFolder folder;
  const auto from = golden_folder() / "vgg" / "model.onnx";
  const auto l = onnx::load_onnx<float>(from);
  onnx::save_onnx(from, folder / "saved.onnx", l.variables);
  const auto bytes = [](const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  };
  onnx::proto::ModelProto before, after;
  REQUIRE((before.ParseFromString(bytes(from)) && after.ParseFromString(bytes(folder / "saved.onnx"))));
  CHECK(before.SerializeAsString() == after.SerializeAsString());
  CHECK(after.graph().unknown_fields() == before.graph().unknown_fields());

  Variables<float> other = l.variables;
  other.paths[0] = "other";
  CHECK_THAT(thrown([&] { onnx::save_onnx(from, folder / "other.onnx", other); }), ContainsSubstring("other"));
  other = l.variables;
  other.parameters[0] = Tensor<float>::zeros({1});
  CHECK_THAT(thrown([&] { onnx::save_onnx(from, folder / "other.onnx", other); }), ContainsSubstring(l.variables.paths[0]));
  CHECK(folder.files() == 1);
}

TEST_CASE("onnx: initialise gives the file's values, and a network runs only on its images") {
  const auto path = golden_folder() / "resnet_small" / "model.onnx";
  const auto l = onnx::load_onnx<double>(path);
  const auto fresh = initialise(l.network, l.description.image, 5);
  REQUIRE(fresh.paths == l.variables.paths);
  for (std::size_t i = 0; i < fresh.paths.size(); ++i) CHECK(same_bits(fresh.parameters[i], l.variables.parameters[i]));
  for (const auto& [name, t] : fresh.statistics) CHECK(same_bits(t, l.variables.statistics.at(name)));
  CHECK_THAT(thrown([&] { evaluate(l.network, l.variables, images_of(2, {16, 15, 3})); }), ContainsSubstring("[N,16,16,3]"));
  CHECK(forward(l.network, l.variables, l.variables.parameters, Real({0, 16, 16, 3})).shape() == (Shape{0, 3}));
}

TEST_CASE("onnx: weights as typed lists, raw bytes and float64, and among the inputs, are one") {
  const TemporaryFolder folder;
  const auto build = [&](int how) {
    GraphWriter g(13, {-1, 3});
    const Reals values{0.5, -1, 2, 0.25, 3, -0.125};
    if (how == 0) {
      g.reals("w", {3, 2}, values);
    } else if (how == 1) {
      std::string raw;
      for (double v : values) {
        const auto f = static_cast<float>(v);
        raw.append(reinterpret_cast<const char*>(&f), sizeof f);
      }
      g.tensor("w", {3, 2}, 1)->set_raw_data(raw);
    } else {
      auto* t = g.tensor("w", {3, 2}, 11);
      for (double v : values) t->add_double_data(v);
    }
    if (how == 3) GraphWriter::describe(g.model.mutable_graph()->add_input(), "w", {3, 2});
    g.node("MatMul", {"x", "w"}, {"y"});
    return onnx::load_onnx<double>(g.write(folder));
  };
  const Real images = images_of(4, {3});
  const auto first = build(0);
  for (int how : {1, 2, 3}) {
    const auto l = build(how);
    CHECK(same_bits(l.variables["w"], first.variables["w"]));
    CHECK(same_bits(evaluate(l.network, l.variables, images), evaluate(first.network, first.variables, images)));
  }
}
