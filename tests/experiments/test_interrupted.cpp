// Runs that end early: Ctrl-C, a loss that is not finite, and what goes on from there.
#include <chrono>
#include <csignal>
#include <thread>

#include "experiments/common/interrupt.h"
#include "experiments/common/progress.h"
#include "experiments/common/target.h"
#include "linearize/function_space.h"
#include "tests/experiments/run_binary.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::Contains;
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
    CHECK(!fs::exists(box / out / "final.npz"));
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

namespace {

/// Trains four images by two a batch, and counts the steps.
struct Counting : FunctionSpaceLearner<double> {
  Counting() : FunctionSpaceLearner(kernel(), Tensor<double>::zeros({4}), 4, 1) {}
  int steps = 0;
  void step(const Tensor<double>& cotangent, double rate, double momentum) override {
    ++steps;
    FunctionSpaceLearner::step(cotangent, rate, momentum);
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
  for (const std::string kind : {"", " --linearize", " --linearize --space function"}) {
    const auto end = box.run("train_ntk --ntk A --index 2 --batch 8 --epochs 30 --learning-rate 1e39 --quiet --out B" + kind);
    INFO(kind << end.err);
    CHECK(end.status == 1);
    CHECK(std::count(end.err.begin(), end.err.end(), '\n') == 1);
    CHECK_THAT(end.err, Contains("train_ntk: training: the") && Contains("try a smaller learning rate than 1e+39"));
    CHECK(!fs::exists(box / "B/final.npz"));
    CHECK(!fs::exists(box / "B/accuracy.csv"));
    fs::remove_all(box / "B");
  }
  // Without test images only the weights tell that the last step went wrong.
  data::save_npy(box / "y.npy", std::vector<int>{0, 1, 1, 0, 1, 0, 1, 1});
  const auto last = box.run(
      "train_ntk --model mlp --features 3,1 --num-train 8 --num-test 0 --batch 8 --epochs 1 --learning-rate 1e39 "
      "--quiet --labels y.npy --dtype float32 --out B");
  CHECK(last.status == 1);
  CHECK_THAT(last.err, Contains("the weights are not finite after epoch 1"));
  CHECK(!fs::exists(box / "B/final.npz"));
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
  CHECK_THAT(box.good(command), Contains("5 eigenpairs of 3000 images"));
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
