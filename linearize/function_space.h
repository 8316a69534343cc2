// Training the linearized network exactly, in function space: with theta - theta0 = J^T a and momentum J^T p, SGD with momentum needs the
// kernel alone. Many tasks (columns) share the batches and may differ in their labels. An image has a row of J for each of the network's O
// outputs, so a has O rows an image and the kernel is that of every output with every other, image-major: row n O + o is output o of image
// n.
//
// On coefficients the step is p <- mu p, p[b] += r, a <- a - eta p, and a batch's logits are f0[b] + K[b, :] a. Here the products g = K a
// and h = K p are carried along instead: h <- mu h + K[:, b] r, g <- g - eta h. That costs what the logits would, and the logits of all
// images, test images among them, and the distance ||J^T a||^2 = a^T g then cost nothing.
//
// Weight decay w pulls theta, of which theta0 is a part that J^T a need not have: theta - theta0 = J^T a + s theta0, with p <- mu p + w a
// and a scalar s that all tasks share. What moves the outputs is then J theta = J theta0 + g: h <- mu h + K[:, b] r + w (J theta0 + g).
#pragma once

#include <optional>

#include "linearize/kept_jacobian.h"
#include "nn/train.h"

namespace tangentplane {

/// What weight decay has to know of the point of linearization.
template <class S>
struct StartingPoint {
  Tensor<S> outputs;        ///< J theta0 [N] or [N, O]
  double squared_norm = 0;  ///< ||theta0||^2
};
/// Of these images [N, H, W, C]. Throws std::invalid_argument as linearized_logits does.
template <class S>
StartingPoint<S> starting_point(const Network<S>& network, const Variables<S>& initial, const Tensor<S>& images, Index batch = 256);

/// The linearized network as a learner that knows the kernel alone.
template <class S>
class FunctionSpaceLearner : public Learner<S> {
 public:
  /// `kernel` [num_train O, N O] between training images and all images, the training images first (or the whole of K [N O, N O], whose
  /// other rows are not used); f0 [N] or [N, O] their outputs at the start (zeros without f0); `tasks` columns; `start` for weight decay
  /// alone. Throws std::invalid_argument for a kernel or a start of another shape, for num_train outside [1, N] and for fewer than one
  /// task.
  FunctionSpaceLearner(Tensor<S> kernel, Tensor<S> f0, Index num_train, Index tasks, std::optional<StartingPoint<S>> start = {});

  Index tasks() const override { return tasks_; }
  Index outputs() const override { return outputs_; }
  Tensor<S> logits(std::span<const Index> batch) override;
  /// Takes Sgd, and its weight decay with a starting point. Adam's step is no linear function of the gradients, so that theta - theta0
  /// leaves what the kernel knows.
  void use(const Optimizer& optimizer) override;
  void step(const Tensor<S>& cotangent, double learning_rate) override;
  Tensor<S> test_logits() override;
  std::vector<double> distances() override;
  LearnerState<S> state() const override;
  void restore(const LearnerState<S>& state) override;

  /// a [num_train O, tasks]: theta = theta0 + J^T a, or with weight decay start_share() theta0 + J^T a.
  Tensor<S> coefficients() const;
  /// 1 + s; 1 without weight decay.
  double start_share() const { return 1 + static_cast<double>(share_); }

 private:
  /// a and p [O T] of a training image as of its last batch, a0 and p0. Since then a = stays a0 - moved p0 and p = left p0 + pulled a0;
  /// without weight decay p has only decayed, and a has stayed but for it.
  struct Row {
    S left = 1, moved = 0, pulled = 0, stays = 1;
    bool decayed() const { return pulled != S(0) || stays != S(1); }
  };
  void catch_up(Index image);

  Tensor<S> kernel_, f0_;  // f0 [N O]
  Index num_train_, tasks_, outputs_;
  std::optional<StartingPoint<S>> start_;
  Sgd sgd_;
  Tensor<S> a_, p_;  // [num_train O, tasks], behind by rows_
  std::vector<Row> rows_;
  Tensor<S> g_, h_;                   // J (theta - theta0) and J m [N O, tasks]
  S share_ = 0, share_momentum_ = 0;  // of theta0 in theta - theta0 and in m
  std::vector<Index> batch_;
};

/// start_share theta0 + J^T a for columns [first, last) of coefficients [N O, tasks] over the training images [N, H, W, C], in batches
/// whose Jacobian serves all columns. Throws std::invalid_argument unless coefficients have a row for each output of an image and the
/// columns exist, for a batch below 1, and as FactoredJacobian does.
template <class S>
std::vector<Variables<S>> parameters_of(const Network<S>& network, const Variables<S>& initial, const Tensor<S>& images,
                                        const Tensor<S>& coefficients, Index first, Index last, Index batch = 128, double start_share = 1);

}  // namespace tangentplane
