#include "experiments/claims/numbers/measured.h"

#include <algorithm>
#include <cmath>

#include "experiments/claims/statistics/statistics.h"

namespace tangentplane::experiments {

Measurement measurement(TestImages images, const std::vector<std::vector<double>>& of_seeds, double reach) {
  const bool comparable = std::all_of(of_seeds.begin(), of_seeds.end(), [&](const auto& v) { return v.size() == of_seeds[0].size(); });
  if (images == TestImages::same && comparable) {
    std::vector<double> middle(of_seeds.at(0).size());
    for (const auto& values : of_seeds)
      for (std::size_t i = 0; i < values.size(); ++i) middle[i] += values[i] / static_cast<double>(of_seeds.size());
    return {paired_error(middle, reach), true};
  }
  std::vector<double> errors;
  for (const auto& values : of_seeds) errors.push_back(paired_error(values, reach));
  return {root_mean_square(errors), images != TestImages::own};
}

std::vector<double> paired(const Task& task) {
  std::vector<double> difference = task.network.correct;
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= task.linear.correct[i];
  return difference;
}

Estimate lead(const PairRepeats& pairs, const RepeatedTask& task) {
  std::vector<std::vector<double>> of_seeds;
  for (const auto& one : task.under)
    if (one) of_seeds.push_back(paired(*one));
  return estimate(task.values([](const Task& t) { return t.lead(); }), measurement(test_images(pairs, task), of_seeds, 1));
}

Estimate growth_of_lead(const PairRepeats& pairs, const RepeatedTask& first, const RepeatedTask& second) {
  std::vector<double> growths;
  std::vector<std::vector<double>> of_seeds;
  std::vector<double> squares[2];  // of the errors, where the two tasks have other test images
  for (std::size_t seed = 0; seed < pairs.size(); ++seed) {
    const auto &a = first.under[seed], &b = second.under[seed];
    growths.push_back(a && b ? b->lead() - a->lead() : std::numeric_limits<double>::quiet_NaN());
    if (!a || !b) continue;
    auto before = paired(*a), after = paired(*b);
    for (const auto& [values, to] : {std::pair{&before, &squares[0]}, std::pair{&after, &squares[1]}})
      to->push_back(std::pow(paired_error(*values, 1), 2));
    if (a->network.test_rows != b->network.test_rows || before.size() != after.size()) continue;
    for (std::size_t i = 0; i < after.size(); ++i) after[i] -= before[i];
    of_seeds.push_back(std::move(after));
  }
  const TestImages images = test_images(pairs, second);
  if (!of_seeds.empty() && of_seeds.size() == squares[0].size()) return estimate(growths, measurement(images, of_seeds, 2));
  const double error = squares[0].empty() ? 0 : std::sqrt(mean(squares[0]) + mean(squares[1]));
  return estimate(growths, {error, images != TestImages::own});
}

}  // namespace tangentplane::experiments
