// Where each claim's verdict changes: numbers just above and just below every threshold.
#include <cmath>

#include "experiments/claims/verdicts/rules.h"
#include "tests/catch.h"

using namespace tangentplane::experiments;
using Kind = Threshold::Kind;

namespace {

/// Three seeds with this mean and this half of the 95 % interval: spread s with 4.30265 s / sqrt(3) = half.
Estimate three(double mean, double half) {
  const double s = half * std::sqrt(3) / 4.3026527;
  return estimate({mean - s, mean, mean + s});
}
constexpr double bit = 1e-4;

Training training(bool finished) { return {.history = {{1, 0.05, 1, 0.5, 1, 0.5, 0}, {2, 0.05, 1, finished ? 0.99 : 0.989, 1, 0.5, 0}}}; }
RepeatedTask task(const std::string& name, bool finished = true, bool linear_finished = true) {
  RepeatedTask t{.name = name, .under = {}};
  for (int seed = 0; seed < 3; ++seed) t.under.emplace_back(Task{training(finished), training(linear_finished)});
  return t;
}

}  // namespace

TEST_CASE("a verdict: the whole interval on one side, on the other, on both") {
  const Threshold two{2, Kind::at_least};
  CHECK(judge(three(3, 1 - bit), two).verdict == Verdict::shown);
  CHECK(judge(three(3, 1 + bit), two).verdict == Verdict::undecided);
  CHECK(judge(three(1, 1 - bit), two).verdict == Verdict::not_shown);
  CHECK(judge(three(1, 1 + bit), two).verdict == Verdict::undecided);
  CHECK(judge(three(3, 1 + bit), two).needed.seeds == 4u);
  CHECK_FALSE(judge(three(3, 0.5), two).needed.seeds);
  // A mean that is less than its standard error above the threshold, and one that is twice that above, decide nothing with three seeds.
  const Estimate e = three(3, 1 + bit);
  CHECK(e.mean - 2 * e.error > 2);
  // At the threshold itself.
  CHECK(judge(estimate({2, 2, 2}), two).verdict == Verdict::shown);
  CHECK(judge(estimate({2, 2, 2}), {2, Kind::more_than}).verdict == Verdict::not_shown);
}

TEST_CASE("a verdict of one seed is never shown, nor not shown") {
  const Threshold zero{0, Kind::more_than};
  CHECK(judge(estimate({1}, {0.4, true}), zero).verdict == Verdict::seen_once);
  CHECK(judge(estimate({1}, {0.6, true}), zero).verdict == Verdict::undecided);  // astride by the test images alone
  const Judgement j = judge(estimate({-1}, {0.1, true}), zero);
  CHECK(j.verdict == Verdict::undecided);
  CHECK(j.why == Why::one_seed);
}

TEST_CASE("a verdict of several findings") {
  using enum Verdict;
  CHECK(words({}) == "results missing");
  CHECK(words({shown, shown}) == "shown");
  CHECK(words({shown, not_shown, undecided}) == "shown in 1 of 3");
  CHECK(together({shown, seen_once}) == partly);
  CHECK(words({seen_once}) == "seen once");
  CHECK(words({seen_once, not_shown}) == "seen once in 1 of 2");
  CHECK(words({undecided, not_shown}) == "undecided");
  CHECK(words({not_shown, not_shown}) == "not shown");
  CHECK(words({shown, missing}) == "results missing");
}

