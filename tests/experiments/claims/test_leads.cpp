// Claim 2 on results whose answer is known.
#include <cmath>

#include "experiments/claims/verdicts/rules.h"
#include "tests/catch.h"
#include "tests/experiments/written_runs.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

namespace {

/// Network and linearization on the classes under one seed.
void write_classes(const TemporaryFolder& study, const std::vector<Row>& network, const std::vector<Row>& linear, int seed = 0,
                   const std::string& options = "") {
  std::string sizes;
  for (const Row& row : network) sizes += (sizes.empty() ? "" : ",") + std::to_string(row.task);
  for (const bool linearize : {false, true})
    write_run(study, (linearize ? "classes-lin" : "classes") + suffix_of(seed), "train_cifar",
              fmt::format("num-train = \"{}\"\nseed = {}\nlinearize = {}\n{}", sizes, seed, linearize, options),
              linearize ? linear : network);
}
std::vector<Row> sizes(double at_100, double at_1000) { return {{.task = 100, .accuracy = at_100}, {.task = 1000, .accuracy = at_1000}}; }

struct Classes {
  explicit Classes(const TemporaryFolder& folder) : study(read_study(folder.path())) {
    auto all = class_leads(matched_pairs(study, "train_cifar").groups);
    REQUIRE(all.size() == 1);
    n = std::move(all[0]);
  }
  Study study;
  ClassLeads n;
};
struct Eigenfunctions {
  explicit Eigenfunctions(const TemporaryFolder& folder) : study(read_study(folder.path())) {
    auto all = eigenfunction_leads(matched_pairs(study, "train_ntk").groups);
    REQUIRE(all.size() == 1);
    n = std::move(all[0]);
  }
  Study study;
  EigenfunctionLeads n;
};

}  // namespace

TEST_CASE("claim 2 on the classes is shown: a lead and its growth, three seeds that agree") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) write_classes(study, sizes(0.6, 0.80 + 0.01 * seed), sizes(0.59, 0.60), seed);
  const Classes c(study);
  REQUIRE(c.n.tasks.size() == 2);
  CHECK(c.n.tasks[0].name == "100");
  CHECK(c.n.leads[1].mean == Approx(0.21));
  CHECK(c.n.leads[1].spread == Approx(0.01));
  CHECK(c.n.growth->mean == Approx(0.20));
  CHECK(judge_lead(c.n).verdict == Verdict::shown);
  CHECK(judge_growth(c.n).verdict == Verdict::shown);
}

TEST_CASE("claim 2 on the classes: where each seed has a size of its own there are leads, and no growth") {
  const TemporaryFolder study;
  write_classes(study, {{.task = 100, .accuracy = 0.7}}, {{.task = 100, .accuracy = 0.6}}, 0);
  write_classes(study, {{.task = 1000, .accuracy = 0.9}}, {{.task = 1000, .accuracy = 0.6}}, 1);
  const auto all = class_leads(matched_pairs(read_study(study.path()), "train_cifar").groups);
  for (const ClassLeads& n : all) {
    CHECK_FALSE(n.growth.has_value());
    for (const Estimate& lead : n.leads) CHECK(lead.count == 1);
  }
  const Section section = claim_classes(read_study(study.path()));
  CHECK(section.verdict() == Section::Verdict::missing);
}

TEST_CASE("claim 2 on the classes is not shown: the linearization leads, and by more with more images") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) write_classes(study, sizes(0.6, 0.6), sizes(0.6, 0.79 + 0.01 * seed), seed);
  const Classes c(study);
  CHECK(judge_lead(c.n).verdict == Verdict::not_shown);
  CHECK(judge_growth(c.n).verdict == Verdict::not_shown);
}

TEST_CASE("claim 2 on the classes is undecided: the mean of three seeds is two of its standard errors above zero") {
  const TemporaryFolder study;
  const double gaps[] = {0.10, 0.20, 0.30};
  for (int seed = 0; seed < 3; ++seed) write_classes(study, sizes(0.6, 0.6 + gaps[seed]), sizes(0.6, 0.6), seed);
  const Classes c(study);
  CHECK(c.n.leads[1].mean > 2 * c.n.leads[1].error);
  CHECK(judge_lead(c.n).verdict == Verdict::undecided);
  CHECK(judge_growth(c.n).verdict == Verdict::undecided);
  CHECK(judge_lead(c.n).needed.seeds == 4u);  // 3.18 * 0.1 / 2 < 0.2, with the images' error
}

