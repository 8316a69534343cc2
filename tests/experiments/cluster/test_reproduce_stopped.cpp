// The study's script where it is stopped from outside, and where two of it meet.
#include <csignal>

#include "experiments/common/process/lock.h"
#include "tests/experiments/cluster/shell.h"
#include "tests/places.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Running;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::string study = places::reproduce() + " --bin " + places::binaries() +
                          " --out results --seeds 1 --num-train 300 --num-test 40 --only eigenfunctions-mlp";

}  // namespace

TEST_CASE("reproduce stopped: its step ends before it does, whatever the signal, and its folders are free") {
  for (int signal : {SIGTERM, SIGHUP, SIGINT}) {
    INFO(signal);
    const Sandbox box;
    Running run(study, box.path(), Running::Group::own);
    test::wait_for(box / "results/eigenfunctions-mlp/.unfinished", run);
    CHECK(fs::exists(box / "results/.lock"));
    if (signal == SIGINT)
      run.signal_group(signal);  // as a terminal does
    else
      run.signal(signal);
    const auto end = run.wait();
    INFO(end.out << end.err);
    CHECK(end.status == 128 + signal);
    CHECK_THAT(end.err, ContainsSubstring("train_ntk: interrupted; the same command goes on from here\n"));
    CHECK_THAT(end.err, ContainsSubstring("reproduce: interrupted; the same command goes on from here\n"));
    CHECK_NOTHROW(FolderLock(box / "results/eigenfunctions-mlp", "--out"));
    CHECK(!fs::exists(box / "results/.lock"));
    CHECK(!fs::exists(box / "results/steps/eigenfunctions-mlp.done"));
  }
}

TEST_CASE("reproduce stopped: the second of two into one folder is refused by name, and touches nothing") {
  const Sandbox box;
  fs::create_directory(box / "results");
  const FolderLock lock(box / "results", "--out results");
  const auto end = box.run(study);
  CHECK(end.status == 2);
  CHECK_THAT(end.err, ContainsSubstring("reproduce: --out ") && ContainsSubstring(fmt::format("results: process {} on ", getpid())) &&
                          ContainsSubstring("is writing there; wait for it, end it, or give another folder\n"));
  CHECK(box.listing("results").size() == 1);
}
