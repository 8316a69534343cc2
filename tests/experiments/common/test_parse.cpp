// Text to numbers and back: every form that is accepted, every kind that is refused.
#include "experiments/common/process/memory.h"
#include "experiments/common/text/parse.h"
#include "tests/catch.h"
#include "tests/experiments/captured.h"
#include "tests/temporary_folder.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using test::thrown;

TEST_CASE("numbers are read whole and within their range") {
  CHECK(parse_number<Index>("--x", "-12") == -12);
  CHECK(parse_number<double>("--x", "2.5e-3") == 2.5e-3);
  CHECK(parse_number<std::uint64_t>("--x", "18446744073709551615") == 18446744073709551615u);
  CHECK(thrown([] { parse_number<Index>("--seed", "3x"); }) == "--seed 3x: give an integer");
  CHECK(thrown([] { parse_number<std::uint64_t>("--seed", "-1"); }) == "--seed -1: give an integer >= 0");
  CHECK(thrown([] { parse_number<Index>("--epochs", "", 1); }) == "--epochs \"\": give an integer >= 1");
  CHECK(thrown([] { parse_number<Index>("--epochs", "0", 1); }) == "--epochs 0: give an integer >= 1");
  CHECK(thrown([] { parse_number<double>("--momentum", "1.5", 0, 1); }) == "--momentum 1.5: give a number from 0 to 1");
  for (const char* text : {"nan", "inf", "1e999", "0x10", "1 ", " 1", "1,5"})
    CHECK_THROWS_AS(parse_number<double>("--x", text), std::invalid_argument);
}

TEST_CASE("lists have commas between numbers, and nothing else") {
  CHECK(parse_list<Index>("--features", "6,16,120,84,1", 1) == std::vector<Index>{6, 16, 120, 84, 1});
  CHECK(parse_list<Index>("--features", "1", 1) == std::vector<Index>{1});
  for (const char* text : {"", ",", "1,", ",1", "1,,2", "1,0", "1;2", "1, 2"})
    CHECK_THROWS_AS(parse_list<Index>("--features", text, 1), std::invalid_argument);
}

TEST_CASE("index lists hold single indices and half-open ranges as in Python") {
  CHECK(parse_indices("--index", "0,10,100") == std::vector<Index>{0, 10, 100});
  CHECK(parse_indices("--index", "0:10:3") == std::vector<Index>{0, 3, 6, 9});
  CHECK(parse_indices("--index", "0:9:3") == std::vector<Index>{0, 3, 6});
  CHECK(parse_indices("--index", "2:5") == std::vector<Index>{2, 3, 4});
  CHECK(parse_indices("--index", "7,0:4:2") == std::vector<Index>{7, 0, 2});
  CHECK(parse_indices("--index", "0:1000:50").size() == 20);
  // As Python's range, up to the largest numbers there are.
  const Index most = std::numeric_limits<Index>::max();
  CHECK(parse_indices("--index", fmt::format("1:{0}:{0}", most)) == std::vector<Index>{1});
  CHECK(parse_indices("--index", fmt::format("0:{0}:{0}", most)) == std::vector<Index>{0});
  CHECK(parse_indices("--index", fmt::format("5:{}:{}", most - 1, most / 2 + 1)) == std::vector<Index>{5, most / 2 + 6});
  CHECK(parse_indices("--index", fmt::format("{}", most)) == std::vector<Index>{most});
  CHECK(parse_indices("--index", "0:1000000").size() == 1000000);
  CHECK(thrown([] { parse_indices("--index", "7,0:1000001"); }) ==
        "--index 0:1000001: more than 1,000,000 indices; give fewer, or a larger step");
  CHECK_THROWS_AS(parse_indices("--index", "0:900000,900000:1800000"), std::invalid_argument);
  CHECK(thrown([] { parse_indices("--index", "5:5"); }) == "--index 5:5: the range is empty; give start < stop");
  CHECK(thrown([] { parse_indices("--index", "1,0:3"); }) == "--index 1,0:3: index 1 comes twice; give each index once");
  for (const char* text : {"", "a", "-1", "1:", ":5", "1:5:0", "1:5:-1", "1:2:3:4", "0:4000000000", "1,"})
    CHECK_THROWS_AS(parse_indices("--index", text), std::invalid_argument);
}

TEST_CASE("sizes are powers of 1024") {
  CHECK(parse_size("--memory", "4G") == 4ull << 30);
  CHECK(parse_size("--memory", "4GiB") == 4ull << 30);
  CHECK(parse_size("--memory", "4gb") == 4ull << 30);
  CHECK(parse_size("--memory", "1.5K") == 1536);
  CHECK(parse_size("--memory", "512M") == 512ull << 20);
  CHECK(parse_size("--memory", "2T") == 2ull << 40);
  CHECK(parse_size("--memory", "1000000") == 1000000);
  for (const char* text : {"", "G", "4X", "4 G", "-4G", "0", "4iB", "4GG", "nan", "1e30G", "4Gi", "99999999T"})
    CHECK_THROWS_AS(parse_size("--memory", text), std::invalid_argument);
}

TEST_CASE("sizes, work and durations are written for people") {
  CHECK(format_size(0) == "0 B");
  CHECK(format_size(1536) == "1.5 KiB");
  CHECK(format_size(14.4e9) == "13.4 GiB");
  CHECK(format_flops(1.32e13) == "13.2 Tflop");
  CHECK(format_flops(999.9e9) == "1.0 Tflop");
  CHECK(format_duration(0.84) == "0.8 s");
  CHECK(format_duration(9.96) == "10 s");
  CHECK(format_duration(59.7) == "1 min 0 s");
  CHECK(format_duration(200) == "3 min 20 s");
  CHECK(format_duration(7500) == "2 h 5 min");
}

TEST_CASE("available memory is the smallest of what the kernel and the control groups leave") {
  const TemporaryFolder root;
  CHECK_THROWS_AS(available_memory(root.path()), std::runtime_error);
  root.write("proc/meminfo", "MemTotal:       16777216 kB\nMemAvailable:    8388608 kB\n");
  CHECK(available_memory(root.path()) == 8ull << 30);

  SECTION("version 2: the limit of a parent counts, 'max' does not") {
    root.write("proc/self/cgroup", "0::/a/b\n");
    root.write("sys/fs/cgroup/a/b/memory.max", "max\n");
    root.write("sys/fs/cgroup/a/b/memory.current", "5\n");
    CHECK(available_memory(root.path()) == 8ull << 30);
    root.write("sys/fs/cgroup/a/memory.max", "1000000000\n");
    root.write("sys/fs/cgroup/a/memory.current", "400000000\n");
    CHECK(available_memory(root.path()) == 600000000);
    root.write("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 100000000\n");
    CHECK(available_memory(root.path()) == 700000000);
  }
  SECTION("version 1, seen from inside a container, where the path is the host's") {
    root.write("proc/self/cgroup", "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/\n");
    root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000000\n");
    root.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "500000000\n");
    CHECK(available_memory(root.path()) == 1500000000);
  }
  SECTION("a group over its limit leaves nothing") {
    root.write("proc/self/cgroup", "0::/\n");
    root.write("sys/fs/cgroup/memory.max", "10\n");
    root.write("sys/fs/cgroup/memory.current", "20\n");
    CHECK(available_memory(root.path()) == 0);
  }
}

TEST_CASE("the peak of the resident memory is at least what was touched") {
  std::vector<char> touched(64 << 20, 1);
  volatile char* first = touched.data();  // or the compiler leaves the vector out
  *first = 2;
  CHECK(peak_memory() >= touched.size());
}
