// One way out for every signal that a terminal, a batch system or a limit sends: in order where the run obeys, at once where it does not.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "experiments/common/process/interrupt.h"
#include "experiments/common/process/run_main.h"
#include "experiments/common/text/files.h"
#include "tests/experiments/cluster/shell.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
using test::shell;
using test::start_shell;
namespace fs = std::filesystem;

namespace {

const char* const line = "interrupted; the same command goes on from here\n";

std::string partial_files(const fs::path& folder) {
  std::string names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().filename().string().find(".partial") != std::string::npos) names += entry.path().string() + " ";
  return names;
}

}  // namespace

TEST_CASE("signals: each ends a run in order with status 128 + signal and keeps its epochs") {
  const Sandbox box;
  box.good(test::small_kernel + " --quiet --out K");
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU}) {
    INFO(signal);
    auto run = box.start(test::endless_training);
    test::wait_for(box / "B/alignment_init.npy", run);  // the last before its first epoch
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    run.signal(signal);
    if (signal == SIGTERM) run.signal(signal);  // a batch system sends it to the group and to the process
    const auto end = run.wait();
    CHECK(end.status == 128 + signal);
    CHECK(end.err == std::string("train_ntk: ") + line);
    CHECK(fs::exists(box / "B/last.npz"));
    CHECK(!fs::exists(box / "B/.lock"));
    CHECK(partial_files(box / "B") == "");
    CHECK(box.record("B")["stages"].size() > 0);
    fs::remove_all(box / "B");
  }
}

TEST_CASE("signals: under nohup a hang-up is nothing") {
  const Sandbox box;
  box.good(test::small_kernel + " --quiet --out K");
  auto run = start_shell(box, "trap '' HUP; exec " + test::endless_training);
  test::wait_for(box / "B/labels.npy", run);
  run.signal(SIGHUP);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(!run.over());
  run.signal(SIGTERM);
  CHECK(run.wait().status == 143);
}

TEST_CASE("signals: a file that may not grow is one line with the reason, and leaves nothing half written") {
  const Sandbox box;
  const auto end = shell(box, "ulimit -f 1; exec " + test::small_kernel + " --eigen 16 --save-ntk --quiet --out K");
  INFO(end.err);
  CHECK(end.status == 1);
  CHECK(std::count(end.err.begin(), end.err.end(), '\n') == 1);
  CHECK_THAT(end.err, ContainsSubstring("compute_ntk: cannot write ") && ContainsSubstring("/K/") && ContainsSubstring("File too large"));
  CHECK(partial_files(box / "K") == "");
}

TEST_CASE("signals: a run in the middle of LAPACK ends too, leaves nothing half written, and its folder is free") {
  const Sandbox box;
  // The eigenproblem of 4096 directions alone takes half a minute and more.
  const std::string command = "compute_nads --model mlp --features 1,1 --shape 64,64,1 --quiet --out N";
  auto run = box.start(command);
  test::wait_for(box / "N/init.npz", run);
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  run.signal(SIGINT);
  const auto end = run.wait();
  CHECK(end.status == 130);
  CHECK(end.err == std::string("compute_nads: ") + line);
  CHECK(partial_files(box / "N") == "");
  CHECK(fs::exists(box / "N/run.json"));
  CHECK(!fs::exists(box / "N/.lock"));
  CHECK(!fs::exists(box / "N/eigvals.npy"));  // it was not waited for
  // Whoever comes next is not refused.
  auto next = box.start(command);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(!next.over());
  next.signal(SIGTERM);
  CHECK(next.wait().status == 143);
}

TEST_CASE("signals: what was not saved is saved when a run that does not obey is left") {
  if (const char* folder = std::getenv("TANGENTPLANE_CHILD")) {  // started below
    const char* const argv[] = {"stubborn"};
    std::exit(run_main(1, argv, [&](int, const char* const*) {
      const OnLeaving leaving([&] { replace_text(fs::path(folder) / "saved.txt", "all of it"); });
      data::write_atomically(fs::path(folder) / "half.txt", [&](std::ostream& out) {
        out << "half";
        replace_text(fs::path(folder) / "begun.txt", "");
        std::this_thread::sleep_for(std::chrono::minutes(2));
      });
    }));
  }
  const Sandbox box;
  auto run = start_shell(box, "TANGENTPLANE_CHILD=$PWD exec test_experiments 'signals: what was not saved is saved*'");
  test::wait_for(box / "begun.txt", run);
  run.signal(SIGTERM);
  const auto end = run.wait();
  INFO(end.out << end.err);
  CHECK(end.status == 143);
  CHECK(end.err == std::string("stubborn: ") + line);
  CHECK(read_text(box / "saved.txt") == "all of it");
  CHECK(!fs::exists(box / "half.txt"));
  CHECK(partial_files(box.path()) == "");
}
