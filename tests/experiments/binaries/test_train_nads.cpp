// train_nads as users run it: the trainings are the library's on the library's samples.
#include "data/linearly_separable.h"
#include "experiments/common/run/config.h"
#include "linearize/linearized_learner.h"
#include "nn/models.h"
#include "nn/network_learner.h"
#include "tests/experiments/trainings.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string directions =
    "compute_nads --model mlp --features 6,5,1 --activation tanh --shape 3,2,2 --seed 4 --dtype float64 --out D --quiet";

const Recipe usual{.epochs = 4, .batch = 8, .seed = 7};

/// The history of the same training by the library.
History library(const Sandbox& box, Index index, bool linearize, const Recipe& recipe = usual) {
  ModelConfig config;
  config.model = "mlp";
  config.features = {6, 5, 1};
  config.activation = "tanh";
  const auto network = make_network<double>(config);
  const auto init = initialise(network, {3, 2, 2}, 4);
  const auto rows = box.array("D/nads.npy");
  const auto samples = data::linearly_separable<double>(
      {rows.slice(index, index + 1).reshaped({3, 2, 2}), 2, 0.5, 7, static_cast<std::uint64_t>(index)}, 0, 50);
  Tensor<double> labels({50, 1});
  const bool squared = dynamic_cast<const SquaredError*>(recipe.loss.operator->()) != nullptr;  // which takes -1 and 1
  for (Index i = 0; i < 50; ++i) labels[i] = (squared ? 2 : 1) * samples.labels[static_cast<std::size_t>(i)] - (squared ? 1 : 0);
  if (linearize) {
    LinearizedLearner<double> learner(network, init, samples.images, 30, true);
    return train(learner, labels, 30, recipe)[0];
  }
  NetworkLearner<double> learner(network, init, samples.images, 30);
  return train(learner, labels, 30, recipe)[0];
}

}  // namespace

TEST_CASE("train_nads: network and linearization on two directions") {
  const Sandbox box;
  box.good(directions);
  for (const bool linearize : {false, true}) {
    const std::string out = linearize ? "L" : "N";
    const std::string command =
        "train_nads --nads D --index 0,7 --num-train 30 --num-test 20 --epsilon 2 --sigma 0.5 --seed 7 --epochs 4 "
        "--batch 8 --dtype float64 --quiet" +
        std::string(linearize ? " --linearize --without-f0" : "");
    box.good(command + " --out " + out);
    const auto accuracies = experiments::Csv::read(box / out / "accuracy.csv");
    CHECK(accuracies.columns() == columns_of_accuracies("target"));
    REQUIRE(accuracies.rows().size() == 2);
    for (Index t = 0; t < 2; ++t) {
      const Index index = t == 0 ? 0 : 7;
      INFO(out << " direction " << index);
      const auto folder = box / out / std::to_string(index);
      const auto expected = library(box, index, linearize), history = experiments::load_history(folder / "history.csv");
      same_histories(history, expected, linearize ? 1e-12 : 0);  // the linearization's binary keeps its Jacobian
      CHECK(data::load_binary_labels_npy(folder / "labels.npy").size() == 50);
      CHECK(data::load_npy<double>(folder / "test_logits.npy").shape() == (Shape{20}));
      const auto& row = accuracies.rows()[static_cast<std::size_t>(t)];
      CHECK(row[0] == std::to_string(index));
      CHECK(std::stod(row[3]) == expected.back().test_accuracy);
      logits_explain_accuracies(row, box, out + "/" + std::to_string(index));
    }
  }
}

TEST_CASE("train_nads: function space is parameter space, each direction with the kernel of its own samples") {
  const Sandbox box;
  box.good(directions);
  for (const std::string f0 : {"", " --without-f0"}) {
    INFO(f0);
    const std::string command =
        "train_nads --nads D --index 0,7 --num-train 30 --num-test 20 --epsilon 2 --sigma 0.5 --seed 7 --epochs 4 --batch 8 "
        "--dtype float64 --quiet --linearize" +
        f0;
    box.good(command + " --out P");
    box.good(command + " --space function --out F");
    for (const std::string j : {"0", "7"}) same_training(box, "F/" + j, "P/" + j, 1e-10);
    CHECK(bytes_of(box / "F/accuracy.csv") == bytes_of(box / "P/accuracy.csv"));
    const auto record = box.record("F");
    std::string stages;
    for (const auto& s : record["stages"]) stages += s["name"].get<std::string>() + ";";
    CHECK(stages == "kernel;training in function space;kernel;training in function space;");
    for (const char* folder : {"F", "P"}) fs::remove_all(box / folder);
  }
}

