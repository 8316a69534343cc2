#include "experiments/common/training/roc.h"

#include <algorithm>

#include "autodiff/check.h"

namespace tangentplane::experiments {

Roc::Roc(const std::vector<double>& logits, const std::vector<int>& labels) {
  require(logits.size() == labels.size(), "roc: {} logits for {} labels", logits.size(), labels.size());
  for (std::size_t i = 0; i < logits.size(); ++i) sorted_.push_back({logits[i], i, labels[i]});
  std::sort(sorted_.begin(), sorted_.end(), [](const Place& a, const Place& b) { return a.logit < b.logit; });
}

std::optional<double> Roc::area() const { return area(std::vector<double>(sorted_.size(), 1)); }

std::optional<double> Roc::area(std::span<const double> weights) const {
  double below = 0, positives = 0, won = 0;  // weights of images of class 0 so far, of class 1, and of pairs in the right order
  for (std::size_t i = 0; i < sorted_.size();) {
    double tied[2] = {0, 0};
    const double logit = sorted_[i].logit;
    for (; i < sorted_.size() && sorted_[i].logit == logit; ++i) tied[sorted_[i].label == 1] += weights[sorted_[i].image];
    won += tied[1] * (below + 0.5 * tied[0]);
    below += tied[0], positives += tied[1];
  }
  if (below == 0 || positives == 0) return {};
  return won / (below * positives);
}

}  // namespace tangentplane::experiments
