// Runs that end early: Ctrl-C, a loss that is not finite, and what goes on from there.
#include <chrono>
#include <csignal>
#include <thread>

#include "experiments/common/process/interrupt.h"
#include "experiments/common/process/progress.h"
#include "experiments/common/training/learners.h"
#include "experiments/common/training/target.h"
#include "linearize/function_space.h"
#include "tests/experiments/run_binary.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::string network = " --model lenet --features 3,4,10,8,1 --num-train 64 --num-test 16 --quiet";

using Seconds = std::chrono::duration<double>;

/// Runs the command, with Ctrl-C each time so long `after` its training has begun, until it is
/// through. How often it went on from a finished epoch.
int run_interrupted(const Sandbox& box, const std::string& command, const std::string& out, Seconds after) {
  int continued = 0;
  for (int tries = 0; tries < 200; ++tries) {
    auto child = box.start(command + " --out " + out);
    continued += fs::exists(box / out / "last.npz");
    // Later tries are left to run, so that the test ends.
    while (!child.over() && continued < 3 && !fs::exists(box / out / "labels.npy"))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (continued < 3) {
      std::this_thread::sleep_for(after);
      child.signal(SIGINT);
    }
    const auto end = child.wait();
    INFO(end.err);
    if (end.status == 0) return continued;
    REQUIRE(end.status == 130);
    CHECK(end.err == "train_ntk: interrupted; the same command goes on from here\n");
    // Figures come when all else is there.
    CHECK((!fs::exists(box / out / "final.npz") || !fs::exists(box / out / ".unfinished")));
  }
  return -1;
}

}  // namespace

TEST_CASE("interrupted: Ctrl-C ends training with status 130, the same command goes on and ends with the same bytes") {
  const Sandbox box;
  box.good("compute_ntk" + network + " --out A");
  for (const std::string kind : {"", " --linearize", " --linearize --space function"}) {
    INFO(kind);
    // As many epochs as make a run long enough to be interrupted on this machine, however fast it is.
    std::string command;
    Seconds whole{0};
    for (Index epochs = 200; whole < Seconds(0.8); epochs *= 3) {
      fs::remove_all(box / "whole");
      command = fmt::format("train_ntk --ntk A --index 2 --batch 8 --quiet --epochs {}{}", epochs, kind);
      const auto start = std::chrono::steady_clock::now();
      box.good(command + " --out whole");
      whole = std::chrono::steady_clock::now() - start;
    }
    // On a busy machine an undisturbed run tells little about the next one: sooner, until one is met in the middle.
    int continued = 0;
    for (Seconds after = whole / 3; continued == 0 && after > Seconds(0.001); after /= 2) {
      fs::remove_all(box / "parts");
      continued = run_interrupted(box, command, "parts", after);
    }
    CHECK(continued >= 1);
    CHECK(!fs::exists(box / "parts/last.npz"));
    CHECK(test::differing(box.results("whole"), box.results("parts")) == "");
    fs::remove_all(box / "whole");
    fs::remove_all(box / "parts");
  }
}

TEST_CASE("interrupted: targets that are finished stay as they are, the rest is trained") {
  const Sandbox box;
  box.good("compute_ntk" + network + " --out A");
  const std::string command = "train_ntk --ntk A --index 1,2,3 --batch 8 --epochs 2 --quiet --out B";
  box.good(command);
  const auto whole = box.results("B");
  box.write("B/.unfinished", "");
  fs::remove(box / "B/2/final.npz");
  fs::remove_all(box / "B/3");
  fs::remove(box / "B/accuracy.csv");
  const auto kept = fs::last_write_time(box / "B/1/final.npz");
  box.good(command);
  CHECK(fs::last_write_time(box / "B/1/final.npz") == kept);
  CHECK(test::differing(box.results("B"), whole) == "");
}

TEST_CASE("interrupted: a state that outlived its training is removed") {
  const Sandbox box;
  box.good("compute_ntk" + network + " --out A");
  const std::string command = "train_ntk --ntk A --index 1,2 --batch 8 --epochs 2 --quiet --out B";
  box.good(command);
  const auto whole = box.results("B");
  box.write("B/.unfinished", "");
  box.write("B/2/last.npz", test::bytes_of(box / "B/2/final.npz"));  // killed before its last deed
  fs::remove(box / "B/accuracy.csv");
  box.good(command);
  CHECK(test::differing(box.results("B"), whole) == "");
}

