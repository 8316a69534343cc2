// train_ntk from the command line to the files it leaves: against flax's and neural-tangents' trainings, and against itself.
#include "experiments/common/text/csv.h"
#include "tests/experiments/trainings.h"
#include "tests/golden.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::quotient;
using test::same_training;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::string golden_recipe = " --num-train 28 --dtype float64 --batch 8 --epochs 3 --no-shuffle --quiet";
const std::string golden_data = " --init G/init.npz --data G/images.npy";
const std::string small = " --model lenet --features 2,3,7,5,1 --num-train 30 --num-test 9 --quiet";

/// The last epoch's test columns are those of test_logits.npy and labels.npy.
void logits_explain_history(const Sandbox& box, const std::string& folder) {
  const auto history = load_history(box / folder / "history.csv");
  const auto labels = data::load_labels_npy(box / folder / "labels.npy");
  const auto logits = box.array(folder + "/test_logits.npy");
  const Index first = static_cast<Index>(labels.size()) - logits.size();
  double loss = 0, right = 0;
  for (Index i = 0; i < logits.size(); ++i) {
    const int y = labels[static_cast<std::size_t>(first + i)];
    loss += std::log1p(std::exp(y ? -logits[i] : logits[i]));
    right += (logits[i] > 0) == (y == 1);
  }
  check::same(loss / static_cast<double>(logits.size()), history.back().test_loss, 1e-12);
  check::same(right / static_cast<double>(logits.size()), history.back().test_accuracy, 1e-15);
}

}  // namespace

TEST_CASE("train_ntk: the network trains as flax's and optax's, and its kernel after training aligns as neural-tangents' does") {
  for (const auto& name : golden::cases) {
    INFO(name);
    const Sandbox box(name);
    const auto c = golden::load<double>(name);
    box.good("compute_ntk" + test::network_options(name) + golden_data + " --num-train 28 --dtype float64 --quiet --out A");
    box.good("train_ntk --ntk A --labels G/labels.npy" + golden_recipe + " --out B");
    golden::same_history(load_history(box / "B/history.csv"), c, "network", 1e-8);
    CHECK(test::bytes_of(box / "A/init.npz") == test::bytes_of(box / "B/init.npz"));
    logits_explain_history(box, "B");
    for (const auto& [key, value] : data::load_npz<double>(box / "B/final.npz")) check::same(value, c["network_final/" + key], 1e-8);

    const auto vectors = box.array("A/eigvecs.npy"), alignment = box.array("B/alignment.npy"), kernel = c["ntk_final"];
    REQUIRE(alignment.shape() == (Shape{3, 40}));
    double size = 0;
    for (double v : kernel.span()) size = std::max(size, std::abs(v));
    for (Index j = 0; j < 40; ++j) {
      const double* v = vectors.data() + j * 40;
      CHECK(std::abs(alignment[j] - quotient(kernel, v, 0, 28)) <= 1e-7 * size);
      CHECK(std::abs(alignment[40 + j] - quotient(kernel, v, 28, 40)) <= 1e-7 * size);
      CHECK(std::abs(alignment[80 + j] - quotient(kernel, v, 0, 40)) <= 1e-7 * size);
    }
    const Csv accuracy = Csv::read(box / "B/accuracy.csv");
    CHECK(accuracy.columns() == test::columns_of_accuracies("target"));
    REQUIRE(accuracy.rows().size() == 1);
    test::logits_explain_accuracies(accuracy.rows()[0], box, "B");
    CHECK(accuracy.rows()[0][0] == "labels");
    CHECK(std::stod(accuracy.rows()[0][3]) == load_history(box / "B/history.csv").back().test_accuracy);
  }
}

