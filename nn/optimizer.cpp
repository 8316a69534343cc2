#include "nn/optimizer.h"

#include <cmath>

#include "autodiff/cpu/elementwise.h"

namespace tangentplane {
namespace {

/// m <- g + w theta + mu m; theta <- theta - eta m, where theta is its change from an origin or itself.
template <class S>
void decayed_momentum_step(Tensor<S>& change, Tensor<S>& m, const S* g, const S* origin, double learning_rate, const Sgd& sgd) {
  const S eta = static_cast<S>(learning_rate), mu = static_cast<S>(sgd.momentum), w = static_cast<S>(sgd.weight_decay);
  change.own();
  m.own();
  S *p = change.data(), *v = m.data();
  cpu::parallel_chunks(change.size(), cpu::elementwise_chunk, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const S theta = origin ? origin[i] + p[i] : p[i];
      v[i] = (g ? g[i] : S(0)) + w * theta + mu * v[i];
      p[i] -= eta * v[i];
    }
  });
}

/// 1 - beta^t, with all its digits.
double bias_of(double beta, Index t) { return -std::expm1(static_cast<double>(t) * std::log(beta)); }

template <class S>
void adam_step(Tensor<S>& change, Tensor<S>& first, Tensor<S>& second, const S* g, const S* origin, double learning_rate, const Adam& adam,
               Index t) {
  const S eta = static_cast<S>(learning_rate), w = static_cast<S>(adam.weight_decay), epsilon = static_cast<S>(adam.epsilon);
  const S beta1 = static_cast<S>(adam.beta1), beta2 = static_cast<S>(adam.beta2);
  const S new1 = static_cast<S>(1 - adam.beta1), new2 = static_cast<S>(1 - adam.beta2);
  const S scale1 = static_cast<S>(1 / bias_of(adam.beta1, t)), scale2 = static_cast<S>(1 / bias_of(adam.beta2, t));
  change.own();
  first.own();
  second.own();
  S *p = change.data(), *m = first.data(), *v = second.data();
  cpu::parallel_chunks(change.size(), cpu::elementwise_chunk, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const S gradient = g ? g[i] : S(0), theta = origin ? origin[i] + p[i] : p[i];
      m[i] = beta1 * m[i] + new1 * gradient;
      v[i] = beta2 * v[i] + new2 * gradient * gradient;
      p[i] -= eta * (scale1 * m[i] / (std::sqrt(scale2 * v[i]) + epsilon) + w * theta);
    }
  });
}

template <class S>
std::vector<Tensor<S>> zeros_like(const std::vector<Tensor<S>>& list) {
  std::vector<Tensor<S>> zeros;
  for (const auto& t : list) zeros.push_back(Tensor<S>::zeros(t.shape()));
  return zeros;
}

void require_share(const char* name, double value) { require(0 <= value && value < 1, "optimizer: {} {} is not in [0, 1)", name, value); }

}  // namespace

void require_usable(const Optimizer& optimizer) {
  if (const auto* sgd = std::get_if<Sgd>(&optimizer)) require_share("momentum", sgd->momentum);
  if (const auto* adam = std::get_if<Adam>(&optimizer)) {
    require_share("beta1", adam->beta1);
    require_share("beta2", adam->beta2);
    require(0 < adam->epsilon && std::isfinite(adam->epsilon), "optimizer: epsilon {} is not a positive number", adam->epsilon);
  }
  const double w = weight_decay(optimizer);
  require(0 <= w && std::isfinite(w), "optimizer: weight decay {} is not a number from 0 on", w);
}

double weight_decay(const Optimizer& optimizer) {
  return std::visit([](const auto& o) { return o.weight_decay; }, optimizer);
}

template <class S>
void momentum_step(Tensor<S>& theta, Tensor<S>& m, const std::optional<Tensor<S>>& gradient, double learning_rate, double momentum) {
  const S eta = static_cast<S>(learning_rate), mu = static_cast<S>(momentum);
  theta.own();
  m.own();
  S *p = theta.data(), *v = m.data();
  const S* g = gradient ? gradient->data() : nullptr;
  cpu::parallel_chunks(theta.size(), cpu::elementwise_chunk, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      v[i] = (g ? g[i] : S(0)) + mu * v[i];
      p[i] -= eta * v[i];
    }
  });
}

template <class S>
Tensor<S> state_tensor(const LearnerState<S>& state, const std::string& name, const Shape& shape) {
  for (const auto& [n, t] : state)
    if (n == name) {
      require(t.shape() == shape, "state: {} has shape {}, expected {}", name, t.shape(), shape);
      return t;
    }
  throw std::invalid_argument("state: " + name + " is missing");
}

template <class S>
Moments<S>::Moments(std::vector<std::string> paths, const std::vector<Tensor<S>>& parameters)
    : paths_(std::move(paths)), first_(zeros_like(parameters)) {}

template <class S>
void Moments<S>::use(const Optimizer& optimizer) {
  require_usable(optimizer);
  if (optimizer.index() != optimizer_.index()) {
    first_ = zeros_like(first_);
    second_ = std::holds_alternative<Adam>(optimizer) ? zeros_like(first_) : std::vector<Tensor<S>>();
    steps_ = 0;
  }
  optimizer_ = optimizer;
}

template <class S>
void Moments<S>::step(std::vector<Tensor<S>>& parameters, const std::vector<std::optional<Tensor<S>>>& gradients, double learning_rate,
                      const std::vector<Tensor<S>>* origin) {
  const auto* sgd = std::get_if<Sgd>(&optimizer_);
  ++steps_;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const S *g = gradients[i] ? gradients[i]->data() : nullptr, *from = origin ? (*origin)[i].data() : nullptr;
    if (!sgd)
      adam_step(parameters[i], first_[i], second_[i], g, from, learning_rate, std::get<Adam>(optimizer_), steps_);
    else if (sgd->weight_decay > 0)
      decayed_momentum_step(parameters[i], first_[i], g, from, learning_rate, *sgd);
    else
      momentum_step(parameters[i], first_[i], gradients[i], learning_rate, sgd->momentum);
  }
}

template <class S>
void Moments<S>::append_to(LearnerState<S>& state) const {
  for (std::size_t i = 0; i < paths_.size(); ++i) state.emplace_back("momentum/" + paths_[i], first_[i]);
  if (second_.empty()) return;
  for (std::size_t i = 0; i < paths_.size(); ++i) state.emplace_back("squares/" + paths_[i], second_[i]);
  state.emplace_back("steps", Tensor<S>::full({1}, static_cast<S>(steps_)));
}

template <class S>
Moments<S> Moments<S>::restored(const LearnerState<S>& state) const {
  Moments<S> moments = *this;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    moments.first_[i] = state_tensor(state, "momentum/" + paths_[i], first_[i].shape());
    if (!second_.empty()) moments.second_[i] = state_tensor(state, "squares/" + paths_[i], first_[i].shape());
  }
  if (!second_.empty()) moments.steps_ = static_cast<Index>(state_tensor(state, "steps", {1})[0]);
  return moments;
}

#define INSTANTIATE(S)                                                                                  \
  template void momentum_step(Tensor<S>&, Tensor<S>&, const std::optional<Tensor<S>>&, double, double); \
  template Tensor<S> state_tensor(const LearnerState<S>&, const std::string&, const Shape&);            \
  template class Moments<S>;
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane
