#include "linearize/linearized_learner.h"

#include "linearize/computed_weight.h"

namespace tangentplane {

template <class S>
LinearizedLearner<S>::LinearizedLearner(const Network<S>& network, const Variables<S>& initial, Tensor<S> images, Index num_train,
                                        bool without_f0, std::shared_ptr<const KeptJacobian<S>> kept)
    : network_(network),
      initial_(initial),
      moments_(initial.paths, initial.parameters),
      images_(std::move(images)),
      num_train_(num_train),
      without_f0_(without_f0),
      kept_(std::move(kept)) {
  require(!kept_ || kept_->examples() == images_.rows(), "train: a Jacobian of {} images was kept, there are {}",
          kept_ ? kept_->examples() : 0, images_.rows());
  require_training_images(images_.shape(), num_train_);
  require_finite("train", initial_);
  outputs_ = evaluate(network_, initial_, images_.slice(0, 1)).shape()[1];
  require(!kept_ || kept_->outputs() == outputs_,
          "train: a Jacobian of {} outputs was kept, the network has {}; keep it for Outputs::full()", kept_ ? kept_->outputs() : 0,
          outputs_);
  by_example_ = kept_ || computed_weight("train", network_, initial_, images_).empty();
  for (const auto& p : initial_.parameters) change_.push_back(Tensor<S>::zeros(p.shape()));
}

template <class S>
Tensor<S> LinearizedLearner<S>::logits_by(const FactoredJacobian<S>& jacobian) const {
  Tensor<S> z = jacobian.times(change_);
  return without_f0_ ? z : add(std::move(z), jacobian.value());
}

template <class S>
Tensor<S> LinearizedLearner<S>::logits(std::span<const Index> batch) {
  latest_.reset(), back_.reset();
  if (!by_example_) {
    const cpu::Float32InScope exact;
    const Tensor<S> images = take_rows(images_, batch);
    back_.emplace([&](const std::vector<Var<Tensor<S>>>& p) { return forward(network_, initial_, p, Var<Tensor<S>>(images)); },
                  initial_.parameters);
    return linearized_logits(network_, initial_, change_, images, without_f0_);
  }
  if (kept_)
    latest_.emplace(kept_->of(batch));
  else
    latest_.emplace(network_, initial_, take_rows(images_, batch), Outputs::full());
  return logits_by(*latest_);
}

template <class S>
void LinearizedLearner<S>::step(const Tensor<S>& cotangent, double learning_rate) {
  require(latest_ || back_, "train: a step needs the logits of its batch first");
  const auto gradients = [&] {
    if (latest_) return latest_->transpose_times(cotangent);
    const cpu::Float32InScope exact;
    return std::move(*back_)(cotangent);
  }();
  latest_.reset(), back_.reset();
  moments_.step(change_, gradients, learning_rate, &initial_.parameters);
}

template <class S>
Tensor<S> LinearizedLearner<S>::test_logits() {
  const Index n = images_.rows();
  if (!kept_ && num_train_ < n) return linearized_logits(network_, initial_, change_, images_.slice(num_train_, n), without_f0_);
  Tensor<S> all({n - num_train_, outputs_});
  constexpr Index batch = 256;
  for (Index begin = num_train_; begin < n; begin += batch) {
    const Tensor<S> z = logits_by(kept_->of(begin, std::min(n, begin + batch)));
    std::copy_n(z.data(), z.size(), all.data() + (begin - num_train_) * outputs_);
  }
  return all;
}

template <class S>
std::vector<double> LinearizedLearner<S>::distances() {
  return {parameter_distance(change_)};
}

template <class S>
LearnerState<S> LinearizedLearner<S>::state() const {
  LearnerState<S> s;
  for (std::size_t i = 0; i < change_.size(); ++i) s.emplace_back("change/" + initial_.paths[i], change_[i]);
  moments_.append_to(s);
  return s;
}

template <class S>
void LinearizedLearner<S>::restore(const LearnerState<S>& state) {
  auto change = change_;
  for (std::size_t i = 0; i < change.size(); ++i) change[i] = state_tensor(state, "change/" + initial_.paths[i], change[i].shape());
  moments_ = moments_.restored(state);
  change_ = std::move(change);
  latest_.reset(), back_.reset();
}

template <class S>
Variables<S> LinearizedLearner<S>::variables() const {
  Variables<S> v = initial_.clone();
  for (std::size_t i = 0; i < change_.size(); ++i) v.parameters[i] = add(std::move(v.parameters[i]), change_[i]);
  return v;
}

template <class S>
Tensor<S> linearized_logits(const Network<S>& network, const Variables<S>& variables, const std::vector<Tensor<S>>& change,
                            const Tensor<S>& images, bool without_f0, Index batch) {
  using T = Dual<Tensor<S>>;
  require(images.shape().rank() >= 2 && images.rows() > 0, "linearize: takes images [N,H,W,C] with N > 0, got {}", images.shape());
  require(batch >= 1, "linearize: batch {} is below 1", batch);
  require(change.size() == variables.parameters.size(), "linearize: a change of {} tensors for {} parameters", change.size(),
          variables.parameters.size());
  for (std::size_t i = 0; i < change.size(); ++i)
    require(change[i].shape() == variables.parameters[i].shape(), "linearize: the change of {} has shape {}, the parameter {}",
            variables.paths[i], change[i].shape(), variables.parameters[i].shape());
  const cpu::Float32InScope exact;  // as where a FactoredJacobian is made
  std::vector<T> parameters;
  for (std::size_t i = 0; i < change.size(); ++i) parameters.emplace_back(variables.parameters[i], change[i]);
  Tensor<S> all;
  for (Index begin = 0; begin < images.rows(); begin += batch) {
    const Index end = std::min(images.rows(), begin + batch);
    const T y = forward(network, variables, parameters, T(images.slice(begin, end)));
    const Index outputs = y.primal.shape()[1];
    if (all.empty()) all = Tensor<S>({images.rows(), outputs});
    for (Index i = 0; i < y.primal.size(); ++i) {
      S& z = all[begin * outputs + i];
      z = without_f0 ? S(0) : y.primal[i];
      if (y.tangent) z += (*y.tangent)[i];
    }
  }
  return all;
}

template class LinearizedLearner<float>;
template class LinearizedLearner<double>;
template Tensor<float> linearized_logits(const Network<float>&, const Variables<float>&, const std::vector<Tensor<float>>&,
                                         const Tensor<float>&, bool, Index);
template Tensor<double> linearized_logits(const Network<double>&, const Variables<double>&, const std::vector<Tensor<double>>&,
                                          const Tensor<double>&, bool, Index);

}  // namespace tangentplane
