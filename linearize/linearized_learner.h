// The linearized network f(x) = f0(x) + J(x)(theta - theta0) as a learner, in parameter space. J is that of the starting point, in
// evaluation mode. Where examples meet a weight that is computed from parameters, and J is not to be had by example, J v comes by forward
// mode and J^T u by reverse mode of each batch.
#pragma once

#include "autodiff/transforms.h"
#include "linearize/kept_jacobian.h"
#include "nn/train.h"

namespace tangentplane {

/// The linearized network as a learner that moves its parameters.
template <class S>
class LinearizedLearner : public Learner<S> {
 public:
  /// `images` [N, H, W, C], the first num_train training; without_f0 leaves the first term out. `kept` is the Jacobian of all images at
  /// `initial`, of every output (Outputs::full), which several learners may share; without it that of each batch is computed anew. Throws
  /// std::invalid_argument unless 1 <= num_train <= N and `kept` has as many examples as there are images and all outputs, and for weights
  /// that are not finite.
  LinearizedLearner(const Network<S>& network, const Variables<S>& initial, Tensor<S> images, Index num_train, bool without_f0,
                    std::shared_ptr<const KeptJacobian<S>> kept = {});

  Index outputs() const override { return outputs_; }
  Tensor<S> logits(std::span<const Index> batch) override;
  void use(const Optimizer& optimizer) override { moments_.use(optimizer); }
  void step(const Tensor<S>& cotangent, double learning_rate) override;
  Tensor<S> test_logits() override;
  std::vector<double> distances() override;
  LearnerState<S> state() const override;
  void restore(const LearnerState<S>& state) override;

  /// theta, with the statistics of the starting point.
  Variables<S> variables() const;

 private:
  /// f0 + J (theta - theta0), or the second term alone, of the Jacobian's images: [B, O].
  Tensor<S> logits_by(const FactoredJacobian<S>& jacobian) const;

  Network<S> network_;
  Variables<S> initial_;
  std::vector<Tensor<S>> change_;  // theta - theta0
  Moments<S> moments_;
  Tensor<S> images_;
  Index num_train_, outputs_;
  bool without_f0_;
  std::shared_ptr<const KeptJacobian<S>> kept_;
  bool by_example_ = true;                     // else the batch's pull-back takes the place of its Jacobian
  std::optional<FactoredJacobian<S>> latest_;  // of the batch
  std::optional<Pullback<Tensor<S>>> back_;
};

/// f0 + J change (or J change alone) of images in evaluation mode by forward mode, [N, O], in batches. Throws std::invalid_argument for no
/// images, for a change of other shapes than the parameters', and for a batch below 1.
template <class S>
Tensor<S> linearized_logits(const Network<S>& network, const Variables<S>& variables, const std::vector<Tensor<S>>& change,
                            const Tensor<S>& images, bool without_f0, Index batch = 256);

}  // namespace tangentplane
