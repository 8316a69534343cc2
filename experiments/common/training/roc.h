// The area under the ROC curve.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace tangentplane::experiments {

/// Area under the ROC curve of logits for labels in {0, 1}: the probability that the logit of an image of class 1 exceeds that of one of
/// class 0, ties counting half. Sorted once, so that it can be had again with other weights of the images.
class Roc {
 public:
  /// Throws std::invalid_argument unless there is a label for each logit.
  Roc(const std::vector<double>& logits, const std::vector<int>& labels);
  /// Nothing where a class has no image.
  std::optional<double> area() const;
  /// The same with image i counted weights[i] times.
  std::optional<double> area(std::span<const double> weights) const;

 private:
  struct Place {
    double logit;
    std::size_t image;
    int label;
  };
  std::vector<Place> sorted_;
};

}  // namespace tangentplane::experiments
