#include "experiments/claims/statistics/estimate.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "autodiff/check.h"
#include "autodiff/random.h"
#include "experiments/claims/statistics/statistics.h"

namespace tangentplane::experiments {
namespace {

constexpr int draws = 200;
constexpr std::size_t most_seeds = 1000;

/// The parts of the standard error of n seeds with e's spread and measurement.
struct Parts {
  double seeds = 0, images = 0;
};
Parts parts(const Estimate& e, std::size_t n) {
  const double root = std::sqrt(static_cast<double>(n)), m = e.measurement.error;
  if (n < 2) return {0, m};
  return e.measurement.shared ? Parts{e.spread / root, m} : Parts{std::max(e.spread, m) / root, 0};
}

/// Half of the interval that n seeds would have.
double half(const Estimate& e, std::size_t n, double level) {
  const double p = 0.5 + 0.5 * level, infinite = std::numeric_limits<double>::infinity();
  const Parts of = parts(e, n);
  const double t = of.seeds > 0 ? student_quantile(p, static_cast<double>(n) - 1) : 0;
  return std::hypot(t * of.seeds, student_quantile(p, infinite) * of.images);
}

}  // namespace

double student_quantile(double p, double degrees) {
  return std::isinf(degrees) ? quantile(boost::math::normal(), p) : quantile(boost::math::students_t(degrees), p);
}

Interval Estimate::interval(double level) const {
  const double h = half(*this, count, level);
  return {mean - h, mean + h};
}

Estimate estimate(const std::vector<double>& values, Measurement measurement) {
  std::vector<double> present;
  for (double v : values)
    if (!std::isnan(v)) present.push_back(v);
  require(!present.empty(), "estimate: none of {} values is a number", values.size());
  Estimate e{.mean = mean(present), .count = present.size(), .measurement = measurement};
  double squares = 0;
  for (double v : present) squares += (v - e.mean) * (v - e.mean);
  if (e.count > 1) e.spread = std::sqrt(squares / (static_cast<double>(e.count) - 1));
  const Parts of = parts(e, e.count);
  e.error = std::hypot(of.seeds, of.images);
  return e;
}

Needed needed(const Estimate& e, double threshold, double level) {
  const double distance = std::abs(e.mean - threshold);
  Needed n;
  for (std::size_t seeds = std::max<std::size_t>(2, e.count + 1); seeds < most_seeds && e.count > 1 && !n.seeds; ++seeds)
    if (half(e, seeds, level) < distance) n.seeds = seeds;
  if (e.count < 2 || !e.measurement.shared || e.measurement.error == 0) return n;
  Estimate more = e;
  for (double times = 1.25; times < 1e4 && !n.times_as_many; times *= 1.25) {
    more.measurement.error = e.measurement.error / std::sqrt(times);
    if (half(more, e.count, level) < distance) n.times_as_many = times;
  }
  return n;
}

double bootstrap_error(std::size_t images, const std::function<std::optional<double>(std::span<const double>)>& number) {
  std::vector<double> found, weights(images);
  for (int draw = 0; draw < draws; ++draw) {
    RandomStream random(0, "bootstrap", static_cast<std::uint64_t>(draw));
    std::fill(weights.begin(), weights.end(), 0.0);
    for (std::size_t i = 0; i < images; ++i) weights[static_cast<std::size_t>(random.below(static_cast<Index>(images)))] += 1;
    if (const auto value = number(weights)) found.push_back(*value);
  }
  return found.size() < 2 ? 0 : estimate(found).spread;
}

}  // namespace tangentplane::experiments
