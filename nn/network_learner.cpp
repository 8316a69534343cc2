#include "nn/network_learner.h"

#include "autodiff/cpu/reduce.h"

namespace tangentplane {

template <class S>
NetworkLearner<S>::NetworkLearner(const Network<S>& network, const Variables<S>& initial, Tensor<S> images, Index num_train)
    : network_(network), initial_(initial), variables_(initial.clone()), images_(std::move(images)), num_train_(num_train) {
  const auto z = evaluate(network_, initial_, images_.slice(0, 1));
  require(z.shape()[1] == 1, "train: the network has {} outputs; training takes one logit", z.shape()[1]);
  for (const auto& p : variables_.parameters) momentum_.push_back(Tensor<S>::zeros(p.shape()));
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
void NetworkLearner<S>::step(const Tensor<S>& cotangent, double learning_rate, double momentum) {
  require(latest_ != nullptr, "train: a step needs the logits of its batch first");
  const auto gradients = std::move(*latest_)(cotangent);
  latest_.reset();
  for (std::size_t i = 0; i < gradients.size(); ++i)
    momentum_step(variables_.parameters[i], momentum_[i], gradients[i], learning_rate, momentum);
  for (auto& [path, value] : updated_statistics_) variables_.statistics[path] = value;
  variables_.single_statistics = false;
}

template <class S>
Tensor<S> NetworkLearner<S>::test_logits() {
  return evaluate(network_, variables_, images_.slice(num_train_, images_.rows()));
}

template <class S>
std::vector<double> NetworkLearner<S>::distances() {
  return {parameter_distance(variables_, initial_)};
}

template <class S>
LearnerState<S> NetworkLearner<S>::state() const {
  LearnerState<S> s;
  for (std::size_t i = 0; i < momentum_.size(); ++i) s.emplace_back("params/" + variables_.paths[i], variables_.parameters[i]);
  for (const auto& [path, value] : variables_.statistics) s.emplace_back("batch_stats/" + path, value);
  for (std::size_t i = 0; i < momentum_.size(); ++i) s.emplace_back("momentum/" + variables_.paths[i], momentum_[i]);
  return s;
}

template <class S>
void NetworkLearner<S>::restore(const LearnerState<S>& state) {
  for (std::size_t i = 0; i < momentum_.size(); ++i) {
    restore_tensor(state, "params/" + variables_.paths[i], variables_.parameters[i]);
    restore_tensor(state, "momentum/" + variables_.paths[i], momentum_[i]);
  }
  for (auto& [path, value] : variables_.statistics) restore_tensor(state, "batch_stats/" + path, value);
  variables_.single_statistics = false;
}

template <class S>
double parameter_distance(const Variables<S>& a, const Variables<S>& b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.parameters.size(); ++i) {
    const S *p = a.parameters[i].data(), *q = b.parameters[i].data();
    squares += cpu::sum<double>(a.parameters[i].size(), [p, q](Index j) {
      const double d = static_cast<double>(p[j]) - static_cast<double>(q[j]);
      return d * d;
    });
  }
  return std::sqrt(squares);
}

template <class S>
void restore_tensor(const LearnerState<S>& state, const std::string& name, Tensor<S>& to) {
  for (const auto& [n, t] : state)
    if (n == name) {
      require(t.shape() == to.shape(), "state: {} has shape {}, expected {}", name, t.shape(), to.shape());
      to = t;
      return;
    }
  throw std::invalid_argument("state: " + name + " is missing");
}

template class NetworkLearner<float>;
template class NetworkLearner<double>;
template double parameter_distance(const Variables<float>&, const Variables<float>&);
template double parameter_distance(const Variables<double>&, const Variables<double>&);
template void restore_tensor(const LearnerState<float>&, const std::string&, Tensor<float>&);
template void restore_tensor(const LearnerState<double>&, const std::string&, Tensor<double>&);

}  // namespace tangentplane