namespace {

/// Trains four images by two a batch, and counts the steps.
struct Counting : FunctionSpaceLearner<double> {
  Counting() : FunctionSpaceLearner(kernel(), Tensor<double>::zeros({4}), 4, 1) {}
  int steps = 0;
  void step(const Tensor<double>& cotangent, double rate) override {
    ++steps;
    FunctionSpaceLearner::step(cotangent, rate);
  }
  static Tensor<double> kernel() {
    Tensor<double> k = Tensor<double>::zeros({4, 4});
    for (Index i = 0; i < 4; ++i) k[5 * i] = 1 + static_cast<double>(i);
    return k;
  }
};
const std::vector<Target> two_of_four{{"0", {1, 0, 1, 0}}};

}  // namespace

TEST_CASE("interrupted: what follows the last epoch does not train again") {
  const TemporaryFolder folder;
  Counting first, second;
  const auto train = [&](Counting& learner, const std::function<void(std::size_t)>& finish) {
    return train_targets<double>(learner, two_of_four, {folder.path()}, 4, {.epochs = 3, .batch = 2}, finish);
  };
  show_progress(false);
  CHECK_THROWS_AS(train(first, [](std::size_t) { throw std::runtime_error("the power went out"); }), std::runtime_error);
  CHECK(first.steps == 6);
  const auto history = train(second, [](std::size_t) {});
  show_progress(true);
  CHECK(second.steps == 0);
  CHECK(history[0].size() == 3);
  CHECK(std::ranges::equal(second.coefficients().span(), first.coefficients().span()));
  CHECK(!std::filesystem::exists(folder / "last.npz"));
}

TEST_CASE("interrupted: a history that is longer than the state is cut to it, and those epochs are trained again") {
  const TemporaryFolder whole, parts;
  const auto train = [&](Counting& learner, const TemporaryFolder& folder, Index until) {
    return train_targets<double>(
        learner, two_of_four, {folder.path()}, 4, {.epochs = 3, .batch = 2}, [](std::size_t) {},
        [&, until](Index epoch) {
          if (epoch == until) throw Interrupted(SIGINT);
        });
  };
  show_progress(false);
  Counting undisturbed, first, second;
  const auto expected = train(undisturbed, whole, 0);
  CHECK_THROWS_AS(train(first, parts, 1), Interrupted);
  // Killed between the two files of the second epoch: its history is there, its state is not; and a third epoch that nobody ran.
  History ahead = expected[0];
  ahead[1].train_loss = 7, ahead[2].train_loss = 8;
  save_history(parts / "history.csv", ahead);
  const auto history = train(second, parts, 0);
  show_progress(true);
  CHECK(second.steps == 4);
  REQUIRE(history[0].size() == 3);
  for (std::size_t e = 0; e < 3; ++e) CHECK(history[0][e].train_loss == expected[0][e].train_loss);
  CHECK(test::bytes_of(parts / "history.csv") == test::bytes_of(whole / "history.csv"));
  CHECK(std::ranges::equal(second.coefficients().span(), undisturbed.coefficients().span()));
}

TEST_CASE("interrupted: no state is saved whose history is not there") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "history.csv");  // which cannot be written then
  Counting learner;
  show_progress(false);
  CHECK_THROWS_WITH(train_targets<double>(learner, two_of_four, {folder.path()}, 4, {.epochs = 1, .batch = 2}, [](std::size_t) {}),
                    ContainsSubstring("history.csv: it is a folder"));
  show_progress(true);
  CHECK(!fs::exists(folder / "last.npz"));
}

