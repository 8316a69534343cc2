// 8b. The leading eigenpair by power iteration: what is left when a vector is multiplied with K again and again.
#include "exercise.h"

struct Pair {
  double value;
  Matrix vector;  // [N, 1]
};

#ifdef SOLVED
#include "solutions/08b_power_iteration.h"
#else
#include "holes/08b_power_iteration.h"
#endif

int main() {
  return exercise("08b_power_iteration", [] {
    // A table whose eigenpairs are known: 2 on the diagonal, 1 beside it. Eigenvalues 2 + 2 cos(j pi / 7), vectors sin(i j pi / 7).
    const int N = 6;
    const double angle = std::acos(-1.0) / (N + 1);
    Matrix K = constant(N, N, 0);
    for (int i = 0; i < N; ++i)
      for (int j = 0; j < N; ++j) K(i, j) = i == j ? 2 : std::abs(i - j) == 1 ? 1 : 0;
    const Pair pair = leading(K, draw(N, 1));
    expect("eigenvalue", pair.value, 2 + 2 * std::cos(angle), 1e-10);
    if (static_cast<int>(pair.vector.at.size()) != N) return expect("length of the vector", static_cast<double>(pair.vector.at.size()), N);
    expect("length 1", inner(pair.vector, pair.vector), 1, 1e-10);
    Matrix right = constant(N, 1, 0);
    for (int i = 0; i < N; ++i) right.at[i] = std::sin((i + 1) * angle);
    const double cosine = inner(pair.vector, right) / std::sqrt(inner(right, right));
    expect("the eigenvector, up to its sign", std::abs(cosine), 1, 1e-10);
  });
}
