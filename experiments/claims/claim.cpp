#include "experiments/claims/claim.h"

namespace tangentplane::experiments {
namespace {

std::vector<Verdict> verdicts(const std::vector<Finding>& findings) {
  std::vector<Verdict> all;
  for (const Finding& f : findings) all.push_back(f.verdict);
  return all;
}

}  // namespace

Section::Verdict Section::verdict() const { return together(verdicts(findings)); }
std::string Section::verdict_text() const { return words(verdicts(findings)); }

std::vector<Section> all_claims(const Study& study) {
  std::vector<Section> sections{claim_rank(study), claim_classes(study), claim_nads(study), claim_evolution(study), claim_trained(study)};
  if (Section own = own_tasks_section(study); !own.findings.empty() || !own.tables.empty()) sections.push_back(std::move(own));
  return sections;
}

}  // namespace tangentplane::experiments