TEST_CASE("claim 1, its thresholds: a rank correlation of 0.7 over eight tasks") {
  const auto verdict = [](const Estimate& correlation, std::size_t fewest) {
    return judge(RankNumbers{.counts = {9, fewest, 10}, .correlation = correlation}).verdict;
  };
  CHECK(verdict(three(0.8, 0.1 - bit), 8) == Verdict::shown);
  CHECK(verdict(three(0.8, 0.1 + bit), 8) == Verdict::undecided);
  CHECK(verdict(three(0.6, 0.1 - bit), 8) == Verdict::not_shown);
  CHECK(verdict(three(0.6, 0.1 + bit), 8) == Verdict::undecided);
  CHECK(verdict(three(0.8, 0.05), 7) == Verdict::undecided);
  CHECK(judge(RankNumbers{.counts = {8, 7}, .correlation = estimate({1, 1})}).why == Why::few_tasks);
  CHECK(judge(RankNumbers{.counts = {8, 8}}).why == Why::no_order);
  CHECK(judge(RankNumbers{.counted = {task("1"), task("2")}, .counts = {8, 8}, .correlation = three(0.8, 0.05)}).verdict == Verdict::shown);
  for (const bool network : {true, false}) {
    const Judgement j =
        judge(RankNumbers{.counted = {task("1"), task("2", network, !network)}, .counts = {8, 8}, .correlation = three(0.8, 0.05)});
    CHECK(j.verdict == Verdict::undecided);
    CHECK(j.why == Why::unfinished);
  }
}

TEST_CASE("claim 2, its thresholds: on one eigenfunction by itself, the intervals of all together") {
  EigenfunctionLeads n{.tasks = {task("1"), task("5"), task("9")},
                       .leads = {three(0.1, 0.04), three(0.3, 0.299), three(-0.5, 0.05)},
                       .mean_lead = three(-0.03, 0.01),
                       .finished = 3};
  // Of 3 tasks each at 1 - 0.025/3: t is (2p - 1) / sqrt(2p (1 - p)) = 10.886 at p = 1 - 0.0125/3, in place of 4.303, and 0.04 becomes
  // 0.101.
  n.leads[0] = three(0.1, 0.039);
  Wins w = judge(n);
  CHECK(w.task_level == Approx(1 - 0.025 / 3));
  CHECK(w.leads == 2);
  CHECK(w.certain == 1);
  CHECK(w.counted == 1);
  CHECK(w.best == 0);
  CHECK(w.judgement.verdict == Verdict::shown);
  CHECK(w.judgement.interval.low == Approx(0.1 - 0.039 * 10.8859 / 4.30265).epsilon(1e-3));
  n.leads[0] = three(0.1, 0.04);  // above zero by itself, at 95 %; not among three
  w = judge(n);
  CHECK(n.leads[0].interval().low > 0);
  CHECK(w.certain == 0);
  CHECK(w.best == 1);
  CHECK(w.of_mean.verdict == Verdict::not_shown);
  CHECK(w.judgement.verdict == Verdict::undecided);
  CHECK(w.judgement.needed.seeds > 3u);
  n.leads = {three(-0.1, 0.03), three(-0.3, 0.05), three(-0.2, 0.05)};
  CHECK(judge(n).judgement.verdict == Verdict::not_shown);
  n.leads[1] = three(-0.3, 0.5);
  CHECK(judge(n).judgement.verdict == Verdict::undecided);
}

TEST_CASE("claim 2, its thresholds: a lead of several seeds is looked for before the larger one of a single seed") {
  EigenfunctionLeads n{.tasks = {task("1"), task("150")},
                       .leads = {estimate({0.3}, {0.01, true}), three(0.22, 0.02)},
                       .mean_lead = three(-0.1, 0.01),
                       .finished = 2};
  Wins w = judge(n);
  CHECK(w.best == 1);
  CHECK(w.certain == 2);
  CHECK(w.once == 1);
  CHECK(w.judgement.verdict == Verdict::shown);
  n.leads[1] = three(0.22, 0.3);
  w = judge(n);
  CHECK(w.best == 0);
  CHECK(w.judgement.verdict == Verdict::seen_once);
}

TEST_CASE("claim 2, its thresholds: in the mean over the eigenfunctions") {
  // At 97.5 %: t is 6.2053 in place of 4.30265.
  const double half = 0.1 * 4.3026527 / 6.2053468;
  EigenfunctionLeads n{.tasks = {task("1"), task("5")}, .leads = {three(0.1, 0.09), three(0.1, 0.09)}, .finished = 2};
  const auto verdict = [&](const Estimate& mean) {
    n.mean_lead = mean;
    return judge(n).judgement.verdict;
  };
  CHECK(verdict(three(0.1, half - bit)) == Verdict::shown);
  CHECK(verdict(three(0.1, half + bit)) == Verdict::undecided);
  CHECK(judge(n).certain == 0);
  CHECK(verdict(estimate({0.1}, {0.01, true})) == Verdict::seen_once);
}

