// 7b. An entry of the tangent kernel for a weight that is used at several positions.
#include "exercise.h"

#ifdef SOLVED
#include "solutions/07b_convolution_entry.h"
#else
#include "holes/07b_convolution_entry.h"
#endif

int main() {
  return exercise("07b_convolution_entry", [] {
    const int S = 3, I = 5, C = 4;
    const Matrix a = draw(S, I), d = draw(S, C), b = draw(S, I), e = draw(S, C);
    const double long_way = inner(product(transposed(a), d), product(transposed(b), e));  // rows, multiplied out
    expect("kernel entry of two examples", entry(a, d, b, e), long_way);
    expect("of an example with itself", entry(a, d, a, d), inner(product(transposed(a), d), product(transposed(a), d)));
  });
}
