// Verdicts follow from the numbers in the results folders: generated folders whose answers are known.
#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <regex>

#include "data/npy.h"
#include "experiments/claims/page/report_page.h"
#include "experiments/common/process/lock.h"
#include "experiments/common/text/files.h"
#include "tests/catch.h"
#include "tests/experiments/captured.h"
#include "tests/experiments/well_formed.h"
#include "tests/experiments/written_runs.h"
#include "tests/places.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;
using Verdict = Section::Verdict;

TEST_CASE("the page is whole, well formed, needs no other file and names what is missing") {
  const TemporaryFolder study;
  write_eigenfunctions(study, {0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55}, {0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92});
  write_run(study, "begun<&", "train_nads", "");
  study.write("begun<&/.unfinished", "");
  const auto sections = write_report(study.path());
  REQUIRE(sections.size() == 5);
  CHECK(sections[0].verdict() == Verdict::seen_once);
  for (std::size_t i = 1; i < 5; ++i) CHECK(sections[i].verdict() == Verdict::missing);
  const std::string html = read_text(study / "index.html");
  CHECK(malformed(html) == "");
  CHECK(mentions(html, "rank correlation of the areas under the ROC curves 1.00"));
  CHECK(mentions(html, "Unfinished and not looked at: begun&lt;&amp;."));
  CHECK(mentions(html, "On the classes: no network and linearization trained on the classes: train_cifar with and without --linearize"));
  CHECK(mentions(html, "<svg class=\"figure\""));
  CHECK(mentions(html, "prefers-color-scheme: dark"));
  for (const char* needs_network : {"<script", "src=", "@import", "<link", "href=\"http"}) CHECK(!mentions(html, needs_network));
  CHECK(std::filesystem::exists(study / "figures/rank-net.csv"));
  write_report(study.path().string() + "/");  // the same folder
  CHECK(html == read_text(study / "index.html"));
  CHECK(mentions(html, "train_ntk --config net/config.toml --out again/net"));
}

TEST_CASE("a run's source is found by its path or, where the study was moved, by its name") {
  const TemporaryFolder study;
  write_run(study, "kernel", "compute_ntk", "");
  for (const std::string& named : {study.path().string() + "/kernel", study.path().string() + "/kernel/", std::string("/moved/kernel/")}) {
    INFO(named);
    write_run(study, "net", "train_ntk", "ntk = \"" + named + "\"\n");
    const Study read = read_study(study.path());
    const Run* source = read.source(*read.of("train_ntk").at(0), "ntk");
    REQUIRE(source);
    CHECK(source->name() == "kernel");
    CHECK(!read.source(*source, "ntk"));
  }
}

TEST_CASE("what a claim misses, the steps that its hint names would leave") {
  // The table of reproduce: names and commands.
  const std::string study_table = read_text(std::filesystem::path(places::reproduce()).parent_path() / "study.txt");
  std::map<std::string, std::string> steps;
  const std::regex step(R"(\n(\S+) +\| +\d+ +\| +\S+ +\| +(\S+))");
  for (std::sregex_iterator at(study_table.begin(), study_table.end(), step), end; at != end; ++at) steps[(*at)[1]] = (*at)[2];
  REQUIRE(steps.size() == 27);

  const TemporaryFolder study;
  write_run(study, "kernel", "compute_ntk", "");
  std::string ninja;
  for (const auto& [name, program] : steps) ninja += "  name = " + name + "\n  line = '" + program + " --seed 0'\n";
  study.write("build.ninja", ninja);
  const std::map<std::string, std::string> wanted{{"rank", "train_ntk"},
                                                  {"classes", "train_cifar"},
                                                  {"nads", "train_nads"},
                                                  {"evolution", "train_ntk"},
                                                  {"trained", "pretrained_ntk_comparison"}};
  for (const Section& s : all_claims(read_study(study.path()))) {
    INFO(s.missing);
    std::smatch pattern;
    REQUIRE(std::regex_search(s.missing, pattern, std::regex("--only '([^']*)'$")));
    CHECK(std::any_of(steps.begin(), steps.end(), [&](const auto& one) {
      return one.second == wanted.at(s.id) && fnmatch(pattern[1].str().c_str(), one.first.c_str(), 0) == 0;
    }));
  }
}

TEST_CASE("a report on nothing, or on damaged results, is refused by name") {
  const TemporaryFolder study;
  CHECK(thrown([&] { write_report(study / "none"); }).find("none: no such folder") != std::string::npos);
  CHECK(thrown([&] { write_report(study.path()); }).find("holds no results; run experiments/reproduce first") != std::string::npos);
  write_eigenfunctions(study, {0.9}, {0.9});
  study.write("net/accuracy.csv", "target,class_balance,train_accuracy,test_accuracy\n1,0.5,0.9,lots\n");
  CHECK(thrown([&] { write_report(study.path()); }) == (study / "net/accuracy.csv").string() + " lots: give a number from 0 to 1");
}

TEST_CASE("a report takes away what a killed one has left, and nothing else, and is alone in its figures") {
  const TemporaryFolder study;
  write_eigenfunctions(study, {0.9, 0.8}, {0.9, 0.8});
  write_report(study.path());
  const std::vector<std::string> leftovers{".index.html.77-3.partial", "figures/.rank-net.csv.77-4.partial",
                                           "figures/.rank-net.svg.77-5.partial"},
      others{".notes.txt.77-3.partial", "index.html.partial", "figures/mine.svg", "net/.history.csv.77-3.partial"};
  for (const auto& name : leftovers) study.write(name, "half");
  for (const auto& name : others) study.write(name, "not a report's");
  write_report(study.path());
  for (const auto& name : leftovers) CHECK(!std::filesystem::exists(study / name));
  for (const auto& name : others) CHECK(std::filesystem::exists(study / name));
  CHECK(!std::filesystem::exists(study / "figures/.lock"));
  const FolderLock other(study / "figures", "");
  CHECK_THAT(thrown([&] { write_report(study.path()); }), Catch::Matchers::ContainsSubstring("figures: process ") &&
                                                              Catch::Matchers::ContainsSubstring(" is writing there; wait for it"));
}