TEST_CASE("claim 2, its thresholds: a lead counts where both were trained to the end") {
  EigenfunctionLeads n{
      .tasks = {task("1", false), task("5", true, false)}, .leads = {three(0.2, 0.01), three(0.1, 0.01)}, .mean_lead = three(0.15, 0.01)};
  Wins w = judge(n);
  CHECK(w.certain == 2);
  CHECK(w.counted == 0);
  CHECK(w.judgement.verdict == Verdict::undecided);
  CHECK(w.judgement.why == Why::unfinished);
  n.tasks[1] = task("5"), n.mean_lead.reset();
  w = judge(n);
  CHECK(w.judgement.verdict == Verdict::shown);
  CHECK(w.best == 1);
}

TEST_CASE("claim 2, its thresholds: on the classes a lead and its growth above zero") {
  ClassLeads n{.tasks = {task("100"), task("1000")}, .leads = {three(0, 0.1), three(0.1, 0.1 - bit)}, .growth = three(0.1, 0.1 + bit)};
  CHECK(judge_lead(n).verdict == Verdict::shown);
  CHECK(judge_growth(n).verdict == Verdict::undecided);
  n.growth = three(0.1, 0.1 - bit), n.leads[1] = three(0.1, 0.1 + bit);
  CHECK(judge_lead(n).verdict == Verdict::undecided);
  CHECK(judge_growth(n).verdict == Verdict::shown);
  n.leads[1] = three(-0.1, 0.1 - bit);
  CHECK(judge_lead(n).verdict == Verdict::not_shown);
  n.leads[1] = three(0.1, 0.01), n.tasks[0] = task("100", true, false);
  CHECK(judge_lead(n).verdict == Verdict::shown);
  CHECK(judge_growth(n).why == Why::unfinished);
  n.tasks[1] = task("1000", true, false);
  CHECK(judge_lead(n).verdict == Verdict::undecided);
  CHECK(judge_lead(n).why == Why::unfinished);
}

TEST_CASE("claim 3, its threshold: a drop above zero") {
  CHECK(judge(Drop{{}, {}, three(0.1, 0.1 - bit), true}).verdict == Verdict::shown);
  CHECK(judge(Drop{{}, {}, three(0.1, 0.1 + bit), true}).verdict == Verdict::undecided);
  CHECK(judge(Drop{{}, {}, three(-0.1, 0.1 - bit), true}).verdict == Verdict::not_shown);
  CHECK(judge(Drop{{}, {}, three(0.1, 0.1 - bit), false}).why == Why::unfinished);
}

TEST_CASE("claim 4, its threshold: twice the growth of the neighbours, as a ratio") {
  const auto verdicts = [](double training, double test) {
    EvolutionNumbers n;
    n.log_training = estimate({std::log(training), std::log(training)}), n.log_test = estimate({std::log(test), std::log(test)});
    return std::pair(judge_training(n).verdict, judge_test(n).verdict);
  };
  CHECK(verdicts(2, 1.999) == std::pair(Verdict::shown, Verdict::not_shown));
  CHECK(verdicts(1.999, 2) == std::pair(Verdict::not_shown, Verdict::shown));
  EvolutionNumbers n;
  n.log_training = n.log_test = three(std::log(4), std::log(2) + bit);
  CHECK(judge_test(n).verdict == Verdict::undecided);
}

TEST_CASE("claim 5, its threshold: fewer epochs") {
  const auto verdict = [](const Estimate& log_speedup) {
    TrainedNumbers n{.finished = true, .reached = true};
    n.log_speedup = log_speedup;
    return judge(n).verdict;
  };
  CHECK(verdict(three(0.1, 0.1 - bit)) == Verdict::shown);
  CHECK(verdict(three(0.1, 0.1 + bit)) == Verdict::undecided);
  CHECK(verdict(three(-0.1, 0.1 - bit)) == Verdict::not_shown);
  CHECK(verdict(estimate({0, 0, 0})) == Verdict::not_shown);
}
