// Closed, full and broken standard streams: work is done all the same, and results that did not come out are status 1.
#include "tests/experiments/cluster/shell.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
using test::shell;

TEST_CASE("streams: closed or full standard error changes neither the status nor a file") {
  const Sandbox box;
  box.good(test::small_kernel + " --out K");
  int number = 0;
  for (const std::string streams : {"2>&-", "2>/dev/full", "0<&- 1>&- 2>&-", "1>&-"}) {
    INFO(streams);
    const std::string out = fmt::format("E{}", number++);
    CHECK(shell(box, test::small_kernel + " --out " + out + " " + streams).status == 0);
    CHECK(test::differing(box.results("K"), box.results(out)) == "");
    CHECK(shell(box, "compute_ntk --colour " + streams).status == 2);
    CHECK(shell(box, "train_ntk --ntk K --index 2 --epochs 1 --batch 4 --out T" + out + " " + streams).status == 0);
  }
}

TEST_CASE("streams: results that standard output does not take are status 1 with one line") {
  const Sandbox box;
  box.good(test::small_kernel + " --quiet --out K");
  for (const std::string& command :
       {test::small_kernel + " --quiet --plan --out P", test::small_kernel + " --out K", std::string("compute_ntk --help"),
        std::string("report --version"), test::small_kernel + " --quiet --out L"}) {
    INFO(command);
    auto end = shell(box, command + " >/dev/full");
    CHECK(end.status == 1);
    CHECK(end.err == command.substr(0, command.find(' ')) + ": standard output cannot be written (No space left on device)\n");
    end = shell(box, "{ sleep 0.1; " + command + "; echo $? >status; } | true");
    CHECK(test::bytes_of(box / "status") == "1\n");
    CHECK_THAT(end.err, ContainsSubstring("standard output cannot be written (Broken pipe)"));
  }
  // All the same the run has ended well.
  CHECK(!test::fs::exists(box / "L/.unfinished"));
  CHECK_THAT(box.good(test::small_kernel + " --out L"), ContainsSubstring("is finished, nothing to do"));
}
