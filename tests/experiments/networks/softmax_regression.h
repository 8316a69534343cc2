// Softmax regression in plain loops: what every training of a network of one dense layer must come to, for it is its own linearization.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "autodiff/tensor.h"

namespace tangentplane::experiments::test {

/// Weights [D, O] and biases [O] under full-batch gradient descent, and what was measured on the way.
struct SoftmaxRegression {
  Index inputs, outputs;
  std::vector<double> weights, biases;  // row-major [D, O]; [O]
  std::string loss = "cross-entropy", optimizer = "sgd";
  double decay = 0, momentum = 0.9;
  std::vector<double> m{}, v{};  // of weights, then biases
  int steps = 0;
  double last_loss = 0, last_accuracy = 0;  // before the latest step

  std::vector<double> logits(const double* x) const {
    std::vector<double> z(biases);
    for (Index d = 0; d < inputs; ++d)
      for (Index o = 0; o < outputs; ++o) z[static_cast<std::size_t>(o)] += x[d] * weights[static_cast<std::size_t>(d * outputs + o)];
    return z;
  }

  void step(const Tensor<double>& x, const std::vector<int>& y, Index n, double rate) {
    std::vector<double> g(weights.size() + biases.size());
    last_loss = last_accuracy = 0;
    for (Index i = 0; i < n; ++i) {
      const auto z = logits(x.data() + i * inputs);
      const auto label = static_cast<std::size_t>(y[static_cast<std::size_t>(i)]);
      double sum = 0;
      for (double value : z) sum += std::exp(value);
      for (std::size_t o = 0; o < z.size(); ++o) {
        const double wanted = o == label ? 1 : 0, r = (loss == "squared" ? z[o] : std::exp(z[o]) / sum) - wanted;
        if (loss == "squared") last_loss += (z[o] - wanted) * (z[o] - wanted) / 2 / static_cast<double>(n);
        for (Index d = 0; d < inputs; ++d) g[static_cast<std::size_t>(d * outputs) + o] += r * x[i * inputs + d] / static_cast<double>(n);
        g[weights.size() + o] += r / static_cast<double>(n);
      }
      if (loss != "squared") last_loss += (std::log(sum) - z[label]) / static_cast<double>(n);
      last_accuracy += (std::max_element(z.begin(), z.end()) - z.begin() == static_cast<std::ptrdiff_t>(label)) / static_cast<double>(n);
    }
    m.resize(g.size()), v.resize(g.size());
    ++steps;
    for (std::size_t p = 0; p < g.size(); ++p) {
      double& theta = p < weights.size() ? weights[p] : biases[p - weights.size()];
      if (optimizer == "sgd") {
        m[p] = g[p] + decay * theta + momentum * m[p];
        theta -= rate * m[p];
      } else {
        m[p] = 0.9 * m[p] + 0.1 * g[p];
        v[p] = 0.999 * v[p] + 0.001 * g[p] * g[p];
        theta -= rate * (m[p] / (1 - std::pow(0.9, steps)) / (std::sqrt(v[p] / (1 - std::pow(0.999, steps))) + 1e-8) + decay * theta);
      }
    }
  }
};

}  // namespace tangentplane::experiments::test
