// Training the linearized network exactly, in function space: with theta - theta0 = J^T a and momentum J^T p, SGD with momentum needs the
// kernel alone. Many tasks (columns) share the batches and may differ in their labels.
//
// On coefficients the step is p <- mu p, p[b] += r, a <- a - eta p, and a batch's logits are f0[b] + K[b, :] a. Here the products g = K a
// and h = K p are carried along instead: h <- mu h + K[:, b] r, g <- g - eta h. That costs what the logits would, and the logits of all
// images, test images among them, and the distance ||J^T a||^2 = a^T g then cost nothing.
//
// Ranks share the images: each has the kernel's columns, and so g and h, of its own ones. Of a step only the batch's logits pass between
// them, b numbers a task; the coefficients a and p every rank carries along.
#pragma once

#include "autodiff/cpu/ranks.h"
#include "linearize/kept_jacobian.h"
#include "nn/train.h"

namespace tangentplane {

/// The linearized network as a learner that knows the kernel alone.
template <class S>
class FunctionSpaceLearner : public Learner<S> {
 public:
  /// `kernel` [num_train, N] between training images and all images, the training images first (or the whole of K [N, N], whose other rows
  /// are not used); f0 [N] their outputs at the start (zeros without f0); `tasks` columns. Throws std::invalid_argument for a kernel of
  /// another shape, for num_train outside [1, N] and for fewer than one task. With several `ranks` the kernel is [num_train, width]: the
  /// columns of this rank's images, cpu::dealt(N, R, rank); f0 is whole, and all ranks call the same functions in the same order.
  FunctionSpaceLearner(Tensor<S> kernel, Tensor<S> f0, Index num_train, Index tasks, cpu::Ranks& ranks = cpu::Ranks::alone());

  Index tasks() const override { return tasks_; }
  Tensor<S> logits(std::span<const Index> batch) override;
  void step(const Tensor<S>& cotangent, double learning_rate, double momentum) override;
  Tensor<S> test_logits() override;
  std::vector<double> distances() override;
  LearnerState<S> state() const override;
  void restore(const LearnerState<S>& state) override;

  /// a [num_train, tasks]: theta = theta0 + J^T a.
  Tensor<S> coefficients() const;

 private:
  /// a and p [tasks] of a training image as of its last batch. Since then p has only decayed: a = a0 - moved p0, p = left p0.
  struct Row {
    S left = 1, moved = 0;
  };
  void catch_up(Index image);
  /// [N, tasks] of all ranks from [width, tasks] of each.
  Tensor<S> gathered(const Tensor<S>& own) const;

  cpu::Ranks* ranks_;
  Index first_, width_;  // this rank's images
  Tensor<S> kernel_, f0_;
  Index num_train_, tasks_;
  Tensor<S> a_, p_;  // [num_train, tasks], behind by rows_
  std::vector<Row> rows_;
  Tensor<S> g_, h_;  // K a and K p [width, tasks]
  std::vector<Index> batch_;
};

/// theta0 + J^T a for columns [first, last) of coefficients [N, tasks] over the training images [N, H, W, C], in batches whose Jacobian
/// serves all columns. Throws std::invalid_argument unless coefficients have a row an image and the columns exist, for a batch below 1,
/// for a network with several outputs, and as FactoredJacobian does.
template <class S>
std::vector<Variables<S>> parameters_of(const Network<S>& network, const Variables<S>& initial, const Tensor<S>& images,
                                        const Tensor<S>& coefficients, Index first, Index last, Index batch = 128);

}  // namespace tangentplane
