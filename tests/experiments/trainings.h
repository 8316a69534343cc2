// When two trainings count as the same: what they recorded and what they left, up to a tolerance.
#pragma once

#include "experiments/common/training/target.h"
#include "tests/check.h"
#include "tests/experiments/run_binary.h"

namespace tangentplane::experiments::test {

/// Rates and accuracies are equal, losses and distances within `tolerance` (relative to at least 1; 0: the same bits).
inline void same_histories(const History& a, const History& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  for (std::size_t e = 0; e < a.size(); ++e) {
    CHECK(a[e].epoch == b[e].epoch);
    CHECK(a[e].learning_rate == b[e].learning_rate);
    CHECK(a[e].train_accuracy == b[e].train_accuracy);
    CHECK(a[e].test_accuracy == b[e].test_accuracy);
    check::same(a[e].train_loss, b[e].train_loss, tolerance);
    check::same(a[e].test_loss, b[e].test_loss, tolerance);
    check::same(a[e].distance, b[e].distance, tolerance);
  }
}

inline void same_weights(const data::NamedTensors<double>& a, const data::NamedTensors<double>& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  for (const auto& [key, value] : b) {
    INFO(key);
    REQUIRE(data::find(a, key));
    check::same(*data::find(a, key), value, tolerance);
  }
}

inline std::vector<std::string> columns_of_accuracies(const std::string& first) {
  return {first, "class_balance", "train_accuracy", "test_accuracy", "test_balanced_accuracy", "test_auc"};
}

/// v^T K v / v^T v over rows [begin, end).
inline double quotient(const Tensor<double>& kernel, const double* v, Index begin, Index end) {
  double above = 0, below = 0;
  for (Index i = begin; i < end; ++i) {
    below += v[i] * v[i];
    for (Index j = begin; j < end; ++j) above += v[i] * kernel[i * kernel.rows() + j] * v[j];
  }
  return above / below;
}

/// The share of pairs of a positive and a negative in which the positive has the larger logit; equal ones count half. NaN without a pair.
inline double share_of_pairs_won(std::span<const double> logits, std::span<const int> labels) {
  double won = 0, pairs = 0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    for (std::size_t j = 0; j < logits.size(); ++j) {
      if (labels[i] != 1 || labels[j] != 0) continue;
      pairs += 1;
      won += logits[i] > logits[j] ? 1 : logits[i] == logits[j] ? 0.5 : 0;
    }
  return won / pairs;
}

/// Share of the images of one class that are told rightly.
inline double accuracy_of_class(std::span<const double> logits, std::span<const int> labels, int c) {
  double right = 0, all = 0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (labels[i] == c) all += 1, right += (logits[i] > 0) == (c == 1);
  return right / all;
}

/// A row of accuracy.csv (without a column `model`) is what labels.npy and test_logits.npy of its target give.
inline void logits_explain_accuracies(const std::vector<std::string>& row, const Sandbox& box, const std::string& folder) {
  INFO(folder);
  const auto all = data::load_binary_labels_npy(box / folder / "labels.npy");
  const auto logits = box.array(folder + "/test_logits.npy");
  const auto labels = std::span(all).last(static_cast<std::size_t>(logits.size()));
  REQUIRE(row.size() == 6);
  check::same(std::stod(row[1]), static_cast<double>(std::count(all.begin(), all.end(), 1)) / static_cast<double>(all.size()), 1e-15);
  const double positives = accuracy_of_class(logits.span(), labels, 1), negatives = accuracy_of_class(logits.span(), labels, 0);
  if (std::isnan(positives + negatives)) {
    CHECK((row[4].empty() && row[5].empty()));
    return;
  }
  check::same(std::stod(row[4]), (positives + negatives) / 2, 1e-15);
  check::same(std::stod(row[5]), share_of_pairs_won(logits.span(), labels), 1e-15);
}

/// Two targets' folders hold the same training up to rounding.
inline void same_training(const Sandbox& box, const std::string& a, const std::string& b, double tolerance) {
  INFO(a << " and " << b);
  same_histories(load_history(box / a / "history.csv"), load_history(box / b / "history.csv"), tolerance);
  same_weights(data::load_npz<double>(box / a / "final.npz"), data::load_npz<double>(box / b / "final.npz"), tolerance);
  check::same(box.array(a + "/test_logits.npy"), box.array(b + "/test_logits.npy"), tolerance);
  CHECK(bytes_of(box / a / "labels.npy") == bytes_of(box / b / "labels.npy"));
}

}  // namespace tangentplane::experiments::test