TEST_CASE("claim 2 on the classes is seen once: one seed, however large the lead") {
  const TemporaryFolder study;
  write_eigenfunctions(study, {0.6, 0.6}, {0.9, 0.6});
  write_classes(study, sizes(0.6, 0.9), sizes(0.6, 0.6));
  const Classes c(study);
  CHECK(judge_lead(c.n).verdict == Verdict::seen_once);
  CHECK(judge_growth(c.n).verdict == Verdict::seen_once);
  const Section s = claim_classes(read_study(study.path()));
  REQUIRE(s.findings.size() == 3);
  CHECK(s.findings[0].verdict == Verdict::seen_once);
  CHECK(s.verdict_text() == "seen once");
}

TEST_CASE("claim 2 on the classes: a gap that is partly unfinished training is undecided, and says so") {
  const TemporaryFolder study;
  write_eigenfunctions(study, {0.6}, {0.9});
  auto linear = sizes(0.6, 0.6);
  linear[1].train = 0.83;
  for (int seed = 0; seed < 3; ++seed) write_classes(study, sizes(0.6, 0.8 + 0.01 * seed), linear, seed);
  const Classes c(study);
  CHECK(judge_lead(c.n).verdict == Verdict::undecided);
  CHECK(judge_lead(c.n).why == Why::unfinished);
  const Section s = claim_classes(read_study(study.path()));
  CHECK(mentions(s.findings.at(1).text, "not trained to the end: with 1000 images classes-lin (training accuracy 83.0 % after 20 epochs"));
  linear[1].train = 0.99;
  for (int seed = 0; seed < 3; ++seed) write_classes(study, sizes(0.6, 0.8 + 0.01 * seed), linear, seed);
  CHECK(judge_lead(Classes(study).n).verdict == Verdict::shown);
}

TEST_CASE("claim 2 says over how many eigenfunctions its mean is, and which count under some seeds only") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) {
    // The first counts under seed 0 alone, the last is not trained to the end.
    const auto rows = [&](double accuracy) {
      return std::vector<Row>{{.task = 1, .balance = seed > 0 ? 0.02 : 0.5, .accuracy = accuracy},
                              {.task = 2, .accuracy = accuracy + 0.01 * seed},
                              {.task = 3, .accuracy = accuracy},
                              {.task = 4, .accuracy = accuracy, .train = 0.9}};
    };
    write_pair(study, rows(0.6), rows(0.7), seed);
    write_classes(study, sizes(0.6, 0.8), sizes(0.6, 0.6), seed);
  }
  CHECK(Eigenfunctions(study).n.averaged == 2);
  Section s = claim_classes(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "in the mean over the 2 eigenfunctions on which both were trained to the end under every seed"));
  CHECK(mentions(s.remarks.at(0), "eigenfunction 1 under 2 of 3 seeds (2.0 %) left out"));
  for (int seed = 0; seed < 3; ++seed) {
    const auto rows = [&](double accuracy) {
      return std::vector<Row>{{.task = 1, .balance = seed > 0 ? 0.02 : 0.5, .accuracy = accuracy, .train = 0.9},
                              {.task = 2, .accuracy = accuracy, .train = 0.9}};
    };
    write_pair(study, rows(0.6), rows(0.7), seed);
  }
  s = claim_classes(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "in the mean over the 1 eigenfunction that counts under every seed"));
}

