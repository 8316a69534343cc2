// Losses on logits, and what is reported beside them. A loss is described once, for one example in double; means over examples, tasks side
// by side and the tensors' precision are made from that.
#pragma once

#include <cmath>
#include <concepts>
#include <memory>
#include <span>
#include <string>

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

/// A loss of one example: its logits z [O] against a target y. Derive from it for a loss of one's own.
class LossFunction {
 public:
  virtual ~LossFunction() = default;
  /// As messages call it.
  virtual std::string name() const = 0;
  /// Numbers in the target of an example with O logits. Throws std::invalid_argument for an O that the loss does not take.
  virtual Index target_size(Index outputs) const = 0;
  /// Throws std::invalid_argument, saying what would be right, unless y is a target of an example with O logits.
  virtual void require_target(std::span<const double> y, Index outputs) const = 0;
  /// The loss; NaN or infinite only where a logit is, or where it is beyond a double.
  virtual double value(std::span<const double> z, std::span<const double> y) const = 0;
  /// d value / d z, to d [O].
  virtual void derivative(std::span<const double> z, std::span<const double> y, std::span<double> d) const = 0;
  /// 1 where the logits say what the target says, 0 where they do not, NaN where a target of this kind says nothing to compare.
  virtual double accuracy(std::span<const double> z, std::span<const double> y) const = 0;
};

/// Labels 0 and 1 of one logit z: log(1 + e^z) - y z. Class 1 where the logit is above 0.
struct BinaryCrossEntropy : LossFunction {
  std::string name() const override { return "binary cross-entropy"; }
  Index target_size(Index outputs) const override;
  void require_target(std::span<const double> y, Index outputs) const override;
  double value(std::span<const double> z, std::span<const double> y) const override;
  void derivative(std::span<const double> z, std::span<const double> y, std::span<double> d) const override;
  double accuracy(std::span<const double> z, std::span<const double> y) const override;
};

/// Classes 0 to O - 1 of O >= 2 logits: log(sum_o e^z_o) - z_y. The class is that of the largest logit, the first one of equal ones.
struct SoftmaxCrossEntropy : LossFunction {
  std::string name() const override { return "softmax cross-entropy"; }
  Index target_size(Index outputs) const override;
  void require_target(std::span<const double> y, Index outputs) const override;
  double value(std::span<const double> z, std::span<const double> y) const override;
  void derivative(std::span<const double> z, std::span<const double> y, std::span<double> d) const override;
  double accuracy(std::span<const double> z, std::span<const double> y) const override;
};

/// A target of O finite numbers: sum_o (z_o - y_o)^2 / 2. (The mean is over examples, not over outputs.) An accuracy is there for targets
/// that name a class: one-hot ones (a single 1 among zeros) of several outputs, where the largest logit tells, and -1 or 1 of one output,
/// where the sign does (a logit of 0 is -1); for others it is NaN.
struct SquaredError : LossFunction {
  std::string name() const override { return "squared error"; }
  Index target_size(Index outputs) const override;
  void require_target(std::span<const double> y, Index outputs) const override;
  double value(std::span<const double> z, std::span<const double> y) const override;
  void derivative(std::span<const double> z, std::span<const double> y, std::span<double> d) const override;
  double accuracy(std::span<const double> z, std::span<const double> y) const override;
};

/// Any of them as a value: Loss loss = SoftmaxCrossEntropy{}.
class Loss {
 public:
  Loss() : Loss(BinaryCrossEntropy{}) {}
  /// Holds a copy.
  template <std::derived_from<LossFunction> F>
  Loss(F function) : function_(std::make_shared<const F>(std::move(function))) {}  // NOLINT: a loss of that kind is what is meant

  const LossFunction* operator->() const { return function_.get(); }  ///< the function itself

 private:
  std::shared_ptr<const LossFunction> function_;
};

/// Means over the rows, for one task.
struct Score {
  double loss = 0, accuracy = 0;  ///< accuracy: the share of rows that are correct; NaN where the loss has none for a target
};

// T tasks stand side by side: column o T + t of logits [B, O T] is output o of task t, and so it is with the numbers of targets. With one
// output a task has a column, with one task an output has.

/// Loss and accuracy of each task. Throws std::invalid_argument unless logits are [B, O T] with B > 0 and labels [B, target_size(O) T].
template <class S>
std::vector<Score> scores(const Loss& loss, const Tensor<S>& logits, const Tensor<S>& labels, Index tasks = 1);

/// d(mean loss of a task) / d(logits) [B, O T]. Throws as scores does.
template <class S>
Tensor<S> loss_cotangent(const Loss& loss, const Tensor<S>& logits, const Tensor<S>& labels, Index tasks = 1);

/// Throws std::invalid_argument, naming the first that is wrong, unless every label is a target of the loss for O outputs.
template <class S>
void require_labels(const Loss& loss, const Tensor<S>& labels, Index outputs, Index tasks = 1);

}  // namespace tangentplane
