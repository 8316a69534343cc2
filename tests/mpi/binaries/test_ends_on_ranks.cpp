// How runs on ranks end: whatever ends one ends all, in one line, with nothing half-written, and the same command goes on. A run that was
// over before it could be ended is repeated with more images.
#include <chrono>

#include "experiments/common/process/lock.h"
#include "tests/mpi/binaries/on_ranks.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;
using Catch::Matchers::ContainsSubstring;

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds soon(60);  // on a busy machine; a rank that waits for one that is gone waits for ever

/// On three ranks, the longer the more images there are.
std::string long_run(Index images, const fs::path& out) {
  return on(3, fmt::format("compute_ntk --num-train {} --num-test 100 --model lenet --quiet --dtype float64 --eigen 200 --out {}",
                           images - 100, out.string()));
}

/// The run that was ended goes on to its end.
void goes_on(const Sandbox& box, const std::string& command, const fs::path& out) {
  box.good(command);
  CHECK(!fs::exists(out / ".unfinished"));
  CHECK(fs::exists(out / "eigvals.npy"));
}

TEST_CASE("whatever ends one rank ends all, in one line") {
  const Sandbox box;
  const auto timed = [&](const std::string& command) {
    const auto start = Clock::now();
    const Outcome end = box.run(command);
    CHECK(Clock::now() - start < soon);
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
  for (const Index images : {4000, 8000, 16000}) {
    const fs::path out = box / fmt::format("stopped{}", images);
    const std::string command = long_run(images, out);
    bool in_time = true;  // mpirun passes a signal on after a second or two
    for (const int signal : {SIGINT, SIGTERM}) {
      fs::remove(out / "run.json");  // of the run that the first signal ended
      Running run(command, box.path(), Running::Group::own);
      wait_for_record(run, out);
      const auto start = Clock::now();
      run.signal(signal);
      const Outcome end = run.wait();
      in_time = in_time && !fs::exists(out / "eigvals.npy");
      if (!in_time) break;
      INFO(images << " images, signal " << signal << ": " << end.err);
      CHECK(Clock::now() - start < soon);
      CHECK(end.status != 0);
      CHECK(errors_of(end.err).size() <= 1);
      if (!silent_once_interrupted) CHECK_THAT(end.err, ContainsSubstring("interrupted; the same command goes on from here"));
      CHECK(fs::exists(out / ".unfinished"));
    }
    if (!in_time) continue;
    return goes_on(box, command, out);
  }
  FAIL("all runs were over before they heard of the signal");
}

TEST_CASE("a rank that is killed ends all, and the same command goes on") {
  const Sandbox box;
  for (const Index images : {1600, 4000, 10000}) {
    const fs::path out = box / fmt::format("killed{}", images);
    const std::string command = long_run(images, out);
    Running run(command, box.path());
    wait_for_record(run, out);
    const auto ranks = processes_of("compute_ntk", box.path());
    const auto start = Clock::now();
    if (ranks.size() == 3) kill(ranks[2], SIGKILL);
    const Outcome end = run.wait();
    if (fs::exists(out / "eigvals.npy")) continue;  // was over
    INFO(images << " images: " << end.err);
    REQUIRE(ranks.size() == 3);
    CHECK(Clock::now() - start < soon);
    CHECK(end.status != 0);
    CHECK(errors_of(end.err).size() <= 1);
    wait_until("no rank is left", [&] { return processes_of("compute_ntk", box.path()).empty(); });
    CHECK(fs::exists(out / ".unfinished"));
    return goes_on(box, command, out);
  }
  FAIL("all runs were over before a rank was killed");
}

TEST_CASE("a rank that has a full disk ends all, and the same command goes on") {
  const Sandbox box;
  // Tiles on the disk of each rank, of which one has too little room: 3000 x 3000 numbers have no place in so much memory. MPI's own
  // file of shared memory, 4 MB a rank, must have room; a rank's tiles take 12 MB.
  save_noise<double>(box / "images.npy", {3000, 4, 4, 1});
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

#ifdef BINARIES_WITHOUT_MPI
TEST_CASE("processes of a build without MPI that mpirun starts into one folder are told to build it") {
  const Sandbox box;
  fs::create_directory(box / "held");
  const experiments::FolderLock lock(box / "held", "--out held");  // so that neither is the first
  for (const std::string program : {"compute_ntk", "train_ntk --labels classes.npy --epochs 1 --batch 8"}) {
    if (program != "compute_ntk") data::save_npy(box / "classes.npy", std::vector<int>(100, 1));
    const std::string command = fmt::format("{}/{} --threads 1{} --out held", BINARIES_WITHOUT_MPI, program, small);
    const auto told = errors_of(box.run(fmt::format("{} -n 2 {}", MPIRUN, command)).err);
    INFO(fmt::format("{}", fmt::join(told, "\n")));
    CHECK((told.size() == 1 || told.size() == 2));  // mpirun ends the second when the first has failed
    for (const std::string& line : told) CHECK_THAT(line, ContainsSubstring("this build has no MPI") && ContainsSubstring("preset mpi"));
    for (const std::string& alone : {command, fmt::format("{} -n 1 {}", MPIRUN, command)})
      CHECK_THAT(box.run(alone).err, ContainsSubstring("is writing there; wait for it, end it, or give another folder"));
  }
}
#endif

}  // namespace
