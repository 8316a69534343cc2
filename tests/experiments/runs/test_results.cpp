// Who may write into which folder, and what a run leaves there.
#include <csignal>
#include <nlohmann/json.hpp>

#include "experiments/common/options/options.h"
#include "experiments/common/process/interrupt.h"
#include "experiments/common/process/run_main.h"
#include "experiments/common/run/provenance.h"
#include "experiments/common/run/results.h"
#include "experiments/common/run/run_record.h"
#include "experiments/common/text/files.h"
#include "tests/catch.h"
#include "tests/experiments/captured.h"
#include "tests/temporary_folder.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using State = ResultsFolder::State;
using test::captured;
using test::thrown;

namespace {

Config config_with(std::uint64_t seed, const std::string& out = "x") {
  Config c;
  c.set("model", "lenet");
  c.set("seed", seed);
  c.set("out", out);
  return c;
}

}  // namespace

TEST_CASE("a results folder takes one run, which may be gone on with and repeated") {
  const TemporaryFolder folder;
  const auto path = folder / "a/b";
  ResultsFolder run(path, "compute_ntk", config_with(1));
  CHECK(run.check() == State::fresh);
  CHECK(!std::filesystem::exists(folder / "a"));
  CHECK(run.claim());
  CHECK(run.check() == State::unfinished);
  CHECK(run.claim());
  run.finish();
  CHECK(ResultsFolder(path, "compute_ntk", config_with(1, "elsewhere")).check() == State::finished);
  CHECK(captured(1, [&] { CHECK_FALSE(run.claim()); }) == "compute_ntk: " + path.string() + " is finished, nothing to do\n");
  CHECK(Config::read(path / "config.toml").entries() == config_with(1).entries());

  const std::string name = "--out " + path.string() + ": ";
  CHECK(thrown([&] { ResultsFolder(path, "compute_ntk", config_with(2)).check(); }) ==
        name + "holds results of another configuration (--seed is 1 there and 2 here); give another folder, or delete it");
  Config more = config_with(1);
  more.set("init", "w.npz");
  CHECK(thrown([&] { ResultsFolder(path, "compute_ntk", more).check(); }).find("--init is nothing there and w.npz here") !=
        std::string::npos);
  CHECK(thrown([&] { ResultsFolder(path, "train_ntk", config_with(1)).check(); }) ==
        name + "holds results of another experiment (compute_ntk); give another folder");
}

TEST_CASE("a run that ended before its first result does not keep its folder from another configuration") {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  const auto begin = [&](Index seed) {
    ResultsFolder run(path, "compute_ntk", config_with(seed));
    CHECK(run.claim());
    folder.write("a/init.npz", "weights of seed " + std::to_string(seed));
    folder.write("a/run.json", "{}");
    folder.write("a/plan.csv", "stage,flops,seconds,memory_bytes,disk_bytes\n");
  };
  begin(1);
  CHECK(ResultsFolder(path, "compute_ntk", config_with(1)).check() == State::unfinished);
  CHECK(ResultsFolder(path, "compute_ntk", config_with(2)).check() == State::fresh);
  CHECK(ResultsFolder(path, "compute_ntk", config_with(2)).claim());
  for (const char* name : {"init.npz", "run.json", "plan.csv"}) CHECK(!std::filesystem::exists(path / name));
  CHECK(Config::read(path / "config.toml").entries() == config_with(2).entries());
  begin(2);
  folder.write("a/eigvals.npy", "a result");
  CHECK_THAT(thrown([&] { ResultsFolder(path, "compute_ntk", config_with(3)).check(); }),
             Catch::Matchers::ContainsSubstring("holds results of another configuration (--seed is 2 there and 3 here)"));
}

TEST_CASE("folders that are not ours, or cannot be written, are refused before any work") {
  const TemporaryFolder folder;
  folder.write("notes/todo.txt", "mine");
  CHECK(thrown([&] { ResultsFolder(folder / "notes", "x", {}).check(); }) ==
        "--out " + (folder / "notes").string() + ": the folder holds other files; give a new or an empty one");
  CHECK(thrown([&] { ResultsFolder(folder / "notes/todo.txt", "x", {}).check(); }).find("is not a folder") != std::string::npos);
  CHECK(thrown([&] { ResultsFolder(folder / "notes/todo.txt/sub", "x", {}).check(); }).find("is not a folder") != std::string::npos);
  CHECK(thrown([&] { ResultsFolder("/proc/tangentplane", "x", {}).claim(); }).find("cannot be written") != std::string::npos);
  std::filesystem::create_directory(folder / "empty");
  CHECK(ResultsFolder(folder / "empty", "x", {}).check() == State::fresh);
  folder.write("empty/.unfinished", "");
  CHECK(ResultsFolder(folder / "empty", "x", {}).check() == State::fresh);
}

