// Optimizers: what turns gradients into steps, the learning rate, and what is kept of earlier steps.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "autodiff/tensor.h"

namespace tangentplane {

/// Stochastic gradient descent with momentum: m <- g + w theta + mu m; theta <- theta - eta m, with the decay w coupled (an L2 penalty of
/// w ||theta||^2 / 2 in the loss).
struct Sgd {
  double momentum = 0.9;    ///< mu, share of the last step in the next
  double weight_decay = 0;  ///< w, of every parameter: biases and BatchNorm's too
};

/// Adam (Kingma and Ba, 2015) with the bias of its moments corrected: m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2;
/// theta <- theta - eta (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + w theta), with the decay w decoupled (AdamW, Loshchilov
/// and Hutter, 2019).
struct Adam {
  double beta1 = 0.9, beta2 = 0.999;  ///< shares of the moments so far in the next ones
  double epsilon = 1e-8;              ///< keeps the step finite where the second moment is 0
  double weight_decay = 0;            ///< w, of every parameter: biases and BatchNorm's too
};

/// One of them: Optimizer optimizer = Adam{.weight_decay = 0.01}.
using Optimizer = std::variant<Sgd, Adam>;

/// Throws std::invalid_argument unless 0 <= mu, beta < 1, epsilon > 0 and 0 <= w < infinity.
void require_usable(const Optimizer& optimizer);
/// w.
double weight_decay(const Optimizer& optimizer);

/// eta_max (1 - t / T): linear decay to zero over all T steps of the training.
inline double linear_decay(double maximum, Index step, Index steps) {
  return maximum * (1 - static_cast<double>(step) / static_cast<double>(steps));
}

/// m <- g + momentum m; theta <- theta - eta m, in one sweep over both arrays, which become the tensors' own. A gradient that does not
/// exist is zero.
template <class S>
void momentum_step(Tensor<S>& theta, Tensor<S>& m, const std::optional<Tensor<S>>& gradient, double learning_rate, double momentum);

/// What a learner needs to go on, besides what it was made from.
template <class S>
using LearnerState = std::vector<std::pair<std::string, Tensor<S>>>;

/// The state's tensor `name`; throws std::invalid_argument if it is missing or of another shape.
template <class S>
Tensor<S> state_tensor(const LearnerState<S>& state, const std::string& name, const Shape& shape);

/// An optimizer at work on a list of parameters: its moments, and its steps.
template <class S>
class Moments {
 public:
  /// For parameters under these names and of these shapes; Sgd{} until told otherwise.
  Moments(std::vector<std::string> paths, const std::vector<Tensor<S>>& parameters);

  /// The optimizer of the steps to come. Moments of the same kind stay, others start at zero. Throws std::invalid_argument for one that is
  /// not usable.
  void use(const Optimizer& optimizer);
  /// One step. `parameters` are theta itself or, beside an `origin`, theta - origin: weight decay pulls theta. A gradient that does not
  /// exist is zero.
  void step(std::vector<Tensor<S>>& parameters, const std::vector<std::optional<Tensor<S>>>& gradients, double learning_rate,
            const std::vector<Tensor<S>>* origin = nullptr);

  /// Adds momentum/PATH, of Adam also squares/PATH and steps, to a state.
  void append_to(LearnerState<S>& state) const;
  /// The moments in a state, for the same optimizer and parameters; throws as state_tensor does.
  Moments restored(const LearnerState<S>& state) const;

 private:
  Optimizer optimizer_;
  std::vector<std::string> paths_;
  std::vector<Tensor<S>> first_, second_;  // m, and Adam's v
  Index steps_ = 0;                        // of Adam
};

}  // namespace tangentplane
