#include "linearize/function_space.h"

#include "autodiff/cpu/gemm.h"

namespace tangentplane {

template <class S>
FunctionSpaceLearner<S>::FunctionSpaceLearner(Tensor<S> kernel, Tensor<S> f0, Index num_train, Index tasks, cpu::Ranks& ranks)
    : ranks_(&ranks), kernel_(std::move(kernel)), f0_(std::move(f0)), num_train_(num_train), tasks_(tasks) {
  const Index n = f0_.size();
  require(0 < num_train && num_train <= n && tasks >= 1, "function space: {} training images of {}, {} tasks", num_train, n, tasks);
  const auto [first, end] = cpu::dealt(n, ranks.count(), ranks.rank());
  first_ = first, width_ = end - first;
  require((!ranks.several() && kernel_.shape() == (Shape{n, n})) || kernel_.shape() == (Shape{num_train, width_}),
          "function space: kernel {} for {} training images of {}; give [{},{}]", kernel_.shape(), num_train, n, num_train, width_);
  a_ = Tensor<S>::zeros({num_train, tasks});
  p_ = Tensor<S>::zeros({num_train, tasks});
  g_ = Tensor<S>::zeros({width_, tasks});
  h_ = Tensor<S>::zeros({width_, tasks});
  rows_.resize(static_cast<std::size_t>(num_train));
}

template <class S>
Tensor<S> FunctionSpaceLearner<S>::logits(std::span<const Index> batch) {
  for (Index image : batch)
    require(0 <= image && image < static_cast<Index>(rows_.size()), "train: image {} of {} training images", image, rows_.size());
  batch_.assign(batch.begin(), batch.end());
  Tensor<S> z;
  if (!ranks_->several()) {
    z = take_rows(g_, batch);
  } else {
    auto sums = Tensor<double>::zeros({static_cast<Index>(batch.size()), tasks_});  // each number has one term that is not zero
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (const Index own = batch[i] - first_; 0 <= own && own < width_)
        std::copy_n(g_.data() + own * tasks_, tasks_, sums.data() + static_cast<Index>(i) * tasks_);
    ranks_->sum(sums.span());
    z = cast<S>(sums);
  }
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
  const Index n = width_, b = static_cast<Index>(batch_.size());
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
  Tensor<S> z = gathered(g_).slice(num_train_, f0_.size()).clone();
  for (Index i = 0; i < z.size(); ++i) z[i] += f0_[num_train_ + i / tasks_];
  return z;
}

template <class S>
Tensor<S> FunctionSpaceLearner<S>::gathered(const Tensor<S>& own) const {
  if (!ranks_->several()) return own;
  Tensor<S> all({f0_.size(), tasks_});
  std::vector<Index> counts;
  for (Index p = 0; p < ranks_->count(); ++p) {
    const auto [first, end] = cpu::dealt(f0_.size(), ranks_->count(), p);
    counts.push_back((end - first) * tasks_);
  }
  ranks_->all_gather(own.data(), std::span<const Index>(counts), all.data());
  return all;
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
  for (Index i = first_; i < std::min(num_train_, first_ + width_); ++i)
    for (Index t = 0; t < tasks_; ++t)
      d[static_cast<std::size_t>(t)] += static_cast<double>(a[i * tasks_ + t]) * static_cast<double>(g_[(i - first_) * tasks_ + t]);
  ranks_->sum(d);
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
  return {{"coefficients", a_}, {"momentum", p_}, {"behind", behind}, {"outputs", gathered(g_)}, {"outputs_momentum", gathered(h_)}};
}

template <class S>
void FunctionSpaceLearner<S>::restore(const LearnerState<S>& state) {
  const auto a = state_tensor(state, "coefficients", a_.shape()), p = state_tensor(state, "momentum", p_.shape()),
             g = state_tensor(state, "outputs", {f0_.size(), tasks_}), h = state_tensor(state, "outputs_momentum", {f0_.size(), tasks_}),
             behind = state_tensor(state, "behind", {num_train_, 2});
  a_ = a, p_ = p, g_ = g.slice(first_, first_ + width_).clone(), h_ = h.slice(first_, first_ + width_).clone();
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
