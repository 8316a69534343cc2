// The measures of accuracy.csv beside accuracy: against all pairs of images, and against what they must be by their meaning.
#include "autodiff/random.h"
#include "experiments/common/training/accuracies.h"
#include "tests/experiments/trainings.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

TEST_CASE("accuracies: the area under the curve is the share of pairs won, with ties, for skewed classes too") {
  RandomStream random(3, "accuracies");
  for (const int levels : {0, 2, 5, 1000}) {
    for (const double share : {0.02, 0.3, 0.5, 0.97}) {
      INFO(levels << " levels, " << share << " of class 1");
      std::vector<double> logits;
      std::vector<int> labels{0, 1};
      for (int i = 0; i < 150; ++i) labels.push_back(random.uniform() < share);
      for (int y : labels) logits.push_back(std::floor(levels * (random.uniform() + 0.3 * y)) - levels / 2);
      const double area = area_under_curve(logits, labels);
      check::same(area, test::share_of_pairs_won(logits, labels), 1e-15);
      check::same(balanced_accuracy(logits, labels),
                  (test::accuracy_of_class(logits, labels, 0) + test::accuracy_of_class(logits, labels, 1)) / 2, 1e-15);
      std::vector<int> exchanged;
      for (int y : labels) exchanged.push_back(1 - y);
      check::same(area_under_curve(logits, exchanged), 1 - area, 1e-14);
      if (levels == 0) CHECK(area == 0.5);
    }
  }
}

TEST_CASE("accuracies: by hand") {
  const std::vector<double> logits{-2, -1, -0.0, 0.0, 3};
  CHECK(area_under_curve(logits, std::vector<int>{0, 0, 0, 1, 1}) == 5.5 / 6);
  CHECK(area_under_curve(logits, std::vector<int>{1, 1, 0, 0, 0}) == 0);
  CHECK(area_under_curve(logits, std::vector<int>{0, 0, 0, 0, 1}) == 1);
  // A logit of 0 is class 0.
  CHECK(balanced_accuracy(logits, std::vector<int>{0, 0, 0, 1, 1}) == 0.75);
  CHECK(balanced_accuracy(logits, std::vector<int>{0, 0, 0, 0, 1}) == 1);
  for (int one : {0, 1}) {
    CHECK(std::isnan(area_under_curve(logits, std::vector<int>(5, one))));
    CHECK(std::isnan(balanced_accuracy(logits, std::vector<int>(5, one))));
  }
  CHECK_THROWS_WITH(area_under_curve(logits, std::vector<int>{0, 1}), ContainsSubstring("5 logits for 2 labels"));
  CHECK_THROWS_WITH(balanced_accuracy(logits, std::vector<int>{0, 1, 2, 0, 0}), ContainsSubstring("the label 2 is not 0 or 1"));
}

TEST_CASE("accuracies: cells are empty where the test images are of one class") {
  const Sandbox box;
  std::vector<int> labels{1, 0, 0, 1, 1, 0, 1, 0, 1, 1};
  data::save_npy(box / "labels.npy", labels);
  box.good("train_ntk --model mlp --features 3,1 --labels labels.npy --num-train 8 --num-test 2 --batch 4 --epochs 2 --quiet --out B");
  const auto row = Csv::read(box / "B/accuracy.csv").rows().at(0);
  CHECK(!row[3].empty());
  CHECK((row[4].empty() && row[5].empty()));
}

TEST_CASE("accuracies: damaged logits of a finished target are refused by name, before anything is trained") {
  const Sandbox box;
  box.good("compute_ntk --model mlp --features 3,1 --num-train 12 --num-test 4 --eigen 5 --quiet --out K");
  for (const std::string kind : {"", " --linearize --space function"}) {
    INFO(kind);
    const std::string command = "train_ntk --ntk K --index 1,3 --batch 4 --epochs 2 --quiet --out B" + kind;
    box.good(command);
    const auto whole = box.results("B");
    for (const auto& damage : std::vector<Tensor<double>>{Tensor<double>::zeros({3}), Tensor<double>::full({4}, NAN)}) {
      data::save_npy(box / "B/1/test_logits.npy", damage);
      box.write("B/.unfinished", "");
      const auto end = box.run(command);
      CHECK(end.status != 0);
      CHECK_THAT(end.err, ContainsSubstring("B/1/test_logits.npy: ") && ContainsSubstring("B/1/final.npz to train this target anew"));
    }
    fs::remove(box / "B/1/final.npz");
    box.good(command);
    CHECK(test::differing(box.results("B"), whole) == "");
    fs::remove_all(box / "B");
  }
}
