#include "experiments/claims/verdicts/rules.h"

#include <algorithm>
#include <cmath>

namespace tangentplane::experiments {
namespace {

using Kind = Threshold::Kind;

}  // namespace

Judgement judge(const RankNumbers& n) {
  if (!n.correlation) return {.verdict = Verdict::undecided, .why = Why::no_order};
  const bool finished = std::all_of(n.counted.begin(), n.counted.end(), [](const RepeatedTask& task) { return task.finished(); });
  return if_only(n.fewest() >= least_tasks, Why::few_tasks,
                 if_only(finished, Why::unfinished, judge(*n.correlation, {least_correlation, Kind::at_least})));
}

Wins judge(const EigenfunctionLeads& n) {
  const double half = (1 - usual_level) / 2;
  Wins w{.mean_level = 1 - half, .task_level = 1 - half / static_cast<double>(n.tasks.size())};
  std::vector<Judgement> of_tasks;
  const auto is_certain = [](const Judgement& j) { return j.verdict == Verdict::shown || j.verdict == Verdict::seen_once; };
  const auto order = [&](std::size_t i) {
    const bool certain = is_certain(of_tasks[i]);
    return std::tuple(certain && n.tasks[i].finished(), certain, of_tasks[i].verdict == Verdict::shown, n.leads[i].mean);
  };
  bool none_possible = true;
  for (std::size_t i = 0; i < n.tasks.size(); ++i) {
    of_tasks.push_back(judge(n.leads[i], {least_lead, Kind::more_than}, w.task_level));
    w.leads += n.leads[i].mean > 0;
    w.certain += is_certain(of_tasks[i]);
    w.once += of_tasks[i].verdict == Verdict::seen_once;
    w.counted += is_certain(of_tasks[i]) && n.tasks[i].finished();
    none_possible = none_possible && of_tasks[i].verdict == Verdict::not_shown;
    if (order(i) > order(w.best)) w.best = i;
  }
  if (n.mean_lead) w.of_mean = if_only(n.finished > 0, Why::unfinished, judge(*n.mean_lead, {least_lead, Kind::more_than}, w.mean_level));
  w.judgement = is_certain(w.of_mean) || w.counted == 0 ? w.of_mean : of_tasks[w.best];
  if (is_certain(w.judgement)) return w;
  if (none_possible) {
    w.judgement.verdict = Verdict::not_shown;
    return w;
  }
  w.judgement = if_only(w.certain == 0, Why::unfinished, w.judgement);
  if (w.of_mean.verdict == Verdict::not_shown) w.judgement.needed = needed(n.leads[w.best], least_lead, w.task_level);  // one by itself
  w.judgement.verdict = Verdict::undecided;
  return w;
}

Judgement judge_lead(const ClassLeads& n) {
  return if_only(n.tasks.back().finished(), Why::unfinished, judge(n.leads.back(), {least_lead, Kind::more_than}));
}

Judgement judge_growth(const ClassLeads& n) {
  return if_only(n.tasks.back().finished() && n.tasks.front().finished(), Why::unfinished,
                 judge(n.growth.value(), {least_lead, Kind::more_than}));
}

Judgement judge(const Drop& d) { return if_only(d.finished, Why::unfinished, judge(d.drop, {least_drop, Kind::more_than})); }

Judgement judge_training(const EvolutionNumbers& n) { return judge(n.log_training, {std::log(least_spike), Kind::at_least}); }
Judgement judge_test(const EvolutionNumbers& n) { return judge(n.log_test, {std::log(least_spike), Kind::at_least}); }

Judgement judge(const TrainedNumbers& n) {
  const Judgement j = judge(n.log_speedup, {std::log(least_speedup), Kind::more_than});
  return if_only(n.finished && (n.reached || j.verdict == Verdict::not_shown), Why::unfinished, j);
}

Judgement judge(const OwnComparison& n) {
  Estimate larger = n.lead;
  larger.mean = std::abs(larger.mean);
  Judgement j = if_only(n.task.finished(), Why::unfinished, judge(larger, {least_lead, Kind::more_than}));
  j = if_only(n.counts, Why::skewed, j);
  j.interval = n.lead.interval();
  return j;
}

}  // namespace tangentplane::experiments
