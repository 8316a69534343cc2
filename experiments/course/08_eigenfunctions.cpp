// 8. Eigenfunctions: what a linear model learns first.
//
// Needs: program 6 (the linearization and its training), program 7 (the tangent kernel K = J J^T).
// Words:
//   target: what a model shall output, a number y_i for each example.
//   residual: output minus target, r_i. Training wants it to be zero.
//   eigenvector of K: a vector u that K only stretches, K u = lambda u. K of N examples has N of them, each of length 1 and at a
//     right angle to all others.
//   eigenvalue: that lambda, by how much K stretches u. K's are never negative.
//   eigenfunction: an eigenvector, read as a target: a value for each example.
//
// The idea. For the loss |r|^2 / 2 and a learning rate eta a step is v <- v - eta J^T r. It changes J v by -eta J J^T r = -eta K r. Hence
//   r <- (1 - eta K) r.
// Write r as a sum of eigenvectors. Each of them only shrinks. Every step multiplies it by 1 - eta lambda, so after t steps
// (1 - eta lambda)^t of it is left. A large eigenvalue means learned soon; a small one, almost never.
// So the kernel alone says in which order targets are learned. The study of this project asks whether the network agrees.
//
// Prints: the eigenfunctions of a network's kernel for points on a circle; what is left of each after real training, and the formula.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

using Vector = std::vector<double>;
using Table = std::vector<Vector>;  // rows
double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// f(x; theta), the sum over c of w2[c] tanh(x . w1[c] + b1[c]) / sqrt(hidden), for a point x of the plane, and its row of the Jacobian.
// theta holds two numbers of w1, one of b1 and one of w2 for each c in turn.
double network(const Vector& x, const Vector& theta, Vector& row) {
  const int hidden = static_cast<int>(theta.size()) / 4;
  double f = 0;
  row.clear();
  for (int c = 0; c < hidden; ++c) {
    const double *t = &theta[4 * c], scale = 1 / std::sqrt(hidden);
    const double h = std::tanh(x[0] * t[0] + x[1] * t[1] + t[2]), d = t[3] * (1 - h * h) * scale;
    f += t[3] * h * scale;
    row.insert(row.end(), {x[0] * d, x[1] * d, d, h * scale});
  }
  return f;
}

// All eigenpairs of a symmetric table, by Jacobi's rotations (a method, with no Jacobian in it): each one turns two axes so that one
// entry off the diagonal becomes zero.
struct Pair {
  double value;
  Vector vector;
};
std::vector<Pair> eigenpairs(Table A) {
  const int n = static_cast<int>(A.size());
  Table V(n, Vector(n, 0.0));  // the axes, one a row
  for (int i = 0; i < n; ++i) V[i][i] = 1;
  for (int sweep = 0; sweep < 20; ++sweep)
    for (int p = 0; p < n; ++p)
      for (int q = p + 1; q < n; ++q) {
        const double angle = 0.5 * std::atan2(2 * A[p][q], A[q][q] - A[p][p]), c = std::cos(angle), s = std::sin(angle);
        const auto turn = [c, s](double& x, double& y) {
          const double old = x;
          x = c * x - s * y, y = s * old + c * y;
        };
        for (int k = 0; k < n; ++k) turn(A[k][p], A[k][q]);
        for (int k = 0; k < n; ++k) turn(A[p][k], A[q][k]), turn(V[p][k], V[q][k]);
      }
  std::vector<Pair> pairs;
  for (int i = 0; i < n; ++i) pairs.push_back({A[i][i], V[i]});
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.value > b.value; });
  return pairs;
}

int wrong = 0;
void check(const char* what, double got, double expected, double tolerance) {
  const bool right = std::abs(got - expected) <= tolerance;
  std::printf("%s %s\n", right ? "   ok:" : "WRONG:", what);
  wrong += right ? 0 : 1;
}

int main() {
  const int N = 24, steps = 30;
  Vector theta(4 * 400);  // 400 hidden units; numbers scattered in (-2, 2), for w2 in (-1, 1)
  for (int k = 0; k < static_cast<int>(theta.size()); ++k) theta[k] = (k % 4 == 3 ? 1 : 2) * std::sin(1.7 * k * k);
  Table points, J(N);
  for (int i = 0; i < N; ++i) {
    const double angle = 2 * std::acos(-1.0) * i / N;
    points.push_back({std::cos(angle), std::sin(angle)});
    network(points[i], theta, J[i]);
  }
  Vector moved = theta, unused;
  moved[42] += 1e-5;
  const double above = network(points[3], moved, unused);
  moved[42] -= 2e-5;
  check("an entry of J agrees with a difference, to 1e-9", J[3][42], (above - network(points[3], moved, unused)) / 2e-5, 1e-9);
  Table K(N, Vector(N));
  for (int i = 0; i < N; ++i)
    for (int j = 0; j < N; ++j) K[i][j] = dot(J[i], J[j]);
  const std::vector<Pair> pairs = eigenpairs(K);
  double gap = 0;  // in K u = lambda u
  for (const Pair& p : pairs)
    for (int i = 0; i < N; ++i) gap = std::fmax(gap, std::abs(dot(K[i], p.vector) - p.value * p.vector[i]));

  // Train J v, the linearization less f(theta), in its parameters. It starts at zero. Its target is the sum of all eigenfunctions, so 1 of
  // each is left at the start.
  Vector target(N), v(J[0].size()), residual(N);
  for (const Pair& p : pairs)
    for (int i = 0; i < N; ++i) target[i] += p.vector[i];
  const double eta = 1 / pairs[0].value;  // so that no 1 - eta lambda is negative
  for (int t = 0; t <= steps; ++t) {
    for (int i = 0; i < N; ++i) residual[i] = dot(J[i], v) - target[i];
    if (t == steps) break;
    for (int i = 0; i < N; ++i)
      for (std::size_t k = 0; k < v.size(); ++k) v[k] -= eta * residual[i] * J[i][k];
  }

  std::printf("eigenfunction  eigenvalue  sign changes  left after %d steps  (1 - eta lambda)^%d\n", steps, steps);
  double worst = 0;
  for (int j = 0; j < N; ++j) {
    const auto& [lambda, u] = pairs[j];
    int changes = 0;  // around the circle: how wavy it is
    for (int i = 0; i < N; ++i) changes += u[i] * u[(i + 1) % N] < 0;
    const double left = std::abs(dot(residual, u)), formula = std::pow(1 - eta * lambda, steps);
    worst = std::fmax(worst, std::abs(left - formula));
    if (j < 9) std::printf("%13d  %10.4f  %12d  %20.4f  %21.4f\n", j, lambda, changes, left, formula);
  }
  check("K u = lambda u for all 24, to 1e-12 of the largest eigenvalue", gap / pairs[0].value, 0, 1e-12);
  check("training left what the formula says of all 24, to 1e-11", worst, 0, 1e-11);
  return wrong;
}

// Smooth targets first, wavy ones late: with 24 points on a circle one sees it in the sign changes. For images nobody can count
// waves. There the eigenvalue of a target says in their place how early it is learned.
//
// Exercises: exercises/08a_steps.cpp (how many steps a target needs), exercises/08b_power_iteration.cpp (the leading eigenpair of a large
// kernel).
// Open kernels/eigen.h: the leading eigenpairs of kernels of 60,000 images, by block Lanczos, a relative of exercise 8b.
