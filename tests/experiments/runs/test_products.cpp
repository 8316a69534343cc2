// --products split: what a run, its record, its plan and the page say of it.
#include "tests/experiments/run_binary.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using experiments::test::Sandbox;

TEST_CASE("products: split ones are recorded with its measured error, planned, and close to float32's results") {
  const Sandbox box;
  const std::string command = "compute_ntk --model lenet --num-train 700 --num-test 20 --eigen 8 --method lanczos --save-ntk --quiet";
  const std::string plain = box.good(command + " --out plain"), said = box.good(command + " --products split --out split");
  CHECK_THAT(said,
             ContainsSubstring("compute_ntk: split products (") && ContainsSubstring("from float32's (relative, in the Frobenius norm"));
  CHECK(plain.find("split") == std::string::npos);

  const auto record = box.record("split");
  const auto& products = record["products"];
  CHECK(products["kind"] == "split");
  CHECK((products["unit"] == "amx" || products["unit"] == "fma" || products["unit"] == "plain"));
  CHECK(products["split_flops"].get<double>() > 1e7);
  CHECK(products["samples"].get<int>() >= 2);
  CHECK(products["relative_difference"].get<double>() > 1e-7);
  CHECK(products["relative_difference"].get<double>() < 2e-5);
  bool kernel = false;
  for (const auto& stage : record["stages"]) {
    REQUIRE(stage.contains("products"));
    kernel |=
        stage["name"] == "kernel" && stage["products"]["relative_difference"].get<double>() < 2e-5 && stage["products"]["samples"] > 0;
  }
  CHECK(kernel);
  CHECK(record["plan"]["split_rate"].get<double>() > 1e6);
  CHECK(box.record("plain")["products"] == nlohmann::json{{"kind", "float32"}});
  CHECK(!box.record("plain")["plan"].contains("split_rate"));

  const auto k = box.array("plain/ntk.npy"), in_parts = box.array("split/ntk.npy");
  double off = 0, all = 0;
  for (Index i = 0; i < k.size(); ++i) off += (k[i] - in_parts[i]) * (k[i] - in_parts[i]), all += k[i] * k[i];
  CHECK(off > 0);
  CHECK(std::sqrt(off / all) < 1e-5);

  // Threads change nothing, and its configuration repeats it.
  box.good("compute_ntk --config split/config.toml --threads 2 --out again");
  auto a = box.results("split"), b = box.results("again");
  CHECK(experiments::test::differing(a, b) == "");
  CHECK_THAT(a.at("config.toml"), ContainsSubstring("products = \"split\""));
  CHECK(box.results("plain").at("config.toml").find("products") == std::string::npos);
  CHECK_THAT(box.refused(command + " --out split"), ContainsSubstring("holds results of another configuration"));

  CHECK_THAT(box.good(command + " --products split --plan --out p"), ContainsSubstring("/s of split ones\n"));
  CHECK(box.good(command + " --plan --out p").find("split") == std::string::npos);
  // A training that builds on it may be of either kind.
  box.good("train_ntk --ntk split --index 1 --epochs 1 --quiet --out trained");
  CHECK(box.record("trained")["products"]["kind"] == "float32");
}

TEST_CASE("products: what cannot be is refused in one line") {
  const Sandbox box;
  CHECK(box.refused("compute_ntk --products split --dtype float64") ==
        "--products split: --dtype float64 has no split products; leave one of them out");
  CHECK(box.refused("train_cifar --products bfloat16") == "--products bfloat16: give float32 or split");
}
