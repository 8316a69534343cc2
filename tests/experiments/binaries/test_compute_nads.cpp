// compute_nads as users run it: its numbers are flax's, its points those of its seed, and what it refuses.
#include "data/npy.h"
#include "kernels/nads.h"
#include "nn/models.h"
#include "tests/experiments/trainings.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;

TEST_CASE("compute_nads: flax's eigenvalues and directions, a picture, and the weights") {
  for (const std::string name : {"nads_lenet", "nads_resnet"}) {
    INFO(name);
    const Sandbox box(name);
    box.good("compute_nads" + network_options(name) + " --shape 8,8,1 --init G/init.npz --dtype float64 --out C --quiet");
    const auto expected = data::load_npz<double>(box / "G/expected.npz");
    const auto values = box.array("C/eigvals.npy"), directions = box.array("C/nads.npy"), &wanted = *data::find(expected, "nads_eigvals"),
               &rows = *data::find(expected, "nads");
    REQUIRE(values.shape() == (Shape{64}));
    REQUIRE(directions.shape() == (Shape{64, 64}));
    for (Index j = 0; j < 64; ++j) {
      CHECK(std::abs(values[j] - wanted[j]) <= 1e-9 * wanted[0]);
      const double gap = std::min(j > 0 ? wanted[j - 1] - wanted[j] : INFINITY, j < 63 ? wanted[j] - wanted[j + 1] : INFINITY);
      double cosine = 0;
      for (Index k = 0; k < 64; ++k) cosine += directions[j * 64 + k] * rows[j * 64 + k];
      if (gap > 1e-6 * wanted[0]) CHECK(std::abs(std::abs(cosine) - 1) < 1e-9);
    }
    const auto files = box.listing("C");
    CHECK(files.at("nads.png").starts_with("\x89PNG"));
    same_weights(data::load_npz<double>(box / "C/init.npz"), data::load_npz<double>(box / "G/init.npz"), 0);
  }
}

TEST_CASE("compute_nads: the mean over drawn points") {
  const Sandbox box;
  const std::string options =
      "compute_nads --model mlp --features 5,4,1 --activation relu --shape 3,2,3 --sigma 0.5 --samples 4 --seed 9 "
      "--dtype float64 --quiet";
  box.good(options + " --out A");
  CHECK(box.good(options + " --out A").find("finished") != std::string::npos);

  ModelConfig config;
  config.model = "mlp";
  config.features = {5, 4, 1};
  const auto network = make_network<double>(config);
  Tensor<double> points({4, 3, 2, 3});
  for (Index i = 0; i < 4; ++i) {
    RandomStream random(9, "nads points", static_cast<std::uint64_t>(i));
    for (Index k = 0; k < 18; ++k) points[i * 18 + k] = 0.5 * random.normal();
  }
  const auto expected = nads(network, initialise(network, {3, 2, 3}, 9), points);
  const auto values = box.array("A/eigvals.npy");
  for (Index j = 0; j < 18; ++j) CHECK(std::abs(values[j] - expected.eigvals[static_cast<std::size_t>(j)]) <= 1e-13 * values[0]);
  CHECK(values[0] > 0);
}

TEST_CASE("compute_nads: what it refuses") {
  const Sandbox box;
  CHECK(box.refused("compute_nads --activation relu").find("sits on its kink") != std::string::npos);
  CHECK(box.refused("compute_nads --samples 3").find("--samples 3: with --sigma 0 all points are 0") == 0);
  CHECK(box.refused("compute_nads --shape 8,8").find("--shape 8,8: give height, width and channels") == 0);
  CHECK(box.refused("compute_nads --sigma -1").find("--sigma -1: give a number from 0 to 1000000000") == 0);
  CHECK(box.refused("compute_nads --data cifar10").find("unknown argument --data") == 0);
  CHECK(box.refused("compute_nads --memory 1M").find("--memory: directions at 1 points take") == 0);
}

TEST_CASE("compute_nads: --plan leaves nothing behind") {
  const Sandbox box;
  const auto text = box.good("compute_nads --shape 8,8,1 --plan");
  for (const char* stage : {"passes", "products", "eigenvectors"}) CHECK(text.find(stage) != std::string::npos);
  CHECK(box.listing().empty());
}
