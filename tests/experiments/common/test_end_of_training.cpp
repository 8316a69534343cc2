// When a training counts as finished, and what run.json says of it.
#include "experiments/common/training/end_of_training.h"

#include "tests/experiments/trainings.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using test::Sandbox;

namespace {

/// Learning rates, training losses, and the last epoch's training accuracy.
History history_of(const std::vector<double>& rates, const std::vector<double>& losses, double accuracy) {
  History history;
  for (std::size_t e = 0; e < losses.size(); ++e) history.push_back({static_cast<Index>(e + 1), rates[e], losses[e], 0.5, 1, 0.5, 1});
  history.back().train_accuracy = accuracy;
  return history;
}

}  // namespace

TEST_CASE("end of training: finished is what fits 0.99 of its training images in the last epoch") {
  CHECK(trained_to_the_end(history_of({1, 1}, {0.7, 0.6}, 0.99)));
  CHECK(trained_to_the_end(history_of({1, 1}, {0.7, 0.6}, 1)));
  CHECK_FALSE(trained_to_the_end(history_of({1, 1}, {0.7, 0.6}, 0.9899)));
  // A loss that stands still is no end: the learning rate has decayed. (LeNet's linearization on 2000 images of classes.)
  CHECK_FALSE(trained_to_the_end(history_of({4, 3, 2, 1e-3}, {0.7, 0.5, 0.4879, 0.4879}, 0.83)));
  auto earlier = history_of({1, 1}, {0.7, 0.6}, 0.9);
  earlier[0].train_accuracy = 1;
  CHECK_FALSE(trained_to_the_end(earlier));
  CHECK_THROWS_AS(trained_to_the_end({}), std::invalid_argument);
}

TEST_CASE("end of training: how much the loss fell in the second half of the training, by the sum of learning rates") {
  CHECK(*end_of_training(history_of({4, 3, 2, 1}, {1, 0.8, 0.6, 0.4}, 0.5)).late_fall == Approx(0.5));   // 5 of 10 in the second epoch
  CHECK(*end_of_training(history_of({5, 3, 1, 1}, {1, 0.8, 0.6, 0.4}, 0.5)).late_fall == Approx(0.6));   // in the first
  CHECK(*end_of_training(history_of({1, 1, 1, 1}, {1, 0.8, 0.6, 1.2}, 0.5)).late_fall == Approx(-0.5));  // it may rise
  CHECK_FALSE(end_of_training(history_of({1}, {0.7}, 1)).late_fall);
  CHECK_FALSE(end_of_training(history_of({1, 1, 9}, {0.7, 0.6, 0.5}, 1)).late_fall);
  CHECK_FALSE(end_of_training(history_of({2, 1}, {0, 0}, 1)).late_fall);
}

TEST_CASE("end of training: run.json tells it of each training, from its history, in every experiment") {
  const Sandbox box;
  const std::string recipe = " --batch 8 --epochs 6 --dtype float64 --quiet";
  box.good("compute_ntk --model mlp --features 40,1 --num-train 24 --num-test 6 --eigen 20 --dtype float64 --quiet --out K");
  box.good("train_ntk --ntk K --index 0,19 --out N" + recipe);
  box.good("train_ntk --ntk K --index 3 --linearize --space function --out F" + recipe);
  box.good("pretrained_ntk_comparison --ntk K --index 0,2 --out P" + recipe);
  box.good("train_cifar --model mlp --features 4,1 --num-train 20,30 --num-test 10 --out C" + recipe);
  box.good("compute_nads --model mlp --features 4,1 --shape 3,2,1 --quiet --out D");
  box.good("train_nads --nads D --index 1 --num-train 20 --num-test 10 --out A" + recipe);
  const auto check = [&](const std::string& out, const std::vector<std::pair<std::string, std::string>>& trainings) {
    INFO(out);
    const auto told = box.record(out).at("trainings");
    REQUIRE(told.size() == trainings.size());
    for (std::size_t t = 0; t < trainings.size(); ++t) {
      const auto& [name, folder] = trainings[t];
      const auto history = load_history(box / out / folder / "history.csv");
      CHECK(told[t].at("name") == name);
      CHECK(told[t].at("epochs") == 6);
      CHECK(told[t].at("train_accuracy").get<double>() == history.back().train_accuracy);
      CHECK(told[t].at("finished_training").get<bool>() == (history.back().train_accuracy >= 0.99));
      // Rates fall linearly: of six epochs the second is the one in which half is done.
      CHECK(told[t].at("late_fall").get<double>() == Approx(1 - history[5].train_loss / history[1].train_loss));
    }
  };
  check("N", {{"0", "0"}, {"19", "19"}});
  check("F", {{"3", "."}});
  check("P", {{"0, network", "0/network"},
              {"0, linear_init", "0/linear_init"},
              {"0, linear_trained", "0/linear_trained"},
              {"2, network", "2/network"},
              {"2, linear_init", "2/linear_init"},
              {"2, linear_trained", "2/linear_trained"}});
  check("C", {{"20", "20"}, {"30", "30"}});
  check("A", {{"1", "."}});
}
