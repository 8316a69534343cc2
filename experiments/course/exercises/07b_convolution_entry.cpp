// 7b. An entry of the tangent kernel for a weight that is used at several positions.
#include "exercise.h"

#ifdef SOLVED
#include "solutions/07b_convolution_entry.h"
#else
#include "holes/07b_convolution_entry.h"
#endif

int main() {
  return exercise("07b_convolution_entry", [] {
    const int S = 3, I = 50, C = 40;
    const Matrix a = draw(S, I), d = draw(S, C), b = draw(S, I), e = draw(S, C);
    looks = 0;
    const double long_way = inner(product(transposed(a), d), product(transposed(b), e));  // rows, multiplied out
    const long of_long_way = looks;
    looks = 0;
    const double short_way = entry(a, d, b, e);
    const long of_short_way = looks;
    expect("kernel entry of two examples", short_way, long_way, 1e-10);
    expect("of an example with itself", entry(a, d, a, d), inner(product(transposed(a), d), product(transposed(a), d)), 1e-10);
    expect_at_most("looks at entries, a fifth of the long way's", of_short_way, of_long_way / 5);
  });
}
