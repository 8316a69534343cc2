#include "experiments/claims/numbers/leads.h"

namespace tangentplane::experiments {

std::vector<EigenfunctionLeads> eigenfunction_leads(const std::vector<PairRepeats>& groups) {
  std::vector<EigenfunctionLeads> all;
  for (const PairRepeats& pairs : groups) {
    EigenfunctionLeads n{.pairs = pairs, .tasks = counting(tasks(pairs))};
    for (const RepeatedTask& task : n.tasks) {
      n.leads.push_back(lead(pairs, task));
      n.leads.back().mean *= -1;
    }
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
    if (n.tasks.size() > 1) n.growth = growth_of_lead(pairs, n.tasks.front(), n.tasks.back());
    if (!n.tasks.empty()) all.push_back(std::move(n));
  }
  return all;
}

}  // namespace tangentplane::experiments
