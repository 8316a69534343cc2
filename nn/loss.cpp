#include "nn/loss.h"

#include <limits>

namespace tangentplane {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Place of the largest, the first of equal ones.
std::size_t largest(std::span<const double> z) { return static_cast<std::size_t>(std::max_element(z.begin(), z.end()) - z.begin()); }

/// Sum of e^(z_o - z_top) over the others. z_top is the largest, so no term is above 1.
double others(std::span<const double> z, std::size_t top) {
  double sum = 0;
  for (std::size_t o = 0; o < z.size(); ++o)
    if (o != top) sum += std::exp(z[o] - z[top]);
  return sum;
}

/// The numbers of one example and task in double, of a row whose tasks stand side by side.
template <class S>
void gather(const S* row, Index tasks, Index task, std::vector<double>& to) {
  for (std::size_t k = 0; k < to.size(); ++k) to[k] = static_cast<double>(row[static_cast<Index>(k) * tasks + task]);
}

/// Calls f(example, task, z, y) for every one; z and y are its numbers in double.
template <class S, class F>
void for_each_example(const Loss& loss, const Tensor<S>& logits, const Tensor<S>& labels, Index tasks, const F& f) {
  require(tasks >= 1 && logits.shape().rank() == 2 && logits.shape()[1] % tasks == 0 && labels.shape().rank() == 2,
          "loss: takes logits [B,O T] and labels [B,T] of T tasks, got {} and {} of {}", logits.shape(), labels.shape(), tasks);
  const Index rows = logits.rows(), outputs = logits.shape()[1] / tasks;
  require(logits.size() > 0, "loss: logits {} hold none to take the mean of", logits.shape());
  const Index size = loss->target_size(outputs);
  require(labels.shape() == (Shape{rows, size * tasks}), "loss: logits {} and labels {} differ; {} takes labels {}", logits.shape(),
          labels.shape(), loss->name(), Shape{rows, size * tasks});
  std::vector<double> z(static_cast<std::size_t>(outputs)), y(static_cast<std::size_t>(size));
  for (Index i = 0; i < rows; ++i)
    for (Index t = 0; t < tasks; ++t) {
      gather(logits.data() + i * outputs * tasks, tasks, t, z);
      gather(labels.data() + i * size * tasks, tasks, t, y);
      f(i, t, std::span<const double>(z), std::span<const double>(y));
    }
}

}  // namespace

Index BinaryCrossEntropy::target_size(Index outputs) const {
  require(outputs == 1, "loss: binary cross-entropy takes one logit, the network has {}; give softmax cross-entropy or squared error",
          outputs);
  return 1;
}
void BinaryCrossEntropy::require_target(std::span<const double> y, Index) const {
  require(y[0] == 0 || y[0] == 1, "labels: {} is not 0 or 1", y[0]);
}
double BinaryCrossEntropy::value(std::span<const double> z, std::span<const double> y) const { return cross_entropy(z[0], y[0]); }
void BinaryCrossEntropy::derivative(std::span<const double> z, std::span<const double> y, std::span<double> d) const {
  // sigmoid(z) - y in the form that keeps its digits where sigmoid(z) is near y.
  d[0] = logistic(z[0]) * (1 - y[0]) - logistic(-z[0]) * y[0];
}
double BinaryCrossEntropy::accuracy(std::span<const double> z, std::span<const double> y) const { return correct(z[0], y[0]) ? 1 : 0; }

Index SoftmaxCrossEntropy::target_size(Index outputs) const {
  require(outputs >= 2, "loss: softmax cross-entropy takes two logits or more, the network has {}; give binary cross-entropy", outputs);
  return 1;
}
void SoftmaxCrossEntropy::require_target(std::span<const double> y, Index outputs) const {
  require(y[0] == std::floor(y[0]) && 0 <= y[0], "labels: {} is not a class; give integers from 0 to {}", y[0], outputs - 1);
  require(y[0] < static_cast<double>(outputs), "labels: class {} for a network of {} outputs; give integers from 0 to {}", y[0], outputs,
          outputs - 1);
}
double SoftmaxCrossEntropy::value(std::span<const double> z, std::span<const double> y) const {
  const std::size_t top = largest(z);
  return (z[top] - z[static_cast<std::size_t>(y[0])]) + std::log1p(others(z, top));
}
void SoftmaxCrossEntropy::derivative(std::span<const double> z, std::span<const double> y, std::span<double> d) const {
  // p_o - [o = y], of which the class's own is minus the sum of the others: where p_y is near 1, p_y - 1 has no digits.
  const std::size_t top = largest(z), label = static_cast<std::size_t>(y[0]);
  const double total = 1 + others(z, top);
  double wrong = 0;
  for (std::size_t o = 0; o < z.size(); ++o) {
    if (o == label) continue;
    d[o] = std::exp(z[o] - z[top]) / total;
    wrong += d[o];
  }
  d[label] = -wrong;
}
double SoftmaxCrossEntropy::accuracy(std::span<const double> z, std::span<const double> y) const {
  return largest(z) == static_cast<std::size_t>(y[0]) ? 1 : 0;
}

