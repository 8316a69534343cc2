// The paper's claims, each judged by the results at hand: numbers are computed, verdicts follow from numbers and named thresholds.
// Ortiz-Jiménez, Moosavi-Dezfooli and Frossard, "What can linearized neural networks actually say about generalization?", NeurIPS 2021.
#pragma once

#include "experiments/claims/runs.h"
#include "experiments/claims/statistics.h"
#include "experiments/common/figures/figure.h"

namespace tangentplane::experiments {

/// One comparison: what was measured where, and whether it meets its threshold.
struct Finding {
  std::string text;
  bool shown = false;
};

struct Table {
  std::string caption;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

struct Section {
  std::string id, title;
  std::string claim;      ///< in a sentence
  std::string threshold;  ///< when a finding counts as shown
  std::vector<Finding> findings = {};
  std::vector<std::string> remarks = {};
  std::vector<std::pair<std::string, Figure>> figures = {};     ///< with the names of their files, without extension
  std::vector<std::pair<std::string, Pictures>> pictures = {};  ///< the same
  std::vector<Table> tables = {};
  std::vector<const Run*> runs = {};  ///< what was read
  std::string missing = {};           ///< why there is nothing to judge, and the command that would change it

  enum class Verdict { shown, partly, not_shown, missing };
  /// Shown if all findings are, partly if some are; missing without findings.
  Verdict verdict() const;
  std::string verdict_text() const;  ///< "shown", "shown in 2 of 3", "not shown at this size", "results missing"
};

// One function for each claim. They throw std::invalid_argument naming the file for results that are not what an experiment writes.

/// 1. Linear test accuracy ranks tasks by their difficulty for the network: Spearman's correlation over eigenfunctions.
Section claim_rank(const Study& study);
/// 2. Linear models can win on eigenfunctions; on the classes the network wins, by more with more data.
Section claim_classes(const Study& study);
/// 3. Both generalise better along early neural anisotropy directions.
Section claim_nads(const Study& study);
/// 4. Training aligns the kernel with its target.
Section claim_evolution(const Study& study);
/// 5. Linearized at the trained weights, the model fits its task faster.
Section claim_trained(const Study& study);

std::vector<Section> all_claims(const Study& study);

// For the claims. Numbers are shown as the mean over seeds and, of several, their standard deviation: "96.2 ± 0.4 %".
std::string percent(double share);                                             ///< "96.2 %"
std::string points(double share);                                              ///< a difference of shares: "+3.1"
std::string with_spread(const Estimate& e, int digits);                        ///< "0.86 ± 0.03"
std::string percent(const Estimate& share);                                    ///< "96.2 ± 0.4 %"
std::string points(const Estimate& share);                                     ///< "+3.1 ± 0.4"
std::string points_and_error(const Estimate& share);                           ///< "+3.1 ± 0.4 points (standard error 1.2)"
Estimate accuracy_estimate(const std::vector<double>& values, double images);  ///< with the error of that many test images
/// Standard error of a task's lead by the number of test images alone.
double measurement_error(const RepeatedTask& task, double images);
/// Network minus linearization on a task, with the error of that many test images.
Estimate lead_estimate(const RepeatedTask& task, double images);
/// A series of test accuracies in percent at x = the tasks' names + `offset`. Error bars: the standard deviation over seeds or, of a single
/// one, the standard error of the test images. With several seeds each one's values go along as samples.
Series accuracy_series(const std::string& label, const std::vector<RepeatedTask>& tasks, double Task::*accuracy, double offset,
                       double images);
/// Appends the point (x, mean of `values`, one a seed); of several, their standard deviation as its error bar and each as a sample. All of
/// them times `scale`.
void add_point(Series& series, double x, const std::vector<double>& values, double scale = 1);
/// Notes the runs of all pairs as read.
void add_runs(Section& section, const PairRepeats& pairs);
double error_of_difference(double a, double b, double images);  ///< of two accuracies, as if on independent test images
std::string file_name(std::string text);                        ///< lower case letters, digits and hyphens

}  // namespace tangentplane::experiments
