#include "experiments/claims/numbers/drops.h"

#include <algorithm>
#include <cmath>

#include "experiments/claims/statistics/statistics.h"

namespace tangentplane::experiments {
namespace {

Drop drop_of(const PairRepeats& pairs, const std::vector<RepeatedTask>& all, Training Task::*of) {
  const std::size_t third = std::max<std::size_t>(1, all.size() / 3), seeds = pairs.size();
  const double count = static_cast<double>(third);
  const auto accuracy = [of](const Task& task) { return (task.*of).test_accuracy(); };
  std::vector<double> early(seeds), late(seeds), drops(seeds), variances(seeds);
  bool finished = true;
  const auto add = [&](const RepeatedTask& task, std::vector<double>& to) {
    const auto values = task.values(accuracy);
    for (std::size_t seed = 0; seed < seeds; ++seed) {
      to[seed] += values[seed] / count;
      if (!task.under[seed]) continue;
      const Training& training = (*task.under[seed]).*of;
      finished = finished && training.finished();
      const double n = static_cast<double>(training.correct.size());
      variances[seed] += std::pow(accuracy_error(values[seed], n) / count, 2);  // every direction has samples of its own
    }
  };
  for (std::size_t i = 0; i < third; ++i) add(all[i], early), add(all[all.size() - 1 - i], late);
  for (std::size_t seed = 0; seed < seeds; ++seed) drops[seed] = early[seed] - late[seed];
  const Measurement error{std::sqrt(mean(variances)), test_images(pairs, all.front()) != TestImages::own};
  return {estimate(early), estimate(late), estimate(drops, error), finished};
}

}  // namespace

std::vector<DropNumbers> drop_numbers(const std::vector<PairRepeats>& groups) {
  std::vector<DropNumbers> all;
  for (const PairRepeats& pairs : groups) {
    const auto listed = tasks(pairs);
    DropNumbers n{.pairs = pairs, .tasks = counting(listed), .left_out = left_out(listed)};
    std::erase_if(n.tasks, [](const RepeatedTask& task) { return !task.under_every_seed(); });
    if (n.tasks.size() < 2) continue;
    n.network = drop_of(pairs, n.tasks, &Task::network), n.linear = drop_of(pairs, n.tasks, &Task::linear);
    std::vector<double> network, linear;
    for (const RepeatedTask& task : n.tasks) {
      network.push_back(mean(task.values([](const Task& t) { return t.network.test_accuracy(); })));
      linear.push_back(mean(task.values([](const Task& t) { return t.linear.test_accuracy(); })));
    }
    n.correlation = rank_correlation(network, linear);
    all.push_back(std::move(n));
  }
  return all;
}

}  // namespace tangentplane::experiments
