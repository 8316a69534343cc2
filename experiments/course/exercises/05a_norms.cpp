// 5a. The length of each example's gradient, with nothing multiplied out.
#include "exercise.h"

#ifdef SOLVED
#include "solutions/05a_norms.h"
#else
#include "holes/05a_norms.h"
#endif

int main() {
  return exercise("05a_norms", [] {
    const int N = 3, I = 50, C = 40;
    const Matrix a = draw(N, I), d = draw(N, C);
    looks = 0;
    const std::vector<double> norms = squared_norms(a, d);
    const long of_norms = looks;
    expect("how many", static_cast<double>(norms.size()), N);
    if (static_cast<int>(norms.size()) != N) return;
    for (int i = 0; i < N; ++i) {
      double long_way = 0;  // over all I C entries of the outer product
      for (int k = 0; k < I; ++k)
        for (int c = 0; c < C; ++c) long_way += std::pow(a(i, k) * d(i, c), 2);
      expect("of an example", norms[i], long_way, 1e-12 * long_way);
    }
    expect_at_most("looks at entries of a and d, twice each", of_norms, 2 * N * (I + C));
  });
}