TEST_CASE("claim 2 on all classes: the share of ones is none") {
  const TemporaryFolder study;
  write_classes(study, sizes(0.6, 0.8), sizes(0.6, 0.6), 0, "classes = \"all\"\npositive = \"\"\n");
  for (const char* run : {"classes", "classes-lin"}) {
    // Three classes, of half of the images, two sevenths and three fourteenths.
    std::vector<int> labels;
    for (int i = 0; i < 1400; ++i) labels.push_back(i % 14 < 7 ? 0 : i % 14 < 11 ? 1 : 2);
    auto logits = Tensor<double>::zeros({made_test_images, 3});
    const Index right = run == std::string("classes") ? 320 : 240;
    for (Index i = 0; i < made_test_images; ++i) logits[3 * i + (labels[static_cast<std::size_t>(1000 + i)] + (i < right ? 0 : 1)) % 3] = 1;
    data::save_npy(study / (std::string(run) + "/1000/labels.npy"), labels);
    data::save_npy(study / (std::string(run) + "/1000/test_logits.npy"), logits);
  }
  const Section s = claim_classes(read_study(study.path()));
  const Table& table = s.tables.back();
  CHECK(table.header.at(1) == "share of the largest class");
  CHECK(table.rows.back().at(1) == "0.500");
  CHECK(mentions(all_findings(s), "400 test images, all classes: with 1000 images"));
}

TEST_CASE("claim 2: the difference of two on the same test images is paired") {
  // 55 and 40 images of 400 are wrong. Where the 40 are among the 55 the two disagree on 15 images, elsewhere on up to 95.
  const auto lead_of = [](int order) {
    const TemporaryFolder study;
    write_classes(study, {{.task = 1000, .accuracy = 0.9}}, {{.task = 1000, .accuracy = 0.8625, .order = order}});
    const Classes c(study);
    return c.n.leads.at(0);
  };
  const Estimate nested = lead_of(0), apart = lead_of(1);
  CHECK(nested.mean == Approx(0.0375));
  CHECK(apart.mean == Approx(0.0375));
  CHECK(nested.error == Approx(std::sqrt((17. / 402 - std::pow(15. / 402, 2)) / 402)));
  const double independent = std::sqrt(0.9 * 0.1 / 400 + 0.8625 * 0.1375 / 400);
  CHECK(nested.error < 0.6 * independent);
  CHECK(apart.error == Approx(independent).epsilon(0.1));
  CHECK(judge(nested, {0, Threshold::Kind::more_than}).verdict == Verdict::seen_once);
  CHECK(judge(apart, {0, Threshold::Kind::more_than}).verdict == Verdict::undecided);
}

TEST_CASE("claim 2: of seeds that share the test images the error is that of their mean, image by image") {
  const TemporaryFolder study;
  const int orders[] = {1, 2, 3};
  for (int seed = 0; seed < 3; ++seed)
    write_classes(study, {{.task = 1000, .accuracy = 1}}, {{.task = 1000, .accuracy = 0.9, .order = orders[seed]}}, seed);
  const Classes c(study);
  std::vector<double> middle(400);
  for (const auto& task : c.n.tasks.at(0).under) {
    const auto values = paired(*task);
    for (std::size_t i = 0; i < 400; ++i) middle[i] += values[i] / 3;
  }
  double sum = 0, squares = 2;
  for (double v : middle) sum += v, squares += v * v;
  CHECK(sum == Approx(40));
  CHECK(c.n.leads[0].measurement.shared);
  CHECK(c.n.leads[0].measurement.error == Approx(std::sqrt((squares / 402 - std::pow(sum / 402, 2)) / 402)));
}

TEST_CASE("claim 2: subsets of their own for every seed are repeats, and share a part of the test images") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) {
    write_classes(study, {{.task = 1000, .accuracy = 0.9}}, {{.task = 1000, .accuracy = 0.8}}, seed,
                  seed > 0 ? fmt::format("subset-seed = {}\n", seed) : "");
    for (const char* run : {"classes", "classes-lin"}) {
      std::vector<int> rows(1400);
      for (int i = 0; i < 1400; ++i) rows[static_cast<std::size_t>(i)] = 7 * seed + i;
      data::save_npy(study / (run + suffix_of(seed) + "/indices.npy"), rows);
      write_fingerprints(study, run + suffix_of(seed), {{"images", "1"}, {"weights", std::to_string(seed)}});
    }
  }
  const Classes c(study);
  CHECK(c.n.pairs.size() == 3);
  CHECK(test_images(c.n.pairs, c.n.tasks[0]) == TestImages::overlapping);
  CHECK(c.n.leads[0].measurement.shared);  // not divided by the seeds
  // The same weights with another subset are another sample; the same subset is none.
  for (const char* run : {"classes", "classes-lin"}) write_fingerprints(study, run + suffix_of(1), {{"images", "1"}, {"weights", "0"}});
  CHECK(Classes(study).n.pairs.size() == 3);
  write_classes(study, {{.task = 1000, .accuracy = 0.9}}, {{.task = 1000, .accuracy = 0.8}}, 1);
  CHECK(Classes(study).n.pairs.size() == 2);
}

