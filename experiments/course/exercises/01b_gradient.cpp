// 1b. A gradient in forward mode: one run for each input.
#include "exercise.h"

struct Dual {
  double primal, tangent = 0;
};
Dual operator+(Dual x, Dual y) { return {x.primal + y.primal, x.tangent + y.tangent}; }
Dual operator*(Dual x, Dual y) { return {x.primal * y.primal, x.tangent * y.primal + x.primal * y.tangent}; }

int runs = 0;
// x0 x1 + x1 x2 + x2 x2
Dual f(const std::vector<Dual>& x) {
  ++runs;
  return x[0] * x[1] + x[1] * x[2] + x[2] * x[2];
}

#ifdef SOLVED
#include "solutions/01b_gradient.h"
#else
#include "holes/01b_gradient.h"
#endif

int main() {
  return exercise("01b_gradient", [] {
    const std::vector<double> g = gradient({2, 3, 5});
    expect("number of slopes", static_cast<double>(g.size()), 3);
    if (g.size() != 3) return;
    expect("slope by x0: x1", g[0], 3);
    expect("slope by x1: x0 + x2", g[1], 7);
    expect("slope by x2: x1 + 2 x2", g[2], 13);
    expect("runs of f", runs, 3);
  });
}
