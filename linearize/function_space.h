// Training the linearized network exactly in function space (ALGORITHMS section 5): with theta - theta0 = J^T a and momentum J^T p, SGD
// with momentum needs the kernel alone. Many tasks (columns) share the batches and may differ in their labels.
#pragma once

#include "linearize/factored_jacobian.h"
#include "nn/train.h"

namespace tangentplane {

template <class S>
class FunctionSpaceLearner : public Learner<S> {
 public:
  /// `kernel` [N, N] of all images, the first num_train training; f0 [N] their outputs at the start (zeros without f0); `tasks` columns.
  FunctionSpaceLearner(Tensor<S> kernel, Tensor<S> f0, Index num_train, Index tasks);

  Index tasks() const override { return tasks_; }
  Tensor<S> logits(std::span<const Index> batch) override;
  void step(const Tensor<S>& cotangent, double learning_rate, double momentum) override;
  Tensor<S> test_logits() override;
  std::vector<double> distances() override;
  LearnerState<S> state() const override { return {{"coefficients", a_}, {"momentum", p_}}; }
  void restore(const LearnerState<S>& state) override;

  /// a [num_train, tasks]: theta = theta0 + J^T a.
  const Tensor<S>& coefficients() const { return a_; }

 private:
  /// f0 + K[rows begin to end, training] a.
  Tensor<S> outputs(Index begin, Index end) const;

  Tensor<S> kernel_, f0_;
  Index num_train_, tasks_;
  Tensor<S> a_, p_;
  std::vector<Index> batch_;
};

/// theta0 + J^T a for one column of coefficients over the training images [N, H, W, C], in batches.
template <class S>
Variables<S> parameters_of(const Network<S>& network, const Variables<S>& initial, const Tensor<S>& images, const Tensor<S>& coefficients,
                           Index column, Index batch = 128);

}  // namespace tangentplane
