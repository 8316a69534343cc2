// Claim 5 on results whose answer is known.
#include <cmath>

#include "experiments/claims/verdicts/rules.h"
#include "tests/catch.h"
#include "tests/experiments/written_runs.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

namespace {

/// Reaches `best` in epoch n, of 12.
History reaching(Index n, double test = 0.6, double best = 1) {
  std::vector<double> train;
  for (Index e = 1; e <= 12; ++e) train.push_back(e < n ? 0.5 : best);
  return history(train, test);
}
const History never = history(std::vector<double>(12, 0.8), 0.6);

TrainedNumbers only(const TemporaryFolder& study) {
  const Study read = read_study(study.path());
  auto all = trained_numbers(matched_runs(read, read.of("pretrained_ntk_comparison")).groups);
  REQUIRE(all.size() == 1);
  return std::move(all[0]);
}

}  // namespace

TEST_CASE("claim 5 is shown: a third of the epochs under three seeds") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) write_comparison(study, "trained" + suffix_of(seed), "3", "", reaching(12), reaching(4), seed);
  const TrainedNumbers n = only(study);
  CHECK(n.seeds.at(0).at(0).epochs_init == 12);
  CHECK(n.seeds[0][0].epochs_trained == 4);
  CHECK(std::exp(n.log_speedup.mean) == Approx(3));
  // Epochs are whole: each count is off by up to a half, evenly.
  CHECK(n.log_speedup.error == Approx(std::sqrt((1. / 144 + 1. / 16) / 12 / 3)));
  CHECK(n.faster == 3);
  CHECK(n.compared == 3);
  CHECK(judge(n).verdict == Verdict::shown);
}

TEST_CASE("claim 5 is not shown: slower, or never as good") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) write_comparison(study, "trained" + suffix_of(seed), "3", "", reaching(4), reaching(12), seed);
  CHECK(judge(only(study)).verdict == Verdict::not_shown);
  for (int seed = 0; seed < 3; ++seed) write_comparison(study, "trained" + suffix_of(seed), "3", "", reaching(4), never, seed);
  CHECK_FALSE(only(study).seeds.at(0).at(0).reached());
  CHECK(only(study).seeds[0][0].speedup() == Approx(4. / 13));
  CHECK(judge(only(study)).verdict == Verdict::not_shown);
}

TEST_CASE("claim 5 is undecided where the network, or the linearization at init, has not gone to its end, however much faster") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed)
    write_comparison(study, "trained" + suffix_of(seed), "3", "", reaching(12, 0.6, 0.98), reaching(1, 0.6, 0.98), seed);
  TrainedNumbers n = only(study);
  CHECK(std::exp(n.log_speedup.mean) == Approx(12));
  CHECK(judge(n).verdict == Verdict::undecided);
  CHECK(judge(n).why == Why::unfinished);
  CHECK(mentions(claim_trained(read_study(study.path())).findings.at(0).text, "not trained to the end on 3"));
  for (int seed = 0; seed < 3; ++seed)
    write_comparison(study, "trained" + suffix_of(seed), "3", "", reaching(12, 0.6, 0.99), reaching(1, 0.6, 0.99), seed);
  CHECK(judge(only(study)).verdict == Verdict::shown);
  // One target on which the linearization at the trained weights never gets there: it is slower by more than is counted.
  for (int seed = 0; seed < 3; ++seed) {
    write_comparison(study, "trained" + suffix_of(seed), "3,4,5", "/3", reaching(12), reaching(2), seed);
    write_comparison(study, "trained" + suffix_of(seed), "3,4,5", "/4", reaching(12), reaching(2), seed);
    write_comparison(study, "trained" + suffix_of(seed), "3,4,5", "/5", reaching(12), never, seed);
  }
  n = only(study);
  CHECK(std::exp(n.log_speedup.mean) == Approx(6));
  CHECK(judge(n).why == Why::unfinished);
}

