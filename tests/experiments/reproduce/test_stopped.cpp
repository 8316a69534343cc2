// The study's script where it is stopped from outside, and where several of it meet.
#include <csignal>

#include "experiments/common/process/lock.h"
#include "tests/experiments/reproduce/study.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Running;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

/// A training long enough to be met in its midst.
const std::string long_study = places::reproduce() + " --bin " + places::binaries() +
                               " --out results --seeds 1 --num-train 300 --num-test 40 --epochs 100000 --only eigenfunctions-mlp";

}  // namespace

TEST_CASE("reproduce stopped: its step ends before it does, whatever the signal and whoever gets it, and its folders are free") {
  struct Case {
    int signal;
    bool group;  ///< as a terminal and some batch systems do
  };
  for (const auto& [signal, group] :
       {Case{SIGINT, true}, Case{SIGINT, false}, Case{SIGTERM, false}, Case{SIGHUP, true}, Case{SIGUSR1, true}}) {
    INFO(signal << (group ? " to all" : ""));
    const Sandbox box;
    Running run(long_study, box.path(), Running::Group::own);
    test::wait_for(box / "results/eigenfunctions-mlp/.unfinished", run);
    if (group)
      run.signal_group(signal);
    else
      run.signal(signal);
    const auto end = run.wait();
    INFO(end.out << end.err);
    CHECK(end.status == 128 + signal);
    CHECK_THAT(end.err, ContainsSubstring("train_ntk: interrupted; the same command goes on from here\n"));
    CHECK_THAT(end.err, ContainsSubstring("reproduce: interrupted; the same command goes on from here\n") &&
                            !ContainsSubstring("ended with status"));
    CHECK_NOTHROW(FolderLock(box / "results/eigenfunctions-mlp", "--out"));
    CHECK_NOTHROW(FolderLock(box / "results", "--out"));
    CHECK(!fs::exists(box / "results/steps/eigenfunctions-mlp.done"));
  }
}

TEST_CASE("reproduce stopped: while it looks through the steps, nothing is left of that") {
  const auto looks = [](const fs::path& results) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(results, error))
      if (entry.path().filename().string().starts_with(".begun")) return true;
    return false;
  };
  const Sandbox box;
  for (const std::string out : {"results", "other"}) {  // before its steps, and for its plan
    const bool plans = out == "other";
    Running run(places::reproduce() + " --bin " + places::binaries() + " --out " + out + (plans ? " --plan" : ""), box.path(),
                Running::Group::own);
    const fs::path near = plans ? box.path() : box / out;
    for (int i = 0; i < 3000 && !looks(near); ++i) usleep(10'000);
    REQUIRE(looks(near));
    run.signal_group(SIGTERM);
    CHECK(run.wait().status != 0);
    CHECK(!looks(near));
  }
}

TEST_CASE("reproduce stopped: under nohup a closed terminal ends nothing") {
  const Sandbox box;
  Running run = test::start_shell(
      box, "trap '' HUP\nexec " + test::for_shell(test::study("--num-test 40 --targets 1,3,5 --only eigenfunctions-mlp")));
  test::wait_for(box / "results/ntk-mlp/.unfinished", run);
  run.signal(SIGHUP);
  const auto end = run.wait();
  INFO(end.out << end.err);
  CHECK(end.status == 0);
  CHECK(fs::exists(box / "results/eigenfunctions-mlp/accuracy.csv"));
}

TEST_CASE("reproduce stopped: the second of two into one folder is refused by name, and touches nothing") {
  const Sandbox box;
  fs::create_directory(box / "results");
  const FolderLock lock(box / "results", "--out results");
  const auto end = box.run(long_study);
  CHECK(end.status == 2);
  CHECK_THAT(end.err, ContainsSubstring("reproduce: --out ") && ContainsSubstring(fmt::format("results: process {} on ", getpid())) &&
                          ContainsSubstring("is writing there; wait for it, end it, or give another folder\n"));
  CHECK(test::steps_in(box / "results").empty());
}

TEST_CASE("reproduce stopped: a step that fails ends it with the step's status and names it") {
  const Sandbox box;
  box.write("results/ntk-mlp/notes.txt", "another's");
  const auto end = box.run(test::study("--num-test 40 --only ntk-mlp"));
  CHECK(end.status == 2);
  CHECK_THAT(end.err, ContainsSubstring("compute_ntk: ") && ContainsSubstring("reproduce: ntk-mlp ended with status 2: compute_ntk "));
}
