// The same seed gives the same files, byte for byte, whatever the number of threads and from a run's own config.toml, run.json apart;
// another seed gives others. run.json tells the flops of every stage. Networks and images are many enough for sums to be shared out among
// threads.
#include "tests/experiments/run_binary.h"

using namespace tangentplane::experiments::test;

namespace {

/// Runs the command with several numbers of threads, and again from its config.toml; all leave what is left in `out`.
void same_bytes(const Sandbox& box, const std::string& command, const std::string& out) {
  INFO(command);
  box.good(command + " --seed 3 --quiet --threads 1 --out " + out);
  const auto expected = box.results(out);
  CHECK(expected.size() >= 5);
  const auto record = box.record(out);
  CHECK(!record["stages"].empty());
  for (const auto& stage : record["stages"]) {
    INFO(stage.dump());
    CHECK(stage["flops"].get<double>() > 0);
  }
  const auto check = [&](const std::string& again) {
    INFO(again);
    box.good(again + " --out again");
    CHECK(differing(box.results("again"), expected) == "");
    fs::remove_all(box / "again");
  };
  for (const std::string threads : {" --threads 2", " --threads 3", ""}) check(command + " --seed 3 --quiet" + threads);
  check(command.substr(0, command.find(' ')) + " --config " + out + "/config.toml");

  box.good(command + " --seed 4 --quiet --out other");
  const auto other = box.results("other");
  for (const auto& [name, bytes] : expected) {
    INFO(name);
    REQUIRE(other.count(name));
    if (name.ends_with("history.csv") || name.ends_with("eigvals.npy")) CHECK((bytes != other.at(name)));
  }
  fs::remove_all(box / "other");
}

const std::string lenet = " --model lenet --num-train 200 --num-test 50";
const std::string recipe = " --epochs 2 --batch 64";

}  // namespace

TEST_CASE("same bytes: compute_ntk by every method, and all that is trained on its eigenfunctions") {
  const Sandbox box;
  for (const std::string method : {"full", "lanczos", "nystrom --nystrom-points 60"})
    same_bytes(box, "compute_ntk" + lenet + " --eigen 7 --method " + method, "K-" + method.substr(0, method.find(' ')));
  same_bytes(box, "compute_ntk" + lenet + " --eigen 7 --save-ntk", "K");
  for (const std::string kind : {"", " --alignment-every 1", " --linearize", " --linearize --space function"})
    same_bytes(box, "train_ntk --ntk K --index 2,5" + recipe + kind, "T" + std::to_string(kind.size()));
  same_bytes(box, "pretrained_ntk_comparison --ntk K --index 2,5" + recipe, "P");
  fs::remove(box / "K/ntk.npy");
  same_bytes(box, "train_ntk --ntk K --index 2 --linearize --space function" + recipe, "T");
}

TEST_CASE("same bytes: compute_nads at zero and over points, and all that is trained along its directions") {
  const Sandbox box;
  same_bytes(box, "compute_nads --model lenet --activation relu --shape 16,16,1 --sigma 0.5 --samples 3", "E");
  same_bytes(box, "compute_nads --model lenet --shape 16,16,1", "D");
  for (const std::string kind : {"", " --linearize", " --linearize --space function"})
    same_bytes(box, "train_nads --nads D --index 0,100 --num-train 200 --num-test 50" + recipe + kind, "T" + std::to_string(kind.size()));
}

TEST_CASE("same bytes: train_cifar, network and linearization in both spaces") {
  const Sandbox box;
  for (const std::string kind : {"", " --linearize", " --linearize --space function"})
    same_bytes(box, "train_cifar --model lenet --num-train 30,200 --num-test 50 --epochs 2" + kind, "C" + std::to_string(kind.size()));
}

TEST_CASE("same bytes: a residual network, whose statistics are those of its batches") {
  const Sandbox box;
  const std::string resnet = " --model resnet18 --filters 4 --num-train 64 --num-test 16";
  same_bytes(box, "compute_ntk" + resnet + " --eigen 5", "K");
  same_bytes(box, "train_ntk --ntk K --index 2 --epochs 1 --batch 32", "N");
  same_bytes(box, "pretrained_ntk_comparison --ntk K --index 2 --epochs 1 --batch 32", "P");
}
