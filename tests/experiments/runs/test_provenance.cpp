// Which program made a run, and how it was called.
#include <cstdlib>

#include "experiments/common/run/provenance.h"
#include "tests/experiments/run_binary.h"
#include "tests/places.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::string kernel = "compute_ntk --model mlp --features 2,1 --num-train 8 --num-test 2 --eigen 3 --quiet --threads 1";

/// "unknown", or 40 hexadecimal digits with or without a +.
bool is_commit(std::string text) {
  if (text == "unknown") return true;
  if (text.ends_with('+')) text.pop_back();
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// A line of the shell, in the sandbox.
test::Outcome shell(const Sandbox& box, const std::string& line) {
  box.write("line.sh", line);
  auto end = box.run("/bin/sh line.sh");
  fs::remove(box / "line.sh");
  return end;
}

}  // namespace

TEST_CASE("provenance: run.json names version and commit, as --version does") {
  const Sandbox box;
  box.good(kernel + " --out K");
  const auto record = box.record("K");
  CHECK(record.at("version") == version());
  CHECK(record.at("commit") == commit());
  CHECK(is_commit(commit()));
  for (const std::string program : {"compute_ntk", "report"})
    CHECK(box.good(program + " --version") == fmt::format("tangentplane {}, commit {}\n", version(), commit()));
}

TEST_CASE("provenance: a run that another commit began names that one too") {
  const Sandbox box;
  box.good(kernel + " --out K");
  const auto go_on = [&](const std::string& before) {
    auto record = box.record("K");
    CHECK(!record.contains("earlier_commits") == (before == commit()));
    record["commit"] = before;
    box.write("K/run.json", record.dump());
    box.write("K/.unfinished", "");
    box.good(kernel + " --out K");
    return box.record("K");
  };
  CHECK(!go_on(commit()).contains("earlier_commits"));
  auto record = box.record("K");
  record["commit"] = "other";
  box.write("K/run.json", record.dump());
  for (int time = 0; time < 2; ++time) {  // it stays, once
    box.write("K/.unfinished", "");
    box.good(kernel + " --out K");
    CHECK(box.record("K").at("earlier_commits") == nlohmann::json::array({"other"}));
    CHECK(box.record("K").at("commit") == commit());
  }
}

TEST_CASE("provenance: the command of run.json, given to a shell, makes the same results") {
  const Sandbox box;
  const std::string out = "a 'quoted'  \"folder\" & $HOME, ü";
  const auto binary = (fs::path(places::binaries()) / kernel.substr(0, kernel.find(' '))).string();
  const auto first = shell(box, binary + kernel.substr(kernel.find(' ')) + " --out 'a '\\''quoted'\\''  \"folder\" & $HOME, ü'");
  INFO(first.err);
  REQUIRE(first.status == 0);
  const auto results = box.results(out);
  const std::string command = box.record(out).at("command");
  CHECK(command.starts_with(binary + " --model mlp --features 2,1 "));
  fs::remove_all(box / out);
  CHECK(shell(box, command).status == 0);
  CHECK(test::differing(box.results(out), results) == "");
}

TEST_CASE("provenance: words are quoted where a shell would take them otherwise") {
  const auto of = [](std::vector<const char*> words) {
    remember_command(static_cast<int>(words.size()), words.data());
    return command();
  };
  CHECK(of({"a", "--b=c,d", "/e/f.g_h-i:j@k%l+m"}) == "a --b=c,d /e/f.g_h-i:j@k%l+m");
  CHECK(of({"a", "", "b c", "d'e", "*", "~", "$f"}) == R"(a '' 'b c' 'd'\''e' '*' '~' '$f')");
}

/// built_from.cmake as it is in a checkout, whether the tree is one or came in an archive, which has put its commit there.
std::string built_from() {
  const std::string text = test::bytes_of(fs::path(places::reproduce()).parent_path() / "common/run/built_from.cmake"),
                    before = "set(commit [[";
  const auto from = text.find(before) + before.size();
  REQUIRE(from >= before.size());
  return text.substr(0, from) + "$Format:%H$" + text.substr(text.find("]]", from));
}

