// Stochastic gradient descent with momentum, and its learning rate.
#pragma once

#include <optional>

#include "autodiff/cpu/elementwise.h"

namespace tangentplane {

/// eta_max (1 - t / T): linear decay to zero over all T steps of the training.
inline double linear_decay(double maximum, Index step, Index steps) {
  return maximum * (1 - static_cast<double>(step) / static_cast<double>(steps));
}

/// m <- g + momentum m; theta <- theta - eta m, in one sweep over both arrays, which become the tensors' own. A gradient that does not
/// exist is zero.
template <class S>
void momentum_step(Tensor<S>& theta, Tensor<S>& m, const std::optional<Tensor<S>>& gradient, double learning_rate, double momentum) {
  const S eta = static_cast<S>(learning_rate), mu = static_cast<S>(momentum);
  theta.own();
  m.own();
  S *p = theta.data(), *v = m.data();
  const S* g = gradient ? gradient->data() : nullptr;
  cpu::parallel_chunks(theta.size(), cpu::elementwise_chunk, [&](Index begin, Index end) {
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      v[i] = (g ? g[i] : S(0)) + mu * v[i];
      p[i] -= eta * v[i];
    }
  });
}

}  // namespace tangentplane
