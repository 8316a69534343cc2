#include "experiments/claims/claim.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "experiments/claims/statistics.h"

namespace tangentplane::experiments {

Section::Verdict Section::verdict() const {
  const auto count = std::count_if(findings.begin(), findings.end(), [](const Finding& f) { return f.shown; });
  if (findings.empty()) return Verdict::missing;
  if (count == static_cast<std::ptrdiff_t>(findings.size())) return Verdict::shown;
  return count > 0 ? Verdict::partly : Verdict::not_shown;
}

std::string Section::verdict_text() const {
  switch (verdict()) {
    case Verdict::shown:
      return "shown";
    case Verdict::partly:
      return fmt::format("shown in {} of {}", std::count_if(findings.begin(), findings.end(), [](const Finding& f) { return f.shown; }),
                         findings.size());
    case Verdict::not_shown:
      return "not shown at this size";
    case Verdict::missing:
      break;
  }
  return "results missing";
}

std::vector<Section> all_claims(const Study& study) {
  return {claim_rank(study), claim_classes(study), claim_nads(study), claim_evolution(study), claim_trained(study)};
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }
std::string points(double share) { return fmt::format("{:+.1f}", 100 * share); }

std::string with_spread(const Estimate& e, int digits) {
  return fmt::format("{:.{}f}", e.mean, digits) + (e.count > 1 ? fmt::format(" ± {:.{}f}", e.spread, digits) : "");
}
std::string percent(const Estimate& e) {
  return e.count > 1 ? fmt::format("{:.1f} ± {:.1f} %", 100 * e.mean, 100 * e.spread) : percent(e.mean);
}
std::string points(const Estimate& e) { return points(e.mean) + (e.count > 1 ? fmt::format(" ± {:.1f}", 100 * e.spread) : ""); }
std::string points_and_error(const Estimate& e) { return fmt::format("{} points (standard error {:.1f})", points(e), 100 * e.error); }

Estimate accuracy_estimate(const std::vector<double>& values, double images) {
  return estimate(values, accuracy_error(estimate(values).mean, images));
}

double measurement_error(const RepeatedTask& task, double images) {
  return error_of_difference(estimate(task.values(&Task::network)).mean, estimate(task.values(&Task::linear)).mean, images);
}

Estimate lead_estimate(const RepeatedTask& task, double images) { return estimate(task.leads(), measurement_error(task, images)); }

Series accuracy_series(const std::string& label, const std::vector<RepeatedTask>& tasks, double Task::*accuracy, double offset,
                       double images) {
  Series s{.label = label};
  for (const RepeatedTask& task : tasks) {
    const auto values = task.values(accuracy);
    add_point(s, static_cast<double>(task.name) + offset, values, 100);
    if (values.size() == 1) s.error.push_back(100 * accuracy_estimate(values, images).error);
  }
  return s;
}

void add_point(Series& series, double x, const std::vector<double>& values, double scale) {
  const Estimate e = estimate(values);
  series.x.push_back(x), series.y.push_back(scale * e.mean);
  if (values.size() == 1) return;
  series.error.push_back(scale * e.spread);
  series.samples.resize(values.size());
  for (std::size_t seed = 0; seed < values.size(); ++seed) series.samples[seed].push_back(scale * values[seed]);
}

void add_runs(Section& section, const PairRepeats& pairs) {
  for (const Pair& pair : pairs) section.runs.insert(section.runs.end(), {pair.network, pair.linear});
}

double error_of_difference(double a, double b, double images) { return std::hypot(accuracy_error(a, images), accuracy_error(b, images)); }

std::string file_name(std::string text) {
  for (char& c : text)
    c = std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : '-';
  return text;
}

}  // namespace tangentplane::experiments
