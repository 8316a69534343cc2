// Binary cross-entropy on logits, and what is reported beside it.
#pragma once

#include <cmath>

#include "autodiff/tensor.h"

namespace tangentplane {

/// -log p(y) of one logit in the form that cannot overflow: max(z, 0) - z y + log(1 + e^-|z|).
inline double cross_entropy(double logit, double label) {
  return std::max(logit, 0.0) - logit * label + std::log1p(std::exp(-std::abs(logit)));
}
/// 1 / (1 + e^-logit).
inline double logistic(double logit) {
  const double e = std::exp(-std::abs(logit));
  return (logit >= 0 ? 1 : e) / (1 + e);
}
/// Class 1 where the logit is > 0; a logit of exactly 0 is class 0.
inline bool correct(double logit, double label) { return (logit > 0) == (label > 0.5); }

/// Means over the rows of one column.
struct Score {
  double loss = 0, accuracy = 0;  ///< cross-entropy, and the share of rows that are correct
};
/// Loss and accuracy of each column of logits [B, T] against labels [B, T] in {0, 1}.
template <class S>
std::vector<Score> scores(const Tensor<S>& logits, const Tensor<S>& labels) {
  require(logits.shape() == labels.shape() && logits.shape().rank() == 2, "loss: logits {} and labels {} differ", logits.shape(),
          labels.shape());
  require(logits.size() > 0, "loss: logits {} hold none to take the mean of", logits.shape());
  const Index rows = logits.shape()[0], columns = logits.shape()[1];
  std::vector<Score> s(static_cast<std::size_t>(columns));
  for (Index i = 0; i < rows; ++i)
    for (Index t = 0; t < columns; ++t) {
      const double z = logits[i * columns + t], y = labels[i * columns + t];
      s[static_cast<std::size_t>(t)].loss += cross_entropy(z, y);
      s[static_cast<std::size_t>(t)].accuracy += correct(z, y) ? 1 : 0;
    }
  for (Score& score : s) {  // divided once, so that a share of 1 is exactly 1
    score.loss /= static_cast<double>(rows);
    score.accuracy /= static_cast<double>(rows);
  }
  return s;
}
/// d(mean loss of a column) / d(logits): (sigmoid(z) - y) / B, as sigmoid(z) (1 - y) - sigmoid(-z) y, which keeps its digits where
/// sigmoid(z) is near y.
template <class S>
Tensor<S> cross_entropy_cotangent(const Tensor<S>& logits, const Tensor<S>& labels) {
  require(logits.shape() == labels.shape(), "loss: logits {} and labels {} differ", logits.shape(), labels.shape());
  Tensor<S> d(logits.shape());
  const double weight = 1 / static_cast<double>(logits.rows());
  for (Index i = 0; i < d.size(); ++i) {
    const double z = logits[i], y = labels[i];
    d[i] = static_cast<S>((logistic(z) * (1 - y) - logistic(-z) * y) * weight);
  }
  return d;
}

}  // namespace tangentplane
