#include "experiments/common/training/end_of_training.h"

namespace tangentplane::experiments {

EndOfTraining end_of_training(const History& history) {
  require(!history.empty(), "history: has no epochs");
  const EpochRecord& last = history.back();
  EndOfTraining end{last.train_accuracy, {}, last.train_accuracy >= finished_at};
  double all = 0, until = 0;
  for (const EpochRecord& r : history) all += r.learning_rate;
  for (const EpochRecord& r : history) {
    until += r.learning_rate;
    if (until < all / 2) continue;
    if (r.epoch != last.epoch && r.train_loss > 0) end.late_fall = 1 - last.train_loss / r.train_loss;
    break;
  }
  return end;
}

bool trained_to_the_end(const History& history) { return end_of_training(history).finished; }

}  // namespace tangentplane::experiments