TEST_CASE("run.json records the run, its machine and its stages, also of a run that ends early") {
  const TemporaryFolder folder;
  ResultsFolder results(folder / "r", "compute_ntk", config_with(1));
  REQUIRE(results.claim());
  const auto json = [&] { return nlohmann::json::parse(read_text(folder / "r/run.json")); };
  try {
    RunRecord record(results);
    { const auto done = record.stage("kernel"); }
    const auto stage = record.stage("eigen");
    throw std::runtime_error("stopped");
  } catch (const std::runtime_error&) {
  }
  CHECK(json()["finished"] == false);
  CHECK(json()["stages"][0]["complete"] == true);
  CHECK(json()["stages"][1]["complete"] == false);
  CHECK(results.check() == State::unfinished);
  {
    RunRecord record(results);
    {
      auto stage = record.stage("eigen");
      stage.add_flops(3e12);
      stage.add_flops(1);
    }
    record.set("parameters", 136121);
    record.set("class_balance", 0.25);
    record.set("method", "lanczos");
    record.finish();
  }
  const auto j = json();
  CHECK(results.check() == State::finished);
  CHECK(j["finished"] == true);
  CHECK(j["experiment"] == "compute_ntk");
  CHECK(j["parameters"].dump() == "136121");
  CHECK(j["class_balance"] == 0.25);
  CHECK(j["method"] == "lanczos");
  CHECK(j["stages"].size() == 3);
  CHECK(j["stages"][2]["flops"].dump() == "3000000000001");
  CHECK(j["stages"][2]["seconds"] >= 0);
  CHECK(j["peak_memory"] > 1 << 20);
  CHECK(j["blas"]["core"] != "");
  CHECK(j["machine"]["threads"] > 0);
  CHECK(j["date"].get<std::string>().size() == 20);
  folder.write("r/run.json", "{}");
  CHECK(thrown([&] { RunRecord record(results); }).find("is not the record of a run") != std::string::npos);
}

TEST_CASE("a run ends with the status and the one line that its end deserves") {
  const char* const argv[] = {"/some/where/compute_ntk"};
  int status = -1;
  const auto end_of = [&](const std::function<void()>& body) {
    return captured(2, [&] { status = run_main(1, argv, [&](int, const char* const*) { body(); }); });
  };
  CHECK(end_of([] {}) == "");
  CHECK(status == 0);
  CHECK(end_of([] { throw Done{0}; }) == "");
  CHECK(status == 0);
  CHECK(end_of([] { require(false, "--seed {}: give\nan integer", "x"); }) == "compute_ntk: --seed x: give an integer\n");
  CHECK(status == 2);
  CHECK(end_of([] { throw std::runtime_error("disk full"); }) == "compute_ntk: disk full\n");
  CHECK(status == 1);
  CHECK(end_of([] { throw std::bad_alloc(); }).find("out of memory; give a smaller --memory") != std::string::npos);
  CHECK(status == 1);
  CHECK(end_of([] {
          check_interrupt();
          std::raise(SIGINT);
          check_interrupt();
        }) == "compute_ntk: interrupted; the same command goes on from here\n");
  CHECK(status == 130);
  CHECK(std::signal(SIGINT, SIG_DFL) == SIG_DFL);  // so that a second one kills
  end_of([] {
    std::raise(SIGTERM);
    check_interrupt();
  });
  CHECK(status == 143);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
}

TEST_CASE("both --help and --version are answered on standard output and end the run well") {
  for (const char* word : {"--help", "--version"}) {
    const char* const argv[] = {"compute_ntk", word};
    int status = -1;
    const std::string text = captured(1, [&] {
      status = run_main(2, argv, [](int argc, const char* const* words) {
        CommandLine line("Computes a kernel", "compute_ntk");
        CommonOptions options;
        add_common_options(line, options);
        parse(line, argc, words);
      });
    });
    CHECK(status == 0);
    CHECK(text.find(std::string(word) == "--help" ? "--num-train" : "tangentplane " + version()) != std::string::npos);
  }
}
