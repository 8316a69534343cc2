#include "linearize/factored_jacobian.h"

#include "autodiff/transforms.h"
#include "linearize/example_rows.h"

namespace tangentplane {

template <class S>
FactoredJacobian<S>::FactoredJacobian(Tensor<S> value, std::vector<Factor<Tensor<S>>> factors, std::vector<Shape> parameter_shapes)
    : value_(std::move(value)), factors_(std::move(factors)), shapes_(std::move(parameter_shapes)) {
  for (const auto& f : factors_)
    require(f.entrance->per_example(), "jacobian: parameter {} enters through {}, whose cotangent is summed over the examples", f.parameter,
            f.entrance->name());
}

template <class S>
FactoredJacobian<S>::FactoredJacobian(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index output) {
  require(images.shape().rank() >= 2 && images.rows() > 0, "jacobian: takes images [N,H,W,C] with N > 0, got {}", images.shape());
  using T = Tensor<S>;
  const Pullback<T> back([&](const std::vector<Var<T>>& p) { return forward(network, variables, p, Var<T>(images)); },
                         variables.parameters);
  back.tape().require_per_example("jacobian");
  const Index n = images.rows(), outputs = back.value().shape()[1];
  require(0 <= output && output < outputs, "jacobian: output {} of a network with {}", output, outputs);
  T cotangent = T::zeros({n, outputs});
  value_ = T({n});
  for (Index i = 0; i < n; ++i) {
    cotangent[i * outputs + output] = 1;
    value_[i] = back.value()[i * outputs + output];
  }
  for (const auto& p : variables.parameters) shapes_.push_back(p.shape());
  *this = FactoredJacobian(value_, back.factors(cotangent), shapes_);
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
  Tensor<S> k({n, n});
  cpu::parallel_gemm(cpu::Op::none, cpu::Op::transpose, n, n, p, S(1), j.data(), p, j.data(), p, S(0), k.data(), n);
  return k;
}

template class FactoredJacobian<float>;
template class FactoredJacobian<double>;

}  // namespace tangentplane
