// 9a. A step of SGD with momentum in function space.
#include "exercise.h"

const double eta = 0.05, mu = 0.9;

#ifdef SOLVED
#include "solutions/09a_step.h"
#else
#include "holes/09a_step.h"
#endif

int main() {
  return exercise("09a_step", [] {
    const int N = 6, P = 20;
    const Matrix J = draw(N, P), y = draw(N, 1), K = product(J, transposed(J));
    Matrix v = constant(P, 1, 0), m = v;                             // parameters and momentum
    std::vector<double> a(static_cast<std::size_t>(N), 0.0), p = a;  // and in function space
    for (int t = 0; t < 10; ++t) {
      const std::vector<int> batch{t % N, (t + 3) % N};
      std::vector<double> residual;
      const Matrix outputs = product(J, v);
      for (const int i : batch) residual.push_back(outputs(i, 0) - y(i, 0));
      for (int k = 0; k < P; ++k) {  // in parameters: m <- mu m + J_b^T r, v <- v - eta m
        m.at[k] *= mu;
        for (std::size_t b = 0; b < batch.size(); ++b) m.at[k] += J(batch[b], k) * residual[b];
        v.at[k] -= eta * m.at[k];
      }
      step(a, p, batch, residual);
    }
    const Matrix by_parameters = product(J, v), by_kernel = product(K, {N, 1, a});
    for (int i = 0; i < N; ++i) expect("an output after 10 steps", by_kernel(i, 0), by_parameters(i, 0));
  });
}
