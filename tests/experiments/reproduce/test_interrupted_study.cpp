// The study as a whole: interrupted in the middle of a step, gone on with, moved, run again with another option, and beside what is not its
// own.
#include <chrono>
#include <thread>

#include "tests/experiments/reproduce/study.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::bytes_of_steps;
using test::few_steps;
using test::Names;
using test::Outcome;
using test::ran;
using test::Running;
using test::Sandbox;
using test::steps_in;
using test::study;
using test::times;
using test::written;
namespace fs = std::filesystem;

namespace {

const Names all_steps{"classes-mlp", "classes-mlp-linearized", "eigenfunctions-mlp", "eigenfunctions-mlp-linearized", "ntk-mlp"};

/// Starts the study and sends Ctrl-C to all of it, as a terminal does, once a network has been trained on one target of three.
Outcome interrupted(const Sandbox& box) {
  Running child(study(few_steps), box.path(), Running::Group::own);
  while (!child.over() && !fs::exists(box / "results/eigenfunctions-mlp/1/final.npz"))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  child.signal_group(SIGINT);
  return child.wait();
}

}  // namespace

TEST_CASE(
    "reproduce: interrupted in a step, the same command goes on and leaves the same bytes, moved or elsewhere it does nothing again") {
  const Sandbox box;
  const std::string first = box.good(study(few_steps));
  CHECK(ran(first) == all_steps);
  CHECK_THAT(first, ContainsSubstring("0 of 5 steps are finished") && ContainsSubstring(" min ") && ContainsSubstring(" s left"));
  CHECK(steps_in(box / "results") == all_steps);
  CHECK(fs::exists(box / "results/index.html"));
  const auto undisturbed = bytes_of_steps(box, "results");
  fs::rename(box / "results", box / "undisturbed");

  const Outcome end = interrupted(box);
  INFO(end.out << end.err);
  REQUIRE(end.status == 130);
  CHECK_THAT(end.err, ContainsSubstring("train_ntk: interrupted; the same command goes on from here\n"));
  CHECK_THAT(end.err, ContainsSubstring("reproduce: interrupted; the same command goes on from here\n"));
  REQUIRE(fs::exists(box / "results/eigenfunctions-mlp/.unfinished"));
  REQUIRE(!fs::exists(box / "results/eigenfunctions-mlp/accuracy.csv"));
  CHECK(!fs::exists(box / "results/index.html"));

  // The results are moved as a whole, half a step among them, and the binaries stand elsewhere.
  fs::rename(box / "results", box / "moved");
  fs::create_directory(box / "bin");
  for (const auto& binary : fs::directory_iterator(places::binaries()))
    fs::create_symlink(binary.path(), box / "bin" / binary.path().filename());
  const auto kernel = times(box / "moved/ntk-mlp"), target = times(box / "moved/eigenfunctions-mlp/1");
  const std::string second = box.good(study(few_steps, "moved", "bin"));
  const Names left = ran(second);
  CHECK(std::find(left.begin(), left.end(), "eigenfunctions-mlp") != left.end());
  CHECK(std::find(left.begin(), left.end(), "ntk-mlp") == left.end());
  CHECK(written(kernel, times(box / "moved/ntk-mlp")) == "");
  CHECK(written(target, times(box / "moved/eigenfunctions-mlp/1")) == "alignment.svg ");
  CHECK(!fs::exists(box / "moved/before"));
  CHECK(test::differing(bytes_of_steps(box, "moved"), undisturbed) == "");

  // And once more, moved again: nothing is left to do.
  fs::rename(box / "moved", box / "again");
  const auto finished = times(box / "again/eigenfunctions-mlp");
  const std::string third = box.good(study(few_steps, "again"));
  CHECK(ran(third) == Names{});
  CHECK_THAT(third, ContainsSubstring("5 of 5 steps are finished"));
  CHECK(written(finished, times(box / "again/eigenfunctions-mlp")) == "");

  // Without ninja's own notes each command finds its step finished.
  fs::remove(box / "again/steps/.ninja_log");
  box.good(study(few_steps, "again"));
  CHECK(written(finished, times(box / "again/eigenfunctions-mlp")) == "");

  // What was deleted is made anew, the same.
  fs::remove_all(box / "again/classes-mlp");
  CHECK(ran(box.good(study(few_steps, "again"))) == Names{"classes-mlp"});
  CHECK(test::differing(bytes_of_steps(box, "again"), undisturbed) == "");
}

