// pretrained_ntk_comparison as users run it: the three trainings are the library's, from the points they claim to start from.
#include "linearize/linearized_learner.h"
#include "nn/checkpoint.h"
#include "nn/models.h"
#include "nn/network_learner.h"
#include "tests/experiments/trainings.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("pretrained_ntk_comparison: network, and linearizations at its start and at its end without f0") {
  const Sandbox box("resnet_perturbed");
  const std::string network_given = network_options("resnet_perturbed");
  box.good("compute_ntk" + network_given +
           " --init G/init.npz --data G/images.npy --num-train 28 --dtype float64 --eigen 6 --out K --quiet");
  const std::string command = "pretrained_ntk_comparison --ntk K --index 4 --epochs 2 --batch 7 --seed 5 --dtype float64 --quiet";
  box.good(command + " --out A");
  box.good(command + " --keep-statistics --out B");

  ModelConfig config;
  config.model = "resnet18";
  config.filters = 4;
  const auto network = make_network<double>(config);
  const auto init = load_variables(box / "K/init.npz", initialise(network, {16, 16, 3}, 0));
  const auto images = box.array("G/images.npy"), vectors = box.array("K/eigvecs.npy");
  Tensor<double> labels({40, 1});
  for (Index i = 0; i < 40; ++i) labels[i] = vectors[4 * 40 + i] > 0 ? 1 : 0;
  const Recipe recipe{.epochs = 2, .batch = 7, .seed = 5};
  const auto history = [&](const std::string& name) { return experiments::load_history(box / name / "history.csv"); };

  NetworkLearner<double> learner(network, init, images, 28);
  const auto expected = train(learner, labels, 28, recipe)[0];
  same_histories(history("A/network"), expected, 0);
  same_histories(history("B/network"), expected, 0);
  // The binary keeps the Jacobian.
  LinearizedLearner<double> at_init(network, init, images, 28, true);
  same_histories(history("A/linear_init"), train(at_init, labels, 28, recipe)[0], 1e-12);

  auto trained = learner.variables().clone();
  LinearizedLearner<double> kept(network, trained, images, 28, true);
  same_histories(history("B/linear_trained"), train(kept, labels, 28, recipe)[0], 1e-12);
  trained.statistics = init.statistics;
  trained.single_statistics = init.single_statistics;
  LinearizedLearner<double> as_published(network, trained, images, 28, true);
  same_histories(history("A/linear_trained"), train(as_published, labels, 28, recipe)[0], 1e-12);
  CHECK(history("A/linear_trained")[0].train_loss != history("B/linear_trained")[0].train_loss);

  const auto csv = experiments::Csv::read(box / "A/accuracy.csv");
  auto columns = columns_of_accuracies("target");
  columns.insert(columns.begin() + 1, "model");
  CHECK(csv.columns() == columns);
  REQUIRE(csv.rows().size() == 3);
  const char* models[] = {"network", "linear_init", "linear_trained"};
  for (std::size_t m = 0; m < 3; ++m) {
    CHECK(csv.rows()[m][0] == "4");
    CHECK(csv.rows()[m][1] == models[m]);
    CHECK(std::stod(csv.rows()[m][4]) == history(std::string("A/") + models[m]).back().test_accuracy);
    auto row = csv.rows()[m];
    row.erase(row.begin() + 1);
    logits_explain_accuracies(row, box, std::string("A/") + models[m]);
  }
}

TEST_CASE("pretrained_ntk_comparison: a folder for each of several indices, what it refuses") {
  const Sandbox box("mlp");
  const std::string ntk =
      "compute_ntk" + network_options("mlp") + " --init G/init.npz --data G/images.npy --num-train 28 --eigen 5 --out K --quiet";
  box.good(ntk);
  const std::string command = "pretrained_ntk_comparison --ntk K --epochs 1 --batch 7 --quiet --out P ";
  CHECK(box.refused(command).find("--ntk needs --index") == 0);
  CHECK(box.refused(command + "--index 5").find("eigenvectors 0 to 4") != std::string::npos);
  CHECK(box.refused("pretrained_ntk_comparison --index 1 --out P").find("needs --ntk DIR with --index") != std::string::npos);
  box.good(command + "--index 1,2");
  for (const char* index : {"1", "2"})
    for (const char* model : {"network", "linear_init", "linear_trained"}) CHECK(fs::exists(box / "P" / index / model / "final.npz"));
  CHECK(experiments::Csv::read(box / "P/accuracy.csv").rows().size() == 6);
}

TEST_CASE("pretrained_ntk_comparison: losses, optimizers and weight decay are those of train_ntk") {
  const Sandbox box("mlp");
  box.good("compute_ntk" + network_options("mlp") +
           " --init G/init.npz --data G/images.npy --num-train 28 --eigen 5 --dtype float64 --out K --quiet");
  const std::string options = " --ntk K --index 3 --epochs 3 --batch 7 --seed 5 --dtype float64 --quiet";
  const std::string compared = "pretrained_ntk_comparison" + options, trained = "train_ntk" + options;
  for (const std::string recipe :
       {" --loss squared --weight-decay 0.05", " --optimizer adam", " --loss squared --optimizer adam --weight-decay 0.5"}) {
    INFO(recipe);
    for (const char* folder : {"P", "N", "I", "T"}) fs::remove_all(box / folder);
    box.good(compared + recipe + " --out P");
    box.good(trained + recipe + " --out N");
    box.good(trained + recipe + " --linearize --without-f0 --out I");
    box.good(trained + recipe + " --linearize --without-f0 --init N/final.npz --force --out T");
    const std::pair<const char*, const char*> same[] = {{"network", "N"}, {"linear_init", "I"}, {"linear_trained", "T"}};
    for (const auto& [model, folder] : same) {
      INFO(model);
      for (const char* file : {"history.csv", "test_logits.npy", "final.npz"})
        CHECK(bytes_of(box / "P" / model / file) == bytes_of(box / folder / file));
    }
  }
  const auto whole = box.results("P");
  CHECK_THAT(box.refused(compared + " --loss squared --weight-decay 0.5 --out P"), ContainsSubstring("another configuration"));
  box.write("P/.unfinished", "");
  fs::remove_all(box / "P/linear_trained");
  box.good("pretrained_ntk_comparison --config P/config.toml");
  CHECK(differing(box.results("P"), whole) == "");
  CHECK(box.refused(compared + " --optimizer adam --momentum 0.5 --out Q") == "--momentum: Adam has none; leave it out");
}
