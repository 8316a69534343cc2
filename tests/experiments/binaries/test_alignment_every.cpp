// train_ntk --alignment-every: the alignment of the kernel in the course of training.
#include "kernels/alignment.h"
#include "nn/checkpoint.h"
#include "nn/models.h"
#include "nn/network_learner.h"
#include "tests/experiments/run_binary.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;

TEST_CASE("train_ntk --alignment-every: alignment after these epochs is that of the network trained so far") {
  const Sandbox box("mlp");
  box.good("compute_ntk" + network_options("mlp") +
           " --init G/init.npz --data G/images.npy --num-train 28 --dtype float64 --eigen 5 --out K --quiet");
  box.good("train_ntk --ntk K --index 2 --epochs 5 --batch 7 --alignment-every 2 --dtype float64 --out A --quiet");
  const auto files = box.listing("A");
  CHECK(files.count("alignment-epoch2.npy"));
  CHECK(files.count("alignment-epoch4.npy"));
  CHECK(!files.count("alignment-epoch5.npy"));
  CHECK(files.count("alignment.npy"));

  ModelConfig config;
  config.model = "mlp";
  config.features = {10, 8, 1};
  const auto network = make_network<double>(config);
  const auto init = load_variables(box / "K/init.npz", initialise(network, {6, 6, 3}, 0));
  const auto images = box.array("G/images.npy"), vectors = box.array("K/eigvecs.npy");
  Tensor<double> labels({40, 1});
  for (Index i = 0; i < 40; ++i) labels[i] = vectors[2 * 40 + i] > 0 ? 1 : 0;
  const auto check = [&](const std::string& file, const Variables<double>& weights) {
    INFO(file);
    const auto expected = alignment(network, weights, images, 28, vectors);
    const auto written = box.array("A/" + file);
    REQUIRE(written.shape() == (Shape{3, 5}));
    for (Index i = 0; i < written.size(); ++i) CHECK(std::abs(written[i] - expected[i]) <= 1e-12 * std::abs(expected[i]));
  };
  check("alignment_init.npy", init);  // as after epoch 0
  NetworkLearner<double> learner(network, init, images, 28);
  TrainHooks hooks;
  hooks.epoch_done = [&](Index epoch, const std::vector<History>&) {
    if (epoch == 2 || epoch == 4) check(fmt::format("alignment-epoch{}.npy", epoch), learner.variables());
    if (epoch == 5) check("alignment.npy", learner.variables());
  };
  train(learner, labels, 28, {.epochs = 5, .batch = 7}, hooks);
}

TEST_CASE("train_ntk --alignment-every: only a network with --ntk has an alignment") {
  const Sandbox box("mlp");
  CHECK(box.refused("train_ntk" + network_options("mlp") + " --data G/images.npy --labels G/labels.npy --num-train 28 --alignment-every 2")
            .find("--alignment-every: ") == 0);
}
