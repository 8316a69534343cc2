// train_cifar as users run it: nested subsets of data standardised once, and trainings that are the library's.
#include "data/dataset.h"
#include "linearize/linearized_learner.h"
#include "nn/models.h"
#include "nn/network_learner.h"
#include "tests/experiments/trainings.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;

namespace {

const std::string shared = " --model mlp --features 4,1 --seed 2 --dtype float64 --epochs 2 --num-test 30 --quiet";

std::vector<Index> integers(const fs::path& path) {
  const auto values = data::load_labels_npy(path);
  return {values.begin(), values.end()};
}

/// The library's training on `num_train` generated images; the data are the first 2000 and 500, standardised by the former.
History library(const data::Dataset<double>& all, Index num_train, Index batch, bool linearize, const std::vector<int>& positive,
                const data::SubsetRule& rule = {}) {
  ModelConfig config;
  config.model = "mlp";
  config.features = {4, 1};
  const auto network = make_network<double>(config);
  const auto init = initialise(network, {32, 32, 3}, 2);
  const auto part = data::select(all, data::stratified_rows(all, num_train, 30, rule), num_train);
  const auto targets = data::binary_targets(part.classes, 10, positive);
  Tensor<double> labels({part.images.rows(), 1});
  for (Index i = 0; i < labels.size(); ++i) labels[i] = targets[static_cast<std::size_t>(i)];
  const Recipe recipe{.epochs = 2, .batch = batch, .seed = 2};
  if (linearize) {
    LinearizedLearner<double> learner(network, init, part.images, num_train, false);
    return train(learner, labels, num_train, recipe)[0];
  }
  NetworkLearner<double> learner(network, init, part.images, num_train);
  return train(learner, labels, num_train, recipe)[0];
}

}  // namespace

TEST_CASE("train_cifar: network and linearization, in both spaces, on nested stratified subsets") {
  const Sandbox box;
  box.good("train_cifar" + shared + " --num-train 150,20,33 --out N");
  box.good("train_cifar" + shared + " --num-train 150,20,33 --linearize --out L");
  box.good("train_cifar" + shared + " --num-train 20,150,33 --linearize --space function --out F");
  const auto all = data::load<double>({.directory = {}, .num_train = 2000, .num_test = 500});
  std::vector<std::vector<Index>> rows;
  for (Index n : {20, 33, 150}) {
    INFO(n << " images");
    const std::string name = std::to_string(n);
    const Index batch = std::min<Index>(128, n);
    const auto history = [&](const std::string& out) { return experiments::load_history(box / out / name / "history.csv"); };
    same_histories(history("N"), library(all, n, batch, false, {0, 1, 2, 3, 4}), 0);
    const auto linear = library(all, n, batch, true, {0, 1, 2, 3, 4});
    same_histories(history("L"), linear, 1e-12);  // with its Jacobian kept
    same_histories(history("F"), linear, 1e-11);

    rows.push_back(integers(box / "N" / name / "indices.npy"));
    CHECK(rows.back() == integers(box / "F" / name / "indices.npy"));
    const auto labels = data::load_binary_labels_npy(box / "N" / name / "labels.npy");
    REQUIRE(rows.back().size() == static_cast<std::size_t>(n + 30));
    REQUIRE(labels.size() == rows.back().size());
    for (std::size_t i = 0; i < labels.size(); ++i) CHECK(labels[i] == (all.classes[static_cast<std::size_t>(rows.back()[i])] <= 4));
  }
  for (std::size_t k = 0; k + 1 < rows.size(); ++k)
    CHECK(std::includes(rows[k + 1].begin(), rows[k + 1].end(), rows[k].begin(), rows[k].end()));
  const auto csv = experiments::Csv::read(box / "N/accuracy.csv");
  CHECK(csv.columns() == columns_of_accuracies("num_train"));
  REQUIRE(csv.rows().size() == 3);
  CHECK(csv.rows()[0][0] == "150");
  CHECK(std::stod(csv.rows()[1][1]) == 0.5);
  for (const auto& row : csv.rows()) logits_explain_accuracies(row, box, "N/" + row[0]);
}

TEST_CASE("train_cifar: a single size lies in the folder itself, classes and batch as given") {
  const Sandbox box;
  box.good("train_cifar" + shared + " --num-train 40 --positive 7,2 --batch 9 --out S");
  const auto all = data::load<double>({.directory = {}, .num_train = 2000, .num_test = 500});
  same_histories(experiments::load_history(box / "S/history.csv"), library(all, 40, 9, false, {7, 2}), 0);
  CHECK(box.listing("S").at("config.toml").find("batch = 9") != std::string::npos);
}

TEST_CASE("train_cifar: images and labels from files are stratified by the labels") {
  const Sandbox box("mlp");
  box.good("train_cifar" + network_options("mlp") +
           " --data G/images.npy --labels G/labels.npy --num-train 8,20 --num-test 10 --epochs 1 --out F --quiet");
  const auto given = data::load_labels_npy(box / "G/labels.npy");
  const auto rows = integers(box / "F/8/indices.npy");
  const auto labels = data::load_binary_labels_npy(box / "F/8/labels.npy");
  REQUIRE(rows.size() == 18);
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(labels[i] == given[static_cast<std::size_t>(rows[i])]);
  const auto ones = std::count(given.begin(), given.begin() + 20, 1);
  CHECK(std::count(labels.begin(), labels.begin() + 8, 1) == (8 * ones + 10) / 20);
}

