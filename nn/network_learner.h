// The network itself as a learner: batch statistics in training, running statistics in evaluation.
#pragma once

#include "autodiff/transforms.h"
#include "nn/network.h"
#include "nn/train.h"

namespace tangentplane {

/// The network as a learner.
template <class S>
class NetworkLearner : public Learner<S> {
 public:
  /// `images` [N, H, W, C], the first num_train training. Starts from a copy of `initial`. Throws std::invalid_argument unless
  /// 1 <= num_train <= N.
  NetworkLearner(const Network<S>& network, const Variables<S>& initial, Tensor<S> images, Index num_train);

  Index outputs() const override { return outputs_; }
  Tensor<S> logits(std::span<const Index> batch) override;
  void use(const Optimizer& optimizer) override { moments_.use(optimizer); }
  void step(const Tensor<S>& cotangent, double learning_rate) override;
  Tensor<S> test_logits() override;
  std::vector<double> distances() override;
  LearnerState<S> state() const override;
  void restore(const LearnerState<S>& state) override;

  const Variables<S>& variables() const { return variables_; }  ///< weights and statistics as they are now

 private:
  Network<S> network_;
  Variables<S> initial_, variables_;
  Moments<S> moments_;
  Tensor<S> images_;
  Index num_train_, outputs_;
  std::unique_ptr<Pullback<Tensor<S>>> latest_;
  std::map<std::string, Tensor<S>> updated_statistics_;
};

}  // namespace tangentplane
