// The network of program 6 and its Jacobian as a list of factors, for the exercises that start from them.
#pragma once

#include "exercise.h"

/// All parameters: a matrix [I + 1, C] for each layer. Its last row is the bias, which meets an activation of 1.
using Parameters = std::vector<Matrix>;
struct Factor {
  Matrix a, d;  ///< activation [N, I + 1] (the last column is 1) and cotangent [N, C]
};
struct Jacobian {
  Matrix value;                 ///< f(x; theta) [N, 1]
  std::vector<Factor> factors;  ///< one a layer
};

/// Layers a w + b with tanh between them, and one walk back from a cotangent of 1 for every output.
inline Jacobian jacobian(const Parameters& theta, const Matrix& x) {
  Jacobian J;
  Matrix h = x;
  for (const Matrix& w : theta) {
    Matrix a = constant(h.rows, h.cols + 1, 1);
    for (int i = 0; i < h.rows; ++i)
      for (int k = 0; k < h.cols; ++k) a(i, k) = J.factors.empty() ? h(i, k) : std::tanh(h(i, k));
    J.factors.push_back({a, {}});
    h = product(a, w);
  }
  J.value = h;
  Matrix d = constant(x.rows, 1, 1);
  for (std::size_t l = theta.size(); l-- > 0;) {
    J.factors[l].d = d;
    const Matrix& a = J.factors[l].a;
    const Matrix back = product(d, transposed(theta[l]));
    d = constant(d.rows, back.cols - 1, 0);
    for (int i = 0; i < d.rows; ++i)
      for (int k = 0; k < d.cols; ++k) d(i, k) = back(i, k) * (1 - a(i, k) * a(i, k));
  }
  return J;
}

/// f(x; theta + h v) [N, 1].
inline Matrix moved(Parameters theta, double h, const Parameters& v, const Matrix& x) {
  for (std::size_t l = 0; l < theta.size(); ++l)
    for (std::size_t e = 0; e < theta[l].at.size(); ++e) theta[l].at[e] += h * v[l].at[e];
  return jacobian(theta, x).value;
}
