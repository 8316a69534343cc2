// 6. J v and J^T u from the factors: everything that training a linear model asks for.
//
// Needs: program 2 (the Jacobian J: a row for each output, a column for each input, here a parameter), program 5 (factors).
// Words:
//   linearization: f(x; theta) + J v in place of f(x; theta + v), its first-order Taylor expansion in theta. It is linear in v, but
//     not in the image x.
//   tangent plane: the picture of it. The network's outputs bend as theta moves; the linearization touches them at theta.
//   step: a change v of all parameters. J v says how much every output changes.
//
// The idea. For a layer y = a w + b, the row of example i is made of the pair (a_i, d_i), and nobody needs the row:
//   J v    if w changes by V and b by c, this layer's output changes by a_i V + c, and f by the inner product of that with d_i.
//          Sum over the layers. The activations stay as they are at theta: the network is not run again.
//   J^T u  the rows, weighted with u_i and added up: a^T (u d) for w, the sum of u_i d_i for b.
// J^T u is the gradient of a loss, if u_i is the loss's slope by output i. J v is the linearization's output. So both can be trained.
// The two belong together: <u, J v> = <J^T u, v>, where <a, b> is the inner product of a and b.
//
// Prints: the gap between network and linearization, which falls with the square of the step; J v and J^T u beside the rows.
#include <cmath>
#include <cstdio>
#include <valarray>
#include <vector>

struct Matrix {
  int rows = 0, cols = 0;
  std::valarray<double> at = {};
  double& operator()(int i, int j) { return at[i * cols + j]; }
  double operator()(int i, int j) const { return at[i * cols + j]; }
};
Matrix constant(int rows, int cols, double v) { return {rows, cols, std::valarray<double>(v, rows * cols)}; }
double inner(const Matrix& a, const Matrix& b) { return (a.at * b.at).sum(); }
Matrix product(const Matrix& a, const Matrix& b) {
  Matrix y = constant(a.rows, b.cols, 0);
  for (int i = 0; i < a.rows; ++i)
    for (int k = 0; k < a.cols; ++k)
      for (int j = 0; j < b.cols; ++j) y(i, j) += a(i, k) * b(k, j);
  return y;
}
Matrix transposed(const Matrix& a) {
  Matrix t = constant(a.cols, a.rows, 0);
  for (int i = 0; i < a.rows; ++i)
    for (int j = 0; j < a.cols; ++j) t(j, i) = a(i, j);
  return t;
}

// A layer y = a w + b. A bias is one more row of w, which meets an activation of 1. So all parameters are a list of matrices [I + 1, C].
using Parameters = std::vector<Matrix>;
Matrix with_one(const Matrix& a) {
  Matrix y = constant(a.rows, a.cols + 1, 1);
  for (int i = 0; i < a.rows; ++i)
    for (int k = 0; k < a.cols; ++k) y(i, k) = a(i, k);
  return y;
}

struct Factor {
  Matrix a, d;  // [N, I + 1], [N, C]
};
struct Jacobian {
  Matrix value;                 // f(x; theta) [N, 1]
  std::vector<Factor> factors;  // one a layer
};
// Through the layers, tanh after each but the last, keeping what each of them sees. Then back, from a cotangent of 1 for every output.
Jacobian jacobian(const Parameters& theta, const Matrix& x) {
  Jacobian J;
  Matrix h = x;
  for (const Matrix& w : theta) {
    if (!J.factors.empty()) h.at = std::tanh(h.at);
    J.factors.push_back({with_one(h), {}});
    h = product(J.factors.back().a, w);
  }
  J.value = h;
  Matrix d = constant(x.rows, 1, 1);
  for (std::size_t l = theta.size(); l-- > 0;) {
    J.factors[l].d = d;
    const Matrix back = product(d, transposed(theta[l]));  // [N, I + 1]; the last column would go to the 1
    d = constant(d.rows, back.cols - 1, 0);
    for (int i = 0; i < d.rows; ++i)
      for (int k = 0; k < d.cols; ++k) d(i, k) = back(i, k) * (1 - J.factors[l].a(i, k) * J.factors[l].a(i, k));
  }
  return J;
}

