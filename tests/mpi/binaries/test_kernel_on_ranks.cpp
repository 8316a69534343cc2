// compute_ntk and the trainings as mpirun starts them: what they leave is what one process leaves, how they end, and that they go on.
#include <chrono>
#include <thread>

#include "autodiff/random.h"
#include "experiments/common/training/target.h"
#include "tests/mpi/binaries/on_ranks.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string network = " --model lenet --features 3,4,10,8,1 --quiet", small = " --num-train 70 --num-test 30" + network;

Tensor<double> load(const fs::path& path) { return data::load_npy<double>(path); }

void require_same_pairs(const Sandbox& box, const std::string& a, const std::string& b, double tolerance) {
  INFO(a << " and " << b);
  const auto va = load(box / a / "eigvals.npy"), vb = load(box / b / "eigvals.npy"), ua = load(box / a / "eigvecs.npy"),
             ub = load(box / b / "eigvecs.npy");
  REQUIRE(va.shape() == vb.shape());
  REQUIRE(ua.shape() == ub.shape());
  for (Index j = 0; j < va.size(); ++j) CHECK(std::abs(va[j] - vb[j]) <= tolerance * vb[0]);
  const Index n = ua.shape()[1];
  for (Index j = 0; j < std::min<Index>(5, va.size()); ++j) {
    double dot = 0;
    for (Index i = 0; i < n; ++i) dot += ua[j * n + i] * ub[j * n + i];
    CHECK(dot > 1 - 1e-6);
  }
}

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

TEST_CASE("whatever ends one rank ends all, in one line") {
  const Sandbox box;
  const auto timed = [&](const std::string& command) {
    const auto start = std::chrono::steady_clock::now();
    const Outcome end = box.run(command);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));  // a busy machine
    return end;
  };
  const auto one_line = [&](const Outcome& end, const std::string& line) {
    const auto lines = errors_of(end.err);
    INFO(end.err);
    REQUIRE(lines.size() == 1);
    CHECK_THAT(lines[0], ContainsSubstring(line));
    CHECK(end.status != 0);
  };
  // All ranks see it.
  one_line(timed(on(3, "compute_ntk --eigen 0")), "compute_ntk: --eigen 0");
  one_line(timed(on(2, "compute_nads")), "compute_nads: is one process; start it without mpirun");
  one_line(timed(on(2, "compute_ntk" + small + " --method full --out full")), "--method full");
  // One rank sees other options, or input that the others do not see.
  const std::string all = fmt::format("{}/compute_ntk --threads 1{} --out x", places::binaries(), small);
  one_line(timed(on_all_but_one(box, 3, all + " --eigen 5", 0, "exec " + all + " --eigen 4")),
           "its --eigen 5 is not that of rank 0, --eigen 4");
  one_line(timed(on_all_but_one(box, 3, all + " --eigen 4", 2, "exec " + all + " --eigen 4 --init nothing.npz")), "no such file");
  CHECK(!fs::exists(box / "x"));
}

TEST_CASE("an interrupted run on ranks ends in one line, and the same command goes on") {
  const Sandbox box;
  // Long enough: mpirun passes a signal on after a second or two.
  const std::string command =
      on(3, "compute_ntk --num-train 3900 --num-test 100 --model lenet --quiet --dtype float64 --eigen 200 --out stopped");
  for (const int signal : {SIGINT, SIGTERM}) {
    Running run(command, box.path(), Running::Group::own);
    for (int i = 0; i < 400 && !fs::exists(box / "stopped" / "run.json"); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    if (run.over()) continue;  // a fast machine
    const auto start = std::chrono::steady_clock::now();
    run.signal(signal);
    const Outcome end = run.wait();
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
    CHECK(end.status != 0);
    INFO(end.err);
    CHECK(errors_of(end.err).size() <= 1);
    if (!silent_once_interrupted) CHECK_THAT(end.err, ContainsSubstring("interrupted; the same command goes on from here"));
    CHECK(fs::exists(box / "stopped" / ".unfinished"));
    CHECK(!fs::exists(box / "stopped" / "eigvals.npy"));
  }
  box.good(command);
  CHECK(!fs::exists(box / "stopped" / ".unfinished"));
}

/// Processes below this one's, and theirs, that run that binary.
std::vector<pid_t> processes_of(const std::string& binary, const fs::path& folder) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::error_code error;
    const auto program = fs::read_symlink(entry.path() / "exe", error);
    if (!error && program.filename() == binary && fs::read_symlink(entry.path() / "cwd", error) == fs::canonical(folder))
      found.push_back(std::stoi(entry.path().filename().string()));
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST_CASE("a rank that is killed, or has a full disk, ends all, and the same command goes on") {
  const Sandbox box;
  const std::string program = "compute_ntk --num-train 1500 --num-test 100 --model lenet --quiet --dtype float64 --eigen 200 --out";
  {
    Running run(on(3, program + " killed"), box.path());
    for (int i = 0; i < 400 && !fs::exists(box / "killed" / "run.json"); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto ranks = processes_of("compute_ntk", box.path());
    if (ranks.size() == 3) {
      kill(ranks[2], SIGKILL);
      const auto start = std::chrono::steady_clock::now();
      const Outcome end = run.wait();
      CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
      CHECK(end.status != 0);
      CHECK(errors_of(end.err).size() <= 1);
      CHECK(processes_of("compute_ntk", box.path()).empty());
      CHECK(!fs::exists(box / "killed" / "eigvals.npy"));
    }
  }
  box.good(on(3, program + " killed"));

  // Tiles on the disk of each rank, of which one has too little room: 3000 x 3000 numbers have no place in so much memory. MPI's own
  // file of shared memory, 4 MB a rank, must have room; a rank's tiles take 12 MB.
  RandomStream random(1, "images");
  Tensor<double> images({3000, 4, 4, 1});
  for (double& v : images.span()) v = random.normal();
  data::save_npy(box / "images.npy", images);
  const std::string disk =
      "compute_ntk --data images.npy --num-train 2900" + network + " --dtype float64 --eigen 20 --out full --memory 60M";
  const std::string words = fmt::format("{}/{} --threads 1", places::binaries(), disk);
  const Outcome end = box.run(on_all_but_one(box, 3, words, 2, "ulimit -f 16000; exec " + words));
  INFO(end.err);
  CHECK(end.status != 0);
  REQUIRE(errors_of(end.err).size() == 1);
  CHECK_THAT(end.err, ContainsSubstring("kernel.tiles.2-of-3"));
  box.good(on(3, disk));
  CHECK_THAT(box.record("full")["plan"]["kernel"].get<std::string>(), ContainsSubstring("on the disks"));
  box.good("compute_ntk --data images.npy --num-train 2900" + network + " --dtype float64 --eigen 20 --out one");
  require_same_pairs(box, "full", "one", 1e-10);
  for (const auto& entry : fs::directory_iterator(box / "full")) CHECK(!entry.path().filename().string().starts_with("kernel.tiles"));
}

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

}  // namespace
