#include "linearize/function_space.h"

#include "autodiff/cpu/gemm.h"
#include "nn/network_learner.h"

namespace tangentplane {

template <class S>
FunctionSpaceLearner<S>::FunctionSpaceLearner(Tensor<S> kernel, Tensor<S> f0, Index num_train, Index tasks)
    : kernel_(std::move(kernel)), f0_(std::move(f0)), num_train_(num_train), tasks_(tasks) {
  const Index n = f0_.size();
  require(kernel_.shape() == (Shape{n, n}), "function space: kernel {} for {} outputs", kernel_.shape(), n);
  require(0 < num_train && num_train <= n && tasks >= 1, "function space: {} training images of {}, {} tasks", num_train, n, tasks);
  a_ = Tensor<S>::zeros({num_train, tasks});
  p_ = Tensor<S>::zeros({num_train, tasks});
}

template <class S>
Tensor<S> FunctionSpaceLearner<S>::logits(std::span<const Index> batch) {
  batch_.assign(batch.begin(), batch.end());
  const auto b = static_cast<Index>(batch.size()), n = f0_.size();
  Tensor<S> rows({b, num_train_}), z({b, tasks_});
  cpu::parallel_chunks(b, 8, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index image = batch_[static_cast<std::size_t>(i)];
      std::copy_n(kernel_.data() + image * n, num_train_, rows.data() + i * num_train_);
      std::fill_n(z.data() + i * tasks_, tasks_, f0_[image]);
    }
  });
  cpu::parallel_gemm(cpu::Op::none, cpu::Op::none, b, tasks_, num_train_, S(1), rows.data(), num_train_, a_.data(), tasks_, S(1), z.data(),
                     tasks_);
  return z;
}

template <class S>
void FunctionSpaceLearner<S>::step(const Tensor<S>& cotangent, double learning_rate, double momentum) {
  const S mu = static_cast<S>(momentum), eta = static_cast<S>(learning_rate);
  a_.own();
  p_.own();
  S *a = a_.data(), *p = p_.data();
  for (Index i = 0; i < p_.size(); ++i) p[i] *= mu;
  for (std::size_t i = 0; i < batch_.size(); ++i)
    for (Index t = 0; t < tasks_; ++t) p[batch_[i] * tasks_ + t] += cotangent[static_cast<Index>(i) * tasks_ + t];
  for (Index i = 0; i < p_.size(); ++i) a[i] -= eta * p[i];
}

template <class S>
Tensor<S> FunctionSpaceLearner<S>::outputs(Index begin, Index end) const {
  Tensor<S> z({end - begin, tasks_});
  for (Index i = begin; i < end; ++i) std::fill_n(z.data() + (i - begin) * tasks_, tasks_, f0_[i]);
  cpu::parallel_gemm(cpu::Op::none, cpu::Op::none, end - begin, tasks_, num_train_, S(1), kernel_.data() + begin * f0_.size(), f0_.size(),
                     a_.data(), tasks_, S(1), z.data(), tasks_);
  return z;
}

template <class S>
Tensor<S> FunctionSpaceLearner<S>::test_logits() {
  return outputs(num_train_, f0_.size());
}

// ||J^T a||^2 = a^T K a = a^T (f - f0) on the training images.
template <class S>
std::vector<double> FunctionSpaceLearner<S>::distances() {
  const Tensor<S> f = outputs(0, num_train_);
  std::vector<double> d(static_cast<std::size_t>(tasks_), 0);
  for (Index i = 0; i < num_train_; ++i)
    for (Index t = 0; t < tasks_; ++t)
      d[static_cast<std::size_t>(t)] +=
          static_cast<double>(a_[i * tasks_ + t]) * (static_cast<double>(f[i * tasks_ + t]) - static_cast<double>(f0_[i]));
  for (double& v : d) v = std::sqrt(std::max(v, 0.0));
  return d;
}

template <class S>
void FunctionSpaceLearner<S>::restore(const LearnerState<S>& state) {
  restore_tensor(state, "coefficients", a_);
  restore_tensor(state, "momentum", p_);
}

template <class S>
Variables<S> parameters_of(const Network<S>& network, const Variables<S>& initial, const Tensor<S>& images, const Tensor<S>& coefficients,
                           Index column, Index batch) {
  const Index n = images.rows(), tasks = coefficients.shape()[1];
  require(coefficients.rows() == n && 0 <= column && column < tasks, "function space: column {} of coefficients {} for {} images", column,
          coefficients.shape(), n);
  Variables<S> v = initial.clone();
  for (Index begin = 0; begin < n; begin += batch) {
    const Index end = std::min(n, begin + batch);
    Tensor<S> u({end - begin});
    for (Index i = begin; i < end; ++i) u[i - begin] = coefficients[i * tasks + column];
    const auto change = FactoredJacobian<S>(network, initial, images.slice(begin, end)).transpose_times(u);
    for (std::size_t i = 0; i < change.size(); ++i)
      if (change[i]) v.parameters[i] = add(std::move(v.parameters[i]), *change[i]);
  }
  return v;
}

template class FunctionSpaceLearner<float>;
template class FunctionSpaceLearner<double>;
template Variables<float> parameters_of(const Network<float>&, const Variables<float>&, const Tensor<float>&, const Tensor<float>&, Index,
                                        Index);
template Variables<double> parameters_of(const Network<double>&, const Variables<double>&, const Tensor<double>&, const Tensor<double>&,
                                         Index, Index);

}  // namespace tangentplane
