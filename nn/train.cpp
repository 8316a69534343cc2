#include "nn/train.h"

#include <limits>
#include <numeric>

#include "autodiff/cpu/reduce.h"

namespace tangentplane {

template <class S>
double parameter_distance(const std::vector<Tensor<S>>& a, const std::vector<Tensor<S>>& from) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const S *p = a[i].data(), *q = from.empty() ? nullptr : from[i].data();
    squares += cpu::sum<double>(a[i].size(), [p, q](Index j) {
      const double d = static_cast<double>(p[j]) - (q ? static_cast<double>(q[j]) : 0.0);
      return d * d;
    });
  }
  return std::sqrt(squares);
}

void require_training_images(const Shape& images, Index num_train) {
  require(images.rank() >= 2 && images[0] > 0, "train: takes images [N,H,W,C] with N > 0, got {}", images);
  require(1 <= num_train && num_train <= images[0], "train: {} training images of {}; give 1 to {}", num_train, images[0], images[0]);
}

std::vector<Index> epoch_order(const Recipe& recipe, Index n, Index epoch) {
  if (recipe.shuffle) return RandomStream(recipe.seed, "batches", static_cast<std::uint64_t>(epoch)).permutation(n);
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index(0));
  return order;
}

template <class S>
std::vector<History> train(Learner<S>& learner, const Tensor<S>& labels, Index num_train, const Recipe& recipe, const TrainHooks& hooks,
                           std::vector<History> before) {
  require(num_train > 0, "train: no training images");
  require(recipe.epochs >= 0, "epochs: {} is negative", recipe.epochs);
  require(recipe.batch >= 1, "batch: {} is below 1", recipe.batch);
  require(recipe.batch <= num_train, "batch: {} is larger than the training set of {}", recipe.batch, num_train);
  require(labels.shape().rank() == 2 && labels.rows() >= num_train, "labels: {} for {} training images and {} tasks", labels.shape(),
          num_train, learner.tasks());
  require_labels(recipe.loss, labels, learner.outputs(), learner.tasks());
  learner.use(recipe.optimizer);

  const auto tasks = static_cast<std::size_t>(learner.tasks());
  const Index num_test = labels.rows() - num_train, steps = num_train / recipe.batch, total = recipe.epochs * steps;
  std::vector<History> histories = std::move(before);
  histories.resize(tasks);
  const Tensor<S> test_labels = labels.slice(num_train, labels.rows());

  const std::string remedy =
      fmt::format("try a smaller learning rate than {}", recipe.learning_rate) +
      (weight_decay(recipe.optimizer) > 0 ? fmt::format(", or a smaller weight decay than {}", weight_decay(recipe.optimizer)) : "");
  for (Index epoch = static_cast<Index>(histories[0].size()) + 1; epoch <= recipe.epochs; ++epoch) {
    const auto order = epoch_order(recipe, num_train, epoch);
    std::vector<EpochRecord> records(tasks);
    for (Index i = 0; i < steps; ++i) {
      const std::span<const Index> batch(order.data() + i * recipe.batch, static_cast<std::size_t>(recipe.batch));
      const double rate = linear_decay(recipe.learning_rate, (epoch - 1) * steps + i, total);
      const Tensor<S> z = learner.logits(batch), y = take_rows(labels, batch);
      const auto now = scores(recipe.loss, z, y, learner.tasks());
      for (std::size_t t = 0; t < tasks; ++t) {
        if (!std::isfinite(now[t].loss))
          throw std::runtime_error(
              fmt::format("training: the loss is {} in epoch {}, step {} of {}; {}", std::abs(now[t].loss), epoch, i + 1, steps, remedy));
        records[t].train_loss += now[t].loss;
        records[t].train_accuracy += now[t].accuracy;
        records[t].learning_rate = rate;
      }
      learner.step(loss_cotangent(recipe.loss, z, y, learner.tasks()), rate);
      if (hooks.step_done) hooks.step_done();
    }
    std::vector<Score> test(tasks, Score{std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()});
    if (num_test > 0) test = scores(recipe.loss, learner.test_logits(), test_labels, learner.tasks());
    const auto distances = learner.distances();
    for (std::size_t t = 0; t < tasks; ++t) {
      if (num_test > 0 && !std::isfinite(test[t].loss))
        throw std::runtime_error(fmt::format("training: the test loss is {} after epoch {}; {}", std::abs(test[t].loss), epoch, remedy));
      if (!std::isfinite(distances[t]))  // the last step of all, which no loss sees
        throw std::runtime_error(fmt::format("training: the weights are not finite after epoch {}; {}", epoch, remedy));
      records[t].epoch = epoch;
      records[t].train_loss /= static_cast<double>(steps);
      records[t].train_accuracy /= static_cast<double>(steps);
      records[t].test_loss = test[t].loss;
      records[t].test_accuracy = test[t].accuracy;
      records[t].distance = distances[t];
      histories[t].push_back(records[t]);
    }
    if (hooks.epoch_done) hooks.epoch_done(epoch, histories);
  }
  return histories;
}

#define INSTANTIATE(S)                                                                              \
  template double parameter_distance(const std::vector<Tensor<S>>&, const std::vector<Tensor<S>>&); \
  template std::vector<History> train(Learner<S>&, const Tensor<S>&, Index, const Recipe&, const TrainHooks&, std::vector<History>);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane
