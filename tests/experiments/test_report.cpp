// Verdicts follow from the numbers in the results folders: generated folders whose answers are known.
#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <regex>

#include "data/npy.h"
#include "experiments/claims/page/report_page.h"
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

TEST_CASE("claim 1: the rank correlation over tasks of two classes decides") {
  const TemporaryFolder study;
  const std::vector<double> network{0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55};
  SECTION("the same order, other accuracies") {
    write_eigenfunctions(study, network, {0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92});
    const Section s = claim_rank(read_study(study.path()));
    CHECK(s.verdict() == Verdict::shown);
    CHECK(mentions(all_findings(s), "rank correlation 1.00 over 8 tasks"));
    REQUIRE(s.remarks.size() == 1);
    CHECK(mentions(s.remarks[0], "1 eigenfunction of one sign left out"));
    CHECK(s.tables.at(0).rows.size() == 9);
    CHECK(s.tables.at(0).rows[1] == std::vector<std::string>{"1", "0.500", "90.0 %", "99.0 %", "-9.0"});
  }
  SECTION("two of eight places exchanged: 1 - 6 * 2 * 49 / (8 * 63)") {
    write_eigenfunctions(study, network, {0.92, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.99});
    const Section s = claim_rank(read_study(study.path()));
    CHECK(s.verdict() == Verdict::not_shown);
    CHECK(mentions(all_findings(s), "rank correlation -0.17 over 8 tasks"));
  }
  SECTION("too few tasks") {
    write_eigenfunctions(study, {0.9, 0.8, 0.7}, {0.9, 0.8, 0.7});
    CHECK(claim_rank(read_study(study.path())).verdict() == Verdict::not_shown);
  }
  SECTION("other recipes are not compared") {
    write_eigenfunctions(study, network, network);
    write_run(study, "lin", "train_ntk", eigen_options + "seed = 0\nlinearize = true\nspace = \"function\"\nepochs = 3\n");
    CHECK(claim_rank(read_study(study.path())).verdict() == Verdict::missing);
  }
  SECTION("the class task's accuracy becomes a line where it was measured at that size") {
    write_eigenfunctions(study, network, network);
    write_run(study, "classes", "train_cifar", "num-train = \"100,1000\"\nseed = 0\nlinearize = false\n",
              {{100, 0.5, 0.6}, {1000, 0.5, 0.7}});
    const Section s = claim_rank(read_study(study.path()));
    REQUIRE(s.figures.at(0).second.lines.size() == 1);
    CHECK(s.figures.at(0).second.lines[0].y == Approx(70));
  }
}

TEST_CASE("claim 2: leads are weighed against the error of the test images") {
  const TemporaryFolder study;
  const std::string options = "num-train = \"100,1000\"\n";
  write_eigenfunctions(study, {0.9, 0.8, 0.70}, {0.9, 0.79, 0.82});  // the error of a difference is near 0.03
  CHECK(claim_classes(read_study(study.path())).verdict() == Verdict::missing);
  write_run(study, "classes", "train_cifar", options + "linearize = false\n", {{100, 0.5, 0.60}, {1000, 0.5, 0.85}});
  write_run(study, "classes-lin", "train_cifar", options + "linearize = true\n", {{100, 0.5, 0.59}, {1000, 0.5, 0.65}});
  Section s = claim_classes(read_study(study.path()));
  REQUIRE(s.findings.size() == 3);
  CHECK(s.verdict() == Verdict::shown);
  CHECK(mentions(s.findings[0].text, "wins on 1 of 3 eigenfunctions"));
  CHECK(mentions(s.findings[0].text, "+12.0 points (standard error 3."));
  CHECK(mentions(s.findings[1].text, "with 1000 images, the network leads by +20.0 points (standard error"));
  CHECK(mentions(s.findings[2].text, "changes by +19.0 points (standard error"));

  write_eigenfunctions(study, {0.9, 0.8, 0.70}, {0.9, 0.79, 0.72});  // a lead within the error
  write_run(study, "classes-lin", "train_cifar", options + "linearize = true\n", {{100, 0.5, 0.40}, {1000, 0.5, 0.65}});  // a gap as large
  s = claim_classes(read_study(study.path()));
  CHECK_FALSE(s.findings[0].shown);
  CHECK(s.findings[1].shown);
  CHECK_FALSE(s.findings[2].shown);
  CHECK(s.verdict() == Verdict::partly);
  CHECK(s.verdict_text() == "shown in 1 of 3");
}

TEST_CASE("claim 3: the first third of the directions against the last") {
  const TemporaryFolder study;
  const std::string options = "num-train = 1000\nnads = \"/elsewhere/nads\"\nindex = \"0,1,2,10,20,30\"\n";
  write_run(study, "dir", "train_nads", options + "linearize = false\n",
            {{0, 0.5, 0.99}, {1, 0.5, 0.97}, {2, 0.5, 0.8}, {10, 0.5, 0.8}, {20, 0.5, 0.55}, {30, 0.5, 0.53}});
  write_run(study, "dir-lin", "train_nads", options + "linearize = true\n",
            {{0, 0.5, 0.60}, {1, 0.5, 0.59}, {2, 0.5, 0.6}, {10, 0.5, 0.6}, {20, 0.5, 0.58}, {30, 0.5, 0.59}});
  write_run(study, "nads", "compute_nads", "shape = \"2,2,1\"\n");
  data::save_npy(study / "nads/nads.npy",
                 Tensor<double>::from({4, 4}, std::vector<double>{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}));
  const Section s = claim_nads(read_study(study.path()));
  REQUIRE(s.findings.size() == 2);
  CHECK(s.findings[0].shown);
  CHECK(mentions(s.findings[0].text, "98.0 % on early directions, 54.0 % on late ones: a drop of +44.0 points (standard error"));
  CHECK_FALSE(s.findings[1].shown);
  CHECK(mentions(s.findings[1].text, "a drop of +1.0 points (standard error"));
  CHECK(s.verdict() == Verdict::partly);
  REQUIRE(s.pictures.size() == 1);
  CHECK(s.pictures[0].second.pixels.at(2) == std::vector<double>{0, 0, 1, 0});
}

