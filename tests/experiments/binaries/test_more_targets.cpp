// A training that comes back to its folder for more targets, and folders that were moved together.
#include <csignal>

#include "experiments/common/run/config.h"
#include "tests/experiments/trainings.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Running;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::string kernel = "compute_ntk --model mlp --features 5,1 --num-train 24 --num-test 9 --save-ntk --dtype float64 --quiet --out K";
const std::string training = "train_ntk --ntk K --batch 6 --epochs 3 --dtype float64 --quiet";

/// Two folders of the same run: what they hold, but for run.json.
std::string differing(const Sandbox& box, const std::string& a, const std::string& b) {
  return test::differing(box.results(a), box.results(b));
}

}  // namespace

TEST_CASE("more targets: those that are there stay as they are, a single one gets a folder of its own, in the end it is one run") {
  const Sandbox box;
  box.good(kernel);
  for (const std::string learner : {"", " --linearize", " --linearize --space function"}) {
    INFO(learner);
    const std::string out = learner.empty() ? "N" : learner.ends_with("function") ? "F" : "P", one = out + "1", all = out + "3";
    box.good(training + learner + " --index 7 --out " + one);
    const auto labels = test::bytes_of(box / one / "labels.npy");
    const auto written = fs::last_write_time(box / one / "final.npz");
    CHECK_THAT(box.good(training + learner + " --index 2,11 --out " + one), ContainsSubstring("in " + (box / one).string()));
    CHECK(test::bytes_of(box / one / "7/labels.npy") == labels);
    CHECK(!fs::exists(box / one / "labels.npy"));
    // Side by side they are all trained again, which costs little.
    if (out != "F") CHECK(fs::last_write_time(box / one / "7/final.npz") == written);
    box.good(training + learner + " --index 2,7,11 --out " + all);
    CHECK(differing(box, one, all) == "");

    for (const char* part : {"11,2,7", "7", "2,11"})
      CHECK_THAT(box.good(training + learner + " --index " + part + " --out " + one), ContainsSubstring("is finished, nothing to do"));
    CHECK(differing(box, one, all) == "");
    // From several to more.
    box.good(training + learner + " --index 0,1 --out " + one);
    box.good(training + learner + " --index 0,1,2,7,11 --out " + out + "5");
    CHECK(differing(box, one, out + "5") == "");
  }
}

TEST_CASE("more targets: other options, other labels and other experiments are refused as ever") {
  const Sandbox box;
  box.good(kernel);
  box.good(training + " --index 7 --out B");
  CHECK_THAT(box.refused(training + " --index 7,8 --learning-rate 0.1 --out B"),
             ContainsSubstring("(--learning-rate is 0.05 there and 0.1 here)"));
  CHECK_THAT(box.refused(training + " --index 7,33 --out B"), ContainsSubstring("--index 33: "));
  CHECK_THAT(box.refused(training + " --index 7,8,7 --out B"), ContainsSubstring("index 7 comes twice"));
  const std::string compare = "pretrained_ntk_comparison --ntk K --batch 6 --epochs 1 --dtype float64 --quiet --out C --index ";
  box.good(compare + "7");
  CHECK_THAT(box.refused(compare + "7,8"), ContainsSubstring("(--index is 7 there and 7,8 here)"));
  // Eigenvectors that were replaced give the target that is there other labels.
  auto vectors = box.array("K/eigvecs.npy");
  for (double& v : vectors.span()) v = -v;
  data::save_npy(box / "K/eigvecs.npy", vectors);
  CHECK_THAT(box.refused(training + " --index 7,8 --out B"),
             ContainsSubstring("--ntk ") && ContainsSubstring("its labels are not those from which"));
  CHECK(fs::exists(box / "B/final.npz"));
}

TEST_CASE("more targets: a training that was stopped in its midst takes them too") {
  const Sandbox box;
  box.good(kernel);
  for (const std::string learner : {"", " --linearize --space function"}) {
    INFO(learner);
    const std::string out = learner.empty() ? "N" : "F",
                      command = "train_ntk --ntk K --batch 6 --epochs 4000 --dtype float64 --quiet" + learner;
    {
      Running run = box.start(command + " --index 3,7 --out " + out);
      while (!run.over() && !fs::exists(box / out / "3/labels.npy")) usleep(1000);
      usleep(20'000);
      run.signal(SIGINT);
      REQUIRE(run.wait().status == 130);
    }
    box.good(command + " --index 5 --out " + out);
    box.good(command + " --index 3,5,7 --out " + out + "3");
    CHECK(differing(box, out, out + "3") == "");
  }
}

TEST_CASE("folders that were moved together are gone on with, finished or not, one that was moved away from what it builds on is not") {
  const Sandbox box;
  box.good(kernel);
  box.good(training + " --index 3,7 --out B");
  fs::create_directory(box / "M");
  fs::rename(box / "K", box / "M/K");
  fs::rename(box / "B", box / "M/B");
  const std::string moved = "train_ntk --ntk M/K --batch 6 --epochs 3 --dtype float64 --quiet --index 3,7 --out M/B";
  CHECK_THAT(box.good(moved), ContainsSubstring("is finished, nothing to do"));
  const auto undisturbed = box.results("M/B");
  // Half of it is gone: the rest is trained where it lies now, and config.toml says where.
  fs::remove(box / "M/B/7/final.npz");
  const auto written = fs::last_write_time(box / "M/B/3/final.npz");
  box.good(moved);
  CHECK(fs::last_write_time(box / "M/B/3/final.npz") == written);
  auto now = box.results("M/B");
  CHECK(Config::read(box / "M/B/config.toml").find("ntk")->ends_with("/M/K"));
  now["config.toml"] = undisturbed.at("config.toml");
  CHECK(test::differing(now, undisturbed) == "");

  fs::copy(box / "M/K", box / "K", fs::copy_options::recursive);
  CHECK_THAT(box.refused("train_ntk --ntk K --batch 6 --epochs 3 --dtype float64 --quiet --index 3,7 --out M/B"),
             ContainsSubstring("holds results of another configuration (--ntk is "));
}
