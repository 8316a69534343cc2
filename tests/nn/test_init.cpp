// First values of parameters, their names and their number.
#include "data/npz.h"
#include "nn/models.h"
#include "nn/train.h"
#include "tests/checksum.h"
#include "tests/golden.h"
#include "tests/places.h"
#include "tests/small.h"

using namespace tangentplane;

namespace {

Network<double> study(const std::string& model) { return make_network<double>({.model = model, .features = {}}); }

}  // namespace

TEST_CASE("lecun_normal has variance 1 / fan_in and ends at two deviations of the normal that was cut") {
  for (const Shape& shape : {Shape{5, 5, 40, 60}, Shape{300, 200}}) {
    RandomStream random(1, "init");
    const auto w = lecun_normal()(shape, random);
    const double fan_in = static_cast<double>(shape.size() / shape[-1]), n = static_cast<double>(w.size());
    double mean = 0, square = 0, fourth = 0;
    for (double v : w.span()) {
      mean += v / n;
      square += v * v / n;
      fourth += v * v * v * v / n;
    }
    CHECK(std::abs(mean) < 5 / std::sqrt(n * fan_in));
    CHECK(square * fan_in == Approx(1).epsilon(0.02));
    CHECK(fourth / (square * square) == Approx(2.36).epsilon(0.02));  // 3 for a whole normal
    const double limit = 2 / (std::sqrt(fan_in) * 0.87962566103423978);
    CHECK(largest(w) <= limit);
    CHECK(largest(w) > 0.99 * limit);
  }
}

// Computed apart from this code, as the numbers of autodiff/test_random.cpp.
TEST_CASE("initial weights and the order of batches are the known ones on every machine") {
  const auto v = initialise(make_network<double>({.model = "mlp", .features = {9, 4, 3, 1}}), {4, 4, 1}, 7);
  const auto& dense = v["Dense_0/kernel"];
  CHECK(dense[0] == 0x1.831f076298788p-3);
  CHECK(dense[143] == 0x1.fd3afae96dc02p-4);
  CHECK(checksum<double>(dense.span()) == 0xaa9e69f091a8e517u);
  RandomStream random(2026, "weights/Conv_0/kernel");
  const auto conv = lecun_normal()({5, 5, 3, 6}, random);
  CHECK(conv[0] == -0x1.368e627ea030ep-5);
  CHECK(checksum<double>(conv.span()) == 0x52a4cd81bc9e69e8u);
  CHECK(epoch_order({.seed = 3}, 10, 2) == std::vector<Index>{5, 0, 8, 6, 1, 7, 3, 2, 9, 4});
}

TEST_CASE("each parameter has a stream of its own: other parameters, depth and precision do not change it") {
  const auto wide = initialise(make_network<double>({.model = "mlp", .features = {9, 4, 3, 1}}), {4, 4, 1}, 7);
  const auto same = initialise(make_network<double>({.model = "mlp", .features = {9, 4, 3, 1}}), {4, 4, 1}, 7);
  const auto other = initialise(make_network<double>({.model = "mlp", .features = {9, 4, 3, 1}}), {4, 4, 1}, 8);
  const auto narrow = initialise(make_network<double>({.model = "mlp", .features = {2, 4, 1}}), {4, 4, 1}, 7);
  const auto shallow = initialise(make_network<double>({.model = "mlp", .features = {9, 4}}), {4, 4, 1}, 7);
  const auto single = initialise(make_network<float>({.model = "mlp", .features = {9, 4, 3, 1}}), {4, 4, 1}, 7);
  for (std::size_t i = 0; i < wide.paths.size(); ++i) {
    CHECK(same_bits(wide.parameters[i], same.parameters[i]));
    CHECK(same_bits(cast<float>(wide.parameters[i]), single.parameters[i]));
  }
  CHECK_FALSE(same_bits(wide["Dense_0/kernel"], other["Dense_0/kernel"]));
  CHECK(same_bits(wide["Dense_1/kernel"], shallow["Dense_1/kernel"]));
  // Dense_1 of the narrow one draws the first numbers of the same stream, scaled by its own fan_in.
  for (Index i = 0; i < 8; ++i) CHECK(narrow["Dense_1/kernel"][i] == Approx(wide["Dense_1/kernel"][i] * std::sqrt(9.0 / 2)).epsilon(1e-14));
  CHECK(largest(wide["Dense_1/bias"]) == 0);
}

TEST_CASE("the study's networks have the study's number of parameters, and start as it says") {
  CHECK(initialise(study("mlp"), {32, 32, 3}, 0).size() == 317501);
  CHECK(initialise(study("lenet"), {32, 32, 3}, 0).size() == 136121);
  const auto resnet = initialise(study("resnet18"), {32, 32, 3}, 0);
  CHECK(resnet.size() == 11169345);
  for (int i = 0; i < 8; ++i) {
    const std::string block = "ResNetBlock_" + std::to_string(i);
    CHECK(largest(resnet[block + "/BatchNorm_1/scale"]) == 0);
    CHECK(resnet[block + "/BatchNorm_0/scale"][0] == 1);
    CHECK(resnet.statistics.at(block + "/BatchNorm_1/var")[0] == 1);
    CHECK(resnet.statistics.at(block + "/BatchNorm_1/mean")[0] == 0);
  }
}

TEST_CASE("parameters and statistics have flax's names, shapes and no others") {
  for (const std::string name : {"mlp", "lenet", "lenet_odd_gelu", "resnet_init", "nads_lenet", "nads_resnet"}) {
    INFO(name);
    const auto c = golden::load<double>(name);
    std::map<std::string, std::string> ours, flax;
    for (std::size_t i = 0; i < c.init.paths.size(); ++i) ours["params/" + c.init.paths[i]] = c.init.parameters[i].shape().str();
    for (const auto& [path, t] : c.init.statistics) ours["batch_stats/" + path] = t.shape().str();
    for (const auto& [key, t] : data::load_npz<double>(std::filesystem::path(places::golden()) / name / "init.npz"))
      flax[key] = t.shape().str();
    CHECK(ours == flax);
  }
}