TEST_CASE("claim 2 on eigenfunctions is shown: one win beyond the interval of all together, leads and wins are both told") {
  const TemporaryFolder study;
  const double better[] = {0.79, 0.80, 0.81}, slightly[] = {0.61, 0.66, 0.62};
  for (int seed = 0; seed < 3; ++seed) {
    write_eigenfunctions(study, {0.6, 0.6, 0.6}, {better[seed], slightly[seed], 0.4}, seed);
    write_classes(study, sizes(0.6, 0.8), sizes(0.6, 0.6), seed);
  }
  const Eigenfunctions e(study);
  const Wins w = judge(e.n);
  CHECK(e.n.finished == 3);
  CHECK(e.n.mean_lead->mean == Approx((0.2 + 0.03 - 0.2) / 3));
  CHECK(w.of_mean.verdict == Verdict::undecided);
  CHECK(w.leads == 2);
  CHECK(w.certain == 1);
  CHECK(w.counted == 1);
  CHECK(e.n.tasks[w.best].name == "1");
  CHECK(w.judgement.verdict == Verdict::shown);
  const Section s = claim_classes(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "leads on 2 of 3 eigenfunctions"));
  CHECK(mentions(s.findings.at(0).text, "on 1 of them with the whole of an interval that is wide enough for all together"));
  CHECK(s.tables.at(0).rows.size() == 3);
}

TEST_CASE("claim 2 on eigenfunctions is shown by the mean over them where no single one would, of those that were trained to the end") {
  const TemporaryFolder study;
  const double linear[3][4] = {{0.75, 0.66, 0.70, 0.99}, {0.66, 0.70, 0.75, 0.99}, {0.70, 0.75, 0.66, 0.99}};  // each falters under another
  for (int seed = 0; seed < 3; ++seed) {
    std::vector<Row> a, b;
    for (Index i = 0; i < 4; ++i) {
      a.push_back({.task = i, .accuracy = 0.6, .train = i == 3 ? 0.9 : 1, .order = static_cast<int>(i)});
      b.push_back({.task = i, .accuracy = linear[seed][i], .order = static_cast<int>(i)});
    }
    write_pair(study, a, b, seed);
  }
  const Eigenfunctions e(study);
  CHECK(e.n.finished == 3);
  CHECK(e.n.mean_lead->mean == Approx((0.15 + 0.06 + 0.1) / 3));
  CHECK(e.n.mean_lead->spread == Approx(0).margin(1e-12));
  // Image by image, over seeds and tasks.
  std::vector<double> middle(400);
  for (std::size_t task = 0; task < 3; ++task)
    for (const auto& one : e.n.tasks[task].under) {
      const auto values = paired(*one);
      for (std::size_t i = 0; i < 400; ++i) middle[i] -= values[i] / 9;
    }
  double sum = 0, squares = 2;
  for (double v : middle) sum += v, squares += v * v;
  CHECK(e.n.mean_lead->error == Approx(std::sqrt((squares / 402 - std::pow(sum / 402, 2)) / 402)));
  const Wins w = judge(e.n);
  CHECK(w.of_mean.verdict == Verdict::shown);
  CHECK(w.counted == 0);
  CHECK(w.judgement.verdict == Verdict::shown);
}

TEST_CASE("claim 2 on eigenfunctions is not shown where the network leads on all, undecided where one might be a win") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) write_eigenfunctions(study, {0.9, 0.9}, {0.6, 0.6 + 0.005 * seed}, seed);
  CHECK(judge(Eigenfunctions(study).n).judgement.verdict == Verdict::not_shown);
  for (int seed = 0; seed < 3; ++seed) write_eigenfunctions(study, {0.9, 0.9}, {0.6, 0.85 + 0.05 * seed}, seed);
  CHECK(judge(Eigenfunctions(study).n).judgement.verdict == Verdict::undecided);
}

