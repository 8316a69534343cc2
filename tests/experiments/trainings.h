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

/// Two targets' folders hold the same training up to rounding.
inline void same_training(const Sandbox& box, const std::string& a, const std::string& b, double tolerance) {
  INFO(a << " and " << b);
  same_histories(load_history(box / a / "history.csv"), load_history(box / b / "history.csv"), tolerance);
  same_weights(data::load_npz<double>(box / a / "final.npz"), data::load_npz<double>(box / b / "final.npz"), tolerance);
  check::same(box.array(a + "/test_logits.npy"), box.array(b + "/test_logits.npy"), tolerance);
  CHECK(bytes_of(box / a / "labels.npy") == bytes_of(box / b / "labels.npy"));
}

}  // namespace tangentplane::experiments::test
