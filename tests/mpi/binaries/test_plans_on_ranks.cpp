// What plans of ranks say, and that ranks send and hold no more.
#include <map>

#include "autodiff/cpu/limits.h"
#include "tests/mpi/binaries/on_ranks.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;
using Catch::Matchers::ContainsSubstring;

namespace {

TEST_CASE("a rank sends and holds what the plan says") {
  const Sandbox box;
  for (int ranks : {2, 4}) {
    const std::string out = fmt::format("on{}", ranks);
    box.good(on(ranks, "compute_ntk --num-train 3800 --num-test 200 --model lenet --quiet --eigen 200 --out " + out));
    const auto record = box.record(out);
    INFO(record.dump(1));
    CHECK(record["sent_bytes"].get<double>() == Approx(record["planned_sent_bytes"].get<double>()).epsilon(0.1));
    double planned = 0;
    for (const auto& stage : record["plan"]["stages"]) planned = std::max(planned, stage["memory"].get<double>());
    CHECK(record["peak_memory"].get<double>() <= 1.15 * planned + 100e6);
  }
}

TEST_CASE("a plan of a cluster tells stages of a rank") {
  const Sandbox box;
  const auto said = box.good(
      "compute_ntk --num-train 1000000 --num-test 281167 --eigen 1000 --model lenet --plan --ranks 16 --node-gflops 2000 "
      "--network-gbits 10 --node-memory 512G --memory 512G");
  for (const char* word : {"features", "kernel", "eigenpairs", "sent", "received", "on each of 16 ranks", "Krylov-Schur", "full reduction"})
    CHECK_THAT(said, ContainsSubstring(word));
  CHECK_THAT(box.run("compute_ntk --ranks 4").err, ContainsSubstring("--ranks: only --plan takes it"));
  CHECK(lines_of(box.good(on(2, "compute_ntk" + small + " --plan"))).size() > 4);
}

TEST_CASE("a rank holds its share of the kernel, features and a basis, and not more of the kernel") {
  const Sandbox box;
  constexpr Index n = 12000, pixels = 8 * 8 * 3, width = 16, ranks = 3;
  save_noise<float>(box / "images.npy", {n, 8, 8, 3});
  const std::string command =
      fmt::format("compute_ntk --data images.npy --num-train {} --model mlp --features {},1 --eigen 10 --quiet --out K", n - 100, width);
  // The bound, of formulas alone: each pair of images once, dealt; per layer an image's input and gradient, of a rank's own images and of
  // those that pass by; 10 pairs and 4 blocks of 16 vectors, in whole blocks, and one more; images, program and MPI are in the 100 MB.
  constexpr double number = sizeof(float), size = n, pairs = size * size / 2 * number, share = pairs / ranks,
                   features = 2 * size / ranks * (pixels + width + width + 1) * number, basis = 96 * size / ranks * number,
                   bound = 1.15 * (share + features + basis) + 100e6;
  STATIC_REQUIRE(pairs > bound);  // a rank that held all of them, the mirrored ones left out, would be seen
  std::map<pid_t, double> peaks;
  Running run(on(ranks, command), box.path());
  while (!run.over()) {
    for (const pid_t rank : processes_of("compute_ntk", box.path()))
      if (const auto kib = cpu::number_after(fmt::format("/proc/{}/status", rank), "VmHWM:"))
        peaks[rank] = std::max(peaks[rank], static_cast<double>(*kib) * 1024);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const Outcome end = run.wait();
  INFO(end.err);
  REQUIRE(end.status == 0);
  REQUIRE(peaks.size() == ranks);
  for (const auto& [rank, peak] : peaks) {
    CHECK(peak >= share);  // was looked at while it held its tiles
    CHECK(peak <= bound);
  }
  CHECK(box.record("K")["peak_memory"].get<double>() <= bound);
  CHECK(box.record("K")["plan"]["kernel"] == "in the memory of the ranks");
}

/// The row of that name in the plan of run.json.
nlohmann::json planned(const nlohmann::json& record, const std::string& name) {
  for (const auto& row : record["plan"]["stages"])
    if (row["name"] == name) return row;
  FAIL("no row " << name << " in " << record.dump(1));
  return {};
}

TEST_CASE("a training in function space on ranks sends and computes what its plan says, of a rank") {
  const Sandbox box;
  box.good("compute_ntk" + small + " --dtype float64 --eigen 10 --save-ntk --out ntk");
  box.good("compute_ntk" + small + " --dtype float64 --eigen 10 --out no-kernel");
  constexpr double n = 100, num_train = 70, tasks = 4, epochs = 20;
  for (const std::string from : {"ntk", "no-kernel"}) {
    const std::string command =
        "train_ntk --ntk " + from + " --index 0,3,5,7 --dtype float64 --quiet --batch 8 --epochs 20 --linearize --space function --out ";
    for (const int ranks : {2, 4}) {
      const std::string out = fmt::format("{}-on{}", from, ranks), said = box.good(on(ranks, command + out + " --plan"));
      INFO(said);
      CHECK(!fs::exists(box / out));
      for (const std::string& words :
           {std::string("sent"), std::string("received"), std::string(from == "ntk" ? "training" : "features"),
            fmt::format("on each of {} ranks, at ", ranks), std::string("/s of network"), std::string("a step sends"),
            std::string(from == "ntk" ? "reads the columns of its images from --ntk" : "none are passed on")})
        CHECK_THAT(said, ContainsSubstring(words));
      box.good(on(ranks, command + out));
      const auto record = box.record(out);
      INFO(record.dump(1));
      CHECK(record["sent_bytes"].get<double>() == Approx(record["planned_sent_bytes"].get<double>()).epsilon(0.1));
      // Batches of 8 by sums of doubles, which go out twice, and three times an epoch, and once more, outputs of all images to all.
      const double others = (ranks - 1.) / ranks, doubles = epochs * 8 * 8 * tasks * 2 + (epochs + 1) * 3 * n * tasks + epochs * 2 * tasks;
      CHECK(record["planned_sent_bytes"].get<double>() == Approx(others * doubles * 8));
      // The kernel's own columns with the coefficients of all tasks.
      CHECK(planned(record, "training")["flops"].get<double>() == Approx(2 * epochs * tasks * num_train * n / ranks));
      CHECK(record["plan"]["ranks"] == std::to_string(ranks));
    }
  }
}

TEST_CASE("a plan of trainings that are dealt to ranks says how many the first has, and that nothing is sent") {
  const Sandbox box;
  box.good("compute_ntk" + small + " --eigen 10 --out ntk");
  box.good("compute_nads" + network + " --activation gelu --shape 8,8,1 --out nads");
  const std::string recipe = " --batch 16 --epochs 2 --quiet", nads = " --num-train 40 --num-test 10" + recipe + network;
  for (const auto& [command, words] : std::vector<std::pair<std::string, std::string>>{
           {"train_ntk --ntk ntk --index 0,3,7" + recipe, "on the first of 2 ranks, which has 2 of 3 targets, at "},
           {"pretrained_ntk_comparison --ntk ntk --index 0,3,7" + recipe, "on the first of 2 ranks, which has 2 of 3 targets"},
           {"train_nads --nads nads --index 0,4,5" + nads, "on the first of 2 ranks, which has 2 of 3 targets"},
           {"train_cifar --num-train 20,30,40 --num-test 10" + recipe + network,
            "each training on one of 2 ranks, which are dealt the 3 in turn"}}) {
    const std::string said = box.good(on(2, command + " --plan --out planned"));
    INFO(command << "\n" << said);
    CHECK_THAT(said, ContainsSubstring(words) && ContainsSubstring("received") && ContainsSubstring("nothing is sent"));
  }
  const std::string command = "train_ntk --ntk ntk --index 0,3,7" + recipe + " --out ";
  box.good(command + "one");
  box.good(on(2, command + "two"));
  const auto one = box.record("one"), two = box.record("two");
  for (const char* row : {"training", "alignment"})
    CHECK(planned(two, row)["flops"].get<double>() == Approx(2. / 3 * planned(one, row)["flops"].get<double>()));
  CHECK(two["planned_sent_bytes"] == 0);
  CHECK(two["sent_bytes"].get<double>() < 10'000);  // what was asked for, to be compared
  CHECK(!one.contains("sent_bytes"));
}

}  // namespace
