#include "experiments/claims/claim.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "experiments/common/statistics.h"

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

double error_of_difference(double a, double b, double images) { return std::hypot(accuracy_error(a, images), accuracy_error(b, images)); }

std::string file_name(std::string text) {
  for (char& c : text)
    c = std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : '-';
  return text;
}

}  // namespace tangentplane::experiments
