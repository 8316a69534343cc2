#include "experiments/common/plans/step_cost.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>

#include "data/images.h"
#include "linearize/linearized_learner.h"
#include "nn/network_learner.h"

namespace tangentplane::experiments {
namespace {

/// The mean over as many times as take at least so long, after a first one that touches the pages.
template <class F>
double seconds_of(const F& f, double least) {
  f();
  const auto start = std::chrono::steady_clock::now();
  double seconds = 0, times = 0;
  do {
    f(), ++times;
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  } while (seconds < least);
  return seconds / times;
}

}  // namespace

template <class S>
StepCost measure_step(const Subject<S>& subject, const Variables<S>& weights, const TrainingTask& task, bool keeps, Index batch,
                      double least) {
  const Index train = std::min(batch, task.num_train), test = std::min(batch, task.num_test);
  const auto images = Tensor<S>::zeros(data::batch_shape(train + test, subject.data.image()));
  StepCost cost;
  std::unique_ptr<Learner<S>> learner;
  if (!task.learner.linearize) {
    learner = std::make_unique<NetworkLearner<S>>(subject.network, weights, images, train);
  } else {
    std::shared_ptr<const KeptJacobian<S>> kept;
    const auto keep = [&] {
      kept = std::make_shared<const KeptJacobian<S>>(subject.network, weights, images, batch, nullptr, subject.every_output());
    };
    if (keeps) cost.once = seconds_of(keep, least) / static_cast<double>(train + test);
    learner = std::make_unique<LinearizedLearner<S>>(subject.network, weights, images, train, false, kept);
  }
  learner->use(task.recipe.optimizer);
  std::vector<Index> all(static_cast<std::size_t>(train));
  std::iota(all.begin(), all.end(), 0);
  const auto step = [&] { learner->step(Tensor<S>::full(learner->logits(all).shape(), 1), 0); };
  cost.step = seconds_of(step, least) / static_cast<double>(train);
  if (test > 0) cost.test = seconds_of([&] { learner->test_logits(); }, least) / static_cast<double>(test);
  return cost;
}

template StepCost measure_step(const Subject<float>&, const Variables<float>&, const TrainingTask&, bool, Index, double);
template StepCost measure_step(const Subject<double>&, const Variables<double>&, const TrainingTask&, bool, Index, double);

}  // namespace tangentplane::experiments
