// What a cluster grants: CPUs, address space, folders that may be written.
#include <sys/resource.h>
#include <unistd.h>

#include "autodiff/cpu/limits.h"
#include "data/byte_images.h"
#include "experiments/common/process/memory.h"
#include "experiments/common/run/results.h"
#include "tests/experiments/cluster/shell.h"
#include "tests/places.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
using test::shell;
using test::thrown;
namespace fs = std::filesystem;

TEST_CASE("limits: memory is what ulimit leaves where that is the least") {
  const TemporaryFolder root;
  root.write("proc/meminfo", "MemAvailable:    8388608 kB\n");
  root.write("proc/self/status", "Name:\tx\nVmSize:\t  500000 kB\nVmData:\t  100000 kB\n");
  const auto limits = [&](const std::string& data, const std::string& space) {
    root.write("proc/self/limits",
               "Limit                     Soft Limit           Hard Limit           Units     \n"
               "Max data size             " +
                   data +
                   "            unlimited            bytes     \n"
                   "Max address space         " +
                   space + "            unlimited            bytes     \n");
  };
  limits("unlimited", "unlimited");
  CHECK(available_memory(root.path()) == 8ull << 30);
  CHECK(!cpu::address_space_left(root.path()));
  limits("unlimited", "2000000000");
  CHECK(available_memory(root.path()) == 2'000'000'000 - 512'000'000);
  limits("1000000000", "2000000000");
  CHECK(available_memory(root.path()) == 1'000'000'000 - 102'400'000);
  limits("unlimited", "1000");
  CHECK(available_memory(root.path()) == 0);
}

TEST_CASE("limits: as many threads as the quota pays for and the mask allows") {
  const TemporaryFolder root;
  const int all = cpu::usable_cpus(root.path());  // no control group is seen there
  CHECK(all >= 1);
  CHECK(!cpu::cpu_quota(root.path()));
  SECTION("version 2: the least of a group and its parents, rounded up") {
    root.write("proc/self/cgroup", "0::/a/b\n");
    root.write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    CHECK(!cpu::cpu_quota(root.path()));
    root.write("sys/fs/cgroup/a/cpu.max", "50000 100000\n");
    CHECK(cpu::cpu_quota(root.path()) == 0.5);
    CHECK(cpu::usable_cpus(root.path()) == 1);
    root.write("sys/fs/cgroup/a/cpu.max", "110000 100000\n");
    CHECK(cpu::usable_cpus(root.path()) == std::min(all, 2));
    root.write("sys/fs/cgroup/a/b/cpu.max", "100000 100000\n");
    CHECK(cpu::usable_cpus(root.path()) == 1);
    root.write("sys/fs/cgroup/a/b/cpu.max", "100000000 100000\n");
    CHECK(cpu::usable_cpus(root.path()) == std::min(all, 2));
  }
  SECTION("version 1, seen from inside a container, where the path is the host's") {
    root.write("proc/self/cgroup", "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/\n");
    root.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    root.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    CHECK(!cpu::cpu_quota(root.path()));
    root.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
    CHECK(cpu::cpu_quota(root.path()) == 1);
    CHECK(cpu::usable_cpus(root.path()) == 1);
  }
}

TEST_CASE("limits: run.json says what the run was given") {
  const Sandbox box;
  box.good(test::small_kernel + " --quiet --out K");
  const auto machine = box.record("K")["machine"];
  CHECK(machine["usable_cpus"] == cpu::usable_cpus());
  CHECK(machine["threads"] == machine["usable_cpus"]);
  CHECK(machine.contains("cpu_quota"));
  CHECK(box.record("K")["files"].size() == 4);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which take terabytes of address space
TEST_CASE("limits: with little address space a run ends, well or in one line, and does not hang") {
  const Sandbox box;
  box.good(test::small_kernel + " --quiet --out K");
  int refused = 0;
  for (const char* limit : {"-v", "-d"})
    for (int mebibytes : {150, 200, 300, 400, 500, 700, 1500}) {
      const auto end = shell(box, fmt::format("ulimit {} {}; exec timeout -s KILL 60 {} --quiet --out E", limit, mebibytes << 10,
                                              places::binaries() + "/" + test::small_kernel));
      INFO(limit << " " << mebibytes << ": " << end.err);
      CHECK((end.status == 0 || end.status == 1 || end.status == 2));
      if (end.status != 0) CHECK(std::count(end.err.begin(), end.err.end(), '\n') == 1);
      if (end.status == 2) {
        ++refused;
        CHECK_THAT(end.err, ContainsSubstring("compute_ntk: ulimit: ") && ContainsSubstring("raise the limit"));
      }
      if (end.status == 0) {
        CHECK(test::differing(box.results("K"), box.results("E")) == "");
        fs::remove_all(box / "E");
      }
      CHECK((mebibytes < 1500 || end.status == 0));
    }
  CHECK(refused >= 1);
}
#endif

TEST_CASE("limits: a folder that cannot be reached or written is refused in one line with the reason") {
  const Sandbox box;
  const auto out = [&](const std::string& name) { return box.refused(test::small_kernel + " --quiet --out " + name); };
  box.write("file", "");
  fs::create_symlink("loop", box / "loop");
  CHECK_THAT(out("file/below"), ContainsSubstring("file is not a folder; give another name"));
  CHECK_THAT(out("loop/below"), ContainsSubstring("--out") && ContainsSubstring("cannot be reached (Too many levels of symbolic links)"));
  CHECK_THAT(out(std::string(300, 'x')), ContainsSubstring("--out") && ContainsSubstring("cannot be reached (File name too long)"));
  CHECK_THAT(box.refused("compute_ntk --quiet --data cifar10 --data-dir loop"), ContainsSubstring("--data-dir loop: "));
  // What the user may not do root may: as nobody, who is not let in.
  const TemporaryFolder folder;
  fs::permissions(folder.path(),
                  fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec);
  fs::create_directory(folder / "shut");
  fs::permissions(folder / "shut", geteuid() == 0 ? fs::perms::owner_all : fs::perms::none);
  const uid_t before = geteuid();
  if (before == 0) REQUIRE(seteuid(65534) == 0);
  const std::string unwritable = thrown([&] { ResultsFolder(folder / "new", "x", {}).check(); });
  const std::string unreadable = thrown([&] { ResultsFolder(folder / "shut/new", "x", {}).check(); });
  const std::string file = thrown([&] { data::read_bytes(folder / "shut/file"); });
  const std::string images = thrown([&] { data::find_data_file(folder / "shut", "batches", "data_batch_1.bin", "cifar10", true); });
  if (before == 0) REQUIRE(seteuid(before) == 0);
  fs::permissions(folder / "shut", fs::perms::owner_all);
  if (before == 0) CHECK_THAT(unwritable, ContainsSubstring("cannot be written (Permission denied); give another folder"));
  CHECK_THAT(unreadable, ContainsSubstring("shut/new cannot be reached (Permission denied); give another folder"));
  CHECK_THAT(file, ContainsSubstring("shut/file: cannot be opened: Permission denied"));
  CHECK_THAT(images, ContainsSubstring("cifar10: ") && ContainsSubstring("shut may not be entered (permission denied)"));
}

TEST_CASE("limits: a working folder that was removed meanwhile is said to be that") {
  const Sandbox box;
  const auto end = test::shell(box, "mkdir gone; cd gone; rmdir ../gone; exec " + test::small_kernel + " --quiet --out K");
  CHECK(end.status == 2);
  CHECK(end.err == "compute_ntk: the working folder: cannot be used (No such file or directory); go to another\n");
}
