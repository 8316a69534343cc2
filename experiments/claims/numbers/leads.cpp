#include "experiments/claims/numbers/leads.h"

#include <algorithm>

namespace tangentplane::experiments {
namespace {

/// The linearization's lead, mean over these tasks.
Estimate mean_lead(const PairRepeats& pairs, const std::vector<const RepeatedTask*>& tasks) {
  const double count = static_cast<double>(tasks.size());
  std::vector<double> leads(pairs.size());
  std::vector<std::vector<double>> of_seeds(pairs.size());  // image by image
  for (std::size_t seed = 0; seed < pairs.size(); ++seed)
    for (const RepeatedTask* task : tasks) {
      const Task& one = *task->under[seed];
      const auto images = paired(one);
      auto& sums = of_seeds[seed];
      sums.resize(std::max(sums.size(), images.size()));
      for (std::size_t i = 0; i < images.size(); ++i) sums[i] -= images[i] / count;
      leads[seed] -= one.lead() / count;
    }
  return estimate(leads, measurement(test_images(pairs, *tasks.front()), of_seeds, 1));
}

}  // namespace

std::vector<EigenfunctionLeads> eigenfunction_leads(const std::vector<PairRepeats>& groups) {
  std::vector<EigenfunctionLeads> all;
  for (const PairRepeats& pairs : groups) {
    const auto listed = tasks(pairs);
    EigenfunctionLeads n{.pairs = pairs, .tasks = counting(listed), .left_out = left_out(listed)};
    std::vector<const RepeatedTask*> common, finished;
    for (const RepeatedTask& task : n.tasks) {
      n.leads.push_back(lead(pairs, task));
      n.leads.back().mean *= -1;
      if (!task.under_every_seed()) continue;
      common.push_back(&task);
      if (task.finished()) finished.push_back(&task);
    }
    if (!common.empty()) n.mean_lead = mean_lead(pairs, finished.empty() ? common : finished);
    n.finished = finished.size(), n.averaged = finished.empty() ? common.size() : finished.size();
    if (!n.tasks.empty()) all.push_back(std::move(n));
  }
  return all;
}

std::vector<ClassLeads> class_leads(const std::vector<PairRepeats>& groups) {
  std::vector<ClassLeads> all;
  for (const PairRepeats& pairs : groups) {
    const auto listed = tasks(pairs);
    ClassLeads n{.pairs = pairs, .tasks = counting(listed), .left_out = left_out(listed)};
    for (const RepeatedTask& task : n.tasks) n.leads.push_back(lead(pairs, task));
    const auto under_both = [&](std::size_t seed) { return n.tasks.front().under[seed] && n.tasks.back().under[seed]; };
    for (std::size_t seed = 0; seed < pairs.size() && n.tasks.size() > 1 && !n.growth; ++seed)
      if (under_both(seed)) n.growth = growth_of_lead(pairs, n.tasks.front(), n.tasks.back());
    if (!n.tasks.empty()) all.push_back(std::move(n));
  }
  return all;
}

}  // namespace tangentplane::experiments
