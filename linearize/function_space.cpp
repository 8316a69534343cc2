#include "linearize/function_space.h"

#include "autodiff/cpu/gemm.h"

namespace tangentplane {

template <class S>
FunctionSpaceLearner<S>::FunctionSpaceLearner(Tensor<S> kernel, Tensor<S> f0, Index num_train, Index tasks)
    : kernel_(std::move(kernel)), f0_(std::move(f0)), num_train_(num_train), tasks_(tasks) {
  const Index n = f0_.size();
  require(0 < num_train && num_train <= n && tasks >= 1, "function space: {} training images of {}, {} tasks", num_train, n, tasks);
  require(kernel_.shape() == (Shape{n, n}) || kernel_.shape() == (Shape{num_train, n}),
          "function space: kernel {} for {} training images of {}; give [{},{}]", kernel_.shape(), num_train, n, num_train, n);
  a_ = Tensor<S>::zeros({num_train, tasks});
  p_ = Tensor<S>::zeros({num_train, tasks});
  g_ = Tensor<S>::zeros({n, tasks});
  h_ = Tensor<S>::zeros({n, tasks});
  rows_.resize(static_cast<std::size_t>(num_train));
}

template <class S>
Tensor<S> FunctionSpaceLearner<S>::logits(std::span<const Index> batch) {
  for (Index image : batch)
    require(0 <= image && image < static_cast<Index>(rows_.size()), "train: image {} of {} training images", image, rows_.size());
  batch_.assign(batch.begin(), batch.end());
  Tensor<S> z = take_rows(g_, batch);
  for (std::size_t i = 0; i < batch_.size(); ++i)
    for (Index t = 0; t < tasks_; ++t) z[static_cast<Index>(i) * tasks_ + t] += f0_[batch_[i]];
  return z;
}

template <class S>
void FunctionSpaceLearner<S>::catch_up(Index image) {
  Row& row = rows_[static_cast<std::size_t>(image)];
  S *a = a_.data() + image * tasks_, *p = p_.data() + image * tasks_;
  for (Index t = 0; t < tasks_; ++t) {
    a[t] -= row.moved * p[t];
    p[t] *= row.left;
  }
  row = {};
}

template <class S>
void FunctionSpaceLearner<S>::step(const Tensor<S>& cotangent, double learning_rate, double momentum) {
  require(!batch_.empty(), "train: a step needs the logits of its batch first");
  const Index n = f0_.size(), b = static_cast<Index>(batch_.size());
  require(cotangent.shape() == (Shape{b, tasks_}), "train: a step takes a cotangent [{},{}], got {}", b, tasks_, cotangent.shape());
  a_.own(), p_.own(), g_.own(), h_.own();
  const S mu = static_cast<S>(momentum), eta = static_cast<S>(learning_rate);
  constexpr S nothing = S(1e-30);  // and not a denormal, which is slow
  for (Row& row : rows_) row.left = row.left > nothing ? row.left * mu : S(0);
  for (Index i = 0; i < b; ++i) {
    const Index image = batch_[static_cast<std::size_t>(i)];
    catch_up(image);
    for (Index t = 0; t < tasks_; ++t) p_[image * tasks_ + t] += cotangent[i * tasks_ + t];
  }
  for (Row& row : rows_) row.moved += eta * row.left;

  // By pieces of images, whose part of the batch's kernel rows, of g and of h stays in L2.
  cpu::parallel_chunks(n, 512, [&](Index begin, Index end) {
    const Index width = end - begin;
    Tensor<S> rows({b, width});
    for (Index i = 0; i < b; ++i)
      std::copy_n(kernel_.data() + batch_[static_cast<std::size_t>(i)] * n + begin, width, rows.data() + i * width);
    S *g = g_.data() + begin * tasks_, *h = h_.data() + begin * tasks_;
    cpu::gemm(cpu::Op::transpose, cpu::Op::none, width, tasks_, b, S(1), rows.data(), width, cotangent.data(), tasks_, mu, h, tasks_);
#pragma GCC ivdep
    for (Index k = 0; k < width * tasks_; ++k) g[k] -= eta * h[k];
  });
  batch_.clear();
}

template <class S>
Tensor<S> FunctionSpaceLearner<S>::test_logits() {
  Tensor<S> z = g_.slice(num_train_, f0_.size()).clone();
  for (Index i = 0; i < z.size(); ++i) z[i] += f0_[num_train_ + i / tasks_];
  return z;
}

template <class S>
Tensor<S> FunctionSpaceLearner<S>::coefficients() const {
  Tensor<S> a = a_.clone();
  for (Index k = 0; k < a.size(); ++k) a[k] -= rows_[static_cast<std::size_t>(k / tasks_)].moved * p_[k];
  return a;
}

template <class S>
std::vector<double> FunctionSpaceLearner<S>::distances() {
  const Tensor<S> a = coefficients();
  std::vector<double> d(static_cast<std::size_t>(tasks_), 0);
  for (Index i = 0; i < num_train_; ++i)
    for (Index t = 0; t < tasks_; ++t)
      d[static_cast<std::size_t>(t)] += static_cast<double>(a[i * tasks_ + t]) * static_cast<double>(g_[i * tasks_ + t]);
  for (double& v : d) v = std::sqrt(std::max(v, 0.0));
  return d;
}

template <class S>
LearnerState<S> FunctionSpaceLearner<S>::state() const {
  Tensor<S> behind({num_train_, 2});
  for (Index i = 0; i < num_train_; ++i) {
    behind[2 * i] = rows_[static_cast<std::size_t>(i)].left;
    behind[2 * i + 1] = rows_[static_cast<std::size_t>(i)].moved;
  }
  return {{"coefficients", a_}, {"momentum", p_}, {"behind", behind}, {"outputs", g_}, {"outputs_momentum", h_}};
}

template <class S>
void FunctionSpaceLearner<S>::restore(const LearnerState<S>& state) {
  const auto a = state_tensor(state, "coefficients", a_.shape()), p = state_tensor(state, "momentum", p_.shape()),
             g = state_tensor(state, "outputs", g_.shape()), h = state_tensor(state, "outputs_momentum", h_.shape()),
             behind = state_tensor(state, "behind", {num_train_, 2});
  a_ = a, p_ = p, g_ = g, h_ = h;
  for (Index i = 0; i < num_train_; ++i) rows_[static_cast<std::size_t>(i)] = {behind[2 * i], behind[2 * i + 1]};
  batch_.clear();
}

template <class S>
std::vector<Variables<S>> parameters_of(const Network<S>& network, const Variables<S>& initial, const Tensor<S>& images,
                                        const Tensor<S>& coefficients, Index first, Index last, Index batch) {
  require(images.shape().rank() >= 2 && images.rows() > 0, "function space: takes images [N,H,W,C] with N > 0, got {}", images.shape());
  require(batch >= 1, "function space: batch {} is below 1", batch);
  const Index n = images.rows(), tasks = coefficients.shape().rank() == 2 ? coefficients.shape()[1] : -1;
  require(coefficients.rows() == n && 0 <= first && first <= last && last <= tasks,
          "function space: columns {} to {} of coefficients {} for {} images", first, last, coefficients.shape(), n);
  std::vector<Variables<S>> columns;
  for (Index t = first; t < last; ++t) columns.push_back(initial.clone());
  for (Index begin = 0; begin < n; begin += batch) {
    const Index end = std::min(n, begin + batch);
    // Kept, convolutions are rows: one sum a column instead of a convolution.
    const auto jacobian = KeptJacobian<S>(network, initial, images.slice(begin, end), batch).of(0, end - begin);
    for (Index t = first; t < last; ++t) {
      Tensor<S> u({end - begin});
      for (Index i = begin; i < end; ++i) u[i - begin] = coefficients[i * tasks + t];
      const auto change = jacobian.transpose_times(u);
      auto& parameters = columns[static_cast<std::size_t>(t - first)].parameters;
      for (std::size_t i = 0; i < change.size(); ++i)
        if (change[i]) parameters[i] = add(std::move(parameters[i]), *change[i]);
    }
  }
  return columns;
}

template class FunctionSpaceLearner<float>;
template class FunctionSpaceLearner<double>;
template std::vector<Variables<float>> parameters_of(const Network<float>&, const Variables<float>&, const Tensor<float>&,
                                                     const Tensor<float>&, Index, Index, Index);
template std::vector<Variables<double>> parameters_of(const Network<double>&, const Variables<double>&, const Tensor<double>&,
                                                      const Tensor<double>&, Index, Index, Index);

}  // namespace tangentplane
