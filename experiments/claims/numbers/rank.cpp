#include "experiments/claims/numbers/rank.h"

#include <algorithm>
#include <cmath>

#include "experiments/claims/statistics/statistics.h"
#include "experiments/common/training/roc.h"

namespace tangentplane::experiments {
namespace {

std::vector<const Task*> of_seed(const std::vector<RepeatedTask>& tasks, std::size_t seed) {
  std::vector<const Task*> found;
  for (const RepeatedTask& task : tasks)
    if (task.under[seed]) found.push_back(&*task.under[seed]);
  return found;
}

std::optional<double> correlation_of(const std::vector<const Task*>& tasks, const auto& number_of) {
  std::vector<double> network, linear;
  for (const Task* task : tasks) network.push_back(number_of(task->network)), linear.push_back(number_of(task->linear));
  const auto missing = [](double v) { return std::isnan(v); };
  if (std::any_of(network.begin(), network.end(), missing) || std::any_of(linear.begin(), linear.end(), missing)) return {};
  return rank_correlation(network, linear);
}

// The areas of one seed's tasks, as weights of the test images change them.
struct Curves {
  std::vector<Roc> network, linear;
};
Curves curves_of(const std::vector<const Task*>& tasks) {
  Curves curves;
  for (const Task* task : tasks) {
    const std::vector<int> labels(task->network.labels.begin() + static_cast<std::ptrdiff_t>(task->network.num_train()),
                                  task->network.labels.end());
    curves.network.emplace_back(task->network.logits, labels), curves.linear.emplace_back(task->linear.logits, labels);
  }
  return curves;
}
std::optional<double> correlation_of(const Curves& curves, std::span<const double> weights) {
  std::vector<double> network, linear;
  for (std::size_t i = 0; i < curves.network.size(); ++i) {
    const auto a = curves.network[i].area(weights), b = curves.linear[i].area(weights);
    if (!a || !b) return {};
    network.push_back(*a), linear.push_back(*b);
  }
  return rank_correlation(network, linear);
}

// The error that another draw of the test images would give the correlations, by the bootstrap.
Measurement error_of(const RankNumbers& n) {
  std::vector<Curves> of_seeds;
  std::vector<std::size_t> images;
  const RepeatedTask* of_all = nullptr;  // a task that every seed has
  for (const RepeatedTask& task : n.counted)
    if (task.under_every_seed()) of_all = &task;
  for (std::size_t seed = 0; seed < n.pairs.size(); ++seed) {
    const auto tasks = of_seed(n.counted, seed);
    of_seeds.push_back(curves_of(tasks));
    images.push_back(tasks.front()->network.correct.size());
  }
  const TestImages relation = of_all ? test_images(n.pairs, *of_all) : TestImages::overlapping;
  const bool comparable = std::all_of(images.begin(), images.end(), [&](std::size_t i) { return i == images[0]; });
  if (relation == TestImages::same && comparable) {
    const double error = bootstrap_error(images[0], [&](std::span<const double> weights) -> std::optional<double> {
      double sum = 0;
      for (const Curves& curves : of_seeds) {
        const auto value = correlation_of(curves, weights);
        if (!value) return {};
        sum += *value;
      }
      return sum / static_cast<double>(of_seeds.size());
    });
    return {error, true};
  }
  std::vector<double> errors;
  for (std::size_t seed = 0; seed < of_seeds.size(); ++seed)
    errors.push_back(
        bootstrap_error(images[seed], [&](std::span<const double> weights) { return correlation_of(of_seeds[seed], weights); }));
  return {root_mean_square(errors), relation != TestImages::own};
}

}  // namespace

std::size_t RankNumbers::fewest() const { return *std::min_element(counts.begin(), counts.end()); }

std::vector<RankNumbers> rank_numbers(const std::vector<PairRepeats>& groups) {
  std::vector<RankNumbers> all;
  for (const PairRepeats& pairs : groups) {
    RankNumbers n{.pairs = pairs, .tasks = tasks(pairs)};
    n.counted = counting(n.tasks);
    std::vector<double> by_accuracy;
    bool defined = true;
    for (std::size_t seed = 0; seed < pairs.size(); ++seed) {
      const auto of = of_seed(n.counted, seed);
      n.counts.push_back(of.size());
      const auto areas = correlation_of(of, [](const Training& t) { return t.auc; });
      const auto accuracies = correlation_of(of, [](const Training& t) { return t.test_accuracy(); });
      defined = defined && areas.has_value();
      n.correlations.push_back(areas.value_or(std::numeric_limits<double>::quiet_NaN()));
      by_accuracy.push_back(accuracies.value_or(std::numeric_limits<double>::quiet_NaN()));
    }
    if (std::none_of(n.tasks.begin(), n.tasks.end(), [](const RepeatedTask& task) { return task.under_some_seed(); })) continue;
    if (defined) n.correlation = estimate(n.correlations, error_of(n));
    if (std::any_of(by_accuracy.begin(), by_accuracy.end(), [](double v) { return !std::isnan(v); })) n.by_accuracy = estimate(by_accuracy);
    all.push_back(std::move(n));
  }
  return all;
}

}  // namespace tangentplane::experiments
