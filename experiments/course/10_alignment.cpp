// 10. Alignment: the kernel turns while the network learns.
//
// Needs: program 6 (the Jacobian as factors, J^T u), program 7 (the tangent kernel), program 8 (targets and eigenvalues).
// Words:
//   alignment of K with a target y: y^T K y / y^T y, which is |J^T y|^2 / |y|^2. It says how fast the outputs move along y
//     when theta steps along J^T y, the gradient for y. For an eigenvector it is the eigenvalue.
//   trace: the sum of K's diagonal; it is the sum of all eigenvalues, so it says how large K is.
//   share: alignment divided by trace, the part of the kernel that lies along y.
//
// The idea. A linear model keeps its kernel, because its J is taken at the first theta. A network's theta moves, and J moves with it.
// It does not only grow. It turns towards what is being learned: the share of the target rises, that of another target does not.
// So the network makes for itself a kernel under which its task is easy, and that is what its linearization cannot do.
//
// Prints: the shares of two targets while the network learns one of them; how far a linear model gets with the first and last kernel.
#include <cmath>
#include <cstdio>
#include <utility>
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

// The network and its factors, as in program 6: a bias is one more row of w, which meets an activation of 1.
using Parameters = std::vector<Matrix>;
Matrix with_one(const Matrix& a) {
  Matrix y = constant(a.rows, a.cols + 1, 1);
  for (int i = 0; i < a.rows; ++i)
    for (int k = 0; k < a.cols; ++k) y(i, k) = a(i, k);
  return y;
}

struct Factor {
  Matrix a, d;
};
struct Jacobian {
  Matrix value;
  std::vector<Factor> factors;
};
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
    const Matrix back = product(d, transposed(theta[l]));  // [N, I + 1]
    d = constant(d.rows, back.cols - 1, 0);
    for (int i = 0; i < d.rows; ++i)
      for (int k = 0; k < d.cols; ++k) d(i, k) = back(i, k) * (1 - J.factors[l].a(i, k) * J.factors[l].a(i, k));
  }
  return J;
}

// ---- What this program is about. ----
Matrix kernel(const Jacobian& J) {  // of dense layers: (a_i . a_j) (d_i . d_j), summed over the layers
  Matrix K = constant(J.value.rows, J.value.rows, 0);
  for (const Factor& f : J.factors) K.at += product(f.a, transposed(f.a)).at * product(f.d, transposed(f.d)).at;
  return K;
}
Parameters step(Parameters theta, const Jacobian& J, const Matrix& u, double size) {  // theta + size J^T u
  for (std::size_t l = 0; l < theta.size(); ++l) {
    Matrix ud = J.factors[l].d;
    for (int i = 0; i < ud.rows; ++i)
      for (int c = 0; c < ud.cols; ++c) ud(i, c) *= u(i, 0);
    theta[l].at += size * product(transposed(J.factors[l].a), ud).at;
  }
  return theta;
}
double alignment(const Matrix& K, const Matrix& y) { return inner(y, product(K, y)) / inner(y, y); }
double trace(const Matrix& K) { return std::valarray<double>(K.at[std::slice(0, K.rows, K.rows + 1)]).sum(); }
double left_of(Matrix y, const Matrix& K) {  // of |y|^2, after 100 steps of 1 / trace: a kernel that only grew gains nothing
  const double before = inner(y, y);
  for (int t = 0; t < 100; ++t) y.at -= 1 / trace(K) * product(K, y).at;
  return inner(y, y) / before;
}

int wrong = 0;
void check(const char* what, bool right) {
  std::printf("%s %s\n", right ? "   ok:" : "WRONG:", what);
  wrong += right ? 0 : 1;
}

int main() {
  const int N = 60, inputs = 6, hidden = 24;
  const double eta = 0.003;
  int k = 0;
  const auto draw = [&k](int rows, int cols, double size) {  // numbers scattered in (-size, size)
    Matrix m = constant(rows, cols, 0);
    for (double& entry : m.at) k += 1, entry = size * std::sin(1.7 * k * k);
    return m;
  };
  const Matrix x = draw(N, inputs, 1.4);
  Matrix y = constant(N, 1, 0), other = y;
  for (int i = 0; i < N; ++i) y(i, 0) = std::sin(1.5 * x(i, 0)), other(i, 0) = std::sin(1.5 * x(i, 1));  // the same of another input
  Parameters theta;
  for (const auto& [rows, cols] : {std::pair{inputs + 1, hidden}, {hidden + 1, hidden}, {hidden + 1, 1}})
    theta.push_back(draw(rows, cols, 0.7 / std::sqrt(rows)));

  const Matrix first = kernel(jacobian(theta, x));
  std::printf(" step    loss    trace  share of the target  of the other\n");
  Matrix K;
  for (int t = 0; t <= 500; ++t) {
    const Jacobian J = jacobian(theta, x);
    Matrix r = J.value;
    r.at -= y.at;
    K = kernel(J);
    if (t % 100 == 0)
      std::printf("%5d  %.4f  %7.1f  %19.3f  %12.3f\n", t, inner(r, r) / N, trace(K), alignment(K, y) / trace(K),
                  alignment(K, other) / trace(K));
    if (t == 500) {
      const double h = 1e-6, moved = inner(y, jacobian(step(theta, J, y, h), x).value) - inner(y, jacobian(step(theta, J, y, -h), x).value);
      check("the alignment is how fast a step along J^T y moves the outputs along y",
            std::abs(moved / (2 * h) / inner(y, y) / alignment(K, y) - 1) < 1e-6);
    }
    theta = step(theta, J, r, -eta);
  }
  std::printf("left of the target after 100 steps of a linear model: first kernel %.3f, last %.3f\n", left_of(y, first), left_of(y, K));
  check("the target's share has more than doubled", alignment(K, y) / trace(K) > 2 * alignment(first, y) / trace(first));
  check("the other's share has not grown", alignment(K, other) / trace(K) < alignment(first, other) / trace(first));
  check("with the last kernel less than half as much is left", left_of(y, K) < 0.5 * left_of(y, first));
  return wrong;
}

// Exercises: exercises/10a_alignment.cpp (without a kernel), exercises/10b_kernel_distance.cpp (how far a kernel has turned).
// Open kernels/alignment.cpp: it is this, for networks and images of any size. Then the study itself: experiments/README.md.
