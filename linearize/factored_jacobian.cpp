#include "linearize/factored_jacobian.h"

#include "autodiff/transforms.h"
#include "linearize/example_rows.h"

namespace tangentplane {

template <class S>
FactoredJacobian<S>::FactoredJacobian(Tensor<S> value, std::vector<Factor<Tensor<S>>> factors, std::vector<Shape> parameter_shapes)
    : value_(std::move(value)), factors_(std::move(factors)), shapes_(std::move(parameter_shapes)) {
  require(value_.shape().rank() == 1 && value_.size() > 0, "jacobian: takes the outputs [N] of N > 0 examples, got {}", value_.shape());
  for (const auto& f : factors_) {
    require(0 <= f.parameter && f.parameter < static_cast<Index>(shapes_.size()), "jacobian: a factor of parameter {} of {}", f.parameter,
            shapes_.size());
    require_example_rows(f, examples(), "jacobian", std::to_string(f.parameter));
  }
}

template <class S>
FactoredJacobian<S>::FactoredJacobian(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
                                      std::optional<Index> output) {
  require(images.shape().rank() >= 2 && images.rows() > 0, "jacobian: takes images [N,H,W,C] with N > 0, got {}", images.shape());
  require_finite("jacobian", variables);
  using T = Tensor<S>;
  const Pullback<T> back([&](const std::vector<Var<T>>& p) { return forward(network, variables, p, Var<T>(images)); },
                         variables.parameters);
  const Index n = images.rows(), outputs = back.value().shape()[1], column = output.value_or(0);
  back.tape().require_per_example("jacobian", n);
  require(output || outputs == 1, "jacobian: the network has {} outputs and none is chosen; takes one logit", outputs);
  require(0 <= column && column < outputs, "jacobian: output {} of a network with {}", column, outputs);
  T cotangent = T::zeros({n, outputs});
  value_ = T({n});
  for (Index i = 0; i < n; ++i) {
    cotangent[i * outputs + column] = 1;
    value_[i] = back.value()[i * outputs + column];
  }
  for (const auto& p : variables.parameters) shapes_.push_back(p.shape());
  auto factors = back.factors(cotangent);
  for (const auto& f : factors) require_example_rows(f, n, "jacobian", variables.paths[static_cast<std::size_t>(f.parameter)]);
  *this = FactoredJacobian(value_, std::move(factors), shapes_);
}

template <class S>
Tensor<S> FactoredJacobian<S>::times(const std::vector<Tensor<S>>& v) const {
  require(v.size() == shapes_.size(), "jacobian: {} tangents for {} parameters", v.size(), shapes_.size());
  for (std::size_t i = 0; i < v.size(); ++i)
    require(v[i].shape() == shapes_[i], "jacobian: tangent {} has shape {}, its parameter {}", i, v[i].shape(), shapes_[i]);
  const Index n = examples();
  Tensor<S> jv = Tensor<S>::zeros({n}), dots({n});
  const auto tangent = [&](const Factor<Tensor<S>>& f) -> const Tensor<S>& { return v[static_cast<std::size_t>(f.parameter)]; };
  for (std::size_t i = 0, next = 0; i < factors_.size(); i = next) {
    // Factors of one op (a bias and its weight) share their cotangent and stand together: their outputs are added before the dot, the last
    // one's first, which is the weight's, so that the bias is added in place.
    const Factor<Tensor<S>>& first = factors_[i];
    for (++next; next < factors_.size() && share_cotangent(first, factors_[next]);) ++next;
    const auto& last = factors_[next - 1];
    Tensor<S> change = last.entrance->output(last.activation, tangent(last));
    for (std::size_t k = next - 1; k-- > i;)
      change = factors_[k].entrance->add_output(std::move(change), factors_[k].activation, tangent(factors_[k]));
    cpu::row_dots(n, change.size() / n, first.cotangent.data(), change.data(), dots.data());
    for (Index k = 0; k < n; ++k) jv[k] += dots[k];
  }
  return jv;
}

template <class S>
std::vector<std::optional<Tensor<S>>> FactoredJacobian<S>::transpose_times(const Tensor<S>& u) const {
  const Index n = examples();
  require(u.size() == n, "jacobian: cotangent {} for {} examples", u.shape(), n);
  std::vector<std::optional<Tensor<S>>> result(shapes_.size());
  const Factor<Tensor<S>>* scaled_from = nullptr;
  Tensor<S> scaled;
  for (const auto& f : factors_) {
    if (!scaled_from || !share_cotangent(f, *scaled_from)) {
      scaled_from = &f;
      scaled = Tensor<S>(f.cotangent.shape());
      const Index size = scaled.size() / n;
      cpu::parallel_rows(n, size, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
          const S* from = f.cotangent.data() + i * size;
          S* to = scaled.data() + i * size;
          for (Index k = 0; k < size; ++k) to[k] = u[i] * from[k];
        }
      });
    }
    accumulate(result[static_cast<std::size_t>(f.parameter)], f.entrance->gradient(f.activation, scaled));
  }
  return result;
}

template <class S>
Tensor<S> FactoredJacobian<S>::rows() const {
  Index total = 0;
  std::vector<Index> offsets;
  for (const Shape& s : shapes_) {
    offsets.push_back(total);
    total += s.size();
  }
  Tensor<S> j = Tensor<S>::zeros({examples(), total});
  for (const auto& f : factors_) write_example_rows(f, true, j.data() + offsets[static_cast<std::size_t>(f.parameter)], total);
  return j;
}

template <class S>
Tensor<S> FactoredJacobian<S>::gram() const {
  const Tensor<S> j = rows();
  const Index n = j.shape()[0], p = j.shape()[1];
  if (p == 0) return Tensor<S>::zeros({n, n});
  Tensor<S> k({n, n});
  cpu::parallel_gemm(cpu::Op::none, cpu::Op::transpose, n, n, p, S(1), j.data(), p, j.data(), p, S(0), k.data(), n);
  return k;
}

template class FactoredJacobian<float>;
template class FactoredJacobian<double>;

}  // namespace tangentplane
