// The paper's claims, each judged by the results at hand. The rooms: study/ reads the results folders and finds which belong together,
// statistics/ and numbers/ compute what decides, verdicts/ holds it against thresholds, markup/ says it in words, tables and figures.
// Ortiz-Jiménez, Moosavi-Dezfooli and Frossard, "What can linearized neural networks actually say about generalization?", NeurIPS 2021.
#pragma once

#include "experiments/claims/study/matching.h"
#include "experiments/claims/verdicts/verdict.h"
#include "experiments/common/figures/figure.h"

namespace tangentplane::experiments {

/// One comparison: what was measured where, and whether it meets its threshold.
struct Finding {
  std::string text;
  Verdict verdict = Verdict::not_shown;
};

struct Table {
  std::string caption;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

/// What the page draws.
struct Section {
  using Verdict = experiments::Verdict;

  std::string id, title;
  std::string claim;      ///< in a sentence
  std::string threshold;  ///< when a finding counts as shown
  std::vector<Finding> findings = {};
  std::vector<std::string> remarks = {};
  std::vector<std::pair<std::string, Figure>> figures = {};     ///< with the names of their files, without extension
  std::vector<std::pair<std::string, Pictures>> pictures = {};  ///< the same
  std::vector<Table> tables = {};
  std::vector<const Run*> runs = {};  ///< what was read
  std::string missing = {};           ///< why there is nothing to judge, and what would change it

  Verdict verdict() const;           ///< `together` of the findings'
  std::string verdict_text() const;  ///< their `words`
};

// One function for each claim. They throw std::invalid_argument naming the file for results that are not what an experiment writes.

/// 1. Linear test results rank tasks by their difficulty for the network: Spearman's correlation over eigenfunctions.
Section claim_rank(const Study& study);
/// 2. Linear models can win on eigenfunctions; on the classes the network wins, by more with more data.
Section claim_classes(const Study& study);
/// 3. Both generalise better along early neural anisotropy directions.
Section claim_nads(const Study& study);
/// 4. Training aligns the kernel with its target.
Section claim_evolution(const Study& study);
/// 5. Linearized at the trained weights, the model fits its task faster.
Section claim_trained(const Study& study);
/// What was trained on a user's own labels (--labels, in any program): no claim of the paper, but the same comparisons.
Section own_tasks_section(const Study& study);

/// The five, and the user's own tasks where there are some.
std::vector<Section> all_claims(const Study& study);

}  // namespace tangentplane::experiments
