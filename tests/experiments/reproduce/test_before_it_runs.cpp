// The study before its first step runs: what it would cost, what it refuses, and which images it knows.
#include "autodiff/random.h"
#include "experiments/common/run/config.h"
#include "tests/experiments/reproduce/study.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Names;
using test::ran;
using test::Sandbox;
using test::study;
using test::times;
using test::written;
namespace fs = std::filesystem;

namespace {

void write_images(const Sandbox& box, const std::string& name, std::uint64_t seed) {
  Tensor<float> images({340, 8, 8, 1});
  RandomStream random(seed, "images");
  for (float& v : images.span()) v = static_cast<float>(random.uniform());
  data::save_npy(box / name, images);
}

/// The number before that word.
double number_before(const std::string& text, const std::string& word) {
  const auto end = text.find(word), begin = text.rfind(' ', end - 2);
  REQUIRE(end != std::string::npos);
  return std::stod(text.substr(begin + 1));
}

}  // namespace

TEST_CASE("reproduce --plan: what every step costs before any has run, and the sum, and nothing is left of it") {
  const Sandbox box;
  const std::string steps = "--num-test 40 --targets 1,3 --only @(eigenfunctions|trained|directions)-mlp*";
  const std::string plan = box.good(study(steps + " --plan"));
  INFO(plan);
  CHECK(box.files() == 0);
  CHECK(box.good(study(steps + " --plan", "a/deep/one")).find("refuse") == std::string::npos);
  CHECK(box.files() == 0);
  const Names names{"ntk-mlp",    "eigenfunctions-mlp", "eigenfunctions-mlp-linearized",
                    "nads-mlp",   "directions-mlp",     "directions-mlp-linearized",
                    "trained-mlp"};
  for (const std::string& name : names) {
    const auto at = plan.find("\n" + name + ": ") + 1, all = plan.find("\n  all ", at);
    REQUIRE((at > 0 || plan.starts_with(name + ": ")));
    CHECK(all < plan.find("\n" + name, at + 1));
  }
  CHECK_THAT(plan, ContainsSubstring("\nall 7 steps: ") && ContainsSubstring("Tflop, about 0 h 0"));
  // It is what the steps then write down for themselves.
  box.good(study(steps));
  double flops = 0;
  for (const std::string& name : names) {
    const auto record = box.record("results/" + name);
    for (const auto& row : record["plan"]["stages"]) flops += row["flops"].get<double>();
  }
  CHECK(number_before(plan, "Tflop") == Approx(flops / 1e12).epsilon(0.005));

  // What does not fit is said, and what needs it; the rest is planned.
  const std::string part = box.good(study("--num-test 40 --targets 1,300 --only eigenfunctions-mlp* --plan", "other"));
  CHECK_THAT(part, ContainsSubstring("train_ntk: --index 300: ntk-mlp/eigvecs.npy holds eigenvectors 0 to 299; give one of these\n") &&
                       ContainsSubstring("\nall 1 steps: ") &&
                       ContainsSubstring("\nwithout eigenfunctions-mlp eigenfunctions-mlp-linearized, which this machine or their"));
}

TEST_CASE("reproduce: what a later step would refuse is refused before the first one runs") {
  const Sandbox box;
  const auto refused = [&](const std::string& options, const std::string& line) {
    const auto end = box.run(study(options));
    INFO(options << "\n" << end.out << end.err);
    CHECK(end.status == 2);
    CHECK(end.err.starts_with("reproduce: " + line));
    CHECK(std::count(end.err.begin(), end.err.end(), '\n') == 1);
    CHECK(test::steps_in(box / "results").empty());
  };
  refused("--num-test 40 --targets 1,300 --only eigenfunctions-mlp",
          "eigenfunctions-mlp: train_ntk: --index 300: ntk-mlp/eigvecs.npy holds eigenvectors 0 to 299");
  refused("--num-test 40 --targets 5:1 --only eigenfunctions-mlp-linearized", "eigenfunctions-mlp-linearized: train_ntk: --index 5:1: ");
  write_images(box, "x.npy", 1);
  refused("--data x.npy --num-test 41 --only trained-mlp", "ntk-mlp: compute_ntk: ");
  // A study that has begun goes on, though what is there now would be refused elsewhere.
  box.good(study("--num-test 40 --targets 1 --only eigenfunctions-mlp"));
  CHECK(!fs::exists(box / "results/plan.csv"));
  for (const auto& entry : fs::directory_iterator(box / "results")) CHECK(!entry.path().filename().string().starts_with(".begun"));
}

TEST_CASE("reproduce: images are known by their content: the same elsewhere go on, others in their place are refused") {
  const Sandbox box;
  write_images(box, "x.npy", 1);
  const std::string steps = " --num-test 40 --targets 1,3 --only eigenfunctions-mlp*";
  box.good(study("--data x.npy" + steps));
  const auto kernel = times(box / "results/ntk-mlp"), training = times(box / "results/eigenfunctions-mlp");
  fs::create_directory(box / "else where");
  fs::rename(box / "x.npy", box / "else where/y.npy");
  const auto elsewhere = [&](const std::string& more) {
    return test::shell(box, test::for_shell(study(steps)) + " --data 'else where/y.npy' " + more);
  };
  const auto moved = elsewhere("");
  INFO(moved.out << moved.err);
  REQUIRE(moved.status == 0);
  CHECK(written(kernel, times(box / "results/ntk-mlp")) == "config.toml ");
  CHECK(written(training, times(box / "results/eigenfunctions-mlp")) == "config.toml ");
  CHECK(!fs::exists(box / "results/before"));
  for (const std::string name : {"ntk-mlp", "eigenfunctions-mlp"})
    CHECK(Config::read(box / ("results/" + name + "/config.toml")).find("data")->ends_with("/else where/y.npy"));
  CHECK(ran(elsewhere("").out) == Names{});
  // More targets are trained on them where they lie now.
  const auto more = elsewhere("--targets 1,3,5");
  INFO(more.err);
  CHECK(more.status == 0);
  CHECK(fs::exists(box / "results/eigenfunctions-mlp/5/final.npz"));

  write_images(box, "else where/y.npy", 2);
  const auto other = elsewhere("");
  CHECK(other.status == 2);
  CHECK_THAT(other.err, ContainsSubstring("y.npy: its images are not those from which ") &&
                            ContainsSubstring("reproduce: ntk-mlp ended with status 2"));
  CHECK(!fs::exists(box / "results/before"));
  write_images(box, "else where/y.npy", 1);
  CHECK(elsewhere("").status == 0);
}
