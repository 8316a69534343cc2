#include "experiments/claims/numbers/own.h"

namespace tangentplane::experiments {

OwnTasks own_tasks(const Grouped<Pair>& found) {
  OwnTasks all;
  for (const PairRepeats& pairs : found.groups)
    for (RepeatedTask& task : tasks(pairs)) {
      if (!task.under_some_seed()) continue;
      const Estimate leads = lead(pairs, task);
      all.compared.push_back({pairs, std::move(task), leads});
    }
  for (const NotCounted& one : found.not_counted)
    if (one.why == NotCounted::Why::alone)
      for (auto& [name, training] : load_trainings(*one.run)) all.alone.push_back({one.run, std::move(training)});
  return all;
}

}  // namespace tangentplane::experiments