TEST_CASE("train_cifar: the share of ones of a user's labels is that of the whole, for every size") {
  const Sandbox box;
  std::vector<int> given;
  for (int i = 0; i < 2500; ++i) given.push_back(i % 10 == 3 || (i < 2000 && i % 50 == 7));  // 0.12 of the 2000, 0.1 of the 500
  data::save_npy(box / "labels.npy", given);
  const std::string command = "train_cifar --labels labels.npy" + shared;
  box.good(command + " --num-train 25,50,100 --out A");
  box.good(command + " --num-train 25,50,100 --subset-seed 2 --linearize --space function --out B");
  // The subsets are others, and what they were drawn from is the same.
  const auto of_a = box.record("A")["fingerprints"], of_b = box.record("B")["fingerprints"];
  CHECK(of_a["labels"] != of_b["labels"]);
  CHECK(of_a["given labels"].get<std::string>().size() == 16);
  CHECK(of_a["given labels"] == of_b["given labels"]);
  for (const auto& [n, ones] : {std::pair<Index, Index>{25, 3}, {50, 6}, {100, 12}}) {
    for (const std::string out : {"A", "B"}) {
      INFO(out << ", " << n << " images");
      const auto rows = integers(box / out / std::to_string(n) / "indices.npy");
      const auto labels = data::load_binary_labels_npy(box / out / std::to_string(n) / "labels.npy");
      REQUIRE(labels.size() == static_cast<std::size_t>(n + 30));
      for (std::size_t i = 0; i < labels.size(); ++i) CHECK(labels[i] == given[static_cast<std::size_t>(rows[i])]);
      CHECK(std::count(labels.begin(), labels.begin() + n, 1) == ones);
      CHECK(std::count(labels.begin() + n, labels.end(), 1) == 3);
    }
  }
  CHECK(
      box.refused(command + " --num-train 100,4 --out X").find("dead-leaves: 4 training images (--num-train) would hold none of class 1") ==
      0);
}

TEST_CASE("train_cifar --subset-seed: drawn subsets, the same for network and linearization, others for another seed") {
  const Sandbox box;
  const std::string sizes = " --num-train 150,20,33";
  box.good("train_cifar" + shared + sizes + " --subset-seed 5 --out N");
  box.good("train_cifar" + shared + sizes + " --subset-seed 5 --linearize --space function --out F");
  box.good("train_cifar" + shared + sizes + " --subset-seed 6 --out other");
  box.good("train_cifar" + shared + sizes + " --out first");
  const auto all = data::load<double>({.directory = {}, .num_train = 2000, .num_test = 500});
  const data::SubsetRule drawn{.seed = 5};
  for (Index n : {20, 33, 150}) {
    INFO(n << " images");
    const std::string name = std::to_string(n);
    const auto rows = integers(box / "N" / name / "indices.npy");
    CHECK(rows == data::stratified_rows(all, n, 30, drawn));
    CHECK(rows == integers(box / "F" / name / "indices.npy"));
    for (const std::string out : {"other", "first"}) CHECK(rows != integers(box / out / name / "indices.npy"));
    CHECK(integers(box / "first" / name / "indices.npy") == data::stratified_rows(all, n, 30));
    const Index batch = std::min<Index>(128, n);
    const std::vector<int> positive{0, 1, 2, 3, 4};
    same_histories(experiments::load_history(box / "N" / name / "history.csv"), library(all, n, batch, false, positive, drawn), 0);
    same_histories(experiments::load_history(box / "F" / name / "history.csv"), library(all, n, batch, true, positive, drawn), 1e-11);
  }
  CHECK(box.listing("N").at("config.toml").find("subset-seed = 5\n") != std::string::npos);
  CHECK(box.listing("first").at("config.toml").find("subset-seed") == std::string::npos);
  CHECK(box.refused("train_cifar" + shared + sizes + " --subset-seed 7 --out N").find("--subset-seed is 5 there and 7 here") !=
        std::string::npos);
  box.good("train_cifar --config N/config.toml --out again");
  CHECK(differing(box.results("N"), box.results("again")) == "");
}

TEST_CASE("train_cifar: what it refuses") {
  const Sandbox box("mlp");
  const auto refused = [&](const std::string& options) { return box.refused("train_cifar --model mlp --features 4,1 --out X " + options); };
  CHECK(refused("--num-train 0").find("--num-train 0: give an integer from 1 to 1000000000") == 0);
  CHECK(refused("--num-train 50,100 --batch 60").find("--batch 60: there are 50 training images") == 0);
  CHECK(refused("--num-train 50 --positive 3,3").find("3 is given twice") != std::string::npos);
  CHECK(refused("--num-train 50 --positive 10").find("10 is not one of 0 to 9") != std::string::npos);
  CHECK(refused("--num-train 50 --space function").find("--space function: only the linearization") == 0);
  CHECK(refused("--data G/images.npy --num-train 20").find("has no classes; give --labels") != std::string::npos);
  CHECK(refused("--data G/images.npy --labels G/labels.npy --positive 7").find("7 is not one of 0 to 1") != std::string::npos);
  CHECK(refused("--data G/images.npy --labels G/labels.npy --positive 0,1").find("both labels need at least one") != std::string::npos);
  CHECK(refused("--data G/images.npy --labels G/labels.npy --num-train 41").find("41") != std::string::npos);
}