TEST_CASE("claim 4: growth at the target over that of its neighbours, the trend of the whole spectrum taken out") {
  const TemporaryFolder study;
  const Index k = 40, target = 7;
  write_eigenfunctions(study, {0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9}, {0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9});
  write_run(study, "kernel", "compute_ntk", "num-train = 1000\n");
  std::vector<double> eigenvalues, alignment(3 * k);
  for (Index j = 0; j < k; ++j) eigenvalues.push_back(100.0 / static_cast<double>((j + 1) * (j + 1)));
  for (Index row = 0; row < 3; ++row)
    for (Index j = 0; j < k; ++j) alignment[row * k + j] = 3 * eigenvalues[j];  // everything grew alike,
  alignment[target] *= 5;                                                       // but for the target on training images
  alignment[k + target] *= 1.2;                                                 // and hardly on test images
  data::save_npy(study / "kernel/eigvals.npy", Tensor<double>::from({k}, eigenvalues));
  std::filesystem::create_directories(study / "net/7");
  std::filesystem::create_directories(study / "net/0");
  data::save_npy(study / "net/7/alignment.npy", Tensor<double>::from({3, k}, alignment));
  data::save_npy(study / "net/0/alignment.npy", Tensor<double>::from({3, k}, alignment));  // of one class: not counted
  const Section s = claim_evolution(read_study(study.path()));
  REQUIRE(s.findings.size() == 2);
  CHECK(mentions(s.findings[0].text, "on training images the alignment with the target grew 5.00 times as much as with its neighbours"));
  CHECK(mentions(s.findings[0].text, "(median of 1 target)"));
  CHECK(s.findings[0].shown);
  CHECK(mentions(s.findings[1].text, "on test images the alignment with the target grew 1.20 times"));
  CHECK_FALSE(s.findings[1].shown);
  CHECK(s.tables.at(0).rows.at(0).at(4) == "1");                           // no other grew as much
  CHECK(s.figures.at(0).second.series.at(0).y == std::vector<double>{5});  // the spike of the one target
  CHECK(s.figures.at(1).second.series.at(0).y.at(target) == Approx(5));
  data::save_npy(study / "net/7/alignment.npy", Tensor<double>::zeros({3, 2}));
  CHECK(mentions(thrown([&] { claim_evolution(read_study(study.path())); }), "has shape [3,2], expected [3,40]"));
}

TEST_CASE("claim 5: epochs until the training accuracy of the other is reached") {
  const TemporaryFolder study;
  write_comparison(study, "a", "3", "", history({0.6, 0.7, 0.8, 0.9}, 0.8), history({0.8, 0.95, 1, 1}, 0.6));
  Section s = claim_trained(read_study(study.path()));
  CHECK(s.verdict() == Verdict::shown);
  CHECK(mentions(all_findings(s), "faster on the training images for 1 of 1 targets"));
  CHECK(s.tables.at(0).rows.at(0) == std::vector<std::string>{"3", "80.0 %", "80.0 %", "60.0 %", "4", "2"});
  CHECK(mentions(s.remarks.at(0), "-20.0 points (standard error"));
  CHECK(mentions(s.remarks.at(0), ": worse."));
  write_comparison(study, "b", "3,4", "/3", history({0.6, 0.9}, 0.8), history({0.6, 0.8}, 0.8));
  write_comparison(study, "b", "3,4", "/4", history({0.6, 0.9}, 0.8), history({0.9, 0.9}, 0.8));
  s = claim_trained(read_study(study.path()));
  REQUIRE(s.findings.size() == 2);
  CHECK(mentions(s.findings[1].text, "for 1 of 2 targets"));
  CHECK_FALSE(s.findings[1].shown);
  CHECK(s.tables.at(1).rows.at(0).back() == "not reached");
  CHECK(mentions(s.remarks.at(1), "no difference to be seen"));
}

TEST_CASE("the page is whole, well formed, needs no other file and names what is missing") {
  const TemporaryFolder study;
  write_eigenfunctions(study, {0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55}, {0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92});
  write_run(study, "begun<&", "train_nads", "");
  study.write("begun<&/.unfinished", "");
  const auto sections = write_report(study.path());
  REQUIRE(sections.size() == 5);
  CHECK(sections[0].verdict() == Verdict::shown);
  for (std::size_t i = 1; i < 5; ++i) CHECK(sections[i].verdict() == Verdict::missing);
  const std::string html = read_text(study / "index.html");
  CHECK(malformed(html) == "");
  CHECK(mentions(html, "rank correlation 1.00 over 8 tasks"));
  CHECK(mentions(html, "Unfinished and not looked at: begun&lt;&amp;."));
  CHECK(mentions(html, "Missing: no network and linearization trained on the classes: reproduce --only &#39;classes-*&#39;"));
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
  std::string script = read_text(places::reproduce());
  script = std::regex_replace(script, std::regex(R"(\\\n)"), " ");
  std::map<std::string, std::string> steps;
  const std::regex step(R"(\n *step +(\S+) +\d+ +\S+ +(\S+))");
  for (std::sregex_iterator at(script.begin(), script.end(), step), end; at != end; ++at) steps[(*at)[1]] = (*at)[2];
  REQUIRE(steps.size() == 17);

  const TemporaryFolder study;
  write_run(study, "kernel", "compute_ntk", "");
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