TEST_CASE("claim 5: a target of nearly one class does not count, and is named") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) {
    write_comparison(study, "trained" + suffix_of(seed), "0,3", "/0", reaching(12, 0.96), reaching(1, 0.96), seed);
    write_comparison(study, "trained" + suffix_of(seed), "0,3", "/3", reaching(6), reaching(3), seed);
    for (const char* part : {"network", "linear_init", "linear_trained"})
      write_training(study, "trained" + suffix_of(seed) + "/0/" + part, {.balance = 0.04, .accuracy = 0.96}, 1000,
                     std::make_unique<History>(reaching(part == std::string("linear_trained") ? 1 : 12, 0.96)).get());
  }
  const TrainedNumbers n = only(study);
  CHECK(n.targets() == std::vector<std::string>{"3"});
  CHECK(std::exp(n.log_speedup.mean) == Approx(2));
  CHECK(n.compared == 3);
  const Section s = claim_trained(read_study(study.path()));
  CHECK(std::any_of(s.remarks.begin(), s.remarks.end(), [](const auto& r) { return mentions(r, "0 (4.0 %)"); }));
  for (int seed = 0; seed < 3; ++seed) std::filesystem::remove_all(study / ("trained" + suffix_of(seed) + "/3"));
  for (int seed = 0; seed < 3; ++seed)
    write_run(study, "trained" + suffix_of(seed), "pretrained_ntk_comparison",
              fmt::format("num-train = 1000\nseed = {}\nindex = \"0\"\n", seed));
  CHECK(claim_trained(read_study(study.path())).verdict() == Verdict::missing);
}

TEST_CASE("claim 5 is undecided: faster under two seeds of three, by far") {
  const TemporaryFolder study;
  const Index epochs[] = {2, 3, 12};
  for (int seed = 0; seed < 3; ++seed)
    write_comparison(study, "trained" + suffix_of(seed), "3", "", reaching(12), reaching(epochs[seed]), seed);
  const TrainedNumbers n = only(study);
  CHECK(n.faster == 2);
  CHECK(n.log_speedup.mean > n.log_speedup.error);
  CHECK(judge(n).verdict == Verdict::undecided);
}

TEST_CASE("claim 5 is seen once: one seed") {
  const TemporaryFolder study;
  write_comparison(study, "trained", "3", "", reaching(12), reaching(2));
  CHECK(judge(only(study)).verdict == Verdict::seen_once);
}

TEST_CASE("claim 5: the median over targets of a seed decides, not the best of them") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) {
    write_comparison(study, "trained" + suffix_of(seed), "3,4,5", "/3", reaching(12), reaching(2), seed);
    write_comparison(study, "trained" + suffix_of(seed), "3,4,5", "/4", reaching(12), reaching(12), seed);
    write_comparison(study, "trained" + suffix_of(seed), "3,4,5", "/5", reaching(12), never, seed);
  }
  const TrainedNumbers n = only(study);
  CHECK(n.log_speedup.mean == Approx(0).margin(1e-12));
  CHECK(n.faster == 3);
  CHECK(n.compared == 9);
  CHECK(judge(n).verdict != Verdict::shown);
}

TEST_CASE("claim 5: seeds may have other targets") {
  const TemporaryFolder study;
  for (const char* folder : {"/3", "/4"}) write_comparison(study, "trained", "3,4", folder, reaching(12), reaching(4));
  for (const char* folder : {"/4", "/5"}) write_comparison(study, "trained-seed1", "4,5", folder, reaching(12), reaching(6), 1);
  CHECK(only(study).targets() == std::vector<std::string>{"3", "4", "5"});
  const Section s = claim_trained(read_study(study.path()));
  REQUIRE(s.tables.at(0).rows.size() == 3);
  CHECK(s.tables[0].rows[0].back() == "4");
  CHECK(s.tables[0].rows[1].back() == "5.0 ± 1.4");
  CHECK(s.figures.at(0).second.samples.size() == 2);
}

TEST_CASE("claim 5: the difference of test accuracies is paired, and told") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed)
    write_comparison(study, "trained" + suffix_of(seed), "3", "", reaching(12, 0.8), reaching(4, 0.6), seed);
  const TrainedNumbers n = only(study);
  CHECK(n.difference->mean == Approx(-0.2));
  // The 80 wrong images of the one are among the 160 of the other.
  CHECK(n.difference->measurement.error == Approx(std::sqrt((82. / 402 - std::pow(80. / 402, 2)) / 402)));
  const Section s = claim_trained(read_study(study.path()));
  CHECK(std::any_of(s.remarks.begin(), s.remarks.end(), [](const auto& r) { return mentions(r, ": worse"); }));
  CHECK(s.tables.at(0).rows.at(0).back() == "4.0 ± 0.0");
}
