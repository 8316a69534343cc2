#include "experiments/claims/statistics/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autodiff/check.h"

namespace tangentplane::experiments {

double mean(const std::vector<double>& values) {
  require(!values.empty(), "mean: no values");
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median(std::vector<double> values) {
  require(!values.empty(), "median: no values");
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

double root_mean_square(const std::vector<double>& values) {
  require(!values.empty(), "root_mean_square: no values");
  double squares = 0;
  for (double v : values) squares += v * v;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> rank(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) rank[order[i]] = 0.5 * static_cast<double>(begin + 1 + end);
  }
  return rank;
}

std::optional<double> rank_correlation(const std::vector<double>& x, const std::vector<double>& y) {
  require(x.size() == y.size(), "rank_correlation: {} x and {} y", x.size(), y.size());
  for (const auto* values : {&x, &y})
    for (double v : *values) require(!std::isnan(v), "rank_correlation: a value is NaN");
  const auto a = ranks(x), b = ranks(y);
  const double middle = 0.5 * (static_cast<double>(x.size()) + 1);  // the mean of all ranks, ties or not
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - middle) * (b[i] - middle);
    aa += (a[i] - middle) * (a[i] - middle);
    bb += (b[i] - middle) * (b[i] - middle);
  }
  if (aa == 0 || bb == 0) return {};
  return ab / std::sqrt(aa * bb);
}

double accuracy_error(double accuracy, double n) {
  require(accuracy >= -1e-9 && accuracy <= 1 + 1e-9 && n > 0, "accuracy_error: accuracy {} on {} examples", accuracy, n);
  const double p = (accuracy * n + 2) / (n + 4);
  return std::sqrt(p * (1 - p) / (n + 4));
}

double paired_error(const std::vector<double>& values, double reach) {
  require(!values.empty(), "paired_error: no values");
  double sum = 0, squares = 2 * reach * reach;
  for (double v : values) sum += v, squares += v * v;
  const double n = static_cast<double>(values.size()) + 2, middle = sum / n;
  return std::sqrt((squares / n - middle * middle) / n);
}

}  // namespace tangentplane::experiments
