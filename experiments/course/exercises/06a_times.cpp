// 6a. J v from the factors.
#include "network.h"

#ifdef SOLVED
#include "solutions/06a_times.h"
#else
#include "holes/06a_times.h"
#endif

int main() {
  return exercise("06a_times", [] {
    const Parameters theta{draw(4, 5), draw(6, 1)}, v{draw(4, 5), draw(6, 1)};
    const Matrix x = draw(3, 3);
    const Matrix Jv = times(jacobian(theta, x), v);
    expect("how many", static_cast<double>(Jv.at.size()), 3);
    if (Jv.at.size() != 3) return;
    const double h = 1e-5;
    const Matrix above = moved(theta, h, v, x), below = moved(theta, -h, v, x);
    for (int i = 0; i < 3; ++i) expect("an example's, beside a difference", Jv(i, 0), (above(i, 0) - below(i, 0)) / (2 * h), 1e-8);
  });
}