TEST_CASE("train_nads: losses, optimizers and weight decay are the library's, in both spaces, and part of the configuration") {
  const Sandbox box;
  box.good(directions);
  const std::string command =
      "train_nads --nads D --index 7 --num-train 30 --num-test 20 --epsilon 2 --sigma 0.5 --seed 7 --epochs 4 --batch 8 "
      "--dtype float64 --quiet";
  struct Way {
    std::string options;
    Recipe recipe;
  };
  const std::vector<Way> ways{
      {" --loss squared --weight-decay 0.05",
       {.epochs = 4, .batch = 8, .loss = SquaredError{}, .optimizer = Sgd{.weight_decay = 0.05}, .seed = 7}},
      {" --optimizer adam", {.epochs = 4, .batch = 8, .learning_rate = 0.001, .optimizer = Adam{}, .seed = 7}},
      {" --optimizer adam --loss squared --weight-decay 0.5 --learning-rate 0.02",
       {.epochs = 4, .batch = 8, .learning_rate = 0.02, .loss = SquaredError{}, .optimizer = Adam{.weight_decay = 0.5}, .seed = 7}}};
  const auto history = [&](const std::string& folder) { return experiments::load_history(box / folder / "history.csv"); };
  for (const Way& way : ways) {
    INFO(way.options);
    for (const char* folder : {"N", "L", "F"}) fs::remove_all(box / folder);
    box.good(command + way.options + " --out N");
    same_histories(history("N"), library(box, 7, false, way.recipe), 0);
    const std::string linear = command + way.options + " --linearize --without-f0";
    box.good(linear + " --out L");
    same_histories(history("L"), library(box, 7, true, way.recipe), 1e-12);
    if (std::holds_alternative<Sgd>(way.recipe.optimizer)) {
      box.good(linear + " --space function --out F");
      same_training(box, "F", "L", 1e-10);
    } else {
      CHECK_THAT(box.refused(linear + " --space function --out F"),
                 ContainsSubstring("--optimizer adam: its steps are no linear function"));
      CHECK(box.refused(command + way.options + " --momentum 0.5 --out F") == "--momentum: Adam has none; leave it out");
    }
  }
  // The same again by its config.toml; another optimizer is another run.
  CHECK_THAT(box.good(command + ways[2].options + " --out N"), ContainsSubstring("nothing to do"));
  box.good("train_nads --config N/config.toml --out C");
  CHECK(differing(box.results("C"), box.results("N")) == "");
  CHECK_THAT(box.refused(command + " --learning-rate 0.02 --loss squared --weight-decay 0.5 --out N"),
             ContainsSubstring("--out ") && ContainsSubstring("another configuration"));
  CHECK(box.refused(command + " --weight-decay -1 --out Q").starts_with("--weight-decay -1: give a number from 0 to"));
  // A run with the usual ones says nothing of them, as before there were others.
  box.good(command + " --out U");
  for (const char* key : {"loss", "optimizer", "weight-decay"})
    CHECK(experiments::Config::read(box / "U/config.toml").find(key) == nullptr);
}

TEST_CASE("train_nads: function space goes on after the directions that are finished, its plan and its memory count the kernel") {
  const Sandbox box;
  box.good(directions);
  const std::string command = "train_nads --nads D --index 0,7 --num-train 30 --num-test 20 --epochs 2 --batch 8 --quiet";
  const std::string function = command + " --linearize --space function";
  const auto plan = box.good(function + " --plan");
  for (const char* stage : {"kernel", "training"}) CHECK(plan.find(stage) != std::string::npos);
  CHECK(box.good(command + " --linearize --plan").find("kernel") == std::string::npos);

  box.good(function + " --out B");
  const auto whole = box.results("B");
  box.write("B/.unfinished", "");
  fs::remove_all(box / "B/7");
  const auto kept = fs::last_write_time(box / "B/0/final.npz");
  box.good(function + " --out B");
  CHECK(fs::last_write_time(box / "B/0/final.npz") == kept);
  CHECK(differing(box.results("B"), whole) == "");

  // 20,000 samples of 12 numbers are small, the training rows of their kernel in float are 763 MiB.
  const std::string large = "train_nads --nads D --index 0 --memory 600M --plan --linearize ";
  box.good(large);
  CHECK(box.refused(large + "--space function").find("--memory: training on 20000 images takes ") == 0);
}

TEST_CASE("train_nads: one direction's files lie in the folder itself, a different model is refused unless forced") {
  const Sandbox box;
  box.good(directions);
  const std::string command = "train_nads --nads D --num-train 20 --num-test 0 --epochs 1 --quiet --out T ";
  CHECK(box.refused(command + "--index 12 --batch 5").find("directions 0 to 11") != std::string::npos);
  CHECK(box.refused(command).find("needs --nads DIR, the results of compute_nads, and --index") != std::string::npos);
  CHECK(box.refused(command + "--index 0 --batch 5 --activation gelu").find("--activation gelu: ") == 0);
  CHECK(box.refused(command + "--index 0 --batch 5 --shape 2,3,2").find("--shape 2,3,2: ") == 0);
  CHECK(box.refused(command + "--index 0 --without-f0").find("--without-f0: ") == 0);
  CHECK(box.refused(command + "--index 0 --space function").find("--space function: only the linearization") == 0);
  CHECK(box.refused(command + "--index 0 --batch 30").find("--batch 30: there are 20 training") == 0);
  box.good(command + "--index 3 --batch 5 --activation gelu --force");
  CHECK(experiments::load_history(box / "T/history.csv").size() == 1);
  CHECK(std::isnan(experiments::load_history(box / "T/history.csv")[0].test_loss));
  const auto files = box.listing("T");
  CHECK(files.count("final.npz"));
  CHECK(!files.count("test_logits.npy"));
  CHECK(files.at("config.toml").find("activation = \"gelu\"") != std::string::npos);
}
