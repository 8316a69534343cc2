// 7a. An entry of the tangent kernel for a dense layer with a bias.
#include "exercise.h"

#ifdef SOLVED
#include "solutions/07a_dense_entry.h"
#else
#include "holes/07a_dense_entry.h"
#endif

int main() {
  return exercise("07a_dense_entry", [] {
    const int I = 6, C = 4;
    const Matrix a = draw(1, I), d = draw(1, C), b = draw(1, I), e = draw(1, C);
    double long_way = 0;  // over all entries of the two rows: those of the weight, then those of the bias
    for (int k = 0; k < I; ++k)
      for (int c = 0; c < C; ++c) long_way += a(0, k) * d(0, c) * b(0, k) * e(0, c);
    for (int c = 0; c < C; ++c) long_way += d(0, c) * e(0, c);
    expect("kernel entry of two examples", entry(a, d, b, e), long_way);
    expect("without activations only the bias is left", entry(constant(1, I, 0), d, constant(1, I, 0), e), inner(d, e));
  });
}