TEST_CASE("train_ntk: the linearization trains as neural-tangents', with and without f0, alike in both spaces") {
  for (const auto& name : golden::cases)
    for (const std::string f0 : {"", " --without-f0"}) {
      INFO(name << f0);
      const Sandbox box(name);
      const auto c = golden::load<double>(name);
      const std::string command =
          "train_ntk" + test::network_options(name) + golden_data + " --labels G/labels.npy --linearize" + f0 + golden_recipe;
      box.good(command + " --out parameters");
      box.good(command + " --space function --out function");
      golden::same_history(load_history(box / "parameters/history.csv"), c, f0.empty() ? "linear" : "linear_no_f0", 1e-8);
      same_training(box, "function", "parameters", 1e-10);
      logits_explain_history(box, "parameters");
      CHECK(!fs::exists(box / "parameters/alignment.npy"));
    }
}

TEST_CASE("train_ntk: several indices lie in folders of their own, a single one in DIR itself") {
  const Sandbox box;
  box.good("compute_ntk" + small + " --save-ntk --out A");
  const std::string recipe = " --epochs 2 --batch 7 --quiet";
  box.good("train_ntk --ntk A --index 0,4:9:2" + recipe + " --out many");
  const auto vectors = box.array("A/eigvecs.npy");
  const Csv accuracy = Csv::read(box / "many/accuracy.csv");
  REQUIRE(accuracy.rows().size() == 4);
  std::size_t row = 0;
  for (Index j : {0, 4, 6, 8}) {
    const std::string folder = "many/" + std::to_string(j);
    const auto labels = data::load_labels_npy(box / folder / "labels.npy");
    REQUIRE(labels.size() == 39);
    double ones = 0;
    for (Index i = 0; i < 39; ++i) {
      CHECK(labels[static_cast<std::size_t>(i)] == (vectors[j * 39 + i] > 0));
      ones += labels[static_cast<std::size_t>(i)];
    }
    const auto history = load_history(box / folder / "history.csv");
    REQUIRE(history.size() == 2);
    CHECK(accuracy.rows()[row][0] == std::to_string(j));
    CHECK(std::stod(accuracy.rows()[row][1]) == ones / 39);
    CHECK(std::stod(accuracy.rows()[row][2]) == history.back().train_accuracy);
    CHECK(std::stod(accuracy.rows()[row++][3]) == history.back().test_accuracy);
    CHECK(box.array(folder + "/alignment.npy").shape() == (Shape{3, 39}));
  }
  box.good("train_ntk --ntk A --index 6" + recipe + " --out one");
  for (const auto& [name, bytes] : box.listing("many/6")) {
    INFO(name);
    CHECK((test::bytes_of(box / "one" / name) == bytes));
  }
  CHECK(!fs::exists(box / "one/6"));
}

TEST_CASE("train_ntk: many targets side by side in function space are each of them alone, and equal parameter space when shuffled") {
  const Sandbox box;
  box.good("compute_ntk" + small + " --dtype float64 --save-ntk --out A");
  const std::string recipe = " --linearize --dtype float64 --epochs 3 --batch 7 --seed 5 --quiet";
  box.good("train_ntk --ntk A --index 0,3,5 --space function" + recipe + " --out many");
  box.good("train_ntk --ntk A --index 0,3,5" + recipe + " --out parameters");
  for (const std::string j : {"0", "3", "5"}) {
    box.good("train_ntk --ntk A --index " + j + " --space function" + recipe + " --out alone" + j);
    same_training(box, "many/" + j, "alone" + j, 1e-12);
    same_training(box, "many/" + j, "parameters/" + j, 1e-10);
  }
  // Another kernel file gives another training: it is the saved one that serves; without it the kernel is computed.
  auto kernel = box.array("A/ntk.npy");
  for (double& v : kernel.span()) v *= 2;
  const auto stages = [&](const std::string& folder) {
    const auto record = box.record(folder);
    std::string names;
    for (const auto& s : record["stages"]) names += s["name"].get<std::string>() + ";";
    return names;
  };
  CHECK(stages("alone3") == "training in function space;");
  data::save_npy(box / "A/ntk.npy", kernel);
  box.good("train_ntk --ntk A --index 3 --space function" + recipe + " --out doubled");
  CHECK(load_history(box / "doubled/history.csv").back().train_loss != load_history(box / "alone3/history.csv").back().train_loss);
  fs::remove(box / "A/ntk.npy");
  box.good("train_ntk --ntk A --index 3 --space function" + recipe + " --out computed");
  CHECK(stages("computed") == "kernel;training in function space;");
  same_training(box, "computed", "alone3", 1e-12);
}

