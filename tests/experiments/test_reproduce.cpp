// The whole study by its script, small, with the built binaries: interrupted in the middle of a step, gone on with, run again with another
// option.
#include <chrono>
#include <thread>

#include "experiments/common/text/files.h"
#include "tests/experiments/run_binary.h"
#include "tests/places.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Outcome;
using test::Running;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

// Twelve steps: on eigenfunctions and classes under two seeds, and the anisotropy directions, which have no images.
std::string reproduce(const std::string& num_test, const std::string& bin = places::binaries(), const std::string& out = "results") {
  return places::reproduce() + " --bin " + bin + " --out " + out + " --seeds 2 --num-train 300 --num-test " + num_test +
         " --only @(*-mlp*|nads-lenet)";
}

using Times = std::map<std::string, fs::file_time_type>;
/// When each file of a folder was last written.
Times times(const fs::path& folder) {
  Times all;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) all[entry.path().string()] = fs::last_write_time(entry.path());
  return all;
}

/// The names of the steps whose mark has that extension.
std::vector<std::string> marked(const fs::path& results, const std::string& extension) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(results / "steps"))
    if (entry.path().extension() == extension) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The names of the steps that the script said were "finished before".
std::vector<std::string> skipped(const std::string& out) {
  std::vector<std::string> names;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);)
    if (const auto end = line.find(": finished before"); end != std::string::npos)
      names.push_back(line.substr(line.find("] ") + 2, end - line.find("] ") - 2));
  std::sort(names.begin(), names.end());
  return names;
}

/// All files with their bytes, without what tells the time that a run took.
std::map<std::string, std::string> timeless(const Sandbox& box, const std::string& results) {
  auto all = box.listing(results);
  std::erase_if(all, [](const auto& file) { return file.first.ends_with("run.json"); });
  std::string& page = all.at("index.html");
  const auto runs = page.find("<section id=\"runs\">");
  REQUIRE(runs != std::string::npos);
  page.resize(runs);
  return all;
}

/// Starts the study and sends Ctrl-C to it and its step, as a terminal does, as soon as a network has been trained on `targets` targets.
Outcome interrupted(const Sandbox& box, std::ptrdiff_t targets) {
  Running child(reproduce("40"), box.path(), Running::Group::own);
  const fs::path step = box / "results/eigenfunctions-mlp";
  const auto trained = [&] {
    std::error_code error;
    return std::count_if(fs::directory_iterator(step, error), fs::directory_iterator(),
                         [](const auto& entry) { return fs::exists(entry.path() / "final.npz"); });
  };
  while (!child.over() && trained() < targets) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  child.signal_group(SIGINT);
  return child.wait();
}

}  // namespace

TEST_CASE("reproduce: interrupted in a step, the same command goes on and leaves the same bytes, another option runs what depends on it") {
  const Sandbox box;
  const fs::path results = box / "results";
  box.good(reproduce("40"));
  const std::vector<std::string> steps = marked(results, ".done");
  REQUIRE(steps.size() == 12);
  const auto undisturbed = timeless(box, "results");
  fs::rename(results, box / "undisturbed");

  const Outcome end = interrupted(box, 3);
  INFO(end.out << end.err);
  REQUIRE(end.status == 130);
  CHECK_THAT(end.err, ContainsSubstring("reproduce: interrupted; the same command goes on from here"));
  const auto done = marked(results, ".done"), begun = marked(results, ".begun");
  REQUIRE(done == std::vector<std::string>{"ntk-mlp"});
  REQUIRE(begun == std::vector<std::string>{"eigenfunctions-mlp", "ntk-mlp"});
  CHECK(fs::exists(results / "eigenfunctions-mlp/.unfinished"));
  CHECK(!fs::exists(results / "eigenfunctions-mlp/accuracy.csv"));
  CHECK(!fs::exists(results / "index.html"));
  Times before = times(results / "ntk-mlp");
  for (const auto& entry : fs::directory_iterator(results / "eigenfunctions-mlp"))
    if (fs::exists(entry.path() / "final.npz")) before.merge(times(entry.path()));

  SECTION("the same command") {
    const std::string out = box.good(reproduce("40"));
    CHECK(skipped(out) == done);
    CHECK(marked(results, ".done") == steps);
    Times after = times(results);
    for (const auto& [file, written] : before) {
      INFO(file);
      CHECK(after.at(file) == written);
    }
    CHECK(test::differing(timeless(box, "results"), undisturbed) == "");

    // And once more: nothing is left to do.
    const Times finished = times(results / "eigenfunctions-mlp");
    CHECK(skipped(box.good(reproduce("40"))) == steps);
    CHECK(times(results / "eigenfunctions-mlp") == finished);
  }
  SECTION("results moved, binaries under another path: what is finished stays, what had begun is done anew") {
    fs::rename(results, box / "moved");
    fs::create_directory_symlink(places::binaries(), box / "link");
    fs::create_directory(box / "bin");
    for (const auto& binary : fs::directory_iterator(places::binaries()))
      fs::create_symlink(binary.path(), box / "bin" / binary.path().filename());
    const Times kernel = times(box / "moved/ntk-mlp");
    CHECK(skipped(box.good(reproduce("40", "bin", "moved"))) == done);
    CHECK(marked(box / "moved", ".done") == steps);
    CHECK(times(box / "moved/ntk-mlp") == kernel);

    fs::rename(box / "moved", box / "again");
    const Times finished = times(box / "again/eigenfunctions-mlp");
    CHECK(skipped(box.good(reproduce("40", "link", "again"))) == steps);
    CHECK(times(box / "again/eigenfunctions-mlp") == finished);
  }
  SECTION("other images: all that is computed on them again, and nothing else") {
    box.good(reproduce("40"));
    // The training's own command names no images: it is run again because its kernel is.
    CHECK(read_text(results / "steps/eigenfunctions-mlp.done")
              .substr(0, undisturbed.at("steps/eigenfunctions-mlp.done").find('\n'))
              .find("--num-test") == std::string::npos);
    CHECK(skipped(box.good(reproduce("50"))) == std::vector<std::string>{"nads-lenet", "nads-lenet-seed1"});
    for (const std::string& step : steps)
      if (!step.starts_with("nads-")) {
        INFO(step);
        CHECK(read_text(results / step / "config.toml").find("num-test = 50\n") != std::string::npos);
      }
  }
}
