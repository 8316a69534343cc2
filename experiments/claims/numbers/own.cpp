#include "experiments/claims/numbers/own.h"

#include <algorithm>

namespace tangentplane::experiments {

OwnTasks own_tasks(const Grouped<Pair>& found) {
  OwnTasks all;
  for (const PairRepeats& pairs : found.groups)
    for (RepeatedTask& task : tasks(pairs)) {
      if (!task.under_some_seed()) continue;
      const Estimate leads = lead(pairs, task);
      const bool counts = std::all_of(task.under.begin(), task.under.end(), [](const auto& one) { return !one || one->counts(); });
      all.compared.push_back({pairs, std::move(task), leads, counts});
    }
  for (const NotCounted& one : found.not_counted)
    if (one.why == NotCounted::Why::alone)
      for (auto& [name, training] : load_trainings(*one.run)) all.alone.push_back({one.run, std::move(training)});
  return all;
}

}  // namespace tangentplane::experiments
