// compute_ntk and the trainings as mpirun starts them: what they leave is what one process leaves.
#include "experiments/common/training/target.h"
#include "tests/mpi/binaries/on_ranks.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;
using Catch::Matchers::ContainsSubstring;

namespace {

TEST_CASE("compute_ntk on any number of ranks finds what one process finds") {
  const Sandbox box;
  const std::string command = "compute_ntk" + small + " --dtype float64 --eigen 10 --save-ntk";
  box.good(command + " --out one");
  const auto k = load(box / "one" / "ntk.npy"), residuals = load(box / "one" / "residuals.npy");
  for (int ranks = 1; ranks <= 4; ++ranks) {
    const std::string out = fmt::format("on{}", ranks);
    const auto said = box.good(on(ranks, command + " --out " + out));
    CHECK(lines_of(said).size() == 1);  // rank 0 alone
    require_same_pairs(box, out, "one", 1e-10);
    const auto shared = load(box / out / "ntk.npy");
    double apart = 0;
    for (Index i = 0; i < k.size(); ++i) apart = std::max(apart, std::abs(k[i] - shared[i]));
    CHECK(apart <= 1e-12 * k[0]);
    CHECK(!fs::exists(box / out / ".unfinished"));
    const auto record = box.record(out);
    CHECK(record["finished"] == true);
    if (ranks > 1) CHECK(record["machine"]["ranks"] == ranks);
    CHECK(box.good(on(ranks, command + " --out " + out)).find("nothing to do") != std::string::npos);
    CHECK(box.good(command + " --out " + out).find("nothing to do") != std::string::npos);  // one process too
  }
  // The same bits in every run.
  box.good(on(3, command + " --out again"));
  CHECK(bytes_of(box / "again" / "eigvecs.npy") == bytes_of(box / "on3" / "eigvecs.npy"));
  CHECK(bytes_of(box / "again" / "ntk.npy") == bytes_of(box / "on3" / "ntk.npy"));
  // One process's kernel has the bits of the ranks' with the same tiles.
  CHECK(bytes_of(box / "on2" / "ntk.npy") == bytes_of(box / "on3" / "ntk.npy"));
  CHECK(box.good(on(2, command + " --out one")).find("nothing to do") != std::string::npos);
}

TEST_CASE("fewer images than ranks, tiles on the ranks' disks") {
  const Sandbox box;
  const std::string few = "compute_ntk --num-train 2 --num-test 1" + network + " --dtype float64 --eigen 2";
  box.good(few + " --out one");
  box.good(on(4, few + " --out four"));
  require_same_pairs(box, "four", "one", 1e-10);
}

TEST_CASE("parts that jobs compute are put together, and each that is wrong is named") {
  const Sandbox box;
  const std::string command = "compute_ntk" + small + " --dtype float64 --eigen 10 --threads 1 --out all";
  box.good("compute_ntk" + small + " --dtype float64 --eigen 10 --threads 1 --out one");
  CHECK_THAT(box.good(command + " --shard 0/3"), ContainsSubstring("2 parts are missing"));
  CHECK_THAT(box.run(command).err, ContainsSubstring("part 1 of 3 is missing; run compute_ntk --shard 1/3"));
  CHECK_THAT(box.run(command + " --shard 3/3").err, ContainsSubstring("--shard: I 3"));
  box.good(command + " --shard 1/3");
  CHECK_THAT(box.good(command + " --shard 2/3"), ContainsSubstring("all parts are there"));
  CHECK_THAT(box.good(command + " --shard 2/3"), ContainsSubstring("nothing to do"));
  // Of another run, of another number of parts, twice.
  fs::copy(box / "all" / "parts" / "2-of-3", box / "all" / "parts" / "2-of-4", fs::copy_options::recursive);
  CHECK_THAT(box.run(command).err, ContainsSubstring("there are parts of 3 and of 4"));
  fs::remove_all(box / "all" / "parts" / "2-of-4");
  fs::rename(box / "all" / "parts" / "2-of-3", box / "kept");
  fs::copy(box / "all" / "parts" / "1-of-3", box / "all" / "parts" / "2-of-3", fs::copy_options::recursive);
  CHECK_THAT(box.run(command).err, ContainsSubstring("does not hold part 2 of 3"));
  fs::remove_all(box / "all" / "parts" / "2-of-3");
  box.good("compute_ntk" + small + " --seed 5 --dtype float64 --eigen 10 --out other --shard 2/3");
  fs::rename(box / "other" / "parts" / "2-of-3", box / "all" / "parts" / "2-of-3");
  CHECK_THAT(box.run(command).err, ContainsSubstring("is of another run (--seed is 5 there and 0 here)"));
  fs::remove_all(box / "all" / "parts" / "2-of-3");
  fs::rename(box / "kept", box / "all" / "parts" / "2-of-3");
  fs::copy(box / "all", box / "two", fs::copy_options::recursive);
  box.good(command);
  CHECK(!fs::exists(box / "all" / "parts"));
  require_same_pairs(box, "all", "one", 1e-10);
  // By ranks: as many as there are parts, or fewer.
  box.good(on(2, "compute_ntk" + small + " --dtype float64 --eigen 10 --out two"));
  require_same_pairs(box, "two", "one", 1e-10);
}

TEST_CASE("training in function space on ranks is that of one process") {
  const Sandbox box;
  box.good("compute_ntk" + small + " --dtype float64 --eigen 10 --save-ntk --out ntk");
  for (const std::string& with : {std::string(""), std::string(" --init other.npz")}) {
    if (!with.empty()) {  // another point than the kernel's, so that one is computed
      box.good("compute_ntk" + small + " --seed 3 --dtype float64 --eigen 2 --out other");
      fs::copy_file(box / "other" / "init.npz", box / "other.npz");
    }
    const std::string command =
        "train_ntk --ntk ntk --index 0,3,7 --dtype float64 --quiet --batch 16 --epochs 4 --linearize --space function" + with;
    const std::string one = with.empty() ? "one" : "one-other";
    box.good(command + " --out " + one);
    for (int ranks = 2; ranks <= 4; ++ranks) {
      const std::string out = fmt::format("{}-on{}", one, ranks);
      const auto said = box.good(on(ranks, command + " --out " + out));
      CHECK(lines_of(said).size() == 5);
      for (const char* target : {"0", "3", "7"}) {
        INFO(out << " " << target);
        const auto a = experiments::load_history(box / one / target / "history.csv"),
                   b = experiments::load_history(box / out / target / "history.csv");
        REQUIRE(a.size() == b.size());
        for (std::size_t e = 0; e < a.size(); ++e) {
          CHECK(a[e].train_loss == Approx(b[e].train_loss).epsilon(1e-10));
          CHECK(a[e].test_loss == Approx(b[e].test_loss).epsilon(1e-10));
          CHECK(a[e].distance == Approx(b[e].distance).epsilon(1e-9));
        }
        const auto wa = data::load_npz<double>(box / one / target / "final.npz"),
                   wb = data::load_npz<double>(box / out / target / "final.npz");
        double apart = 0;
        for (std::size_t p = 0; p < wa.size(); ++p)
          for (Index i = 0; i < wa[p].second.size(); ++i) apart = std::max(apart, std::abs(wa[p].second[i] - wb[p].second[i]));
        CHECK(apart < 1e-10);
      }
    }
  }
}

TEST_CASE("targets, sizes and directions are dealt to the ranks") {
  const Sandbox box;
  box.good("compute_ntk" + small + " --eigen 10 --out ntk");
  box.good("compute_nads" + network + " --activation gelu --shape 8,8,1 --out nads");
  const std::string recipe = " --batch 16 --epochs 2 --quiet";
  for (const std::string& command :
       {"train_ntk --ntk ntk --index 0,3,7" + recipe, "pretrained_ntk_comparison --ntk ntk --index 0,3" + recipe,
        "train_cifar --num-train 20,40,60 --num-test 20 --features 3,4,10,8,1" + recipe,
        "train_nads --nads nads --index 0,5 --num-train 32 --num-test 16" + recipe}) {
    INFO(command);
    const std::string name = command.substr(0, command.find(' '));
    box.good(command + " --threads 1 --out " + name + "-one");
    const auto said = box.good(on(3, command + " --out " + name + "-three"));
    CHECK(lines_of(said).size() == lines_of(box.good(command + " --threads 1 --out " + name + "-two")).size());
    CHECK(bytes_of(box / (name + "-one") / "accuracy.csv") == bytes_of(box / (name + "-three") / "accuracy.csv"));
    CHECK(box.record(name + "-three")["finished"] == true);
    CHECK(box.good(command + " --out " + name + "-three").find("nothing to do") != std::string::npos);
  }
}

}  // namespace