TEST_CASE("interrupted: a network counts as trained once what follows its training is done too") {
  const TemporaryFolder folder;
  const auto net = make_network<double>({.model = "mlp", .features = {2, 1}});
  Subject<double> subject{{}, net, initialise(net, {1, 2, 1}, 0)};
  subject.data.images = Tensor<double>::from({4, 1, 2, 1}, {1, 2, -1, 0, 3, 1, 0, -2});
  subject.data.num_train = 4;
  NetworkHooks<double> hooks;
  const auto train = [&] { return train_network(subject, two_of_four[0], folder.path(), {.epochs = 1, .batch = 2}, hooks); };
  show_progress(false);
  hooks.trained = [](const Variables<double>&) { throw Interrupted(SIGINT); };
  CHECK_THROWS_AS(train(), Interrupted);
  CHECK_FALSE(finished(folder.path()));
  int called = 0;
  hooks.trained = [&](const Variables<double>&) { ++called; };
  train();
  train();  // finished
  show_progress(true);
  CHECK(called == 1);
  CHECK(finished(folder.path()));
}

TEST_CASE("interrupted: what follows an epoch, such as its alignment, is done again, and the epoch is not lost") {
  show_progress(false);
  for (Index stop : {1, 2, 3}) {
    const TemporaryFolder folder;
    Counting first, second;
    std::vector<Index> done;
    const auto train = [&](Counting& learner, Index until) {
      return train_targets<double>(
          learner, two_of_four, {folder.path()}, 4, {.epochs = 3, .batch = 2}, [](std::size_t) {},
          [&, until](Index epoch) {
            if (epoch == until) throw Interrupted(SIGINT);
            done.push_back(epoch);
          });
    };
    CHECK_THROWS_AS(train(first, stop), Interrupted);
    CHECK(first.steps == 2 * stop);
    CHECK(train(second, 0)[0].size() == 3);
    CHECK(second.steps == 6 - 2 * stop);
    CHECK(done == std::vector<Index>{1, 2, 3});
  }
  show_progress(true);
}

TEST_CASE("interrupted: a loss that is not finite ends the run with status 1 and one line, and no final weights") {
  const Sandbox box;
  box.good("compute_ntk" + network + " --out A");
  const auto end = box.run("train_ntk --ntk A --index 2 --batch 8 --epochs 30 --learning-rate 1e9 --dtype float32 --quiet --out B");
  INFO(end.err);
  CHECK(end.status == 1);
  CHECK(std::count(end.err.begin(), end.err.end(), '\n') == 1);
  CHECK_THAT(end.err, ContainsSubstring("train_ntk: training: the") && ContainsSubstring("try a smaller learning rate than 1000000000"));
  const std::string decaying = " --weight-decay 1e9 --epochs 30 --batch 8 --quiet --out W";
  CHECK_THAT(box.run("train_ntk --ntk A --index 2 --dtype float32" + decaying).err,
             ContainsSubstring("try a smaller learning rate than 0.05, or a smaller weight decay than 1000000000"));
  CHECK(!fs::exists(box / "B/final.npz"));
  CHECK(!fs::exists(box / "B/accuracy.csv"));
}

TEST_CASE("interrupted: Ctrl-C in a kernel ends with status 130 and the same command computes it") {
  const Sandbox box;
  const std::string command = "compute_ntk --model lenet --num-train 3000 --num-test 0 --eigen 5 --quiet --out A";
  auto child = box.start(command);
  while (!child.over() && !fs::exists(box / "A/init.npz")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  child.signal(SIGINT);
  const auto end = child.wait();
  CHECK(end.status == 130);
  CHECK(end.err == "compute_ntk: interrupted; the same command goes on from here\n");
  CHECK(!fs::exists(box / "A/eigvals.npy"));
  CHECK_THAT(box.good(command), ContainsSubstring("5 eigenpairs of 3000 images"));
}

TEST_CASE("interrupted: a kernel that was saved is not computed again") {
  const Sandbox box;
  const std::string command = "compute_ntk" + network + " --dtype float64 --save-ntk --out A";
  box.good(command);
  auto kernel = box.array("A/ntk.npy"), values = box.array("A/eigvals.npy");
  for (double& v : kernel.span()) v *= 2;
  data::save_npy(box / "A/ntk.npy", kernel);
  box.write("A/.unfinished", "");
  box.good(command);
  CHECK(box.array("A/eigvals.npy")[0] == Approx(2 * values[0]).epsilon(1e-10));
}
