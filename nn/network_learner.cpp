#include "nn/network_learner.h"

namespace tangentplane {

template <class S>
NetworkLearner<S>::NetworkLearner(const Network<S>& network, const Variables<S>& initial, Tensor<S> images, Index num_train)
    : network_(network),
      initial_(initial),
      variables_(initial.clone()),
      moments_(initial.paths, initial.parameters),
      images_(std::move(images)),
      num_train_(num_train) {
  require_training_images(images_.shape(), num_train_);
  // Two images: with one, a model that moves the batch into the logits would pass.
  outputs_ = evaluate(network_, initial_, images_.slice(0, std::min<Index>(2, images_.rows()))).shape()[1];
}

template <class S>
Tensor<S> NetworkLearner<S>::logits(std::span<const Index> batch) {
  const Tensor<S> x = take_rows(images_, batch);
  latest_.reset();
  latest_ = std::make_unique<Pullback<Tensor<S>>>(
      [&](const std::vector<Var<Tensor<S>>>& p) {
        return forward_training(network_, variables_, p, Var<Tensor<S>>(x), updated_statistics_);
      },
      variables_.parameters);
  return latest_->value();
}

template <class S>
void NetworkLearner<S>::step(const Tensor<S>& cotangent, double learning_rate) {
  require(latest_ != nullptr, "train: a step needs the logits of its batch first");
  const auto gradients = std::move(*latest_)(cotangent);
  latest_.reset();
  moments_.step(variables_.parameters, gradients, learning_rate);
  for (auto& [path, value] : updated_statistics_) variables_.statistics[path] = value;
  variables_.single_statistics = false;
}

template <class S>
Tensor<S> NetworkLearner<S>::test_logits() {
  return evaluate(network_, variables_, images_.slice(num_train_, images_.rows()));
}

template <class S>
std::vector<double> NetworkLearner<S>::distances() {
  return {parameter_distance(variables_.parameters, initial_.parameters)};
}

template <class S>
LearnerState<S> NetworkLearner<S>::state() const {
  LearnerState<S> s;
  for (std::size_t i = 0; i < variables_.paths.size(); ++i) s.emplace_back("params/" + variables_.paths[i], variables_.parameters[i]);
  for (const auto& [path, value] : variables_.statistics) s.emplace_back("batch_stats/" + path, value);
  moments_.append_to(s);
  return s;
}

template <class S>
void NetworkLearner<S>::restore(const LearnerState<S>& state) {
  Variables<S> variables = variables_;
  for (std::size_t i = 0; i < variables.paths.size(); ++i)
    variables.parameters[i] = state_tensor(state, "params/" + variables.paths[i], variables.parameters[i].shape());
  for (auto& [path, value] : variables.statistics) value = state_tensor(state, "batch_stats/" + path, value.shape());
  variables.single_statistics = false;
  moments_ = moments_.restored(state);
  variables_ = std::move(variables);
  latest_.reset();
}

template class NetworkLearner<float>;
template class NetworkLearner<double>;

}  // namespace tangentplane
