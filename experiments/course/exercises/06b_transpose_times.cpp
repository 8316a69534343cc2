// 6b. J^T u from the factors.
#include "network.h"

#ifdef SOLVED
#include "solutions/06b_transpose_times.h"
#else
#include "holes/06b_transpose_times.h"
#endif

int main() {
  return exercise("06b_transpose_times", [] {
    const Parameters theta{draw(4, 5), draw(6, 1)};
    const Matrix x = draw(3, 3), u = draw(3, 1);
    const Parameters g = transpose_times(jacobian(theta, x), u);
    expect("how many matrices", static_cast<double>(g.size()), 2);
    if (g.size() != 2) return;
    const double h = 1e-5;
    for (std::size_t l = 0; l < 2; ++l)  // beside differences: <u, f> moves along the last parameter of each layer, then along its first
      for (const std::size_t entry : {theta[l].at.size() - 1, std::size_t{0}}) {
        Parameters one{constant(4, 5, 0), constant(6, 1, 0)};
        one[l].at[entry] = 1;
        const double difference = (inner(u, moved(theta, h, one, x)) - inner(u, moved(theta, -h, one, x))) / (2 * h);
        expect("an entry, beside a difference", g[l].at.at(entry), difference, 1e-8);
      }
  });
}