TEST_CASE("train_ntk: options that differ from those of --ntk are refused unless --force") {
  const Sandbox box;
  box.good("compute_ntk" + small + " --dtype float64 --save-ntk --out A");
  const std::string command = "train_ntk --ntk A --index 2 --epochs 2 --batch 8 --dtype float64 --quiet";
  for (const auto& [option, is, was] : {std::array<std::string, 3>{"--activation", "gelu", "relu"},
                                        {"--features", "2,3,7,6,1", "2,3,7,5,1"},
                                        {"--num-train", "31", "30"},
                                        {"--num-test", "8", "9"},
                                        {"--data-seed", "1", "0"},
                                        {"--model", "mlp", "lenet"}})
    CHECK_THAT(box.refused(command + " " + option + " " + is),
               ContainsSubstring(option + " " + is) && ContainsSubstring("A/config.toml has " + was) && ContainsSubstring("--force"));
  box.good(command + " --model lenet --num-train 30 --activation relu --out agreeing");
  // The precision is no such option: another is taken, with a word.
  const auto single = box.run("train_ntk --ntk A --index 2 --epochs 1 --batch 8 --quiet --out single");
  CHECK(single.status == 0);
  CHECK_THAT(single.err, ContainsSubstring("A is of float64, this run of float32; --dtype float64 makes them alike"));
  // The saved kernel is relu's: with another activation forced it is not taken.
  box.good(command + " --activation gelu --force --linearize --out parameters");
  box.good(command + " --activation gelu --force --linearize --space function --out function");
  same_training(box, "function", "parameters", 1e-10);
  box.good("train_ntk --config function/config.toml --out repeated");
  CHECK(test::differing(box.results("function"), box.results("repeated")) == "");
}

TEST_CASE("train_ntk: --plan writes nothing, a finished run says so, without test images the test columns are empty") {
  const Sandbox box;
  box.good("compute_ntk" + small + " --out A");
  const auto before = box.listing();
  for (const std::string kind : {"", " --linearize", " --linearize --space function"})
    CHECK_THAT(box.good("train_ntk --ntk A --index 0:5 --batch 8 --quiet --plan" + kind),
               ContainsSubstring("training") && ContainsSubstring("flop") && ContainsSubstring(kind.empty() ? "alignment" : "training"));
  CHECK(test::differing(box.listing(), before) == "");

  const auto n = std::vector<int>{1, 0, 0, 1, 1, 0, 1, 0, 0, 1};
  data::save_npy(box / "labels.npy", n);
  const std::string command =
      "train_ntk --model mlp --features 3,1 --labels labels.npy --num-train 10 --num-test 0 --batch 4 --epochs 2 --quiet";
  CHECK_THAT(box.good(command + " --out B"), !ContainsSubstring("nan"));
  const Csv history = Csv::read(box / "B/history.csv");
  for (const auto& row : history.rows()) CHECK((row[4].empty() && row[5].empty() && !row[6].empty()));
  for (std::size_t cell : {3, 4, 5}) CHECK(Csv::read(box / "B/accuracy.csv").rows()[0][cell] == "");
  CHECK(!fs::exists(box / "B/test_logits.npy"));
  const auto after = box.listing();
  CHECK_THAT(box.good(command + " --out B"), ContainsSubstring("is finished, nothing to do"));
  CHECK(test::differing(box.listing(), after) == "");
}
