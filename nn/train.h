// The training loop: one for the network, its linearization in parameter space and in function space. What differs between them is a
// Learner, which has logits and gradients; the loss, the optimizer, batches, learning rate, metrics and history are here, so that all three
// see the same.
#pragma once

#include <functional>
#include <string>

#include "autodiff/random.h"
#include "nn/loss.h"
#include "nn/optimizer.h"

namespace tangentplane {

/// All that training needs besides images, labels and something that learns. By default the study's: Recipe{.loss = SoftmaxCrossEntropy{},
/// .optimizer = Adam{}} is another.
struct Recipe {
  Index epochs = 100, batch = 128;  ///< passes over the training images; images a step
  double learning_rate = 0.05;      ///< of the first step; decays linearly to zero
  Loss loss = {};                   ///< of labels and logits; binary cross-entropy
  Optimizer optimizer = Sgd{};      ///< what makes steps of gradients
  bool shuffle = true;              ///< a new permutation every epoch; else file order
  std::uint64_t seed = 0;           ///< of the order of batches
};

/// One row of history.csv. Train columns are means over the epoch's batches before each update; test columns cover every test image after
/// the epoch (NaN without test images). Accuracies are NaN where the loss has none.
struct EpochRecord {
  Index epoch = 0;                                                              ///< from 1
  double learning_rate = 0;                                                     ///< of the epoch's last step
  double train_loss = 0, train_accuracy = 0, test_loss = 0, test_accuracy = 0;  ///< means, as above
  double distance = 0;                                                          ///< ||theta - theta0|| over the parameters
};
/// One record an epoch.
using History = std::vector<EpochRecord>;

/// Throws std::invalid_argument unless images [N, ...] have a first part of num_train, from 1 to N, to train on.
void require_training_images(const Shape& images, Index num_train);

/// ||a - from|| over a list of parameters, in double; ||a|| without `from`.
template <class S>
double parameter_distance(const std::vector<Tensor<S>>& a, const std::vector<Tensor<S>>& from = {});

/// Something that has logits for training images and gives gradients to an optimizer. T tasks are trained side by side, which differ in
/// their labels; each has O outputs an image, output o of task t in column o T + t of logits [B, O T].
template <class S>
class Learner {
 public:
  virtual ~Learner() = default;
  /// T.
  virtual Index tasks() const { return 1; }
  /// O.
  virtual Index outputs() const { return 1; }
  /// Logits [B, O T] of these training images, as training sees them.
  virtual Tensor<S> logits(std::span<const Index> batch) = 0;
  /// The optimizer of the steps to come, Sgd{} until this is called; to be called before restore() where it is another. What the optimizer
  /// before has kept of its steps stays where it is of the same kind. Throws std::invalid_argument for one with which this cannot be
  /// trained.
  virtual void use(const Optimizer& optimizer) = 0;
  /// Gives the optimizer the gradients of the batch of the latest logits(), for d loss / d logits [B, O T], and moves by its step. Throws
  /// std::invalid_argument without logits() since the last step.
  virtual void step(const Tensor<S>& cotangent, double learning_rate) = 0;
  /// Logits [M, O T] of every test image, as evaluation sees them.
  virtual Tensor<S> test_logits() = 0;
  /// ||theta - theta0|| for each task.
  virtual std::vector<double> distances() = 0;

  /// All that it takes to go on from here, what the optimizer keeps included.
  virtual LearnerState<S> state() const = 0;
  /// Throws std::invalid_argument if the state is not one of this learner's with this optimizer; the learner then stays as it is.
  virtual void restore(const LearnerState<S>& state) = 0;
};

/// What is called while train runs.
struct TrainHooks {
  /// After each epoch, with the histories so far (one a task): progress, saving, interruption (by throwing).
  std::function<void(Index epoch, const std::vector<History>&)> epoch_done;
  /// After each step.
  std::function<void()> step_done;
};

/// The order in which epoch `epoch` (from 1) visits n training images: a function of the seed and the epoch alone.
std::vector<Index> epoch_order(const Recipe& recipe, Index n, Index epoch);

/// Trains on labels [N, target_size(O) T], the first num_train rows training, the rest test, and returns a history a task. `before` holds
/// the histories of epochs already done (the learner, told to use the recipe's optimizer, restored to their end). Throws
/// std::invalid_argument for an unusable recipe and for labels that the loss does not take, before any step, and std::runtime_error as soon
/// as a loss is not finite.
template <class S>
std::vector<History> train(Learner<S>& learner, const Tensor<S>& labels, Index num_train, const Recipe& recipe,
                           const TrainHooks& hooks = {}, std::vector<History> before = {});

}  // namespace tangentplane
