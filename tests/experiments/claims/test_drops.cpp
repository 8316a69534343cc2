// Claim 3 on results whose answer is known.
#include <cmath>

#include "experiments/claims/statistics/statistics.h"
#include "experiments/claims/verdicts/rules.h"
#include "tests/catch.h"
#include "tests/experiments/written_runs.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

namespace {

void write_directions(const TemporaryFolder& study, const std::vector<double>& network, const std::vector<double>& linear, int seed = 0,
                      const std::string& nads = "/elsewhere/nads", double train_of_last = 1) {
  const Index indices[] = {0, 1, 2, 10, 20, 30};
  for (const bool linearize : {false, true}) {
    std::vector<Row> rows;
    for (std::size_t i = 0; i < network.size(); ++i)
      rows.push_back({.task = indices[i],
                      .accuracy = (linearize ? linear : network)[i],
                      .train = i + 1 == network.size() && !linearize ? train_of_last : 1});
    write_run(
        study, (linearize ? "dir-lin" : "dir") + suffix_of(seed), "train_nads",
        fmt::format("num-train = 1000\nnads = \"{}\"\nindex = \"0,1,2,10,20,30\"\nseed = {}\nlinearize = {}\n", nads, seed, linearize),
        rows);
  }
}
DropNumbers only(const TemporaryFolder& study) {
  auto all = drop_numbers(matched_pairs(read_study(study.path()), "train_nads").groups);
  REQUIRE(all.size() == 1);
  return std::move(all[0]);
}

const std::vector<double> falls{0.99, 0.97, 0.8, 0.8, 0.55, 0.53}, flat{0.6, 0.59, 0.6, 0.6, 0.58, 0.59},
    rises{0.5, 0.5, 0.6, 0.6, 0.9, 0.9};

}  // namespace

TEST_CASE("claim 3 is shown for the network that falls, not shown for the linearization that rises") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) write_directions(study, falls, rises, seed);
  const DropNumbers n = only(study);
  CHECK(n.network.early.mean == Approx(0.98));
  CHECK(n.network.late.mean == Approx(0.54));
  CHECK(n.network.drop.mean == Approx(0.44));
  CHECK(n.linear.drop.mean == Approx(-0.4));
  // Seeds have samples of their own, and directions too.
  double variance = 0;
  for (double p : {0.99, 0.97, 0.55, 0.53}) variance += std::pow(accuracy_error(p, 400) / 2, 2);
  CHECK_FALSE(n.network.drop.measurement.shared);
  CHECK(n.network.drop.error == Approx(std::sqrt(variance / 3)));
  CHECK(judge(n.network).verdict == Verdict::shown);
  CHECK(judge(n.linear).verdict == Verdict::not_shown);
  CHECK(*n.correlation < 0);
}

TEST_CASE("claim 3 is undecided: a drop within its interval, or seeds that disagree") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) {
    auto network = falls;
    network[0] = network[1] = seed == 1 ? 0.55 : 0.99;  // drops of 0.45, 0.01 and 0.45
    write_directions(study, network, flat, seed);
  }
  const DropNumbers n = only(study);
  CHECK(n.network.drop.mean > 2 * n.network.drop.error);  // what one and what two standard errors would show
  CHECK(judge(n.network).verdict == Verdict::undecided);
  CHECK(judge(n.linear).verdict == Verdict::undecided);
}

TEST_CASE("claim 3 is undecided for the model whose training on one of the directions was cut short") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) write_directions(study, falls, falls, seed, "/elsewhere/nads", seed == 1 ? 0.6 : 1);
  const DropNumbers n = only(study);
  CHECK(judge(n.network).verdict == Verdict::undecided);
  CHECK(judge(n.network).why == Why::unfinished);
  CHECK(judge(n.linear).verdict == Verdict::shown);
  const Section s = claim_nads(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "undecided because a training is unfinished"));
  CHECK(s.verdict_text() == "shown in 1 of 2");
}

TEST_CASE("claim 3 is seen once: one seed") {
  const TemporaryFolder study;
  write_directions(study, falls, flat);
  const DropNumbers n = only(study);
  CHECK(judge(n.network).verdict == Verdict::seen_once);
  CHECK(judge(n.linear).verdict == Verdict::undecided);
}

TEST_CASE("claim 3 shows the directions where they are, and says where they are not") {
  const TemporaryFolder study;
  write_directions(study, falls, flat);
  Section s = claim_nads(read_study(study.path()));
  CHECK(s.pictures.empty());
  CHECK(std::any_of(s.remarks.begin(), s.remarks.end(), [](const auto& r) { return mentions(r, "not in /elsewhere/nads any more"); }));
  write_run(study, "nads", "compute_nads", "shape = \"2,2,1\"\n");
  data::save_npy(study / "nads/nads.npy",
                 Tensor<double>::from({4, 4}, std::vector<double>{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}));
  s = claim_nads(read_study(study.path()));
  REQUIRE(s.pictures.size() == 1);
  CHECK(s.pictures[0].second.pixels.at(2) == std::vector<double>{0, 0, 1, 0});
  CHECK(s.figures.at(0).second.series.at(0).x == std::vector<double>{1, 2, 3, 11, 21, 31});
}
