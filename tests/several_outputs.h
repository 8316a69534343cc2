// Networks of several outputs, and the rows of their Jacobians one image and one output at a time, by plain gradients, which know neither
// of examples nor of outputs.
#pragma once

#include "linearize/factored_jacobian.h"
#include "nn/layers.h"
#include "tests/small.h"

namespace tangentplane {

/// mlp (relu), lenet (gelu, odd sizes) and the odd one (weights that are used twice, biases of groups).
inline std::vector<Small<double>> networks_of(Index outputs, Index images) {
  const ModelConfig mlp{.model = "mlp", .features = {7, 5, outputs}},
      lenet{.model = "lenet", .features = {3, 4, 6, 5, outputs}, .activation = "gelu"};
  return {draw_small<double>("mlp", make_network<double>(mlp), {3, 5, 2}, images),
          draw_small<double>("lenet", make_network<double>(lenet), {9, 7, 3}, images),
          draw_small<double>("odd", odd_network(outputs), {4, 3, 2}, images)};
}

/// J [N O, P], row n O + o.
inline Tensor<double> rows_by_gradients(const Network<double>& network, const Variables<double>& v, const Tensor<double>& images) {
  using Real = Tensor<double>;
  Index outputs = 0;
  std::vector<Real> rows;
  for (Index i = 0; i < images.rows(); ++i) {
    const auto back =
        pullback([&](const std::vector<Var<Real>>& p) { return forward(network, v, p, Var<Real>(images.slice(i, i + 1))); }, v.parameters);
    outputs = back.value().shape()[1];
    for (Index o = 0; o < outputs; ++o) {
      Real u = Real::zeros({1, outputs}), row = Real::zeros({v.size()});
      u[o] = 1;
      double* to = row.data();
      const auto gradients = back(u);
      for (std::size_t p = 0; p < gradients.size(); to += v.parameters[p].size(), ++p)
        if (gradients[p]) std::copy_n(gradients[p]->data(), gradients[p]->size(), to);
      rows.push_back(row);
    }
  }
  Real all({images.rows() * outputs, v.size()});
  for (std::size_t r = 0; r < rows.size(); ++r) std::copy_n(rows[r].data(), v.size(), all.data() + static_cast<Index>(r) * v.size());
  return all;
}

/// What `outputs` makes of the rows of all, by its definition.
inline Tensor<double> rows_of(const Tensor<double>& all, Index count, const Outputs& outputs) {
  const Index n = all.rows() / count, p = all.shape()[1];
  if (outputs.kind == Outputs::Kind::trace || outputs.kind == Outputs::Kind::full) return all;
  auto rows = Tensor<double>::zeros({n, p});
  for (Index i = 0; i < n; ++i)
    for (Index o = 0; o < count; ++o)
      for (Index k = 0; k < p; ++k) {
        const double v = all[(i * count + o) * p + k];
        if (outputs.kind == Outputs::Kind::sum)
          rows[i * p + k] += v / std::sqrt(static_cast<double>(count));
        else if (o == outputs.which)
          rows[i * p + k] = v;
      }
  return rows;
}

/// The kernel by its definition, from the rows of all outputs of images a and of images b.
inline Tensor<double> kernel_of(const Tensor<double>& all_a, const Tensor<double>& all_b, Index count, const Outputs& outputs) {
  const auto a = rows_of(all_a, count, outputs), b = rows_of(all_b, count, outputs);
  const Index n = a.rows(), m = b.rows(), p = a.shape()[1];
  auto full = Tensor<double>::zeros({n, m});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j)
      for (Index k = 0; k < p; ++k) full[i * m + j] += a[i * p + k] * b[j * p + k];
  if (outputs.kind != Outputs::Kind::trace) return full;
  auto trace = Tensor<double>::zeros({n / count, m / count});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j)
      if (i % count == j % count) trace[i / count * (m / count) + j / count] += full[i * m + j] / static_cast<double>(count);
  return trace;
}

/// All layouts of a network with so many outputs.
inline std::vector<Outputs> layouts(Index count) {
  return {Outputs::one(0), Outputs::one(count - 1), Outputs::sum(), Outputs::trace(), Outputs::full()};
}

}  // namespace tangentplane