// ---- What this program is about. ----
Matrix times(const Jacobian& J, const Parameters& v) {  // J v [N, 1]
  Matrix y = constant(J.value.rows, 1, 0);
  for (std::size_t l = 0; l < v.size(); ++l) {
    const Matrix change = product(J.factors[l].a, v[l]);
    for (int i = 0; i < y.rows; ++i)
      for (int c = 0; c < change.cols; ++c) y(i, 0) += change(i, c) * J.factors[l].d(i, c);
  }
  return y;
}
Parameters transpose_times(const Jacobian& J, const Matrix& u) {  // J^T u
  Parameters sum;
  for (Factor f : J.factors) {
    for (int i = 0; i < u.rows; ++i)
      for (int c = 0; c < f.d.cols; ++c) f.d(i, c) *= u(i, 0);
    sum.push_back(product(transposed(f.a), f.d));
  }
  return sum;
}

int wrong = 0;
void check(const char* what, double got, double expected, double tolerance) {
  const bool right = std::abs(got - expected) <= tolerance;
  std::printf("%s %s\n", right ? "   ok:" : "WRONG:", what);
  wrong += right ? 0 : 1;
}

int main() {
  int k = 0;
  const auto draw = [&k](int rows, int cols) {  // numbers scattered in (-1, 1), divided by the root of a layer's inputs
    Matrix m = constant(rows, cols, 0);
    for (double& entry : m.at) k += 1, entry = std::sin(1.7 * k * k) / std::sqrt(rows);
    return m;
  };
  const int N = 8;
  const Parameters theta{draw(6, 16), draw(17, 16), draw(17, 1)}, v{draw(6, 16), draw(17, 16), draw(17, 1)};
  const Matrix x = draw(N, 5), u = draw(N, 1);
  const Jacobian J = jacobian(theta, x);
  const Matrix Jv = times(J, v);

  std::printf("step h v   largest |f(theta + h v) - f(theta) - h J v|\n");
  double gaps[3];
  for (int s = 0; s < 3; ++s) {
    const double h = std::pow(10.0, -s - 1);
    Parameters moved = theta;
    for (std::size_t l = 0; l < theta.size(); ++l) moved[l].at += h * v[l].at;
    gaps[s] = std::abs(jacobian(moved, x).value.at - J.value.at - h * Jv.at).max();
    std::printf("h = %-5g  %.2e\n", h, gaps[s]);
  }
  check("a tenth of the step leaves a hundredth of the gap (to 10 per cent)", gaps[1] / gaps[2], 100, 10);

  // Beside the rows: entry (k, c) of row i is a(i, k) d(i, c).
  const Parameters g = transpose_times(J, u);
  double rows_v = 0;
  for (std::size_t l = 0; l < theta.size(); ++l)
    for (int i = 0; i < theta[l].rows; ++i)
      for (int c = 0; c < theta[l].cols; ++c) rows_v += J.factors[l].a(3, i) * J.factors[l].d(3, c) * v[l](i, c);
  double g_v = 0;
  for (std::size_t l = 0; l < theta.size(); ++l) g_v += inner(g[l], v[l]);
  std::printf("(J v) of example 3: %.6f, by its row %.6f\n", Jv(3, 0), rows_v);
  std::printf("<u, J v> = %.6f, <J^T u, v> = %.6f\n", inner(u, Jv), g_v);
  check("J v is the row times v, to 1e-14", Jv(3, 0), rows_v, 1e-14);
  check("<u, J v> = <J^T u, v>, to 1e-14", inner(u, Jv), g_v, 1e-14);
  return wrong;
}

// Exercises: exercises/06a_times.cpp (J v), exercises/06b_transpose_times.cpp (J^T u).
// Open linearize/factored_jacobian.h: it is this, for any network. linearize/linearized_learner.h trains with it.