TEST_CASE("provenance: the commit of a build is that of its sources, with a + where these were changed") {
  const Sandbox box;
  box.write("built_from.cmake", built_from());
  const std::string script = (box / "built_from.cmake").string();
  const auto look = [&] {
    const auto end = shell(box, "cmake -D SOURCE=tree -D VERSION=4.5.6 -D FILE=out.cpp -P '" + script + "'");
    INFO(end.err);
    REQUIRE(end.status == 0);
    const std::string text = test::bytes_of(box / "out.cpp"), before = "commit() { return \"";
    CHECK_THAT(text, ContainsSubstring("version() { return \"4.5.6\"; }"));
    const auto from = text.find(before) + before.size();
    return text.substr(from, text.find('"', from) - from);
  };
  fs::create_directory(box / "tree");
  box.write("tree/a.cpp", "one");
  CHECK(look() == "unknown");
  const auto written = fs::last_write_time(box / "out.cpp");
  CHECK(look() == "unknown");
  CHECK(fs::last_write_time(box / "out.cpp") == written);  // nothing to compile
  if (shell(box, "git --version").status != 0) return;
  const std::string git = "git -C tree -c user.name=A -c user.email=a@b -c commit.gpgsign=false ";
  CHECK(shell(box, git + "init -q").status == 0);
  CHECK(look() == "unknown");
  CHECK(shell(box, git + "add a.cpp && " + git + "commit -q -m one").status == 0);
  const std::string head = shell(box, git + "rev-parse HEAD").out.substr(0, 40);
  CHECK(is_commit(head));
  CHECK(look() == head);
  box.write("tree/notes.txt", "not a source");
  CHECK(look() == head);
  box.write("tree/b.h", "a source");
  CHECK(look() == head + "+");
  fs::remove(box / "tree/b.h");
  box.write("tree/a.cpp", "two");
  CHECK(look() == head + "+");
  CHECK(shell(box, git + "add a.cpp").status == 0);
  CHECK(look() == head + "+");
  CHECK(shell(box, git + "commit -q -m two").status == 0);
  CHECK(look() == shell(box, git + "rev-parse HEAD").out.substr(0, 40));
  // An archive that was unpacked within a checkout of something else.
  fs::create_directory(box / "tree/inner");
  CHECK(shell(box, "cmake -D SOURCE=tree/inner -D VERSION=1 -D FILE=inner.cpp -P '" + script + "'").status == 0);
  CHECK_THAT(test::bytes_of(box / "inner.cpp"), ContainsSubstring("commit() { return \"unknown\""));
}

TEST_CASE("provenance: a git archive knows its commit, and is configured without git") {
  const Sandbox box;
  if (shell(box, "git --version").status != 0) return;
  const std::string tree = fs::path(places::reproduce()).parent_path().parent_path().string();
  // The tree as it is now, as a commit of a repository of its own.
  const std::string git = "git -C tree -c user.name=A -c user.email=a@b -c commit.gpgsign=false ";
  fs::create_directory(box / "tree");
  const auto copied = shell(box, "tar -C '" + tree +
                                     "' -cf - .gitattributes CMakeLists.txt CMakePresets.json autodiff nn linearize kernels "
                                     "data experiments | tar -C tree -xf -");
  INFO(copied.err);
  REQUIRE(copied.status == 0);
  box.write("tree/experiments/common/run/built_from.cmake", built_from());
  REQUIRE(shell(box, git + "init -q && " + git + "add -A && " + git + "commit -q -m one").status == 0);
  const std::string head = shell(box, git + "rev-parse HEAD").out.substr(0, 40);
  CHECK(is_commit(head));
  REQUIRE(shell(box, git + "archive --prefix=archive/ HEAD | tar -xf - && rm -r tree").status == 0);
  CHECK(!fs::exists(box / "archive/.git"));

  // With and without a git at hand: nothing of it is asked.
  for (const std::string without : {"", " -D git=OFF"}) {
    const auto end = shell(
        box, "cmake -D SOURCE=archive -D VERSION=4.5.6 -D FILE=out.cpp" + without + " -P archive/experiments/common/run/built_from.cmake");
    INFO(end.err);
    REQUIRE(end.status == 0);
    CHECK_THAT(test::bytes_of(box / "out.cpp"), ContainsSubstring("commit() { return \"" + head + "\"; }"));
    fs::remove(box / "out.cpp");
  }
  const auto configured = shell(box, "cmake -S archive -B build -G Ninja -D CMAKE_BUILD_TYPE=Release -D TANGENTPLANE_TESTS=OFF");
  INFO(configured.out << configured.err);
  CHECK(configured.status == 0);
}
