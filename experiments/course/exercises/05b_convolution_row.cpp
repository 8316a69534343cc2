// 5b. A weight that is used at several positions, as a convolution's is: its part of a row.
#include "exercise.h"

// f of one example: the same w is used at S places of it, each time on another row of `patches`, what it sees there; tanh; then everything
// is added up with weights v [S, C].
double f(const Matrix& patches, const Matrix& w, const Matrix& v) {
  Matrix h = product(patches, w);
  for (double& entry : h.at) entry = std::tanh(entry);
  return inner(h, v);
}

#ifdef SOLVED
#include "solutions/05b_convolution_row.h"
#else
#include "holes/05b_convolution_row.h"
#endif

int main() {
  return exercise("05b_convolution_row", [] {
    const int S = 4, I = 3, C = 2;
    const Matrix patches = draw(S, I), w = draw(I, C), v = draw(S, C);
    Matrix d = product(patches, w);  // the cotangents of what w puts out: v times tanh's slope
    for (std::size_t i = 0; i < d.at.size(); ++i) d.at[i] = v.at[i] * (1 - std::pow(std::tanh(d.at[i]), 2));
    const Matrix r = row(patches, d);
    expect("rows", r.rows, I), expect("columns", r.cols, C);
    if (r.rows != I || r.cols != C) return;
    const double h = 1e-5;
    for (int k = 0; k < I; ++k)
      for (int c = 0; c < C; ++c) {
        Matrix above = w, below = w;
        above(k, c) += h, below(k, c) -= h;
        expect("an entry, beside a difference", r(k, c), (f(patches, above, v) - f(patches, below, v)) / (2 * h), 1e-8);
      }
  });
}
