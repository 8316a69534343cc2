// 9b. Where training in function space ends.
#include "exercise.h"

#ifdef SOLVED
#include "solutions/09b_fixed_point.h"
#else
#include "holes/09b_fixed_point.h"
#endif

int main() {
  return exercise("09b_fixed_point", [] {
    const int N = 4, P = 12;
    const Matrix J = draw(N + 1, P), y = draw(N, 1), f0 = draw(N + 1, 1);  // the last example is new: it has no target
    const Matrix all = product(J, transposed(J));
    Matrix K = constant(N, N, 0);
    for (int i = 0; i < N; ++i)
      for (int j = 0; j < N; ++j) K(i, j) = all(i, j);
    const std::vector<double> a = fixed_point(K, {N, 1, {f0.at.begin(), f0.at.begin() + N}}, y);
    expect("how many coefficients", static_cast<double>(a.size()), N);
    if (static_cast<int>(a.size()) != N) return;

    Matrix v = constant(P, 1, 0);  // training in parameters, for very long
    for (int t = 0; t < 20000; ++t)
      for (int i = 0; i < N; ++i) {
        double residual = f0(i, 0) - y(i, 0);
        for (int k = 0; k < P; ++k) residual += J(i, k) * v.at[k];
        for (int k = 0; k < P; ++k) v.at[k] -= 0.05 * residual * J(i, k);
      }
    const Matrix outputs = product(J, v);
    for (int i = 0; i <= N; ++i) {
      double output = f0(i, 0);
      for (int j = 0; j < N; ++j) output += all(i, j) * a[j];
      expect(i < N ? "output of a training example: its target" : "output of the new example, after long training", output,
             i < N ? y(i, 0) : f0(i, 0) + outputs(i, 0), 1e-9);
    }
  });
}