TEST_CASE("reproduce: another option runs again what depends on it, results of before are moved aside, never deleted") {
  const Sandbox box;
  const std::string steps = " --targets 1,3,5 --only @(eigenfunctions-mlp|nads-lenet)";
  box.good(study("--num-test 40" + steps));
  const auto before = bytes_of_steps(box, "results");
  const auto directions = times(box / "results/nads-lenet");
  CHECK(read_text(box / "results/eigenfunctions-mlp/config.toml").find("num-test = 40\n") != std::string::npos);

  // Other images: the training's own command names none, it is run again for its kernel is.
  const Outcome end = box.run(study("--num-test 50" + steps));
  INFO(end.out << end.err);
  REQUIRE(end.status == 0);
  CHECK(ran(end.out) == Names{"eigenfunctions-mlp", "ntk-mlp"});
  CHECK(written(directions, times(box / "results/nads-lenet")) == "");
  for (const std::string step : {"ntk-mlp", "eigenfunctions-mlp"}) {
    INFO(step);
    CHECK(read_text(box / ("results/" + step + "/config.toml")).find("num-test = 50\n") != std::string::npos);
    CHECK_THAT(end.err, ContainsSubstring("reproduce: " + step + " held results of another command; they are in " +
                                          (box / ("results/before/" + step + "-1")).string() + " now\n"));
  }
  const auto aside = bytes_of_steps(box, "results/before");
  for (const auto& [name, bytes] : before) {
    const auto slash = name.find('/');
    if (name.starts_with("nads-lenet")) continue;
    INFO(name);
    CHECK(aside.at(name.substr(0, slash) + "-1" + name.substr(slash)) == bytes);
  }
  CHECK(!fs::exists(box / "results/before/nads-lenet-1"));
  // The page tells of what is there now.
  CHECK(read_text(box / "results/index.html").find("before/") == std::string::npos);

  // Twice over.
  box.good(study("--num-test 60" + steps));
  CHECK(fs::exists(box / "results/before/ntk-mlp-2/eigvecs.npy"));

  // Results that no reproduce made are refused, and stay.
  fs::remove_all(box / "results");
  box.good("compute_ntk --model mlp --num-train 300 --num-test 40 --eigen 10 --quiet --out results/ntk-mlp");
  const auto own = times(box / "results/ntk-mlp");
  for (int again = 0; again < 2; ++again) {
    const Outcome refused = box.run(study("--num-test 40" + steps));
    CHECK(refused.status == 2);
    CHECK_THAT(refused.err, ContainsSubstring("ntk-mlp: holds results of another configuration (--eigen is 10 there and 300 here)") &&
                                ContainsSubstring("reproduce: ntk-mlp ended with status 2: compute_ntk --model mlp "));
  }
  CHECK(written(own, times(box / "results/ntk-mlp")) == "");
}

TEST_CASE("reproduce: targets may come in parts, those that are there are trained no more") {
  const Sandbox box;
  const std::string steps = " --num-test 40 --only eigenfunctions-mlp*";
  box.good(study("--targets 3" + steps));
  const auto labels = test::bytes_of(box / "results/eigenfunctions-mlp/labels.npy");
  box.good(study("--targets 1,5" + steps));
  CHECK(test::bytes_of(box / "results/eigenfunctions-mlp/3/labels.npy") == labels);
  const auto parts = bytes_of_steps(box, "results");
  const auto finished = times(box / "results/eigenfunctions-mlp");
  box.good(study("--targets 5,3" + steps));
  CHECK(written(finished, times(box / "results/eigenfunctions-mlp")) == "");
  CHECK(!fs::exists(box / "results/before"));

  box.good(study("--targets 1,3,5" + steps, "whole"));
  CHECK(test::differing(bytes_of_steps(box, "whole"), parts) == "");
}

TEST_CASE("reproduce: the marks of an older version are understood: its results stay where they are of the same configuration") {
  const Sandbox box;
  const std::string out = (box / "results").string(),
                    kernel = " --model mlp --num-train 300 --num-test 40 --eigen 300 --save-ntk --seed 0 ";
  const std::string training = " --index 1,3,5 --epochs 2 --seed 0 ";
  box.good("compute_ntk" + kernel + "--data dead-leaves --data-seed 0 --quiet --out " + out + "/ntk-mlp");
  box.good("train_ntk --ntk " + out + "/ntk-mlp --index 1 --epochs 3 --seed 0 --quiet --out " + out + "/eigenfunctions-mlp");
  const auto mark = [&](const std::string& step, const std::string& command) {
    box.write("results/steps/" + step + ".begun", command + "\n" + out + "\n");
    box.write("results/steps/" + step + ".done", command + "\n");
  };
  mark("ntk-mlp", "compute_ntk" + kernel + "--data dead-leaves --data-seed 0 ");
  mark("eigenfunctions-mlp", "train_ntk --ntk @ --index 1 --epochs 3 --seed 0 \ncompute_ntk" + kernel);
  const auto before = times(box / "results/ntk-mlp");
  const Outcome end = box.run(study("--num-test 40 --targets 1,3,5 --only eigenfunctions-mlp"));
  INFO(end.out << end.err);
  REQUIRE(end.status == 0);
  CHECK(written(before, times(box / "results/ntk-mlp")) == "");
  CHECK_THAT(end.err, ContainsSubstring("(--epochs is 3 there and 2 here)") &&
                          ContainsSubstring("reproduce: eigenfunctions-mlp held results of another command; they are in "));
  CHECK(fs::exists(box / "results/before/eigenfunctions-mlp-1/final.npz"));
  CHECK(fs::exists(box / "results/eigenfunctions-mlp/5/final.npz"));
}
