// What a page advises to run is what made its folder: the same sizes and data.
#include "experiments/claims/study/runs.h"
#include "experiments/common/text/shell.h"
#include "tests/experiments/reproduce/study.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using test::Sandbox;
namespace fs = std::filesystem;

TEST_CASE("advice: reproduce with the options that a page names lists the commands of its folder") {
  const Sandbox box;
  // Every program does nothing.
  fs::create_directory(box / "bin");
  for (const char* program : {"compute_ntk", "report"}) {
    box.write(std::string("bin/") + program, "#!/bin/sh\nexit 0\n");
    fs::permissions(box / "bin" / program, fs::perms::owner_all);
  }
  const std::string odd = "b & 'c' $x.npy";
  data::save_npy(box / odd, Tensor<float>::zeros({4, 2, 2, 1}));
  const std::string reproduce = places::reproduce() + " --bin " + (box / "bin").string();
  const std::string all[] = {"--num-train 400 --num-test 50", "--full --seeds 2", "--num-train 300 --epochs 7 --seeds 1",
                             "--targets 1,3:9 --seeds 4 --num-train 5000", "--seeds 1 --data " + shell_quoted(odd)};
  for (const std::string& options : all) {
    INFO(options);
    fs::remove_all(box / "out");
    const auto made = test::shell(box, reproduce + " --out out --only ntk-mlp " + options);
    INFO(made.err);
    REQUIRE(made.status == 0);
    const Reproduced read = Reproduced::read(box / "out");
    CHECK(read.command("no-such-*") == "");
    CHECK(read.command_around("no-such", 3) == "");
    CHECK((read.command("classes-*") == "") == (options.find(".npy") != std::string::npos));  // a file has no classes
    std::string advice = read.command("trained-*");
    REQUIRE(advice.starts_with("reproduce "));
    advice = reproduce + advice.substr(std::string("reproduce").size());
    const auto list = [&](const std::string& command) {
      const auto end = test::shell(box, "cd out && " + command + " --list");
      INFO(end.err);
      CHECK(end.status == 0);
      return end.out;
    };
    const std::string before = list(places::reproduce() + " --only 'trained-*' " +
                                    (options.find(".npy") == std::string::npos ? options : "--seeds 1 --data ../" + shell_quoted(odd)));
    CHECK(before.size() > 100);
    CHECK(list(advice) == before);
  }
  // More seeds, of a step with all that belongs to it.
  CHECK(Reproduced::read(box / "out").command_around("eigenfunctions-mlp", 3).ends_with(" --seeds 3 --only 'eigenfunctions-mlp*'"));
}
