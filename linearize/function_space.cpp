#include "linearize/function_space.h"

#include "autodiff/cpu/gemm.h"
#include "linearize/linearized_learner.h"

namespace tangentplane {

template <class S>
StartingPoint<S> starting_point(const Network<S>& network, const Variables<S>& initial, const Tensor<S>& images, Index batch) {
  const double norm = parameter_distance(initial.parameters);
  return {linearized_logits(network, initial, initial.parameters, images, true, batch), norm * norm};
}

template <class S>
FunctionSpaceLearner<S>::FunctionSpaceLearner(Tensor<S> kernel, Tensor<S> f0, Index num_train, Index tasks,
                                              std::optional<StartingPoint<S>> start)
    : kernel_(std::move(kernel)), f0_(std::move(f0)), num_train_(num_train), tasks_(tasks), start_(std::move(start)) {
  const Shape& s = f0_.shape();
  outputs_ = s.rank() == 2 ? s[1] : 1;
  require((s.rank() == 1 || s.rank() == 2) && outputs_ >= 1, "function space: takes outputs [N] or [N,O] at the start, got {}", s);
  const Index images = f0_.rows(), n = f0_.size(), trained = num_train * outputs_;
  require(0 < num_train && num_train <= images && tasks >= 1, "function space: {} training images of {}, {} tasks", num_train, images,
          tasks);
  require(kernel_.shape() == (Shape{n, n}) || kernel_.shape() == (Shape{trained, n}),
          "function space: kernel {} for {} training images of {}{}; give [{},{}]", kernel_.shape(), num_train, images,
          outputs_ == 1 ? "" : fmt::format(" with {} outputs", outputs_), trained, n);
  require(!start_ || start_->outputs.size() == n, "function space: a starting point of {} for outputs {}",
          start_ ? start_->outputs.shape() : s, s);
  a_ = Tensor<S>::zeros({trained, tasks});
  p_ = Tensor<S>::zeros({trained, tasks});
  g_ = Tensor<S>::zeros({n, tasks});
  h_ = Tensor<S>::zeros({n, tasks});
  rows_.resize(static_cast<std::size_t>(num_train));
}

template <class S>
Tensor<S> FunctionSpaceLearner<S>::logits(std::span<const Index> batch) {
  for (Index image : batch)
    require(0 <= image && image < static_cast<Index>(rows_.size()), "train: image {} of {} training images", image, rows_.size());
  batch_.assign(batch.begin(), batch.end());
  Tensor<S> z = take_rows(g_.reshaped({f0_.rows(), outputs_ * tasks_}), batch);
  for (std::size_t i = 0; i < batch_.size(); ++i)
    for (Index k = 0; k < outputs_ * tasks_; ++k)
      z[static_cast<Index>(i) * outputs_ * tasks_ + k] += f0_[batch_[i] * outputs_ + k / tasks_];
  return z;
}

template <class S>
void FunctionSpaceLearner<S>::use(const Optimizer& optimizer) {
  require_usable(optimizer);
  const auto* sgd = std::get_if<Sgd>(&optimizer);
  require(
      sgd,
      "function space: Adam's step is not linear in the gradients, so the kernel does not tell it; give sgd, or train in parameter space");
  require(sgd->weight_decay == 0 || start_, "function space: weight decay pulls theta0 too; give the learner a starting_point");
  if (sgd->weight_decay != sgd_.weight_decay) {  // rows that are behind are so by the old one
    a_.own(), p_.own();
    for (Index image = 0; image < num_train_; ++image) catch_up(image);
  }
  sgd_ = *sgd;
}

template <class S>
void FunctionSpaceLearner<S>::catch_up(Index image) {
  Row& row = rows_[static_cast<std::size_t>(image)];
  const Index columns = outputs_ * tasks_;
  S *a = a_.data() + image * columns, *p = p_.data() + image * columns;
  if (row.decayed())
    for (Index k = 0; k < columns; ++k) {
      const S a0 = a[k], p0 = p[k];
      a[k] = row.stays * a0 - row.moved * p0;
      p[k] = row.left * p0 + row.pulled * a0;
    }
  else
    for (Index k = 0; k < columns; ++k) {
      a[k] -= row.moved * p[k];
      p[k] *= row.left;
    }
  row = {};
}

template <class S>
void FunctionSpaceLearner<S>::step(const Tensor<S>& cotangent, double learning_rate) {
  require(!batch_.empty(), "train: a step needs the logits of its batch first");
  const Index n = f0_.size(), images = static_cast<Index>(batch_.size()), columns = outputs_ * tasks_, b = images * outputs_;
  require(cotangent.shape() == (Shape{images, columns}), "train: a step takes a cotangent [{},{}], got {}", images, columns,
          cotangent.shape());
  a_.own(), p_.own(), g_.own(), h_.own();
  const S mu = static_cast<S>(sgd_.momentum), eta = static_cast<S>(learning_rate), w = static_cast<S>(sgd_.weight_decay);
  constexpr S nothing = S(1e-30);  // and not a denormal, which is slow
  if (w == S(0))
    for (Row& row : rows_) row.left = row.left > nothing ? row.left * mu : S(0);
  else
    for (Row& row : rows_) {
      row.left = mu * row.left - w * row.moved;
      row.pulled = mu * row.pulled + w * row.stays;
    }
  for (Index i = 0; i < images; ++i) {
    const Index image = batch_[static_cast<std::size_t>(i)];
    catch_up(image);
    for (Index k = 0; k < columns; ++k) p_[image * columns + k] += cotangent[i * columns + k];
  }
  for (Row& row : rows_) row.moved += eta * row.left;
  if (w != S(0))
    for (Row& row : rows_) row.stays -= eta * row.pulled;
  if (start_) {  // and without decay by the momentum of one before
    share_momentum_ = mu * share_momentum_ + w * (1 + share_);
    share_ -= eta * share_momentum_;
  }

  // By pieces of images, whose part of the batch's kernel rows, of g and of h stays in L2.
  cpu::parallel_chunks(n, std::max<Index>(64, 512 / outputs_), [&](Index begin, Index end) {
    const Index width = end - begin;
    Tensor<S> rows({b, width});
    for (Index i = 0; i < b; ++i)
      std::copy_n(kernel_.data() + (batch_[static_cast<std::size_t>(i / outputs_)] * outputs_ + i % outputs_) * n + begin, width,
                  rows.data() + i * width);
    S *g = g_.data() + begin * tasks_, *h = h_.data() + begin * tasks_;
    cpu::gemm(cpu::Op::transpose, cpu::Op::none, width, tasks_, b, S(1), rows.data(), width, cotangent.data(), tasks_, mu, h, tasks_);
    if (w != S(0)) {
      const S* start = start_->outputs.data() + begin;
      for (Index i = 0; i < width; ++i)
        for (Index t = 0; t < tasks_; ++t) h[i * tasks_ + t] += w * (start[i] + g[i * tasks_ + t]);
    }
#pragma GCC ivdep
    for (Index k = 0; k < width * tasks_; ++k) g[k] -= eta * h[k];
  });
  batch_.clear();
}

template <class S>
Tensor<S> FunctionSpaceLearner<S>::test_logits() {
  Tensor<S> z = g_.slice(num_train_ * outputs_, f0_.size()).clone();
  for (Index i = 0; i < z.size(); ++i) z[i] += f0_[num_train_ * outputs_ + i / tasks_];
  return z.reshaped({f0_.rows() - num_train_, outputs_ * tasks_});
}

template <class S>
Tensor<S> FunctionSpaceLearner<S>::coefficients() const {
  Tensor<S> a = a_.clone();
  for (Index k = 0; k < a.size(); ++k) {
    const Row& row = rows_[static_cast<std::size_t>(k / (outputs_ * tasks_))];
    if (row.decayed()) a[k] *= row.stays;
    a[k] -= row.moved * p_[k];
  }
  return a;
}

template <class S>
std::vector<double> FunctionSpaceLearner<S>::distances() {
  // ||J^T a + s theta0||^2, of which g = K a + s J theta0 has two terms.
  const Tensor<S> a = coefficients();
  const double share = static_cast<double>(share_);
  std::vector<double> d(static_cast<std::size_t>(tasks_), share == 0 ? 0 : share * share * start_->squared_norm);
  for (Index i = 0; i < a.rows(); ++i)
    for (Index t = 0; t < tasks_; ++t) {
      double outputs = static_cast<double>(g_[i * tasks_ + t]);
      if (share != 0) outputs += share * static_cast<double>(start_->outputs[i]);
      d[static_cast<std::size_t>(t)] += static_cast<double>(a[i * tasks_ + t]) * outputs;
    }
  for (double& v : d) v = std::sqrt(std::max(v, 0.0));
  return d;
}

template <class S>
LearnerState<S> FunctionSpaceLearner<S>::state() const {
  Tensor<S> behind({num_train_, 2}), decayed({num_train_, 2});
  for (Index i = 0; i < num_train_; ++i) {
    const Row& row = rows_[static_cast<std::size_t>(i)];
    behind[2 * i] = row.left, behind[2 * i + 1] = row.moved;
    decayed[2 * i] = row.pulled, decayed[2 * i + 1] = row.stays;
  }
  LearnerState<S> state{{"coefficients", a_}, {"momentum", p_}, {"behind", behind}, {"outputs", g_}, {"outputs_momentum", h_}};
  if (start_) {
    state.emplace_back("decayed", decayed);
    state.emplace_back("start", Tensor<S>::from({2}, {share_, share_momentum_}));
  }
  return state;
}

template <class S>
void FunctionSpaceLearner<S>::restore(const LearnerState<S>& state) {
  const auto a = state_tensor(state, "coefficients", a_.shape()), p = state_tensor(state, "momentum", p_.shape()),
             g = state_tensor(state, "outputs", g_.shape()), h = state_tensor(state, "outputs_momentum", h_.shape()),
             behind = state_tensor(state, "behind", {num_train_, 2});
  Tensor<S> decayed, start;
  if (start_) decayed = state_tensor(state, "decayed", {num_train_, 2}), start = state_tensor(state, "start", {2});
  a_ = a, p_ = p, g_ = g, h_ = h;
  for (Index i = 0; i < num_train_; ++i) {
    Row& row = rows_[static_cast<std::size_t>(i)];
    row = {behind[2 * i], behind[2 * i + 1]};
    if (start_) row.pulled = decayed[2 * i], row.stays = decayed[2 * i + 1];
  }
  if (start_) share_ = start[0], share_momentum_ = start[1];
  batch_.clear();
}

template <class S>
std::vector<Variables<S>> parameters_of(const Network<S>& network, const Variables<S>& initial, const Tensor<S>& images,
                                        const Tensor<S>& coefficients, Index first, Index last, Index batch, double start_share) {
  require(images.shape().rank() >= 2 && images.rows() > 0, "function space: takes images [N,H,W,C] with N > 0, got {}", images.shape());
  require(batch >= 1, "function space: batch {} is below 1", batch);
  const Index n = images.rows(), tasks = coefficients.shape().rank() == 2 ? coefficients.shape()[1] : -1, outputs = coefficients.rows() / n;
  require(outputs >= 1 && coefficients.rows() == n * outputs && 0 <= first && first <= last && last <= tasks,
          "function space: columns {} to {} of coefficients {} for {} images", first, last, coefficients.shape(), n);
  std::vector<Variables<S>> columns;
  for (Index t = first; t < last; ++t) {
    columns.push_back(initial.clone());
    if (start_share != 1)
      for (auto& p : columns.back().parameters) p = scale(p, start_share);
  }
  for (Index begin = 0; begin < n; begin += batch) {
    const Index end = std::min(n, begin + batch);
    // Kept, convolutions are rows: one sum a column instead of a convolution.
    const auto jacobian = KeptJacobian<S>(network, initial, images.slice(begin, end), batch, {}, Outputs::full()).of(0, end - begin);
    require(jacobian.outputs() == outputs, "function space: coefficients {} for {} images of a network with {} outputs; give {} rows",
            coefficients.shape(), n, jacobian.outputs(), n * jacobian.outputs());
    for (Index t = first; t < last; ++t) {
      Tensor<S> u({end - begin, outputs});
      for (Index i = 0; i < u.size(); ++i) u[i] = coefficients[(begin * outputs + i) * tasks + t];
      const auto change = jacobian.transpose_times(u);
      auto& parameters = columns[static_cast<std::size_t>(t - first)].parameters;
      for (std::size_t i = 0; i < change.size(); ++i)
        if (change[i]) parameters[i] = add(std::move(parameters[i]), *change[i]);
    }
  }
  return columns;
}

template StartingPoint<float> starting_point(const Network<float>&, const Variables<float>&, const Tensor<float>&, Index);
template StartingPoint<double> starting_point(const Network<double>&, const Variables<double>&, const Tensor<double>&, Index);
template class FunctionSpaceLearner<float>;
template class FunctionSpaceLearner<double>;
template std::vector<Variables<float>> parameters_of(const Network<float>&, const Variables<float>&, const Tensor<float>&,
                                                     const Tensor<float>&, Index, Index, Index, double);
template std::vector<Variables<double>> parameters_of(const Network<double>&, const Variables<double>&, const Tensor<double>&,
                                                      const Tensor<double>&, Index, Index, Index, double);

}  // namespace tangentplane
