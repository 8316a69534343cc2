// One process a folder, and what those that were killed leave behind.
#include <csignal>

#include "experiments/common/process/lock.h"
#include "experiments/common/run/results.h"
#include "experiments/common/text/files.h"
#include "tests/experiments/cluster/shell.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
using test::shell;
using test::thrown;
namespace fs = std::filesystem;

TEST_CASE("lock: the second of two runs into a folder is refused by name, and a killed one holds nothing") {
  const Sandbox box;
  box.good(test::small_kernel + " --quiet --out K");
  auto first = box.start(test::endless_training);
  test::wait_for(box / "B/labels.npy", first);
  const auto second = box.run(test::endless_training);
  CHECK(second.status == 2);
  CHECK_THAT(second.err, ContainsSubstring("train_ntk: --out ") && ContainsSubstring("B: process ") &&
                             ContainsSubstring(" is writing there; wait for it, end it, or give another folder\n"));
  CHECK(std::count(second.err.begin(), second.err.end(), '\n') == 1);
  CHECK(!first.over());
  first.signal(SIGKILL);
  first.wait();
  CHECK(fs::exists(box / "B/.lock"));

  auto next = box.start(test::endless_training);
  usleep(200'000);
  CHECK(!next.over());
  next.signal(SIGTERM);
  CHECK(next.wait().status == 143);
  CHECK(!fs::exists(box / "B/.lock"));
}

TEST_CASE("lock: it is gone with its holder, says who that is, and a finished run does without") {
  const Sandbox box;
  box.good(test::small_kernel + " --quiet --out K");
  {
    const FolderLock lock(box / "K", "--out K");
    char host[256] = {};
    gethostname(host, sizeof host - 1);
    const std::string me = fmt::format("process {} on {}", getpid(), host);
    CHECK(read_text(box / "K/.lock") == me + "\n");
    CHECK(thrown([&] { FolderLock(box / "K", "--out K"); }) ==
          "--out K: " + me + " is writing there; wait for it, end it, or give another folder");
    CHECK_THAT(box.good(test::small_kernel + " --out K"), ContainsSubstring("is finished, nothing to do"));
  }
  CHECK(!fs::exists(box / "K/.lock"));
  CHECK(thrown([&] { FolderLock(box / "nowhere", "--out nowhere"); }) ==
        "--out nowhere: cannot be written (No such file or directory); give another folder");
}

TEST_CASE("lock: a folder that a killed process had just begun is as if it were empty") {
  for (const auto& names :
       std::vector<std::vector<std::string>>{{"..unfinished.123-0.partial"},
                                             {".unfinished", ".config.toml.123-1.partial"},
                                             {".lock"},
                                             {".lock", ".unfinished", ".config.toml.9-1.partial", "..unfinished.7-0.partial"}}) {
    const Sandbox box;
    for (const std::string& name : names) box.write("K/" + name, "");
    INFO(names[0]);
    const auto end = box.run(test::small_kernel + " --quiet --out K");
    INFO(end.err);
    CHECK(end.status == 0);
    for (const auto& [name, bytes] : box.listing("K")) CHECK(!name.starts_with('.'));
  }
}

TEST_CASE("lock: what is left of a killed process goes when its folder is entered, what is not a run's stays") {
  const Sandbox box;
  const std::string command = "train_ntk --ntk K --index 1,2 --batch 4 --epochs 2 --quiet --out B";
  box.good(test::small_kernel + " --quiet --out K");
  box.good(command);
  const auto whole = box.results("B");
  const std::vector<std::string> leftovers{".history.csv.77-3.partial", "1/.final.npz.77-4.partial", "2/.final.npz.77-5.partial.Ab3xYz",
                                           ".kernel.tiles.77-6.partial"};
  const std::vector<std::string> others{"mine.partial", ".notes.partial", ".x.1.partial", ".x.a-1.partial", "below/.final.npz.1-1.partial"};
  for (const auto& name : leftovers) box.write("B/" + name, "half");
  for (const auto& name : others) box.write("B/" + name, "mine");
  box.write("B/below/config.toml", "# train_ntk: another run's");  // a run of its own within this one's folder
  box.write("B/.unfinished", "");
  fs::remove(box / "B/2/final.npz");
  box.good(command);
  for (const auto& name : leftovers) CHECK(!fs::exists(box / "B" / name));
  for (const auto& name : others) CHECK(fs::exists(box / "B" / name));
  for (const auto& name : others) fs::remove(box / "B" / name);
  fs::remove_all(box / "B/below");
  CHECK(test::differing(box.results("B"), whole) == "");
  // A run that was killed while it drew its figures is finished.
  box.write("B/.accuracy.svg.77-3.partial", "half");
  box.good(command);
  CHECK(test::differing(box.results("B"), whole) == "");
}

TEST_CASE("lock: a run killed again and again in its first moments is never refused") {
  const Sandbox box;
  for (int i = 0; i < 8; ++i) {
    auto run = box.start(test::small_kernel + " --quiet --out K");
    test::wait_for(box / "K", run);
    usleep(static_cast<useconds_t>(300 * i));
    run.signal(SIGKILL);
    run.wait();
  }
  const auto end = box.run(test::small_kernel + " --quiet --out K");
  INFO(end.err);
  CHECK(end.status == 0);
  for (const auto& [name, bytes] : box.listing("K")) CHECK(!name.starts_with('.'));
}