TEST_CASE("claim 2 says which classes, as the configuration does") {
  const TemporaryFolder study;
  write_eigenfunctions(study, {0.6}, {0.9});
  write_classes(study, sizes(0.6, 0.8), sizes(0.6, 0.6), 0, "positive = \"3,5\"\n");
  const Section s = claim_classes(read_study(study.path()));
  CHECK(mentions(s.claim, "(classes 3 and 5 against the rest)"));
  CHECK(mentions(s.findings.at(1).text, "classes 3 and 5 against the rest"));
  CHECK(mentions(s.figures.at(0).second.title, "classes 3 and 5"));
}

TEST_CASE("claim 2 is missing where a part of it is, and says which") {
  const TemporaryFolder study;
  CHECK(mentions(
      [&] {
        write_run(study, "kernel", "compute_ntk", "num-train = 1000\nseed = 0\n");
        return claim_classes(read_study(study.path())).missing;
      }(),
      "compute_ntk, then train_ntk --ntk with and without --linearize"));
  write_eigenfunctions(study, {0.6}, {0.9});
  Section s = claim_classes(read_study(study.path()));
  CHECK(s.verdict_text() == "results missing");
  CHECK(s.findings.at(0).verdict == Verdict::seen_once);  // what is there is told
  CHECK(mentions(s.findings.at(1).text,
                 "On the classes: no network and linearization trained on the classes: train_cifar with and without --linearize"));
  write_run(study, "classes", "train_cifar", "num-train = \"100\"\nseed = 0\nlinearize = false\n", {{.task = 100, .accuracy = 0.6}});
  CHECK(mentions(claim_classes(read_study(study.path())).findings.at(1).text, "classes has no linearization"));
  // The other way about.
  const TemporaryFolder other;
  for (int seed = 0; seed < 3; ++seed) write_classes(other, sizes(0.6, 0.80 + 0.01 * seed), sizes(0.59, 0.60), seed);
  s = claim_classes(read_study(other.path()));
  CHECK(s.verdict_text() == "results missing");
  CHECK(mentions(s.findings.at(0).text, "On eigenfunctions: no network and linearization"));
  CHECK(s.findings.at(1).verdict == Verdict::shown);
  for (int seed = 0; seed < 3; ++seed) write_eigenfunctions(other, {0.6}, {0.9}, seed);
  CHECK(claim_classes(read_study(other.path())).verdict_text() == "shown");
  // One size tells of no growth.
  for (int seed = 0; seed < 3; ++seed) {
    for (const char* run : {"classes", "classes-lin"}) std::filesystem::remove_all(other / (run + suffix_of(seed)));
    write_classes(other, {{.task = 1000, .accuracy = 0.8}}, {{.task = 1000, .accuracy = 0.6}}, seed);
  }
  s = claim_classes(read_study(other.path()));
  CHECK(s.verdict_text() == "results missing");
  CHECK(mentions(s.findings.back().text, "growth with the training images: it takes two sizes under one seed"));
}

TEST_CASE("claim 2: a user's labels decide nothing of it") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) {
    write_eigenfunctions(study, {0.6}, {0.9}, seed);
    write_classes(study, sizes(0.6, 0.80 + 0.01 * seed), sizes(0.59, 0.60), seed, "labels = \"/some/where/cats.npy\"\n");
  }
  const auto sections = all_claims(read_study(study.path()));
  CHECK(sections.at(1).verdict_text() == "results missing");
  CHECK_FALSE(mentions(sections[1].claim + all_findings(sections[1]), "cats.npy"));
  REQUIRE(sections.size() == 6);
  const Section& own = sections[5];
  REQUIRE(own.findings.size() == 2);  // one for each size
  CHECK(mentions(own.findings[0].text, "cats.npy"));
  CHECK(mentions(own.findings[0].text, "after 100 images"));
  CHECK(own.findings[1].verdict == Verdict::shown);
  CHECK(own.tables.at(0).rows.size() == 12);
  CHECK(own.figures.at(1).first == "own-classes-1000");
}