Index SquaredError::target_size(Index outputs) const { return outputs; }
void SquaredError::require_target(std::span<const double> y, Index) const {
  for (const double v : y) require(std::isfinite(v), "labels: {} is not a finite target", v);
}
double SquaredError::value(std::span<const double> z, std::span<const double> y) const {
  double sum = 0;
  for (std::size_t o = 0; o < z.size(); ++o) sum += (z[o] - y[o]) * (z[o] - y[o]);
  return sum / 2;
}
void SquaredError::derivative(std::span<const double> z, std::span<const double> y, std::span<double> d) const {
  for (std::size_t o = 0; o < z.size(); ++o) d[o] = z[o] - y[o];
}
double SquaredError::accuracy(std::span<const double> z, std::span<const double> y) const {
  if (y.size() == 1) return std::abs(y[0]) == 1 ? (z[0] > 0) == (y[0] > 0) : none;
  const std::size_t label = largest(y);
  for (std::size_t o = 0; o < y.size(); ++o)
    if (y[o] != (o == label ? 1. : 0.)) return none;
  return largest(z) == label ? 1 : 0;
}

template <class S>
std::vector<Score> scores(const Loss& loss, const Tensor<S>& logits, const Tensor<S>& labels, Index tasks) {
  std::vector<Score> s(static_cast<std::size_t>(std::max<Index>(tasks, 0)));
  for_each_example(loss, logits, labels, tasks, [&](Index, Index t, std::span<const double> z, std::span<const double> y) {
    s[static_cast<std::size_t>(t)].loss += loss->value(z, y);
    s[static_cast<std::size_t>(t)].accuracy += loss->accuracy(z, y);
  });
  for (Score& score : s) {  // divided once, so that a share of 1 is exactly 1
    score.loss /= static_cast<double>(logits.rows());
    score.accuracy /= static_cast<double>(logits.rows());
  }
  return s;
}

template <class S>
Tensor<S> loss_cotangent(const Loss& loss, const Tensor<S>& logits, const Tensor<S>& labels, Index tasks) {
  Tensor<S> d(logits.shape());
  const double weight = 1 / static_cast<double>(logits.rows());
  std::vector<double> one;
  for_each_example(loss, logits, labels, tasks, [&](Index i, Index t, std::span<const double> z, std::span<const double> y) {
    one.resize(z.size());
    loss->derivative(z, y, one);
    S* row = d.data() + i * logits.shape()[1] + t;
    for (std::size_t o = 0; o < one.size(); ++o) row[static_cast<Index>(o) * tasks] = static_cast<S>(one[o] * weight);
  });
  return d;
}

template <class S>
void require_labels(const Loss& loss, const Tensor<S>& labels, Index outputs, Index tasks) {
  const Index size = loss->target_size(outputs);
  require(tasks >= 1 && labels.shape().rank() == 2 && labels.shape()[1] == size * tasks,
          "labels: {} for {} tasks of {} outputs; {} takes {} columns", labels.shape(), tasks, outputs, loss->name(), size * tasks);
  std::vector<double> y(static_cast<std::size_t>(size));
  for (Index i = 0; i < labels.rows(); ++i)
    for (Index t = 0; t < tasks; ++t) {
      gather(labels.data() + i * size * tasks, tasks, t, y);
      loss->require_target(y, outputs);
    }
}

#define INSTANTIATE(S)                                                                        \
  template std::vector<Score> scores(const Loss&, const Tensor<S>&, const Tensor<S>&, Index); \
  template Tensor<S> loss_cotangent(const Loss&, const Tensor<S>&, const Tensor<S>&, Index);  \
  template void require_labels(const Loss&, const Tensor<S>&, Index, Index);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane
