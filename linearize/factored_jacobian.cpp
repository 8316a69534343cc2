#include "linearize/factored_jacobian.h"

#include <cstring>

#include "linearize/example_rows.h"
#include "linearize/output_passes.h"

namespace tangentplane {
namespace {

template <class S>
using Factors = std::vector<Factor<Tensor<S>>>;

/// Tensors [N, ...], one an output, as one [N R, ...].
template <class S>
Tensor<S> stacked(const std::vector<Tensor<S>>& parts) {
  const Shape& shape = parts[0].shape();
  const Index n = shape[0], size = shape.row_size(), r = static_cast<Index>(parts.size());
  Tensor<S> all(shape.with_rows(n * r));
  cpu::parallel_rows(n, size * r, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      for (Index o = 0; o < r; ++o)
        std::copy_n(parts[static_cast<std::size_t>(o)].data() + i * size, size, all.data() + (i * r + o) * size);
  });
  return all;
}

template <class S>
bool same_numbers(const Tensor<S>& a, const Tensor<S>& b) {
  return a.shape() == b.shape() &&
         (a.data() == b.data() || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(S)) == 0);
}

/// The factors of R pull-backs of one tape as one list. Factors that shared their cotangent still do.
template <class S>
Factors<S> joined(std::vector<Factors<S>> of_output) {
  if (of_output.size() == 1) return std::move(of_output[0]);
  const std::size_t count = of_output[0].size();
  std::vector<std::size_t> first_with(count);  // the cotangent of each
  for (std::size_t k = 0; k < count; ++k) {
    first_with[k] = 0;
    while (!share_cotangent(of_output[0][k], of_output[0][first_with[k]])) ++first_with[k];
  }
  Factors<S> all;
  for (std::size_t k = 0; k < count; ++k) {
    Factor<Tensor<S>> f = of_output[0][k];
    std::vector<Tensor<S>> activations, cotangents;
    bool seen_once = true;
    for (const auto& list : of_output) {
      require(list.size() == count && list[k].parameter == f.parameter, "jacobian: the outputs' reverse passes met other parameters");
      cotangents.push_back(list[k].cotangent);
      if (!f.activation) continue;
      activations.push_back(*list[k].activation);
      seen_once = seen_once && same_numbers(*f.activation, activations.back());
    }
    if (!seen_once) f.activation = stacked(activations);
    f.cotangent = first_with[k] < k ? all[first_with[k]].cotangent : stacked(cotangents);
    all.push_back(std::move(f));
    for (auto& list : of_output) list[k] = {};  // no longer than it is needed: all of them are as large as `all`
  }
  return all;
}

/// As require_example_rows, for factors of R outputs.
template <class S>
void require_rows(const Factor<Tensor<S>>& f, Index n, Index r, const std::string& parameter) {
  if (r == 1) return require_example_rows(f, n, "jacobian", parameter);
  const auto rows = [](const Tensor<S>& t) { return t.shape().rank() > 0 ? t.rows() : 0; };
  const Index d = rows(f.cotangent), a = f.activation ? rows(*f.activation) : n;
  require(f.entrance->per_example(), "jacobian: parameter {} enters through {}, whose cotangent is summed over the examples", parameter,
          f.entrance->name());
  require((a == n || a == n * r) && d == n * r,
          "jacobian: parameter {} has {} and {} rows in {} where the batch has {} examples of {} outputs", parameter, a, d,
          f.entrance->name(), n, r);
}

/// [N R, ...] -> [N, ...]: each example's rows times its R numbers of u, added.
template <class S>
Tensor<S> combined(const Tensor<S>& t, const Tensor<S>& u, Index n) {
  const Index r = t.rows() / n, size = t.shape().row_size();
  Tensor<S> sum(t.shape().with_rows(n));
  cpu::parallel_rows(n, size * r, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      S* to = sum.data() + i * size;
      for (Index o = 0; o < r; ++o) {
        const S* from = t.data() + (i * r + o) * size;
        const S scale = u[i * r + o];
        if (o == 0)
          for (Index k = 0; k < size; ++k) to[k] = scale * from[k];
        else
          for (Index k = 0; k < size; ++k) to[k] += scale * from[k];
      }
    }
  });
  return sum;
}

/// dots[n, o] = <d[n, o], change[n]>, where change may have a row for each output too.
template <class S>
void output_dots(Index n, Index r, const Tensor<S>& d, const Tensor<S>& change, S* dots) {
  const Index size = d.size() / (n * r), every = n * r / change.rows();
  if (every == 1) return cpu::row_dots(n * r, size, d.data(), change.data(), dots);
  cpu::parallel_rows(n * r, size, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) cpu::row_dots(1, size, d.data() + i * size, change.data() + i / every * size, dots + i);
  });
}

}  // namespace

template <class S>
FactoredJacobian<S>::FactoredJacobian(Tensor<S> value, std::vector<Factor<Tensor<S>>> factors, std::vector<Shape> parameter_shapes,
                                      Outputs::Kind kind)
    : factors_(std::move(factors)), shapes_(std::move(parameter_shapes)), kind_(kind) {
  const Shape& s = value.shape();
  require((s.rank() == 1 || s.rank() == 2) && value.size() > 0, "jacobian: takes the outputs [N] or [N,R] of N > 0 examples, got {}", s);
  value_ = s.rank() == 1 ? value.reshaped({s[0], 1}) : std::move(value);
  for (const auto& f : factors_) {
    require(0 <= f.parameter && f.parameter < static_cast<Index>(shapes_.size()), "jacobian: a factor of parameter {} of {}", f.parameter,
            shapes_.size());
    require_rows(f, examples(), outputs(), std::to_string(f.parameter));
  }
}

template <class S>
FactoredJacobian<S>::FactoredJacobian(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
                                      const std::optional<Outputs>& outputs) {
  const OutputPasses<S> passes(network, variables, images, outputs);
  std::vector<Factors<S>> of_output(static_cast<std::size_t>(passes.outputs()));
  for (std::size_t o = 0; o < of_output.size(); ++o)
    passes.factors(static_cast<Index>(o), [&](Factor<Tensor<S>> f) { of_output[o].push_back(std::move(f)); });
  for (const auto& p : variables.parameters) shapes_.push_back(p.shape());
  *this = FactoredJacobian(passes.value(), joined(std::move(of_output)), shapes_, passes.kind());
}

template <class S>
Tensor<S> FactoredJacobian<S>::times(const std::vector<Tensor<S>>& v) const {
  require(v.size() == shapes_.size(), "jacobian: {} tangents for {} parameters", v.size(), shapes_.size());
  for (std::size_t i = 0; i < v.size(); ++i)
    require(v[i].shape() == shapes_[i], "jacobian: tangent {} has shape {}, its parameter {}", i, v[i].shape(), shapes_[i]);
  const Index n = examples(), r = outputs();
  Tensor<S> jv = Tensor<S>::zeros({n, r}), dots({n, r});
  const auto tangent = [&](const Factor<Tensor<S>>& f) -> const Tensor<S>& { return v[static_cast<std::size_t>(f.parameter)]; };
  for (std::size_t i = 0, next = 0; i < factors_.size(); i = next) {
    // Factors of one op (a bias and its weight) share their cotangent and stand together: their outputs are added before the dot, the last
    // one's first, which is the weight's, so that the bias is added in place.
    const Factor<Tensor<S>>& first = factors_[i];
    const auto rows = [](const Factor<Tensor<S>>& f) { return f.activation ? f.activation->rows() : 0; };
    const auto together = [&](const Factor<Tensor<S>>& f) {
      return share_cotangent(first, f) && (r == 1 || std::max(rows(f), n) == std::max(rows(first), n));
    };
    for (++next; next < factors_.size() && together(factors_[next]);) ++next;
    const auto& last = factors_[next - 1];
    Tensor<S> change = last.entrance->output(last.activation, tangent(last));
    for (std::size_t k = next - 1; k-- > i;)
      change = factors_[k].entrance->add_output(std::move(change), factors_[k].activation, tangent(factors_[k]));
    output_dots(n, r, first.cotangent, change, dots.data());
    for (Index k = 0; k < n * r; ++k) jv[k] += dots[k];
  }
  return jv;
}

template <class S>
std::vector<std::optional<Tensor<S>>> FactoredJacobian<S>::transpose_times(const Tensor<S>& u) const {
  const Index n = examples(), r = outputs();
  require(u.size() == n * r, "jacobian: cotangent {} for {} examples{}", u.shape(), n, r == 1 ? "" : fmt::format(" of {} outputs", r));
  std::vector<std::optional<Tensor<S>>> result(shapes_.size());
  const Factor<Tensor<S>>* scaled_from = nullptr;
  Tensor<S> scaled;
  for (const auto& f : factors_) {
    const Index rows = f.activation ? f.activation->rows() : n;
    if (!scaled_from || !share_cotangent(f, *scaled_from) || scaled.rows() != rows) {
      scaled_from = &f;
      scaled = combined(f.cotangent, u, rows);
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
  Tensor<S> j = Tensor<S>::zeros({examples() * outputs(), total});
  for (const auto& f : factors_) write_example_rows(f, true, j.data() + offsets[static_cast<std::size_t>(f.parameter)], total, outputs());
  return j;
}

template <class S>
Tensor<S> FactoredJacobian<S>::gram() const {
  const Tensor<S> j = rows();
  const Index joint = kind_ == Outputs::Kind::trace ? outputs() : 1, n = j.rows() / joint, p = j.shape()[1] * joint;
  if (p == 0) return Tensor<S>::zeros({n, n});
  Tensor<S> k({n, n});
  cpu::parallel_gemm(cpu::Op::none, cpu::Op::transpose, n, n, p, static_cast<S>(1.0 / static_cast<double>(joint)), j.data(), p, j.data(), p,
                     S(0), k.data(), n);
  return k;
}

template class FactoredJacobian<float>;
template class FactoredJacobian<double>;

}  // namespace tangentplane
