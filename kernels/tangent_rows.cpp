#include "kernels/tangent_rows.h"

#include <lapacke.h>

#include "kernels/patches.h"
#include "linearize/example_rows.h"

namespace tangentplane {
namespace {

/// A = Q R of a matrix with m >= n, in place by columns: `a` becomes Q [m, n]; R [n, n] is returned by rows.
std::vector<double> orthogonalise(std::vector<double>& a, Index m, Index n) {
  const auto rows = static_cast<lapack_int>(m), columns = static_cast<lapack_int>(n);
  std::vector<double> reflectors(static_cast<std::size_t>(n)), r(static_cast<std::size_t>(n * n), 0);
  lapack_int info = LAPACKE_dgeqrf(LAPACK_COL_MAJOR, rows, columns, a.data(), rows, reflectors.data());
  for (Index i = 0; i < n; ++i)
    for (Index j = i; j < n; ++j) r[static_cast<std::size_t>(i * n + j)] = a[static_cast<std::size_t>(j * m + i)];
  if (info == 0) info = LAPACKE_dorgqr(LAPACK_COL_MAJOR, rows, columns, columns, a.data(), rows, reflectors.data());
  if (info != 0) throw std::runtime_error(fmt::format("nads: LAPACK's QR decomposition failed with info {}", info));
  return r;
}

/// True for an op that takes any number of examples, whatever it was recorded with.
template <class T>
bool of_any_batch(const Entrance<T>& e) {
  return e.template as<MatMul>() || e.template as<Conv2d>() || e.template as<TransposedForm<MatMul>>() ||
         e.template as<TransposedForm<Conv2d>>() || e.template as<ChannelBias>() || e.template as<ChannelScale>();
}

/// Of `x` example e alone, everything else exactly zero.
template <class S>
Tensor<S> alone(const Tensor<S>& x, Index e) {
  auto one = Tensor<S>::zeros(x.shape());
  const Index size = x.shape().row_size();
  std::copy_n(x.data() + e * size, size, one.data() + e * size);
  return one;
}
template <class S>
Dual<Tensor<S>> alone(const Dual<Tensor<S>>& x, Index e) {
  Dual<Tensor<S>> one(alone(x.primal, e));
  if (x.tangent) one.tangent = alone(*x.tangent, e);
  return one;
}

/// Any op: the tangents of its gradient of one example after another. An op may know the shapes of the batch.
template <class S>
void add_by_examples(const Factor<Dual<Tensor<S>>>& f, S* to, Index stride) {
  for (Index e = 0; e < f.cotangent.primal.rows(); ++e) {
    std::optional<Dual<Tensor<S>>> activation;
    if (f.activation) activation.emplace(alone(*f.activation, e));
    const auto row = f.entrance->gradient(activation, alone(f.cotangent, e));
    if (row.tangent)
      for (Index k = 0; k < row.tangent->size(); ++k) to[e * stride + k] += (*row.tangent)[k];
  }
}

template <class S>
Tensor<S> from_doubles(const Shape& shape, const std::vector<double>& values) {
  return cast<S>(Tensor<double>::from(shape, values));
}

}  // namespace

template <class S>
TangentRows<S>::TangentRows(std::vector<Factor<Tensor<S>>> factors, Index points, bool compress) {
  for (const auto& f : factors) entrances_.push_back(f.entrance);
  const auto& first = factors.front();
  size_ = first.gradient().size();
  if (!compress || factors.size() > 1) return;
  if (const auto* conv = first.entrance->template as<Conv2d>(); conv && conv->at.groups == 1) {
    positions_ = conv->at.positions();
    inputs_ = conv->at.patch_size();
  } else if (first.entrance->template as<MatMul>()) {
    inputs_ = first.activation->shape()[-1];
    positions_ = first.activation->size() / (first.activation->rows() * inputs_);
  } else {
    return;
  }
  outputs_ = first.cotangent.shape()[-1];
  rank_ = points * positions_;
  if (rank_ * (inputs_ + outputs_) >= size_) return;
  compressed_ = true;
  size_ = rank_ * (inputs_ + outputs_);
}

template <class S>
void TangentRows<S>::take(const Factor<Tensor<S>>& factor) {
  const auto* conv = factor.entrance->template as<Conv2d>();
  const Tensor<S> a = conv ? patches(conv->at, *factor.activation) : *factor.activation, &g = factor.cotangent;
  activations_.insert(activations_.end(), a.data(), a.data() + a.size());
  cotangents_.insert(cotangents_.end(), g.data(), g.data() + g.size());
}

template <class S>
void TangentRows<S>::finish() {
  // Rows of A and G are the columns of their transposes.
  const auto r = orthogonalise(activations_, inputs_, rank_);
  orthogonalise(cotangents_, outputs_, rank_);
  r_ = from_doubles<S>({rank_, rank_}, r);
  q_ = from_doubles<S>({rank_, outputs_}, cotangents_);
  activations_ = {};
  cotangents_ = {};
}

template <class S>
Tensor<S> TangentRows<S>::inside(const Tensor<S>& cotangent) const {
  const Index rows = cotangent.size() / outputs_;
  Shape shape;
  for (int i = 0; i + 1 < cotangent.shape().rank(); ++i) shape.append(cotangent.shape()[i]);
  shape.append(rank_);
  Tensor<S> y(shape);
  cpu::parallel_gemm(cpu::Op::none, cpu::Op::transpose, rows, rank_, outputs_, S(1), cotangent.data(), outputs_, q_.data(), outputs_, S(0),
                     y.data(), rank_);
  return y;
}

template <class S>
Tensor<S> TangentRows<S>::outside(const Tensor<S>& tangent, const Tensor<S>& inside) const {
  Tensor<S> y = tangent.clone();
  cpu::parallel_gemm(cpu::Op::none, cpu::Op::none, y.size() / outputs_, outputs_, rank_, S(-1), inside.data(), rank_, q_.data(), outputs_,
                     S(1), y.data(), outputs_);
  return y;
}

template <class S>
void TangentRows<S>::add(const Factor<Dual<Tensor<S>>>& f, std::size_t which, Index point, S* to, Index stride) const {
  using T = Tensor<S>;
  auto entrance = entrances_.at(which);
  if (!of_any_batch(*entrance) || !of_any_batch(*f.entrance)) return add_by_examples(f, to, stride);
  std::optional<T> activation, activation_tangent;
  if (f.activation) {
    activation.emplace(f.activation->primal);
    if (f.activation->tangent) activation_tangent.emplace(*f.activation->tangent);
  }
  T cotangent = f.cotangent.primal;
  std::optional<T> cotangent_tangent = f.cotangent.tangent;
  if (compressed_) {
    if (const auto* conv = entrance->template as<Conv2d>()) {
      Conv2d narrow = *conv;
      narrow.at.out_channels = rank_;
      entrance = std::make_shared<FormEntrance<Conv2d, T>>(narrow);
    }
    cotangent = inside(cotangent);
    if (cotangent_tangent) {
      const T within = inside(*cotangent_tangent), rest = outside(*cotangent_tangent, within);
      const Index size = positions_ * outputs_;
      S* behind = to + inputs_ * rank_;
      cpu::parallel_chunks(rest.rows(), 8, [&](Index begin, Index end) {
        for (Index e = begin; e < end; ++e)
          cpu::gemm(cpu::Op::none, cpu::Op::none, rank_, outputs_, positions_, S(1), r_.data() + point * positions_, rank_,
                    rest.data() + e * size, outputs_, S(1), behind + e * stride, outputs_);
      });
      cotangent_tangent = within;
    }
  }
  // Compressed, they are numbers of the layer as the op sees it; several factors of a parameter meet in its own layout.
  const auto layout = compressed_ ? RowLayout::any : RowLayout::own;
  if (activation_tangent) write_example_rows<S>({f.parameter, entrance, activation_tangent, cotangent}, true, to, stride, 1, layout);
  if (cotangent_tangent) write_example_rows<S>({f.parameter, entrance, activation, *cotangent_tangent}, true, to, stride, 1, layout);
}

template class TangentRows<float>;
template class TangentRows<double>;

}  // namespace tangentplane
