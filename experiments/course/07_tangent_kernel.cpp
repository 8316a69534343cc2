// 7. The tangent kernel and its cost: rows against factors.
//
// Needs: program 2 (the Jacobian J), program 5 (the factor; outer products).
// Words:
//   kernel: a table with a number for each pair of examples that says how alike they are to a model.
//   tangent kernel: K = J J^T, whose entry (i, j) is the inner product of rows i and j. If theta takes a small step along row i
//     (a gradient step on example i), then f(example j) changes by K[i, j] times the size of the step.
//   flop: a multiplication or an addition of two numbers. What an algorithm costs is counted in these.
//   position: a place of an image at which a convolution's weight is used. A dense layer has one.
//   patch: what the weight sees at one position.
//
// The idea. A row is as long as the network has parameters. But a dense layer's part of it is an outer product, and
//   < outer(a_i, d_i), outer(a_j, d_j) > = (a_i . a_j) (d_i . d_j):
// two short inner products in place of one over I x C (Novak, Sohl-Dickstein and Schoenholz, ICML 2022).
// A weight that is used at S positions has the sum of S outer products as its part of the row. Now every position of example i meets
// every position of example j: S x S times two short inner products. For many positions the row is cheaper. So count, and take
// the cheaper way for each layer.
//
// Prints: an entry of the kernel beside a difference; what a pair of examples costs either way, counted as it is computed.
#include <cmath>
#include <cstdio>
#include <vector>

struct Matrix {
  int rows = 0, cols = 0;
  std::vector<double> at = {};
  double& operator()(int i, int j) { return at[i * cols + j]; }
  double operator()(int i, int j) const { return at[i * cols + j]; }
};
Matrix constant(int rows, int cols, double v) { return {rows, cols, std::vector<double>(rows * cols, v)}; }

double flops = 0;
double dot(const double* p, const double* q, int n) {  // all that is counted: inner products of rows or of factors
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += p[i] * q[i];
  flops += 2 * n;
  return sum;
}

// A network on signals of S patches with I numbers each: the same w1 at every patch, tanh, then one dense layer over all positions.
struct Network {
  Matrix w1, w2;  // [I, C], [S C, 1]
};
// f of one example [S, I]. `h` is what the second layer sees: [S, C].
double run(const Network& net, const Matrix& x, Matrix& h) {
  h = constant(x.rows, net.w1.cols, 0);
  double f = 0;
  for (int s = 0; s < h.rows; ++s)
    for (int c = 0; c < h.cols; ++c) {
      for (int k = 0; k < x.cols; ++k) h(s, c) += x(s, k) * net.w1(k, c);
      h(s, c) = std::tanh(h(s, c));
      f += h(s, c) * net.w2(s * h.cols + c, 0);
    }
  return f;
}
// One layer's factor for one example: a [positions, I], d [positions, C].
struct Factor {
  Matrix a, d;
};
// Both layers' factors for one example. The second layer has one position; its output is f, so its d is 1.
std::vector<Factor> factors(const Network& net, const Matrix& x) {
  Matrix h;
  run(net, x, h);
  Matrix d = h;
  for (std::size_t i = 0; i < d.at.size(); ++i) d.at[i] = net.w2.at[i] * (1 - h.at[i] * h.at[i]);
  const Factor first{x, d}, second{Matrix{1, h.rows * h.cols, h.at}, constant(1, 1, 1)};
  return {first, second};
}

// ---- The two ways. ----
Matrix row(const Factor& f) {  // the sum of the outer products of all positions, [I, C]
  Matrix r = constant(f.a.cols, f.d.cols, 0);
  for (int s = 0; s < f.a.rows; ++s)
    for (int k = 0; k < r.rows; ++k)
      for (int c = 0; c < r.cols; ++c) r(k, c) += f.a(s, k) * f.d(s, c);
  return r;
}
double by_rows(const Matrix& p, const Matrix& q) { return dot(&p.at[0], &q.at[0], p.rows * p.cols); }
double by_factors(const Factor& p, const Factor& q) {
  double sum = 0;
  for (int s = 0; s < p.a.rows; ++s)
    for (int t = 0; t < q.a.rows; ++t) {
      sum += dot(&p.a.at[s * p.a.cols], &q.a.at[t * q.a.cols], p.a.cols) * dot(&p.d.at[s * p.d.cols], &q.d.at[t * q.d.cols], p.d.cols);
      flops += 2;  // the product of the two, and the sum
    }
  return sum;
}

int wrong = 0;
void check(const char* what, double got, double expected, double tolerance) {
  const bool right = std::abs(got - expected) <= tolerance;
  if (!right) std::printf("WRONG: %s: got %.17g, expected %.17g\n", what, got, expected);
  wrong += right ? 0 : 1;
}

int main() {
  int n = 0;
  const auto draw = [&n](int rows, int cols, double size) {  // numbers scattered in (-size, size)
    Matrix m = constant(rows, cols, 0);
    for (double& v : m.at) n += 1, v = size * std::sin(1.7 * n * n);
    return m;
  };
  const int I = 27, C = 32;
  std::printf("           entry of the kernel     flops a pair, w1        flops a pair, w2\n");
  std::printf("positions  kernel   difference      rows  factors           rows  factors\n");
  for (const int S : {1, 2, 4, 8}) {
    const Network net{draw(I, C, 1 / std::sqrt(I)), draw(S * C, 1, 1 / std::sqrt(S * C))};
    const Matrix x = draw(S, I, 1), y = draw(S, I, 1);
    const auto p = factors(net, x), q = factors(net, y);

    double entry = 0, cost[2][2];
    for (int l = 0; l < 2; ++l) {
      const Matrix row_p = row(p[l]), row_q = row(q[l]);  // made once an example, used for all its pairs: not counted here
      flops = 0;
      const double long_way = by_rows(row_p, row_q);
      cost[l][0] = flops;
      flops = 0;
      const double short_way = by_factors(p[l], q[l]);
      cost[l][1] = flops;
      check("factors equal rows", short_way, long_way, 1e-13);
      entry += short_way;
    }

    // What an entry means: move theta along x's row, and look at f(y).
    const double h = 1e-5;
    double f[2];
    for (int side = 0; side < 2; ++side) {
      Network moved = net;
      for (int l = 0; l < 2; ++l) {
        const Matrix step = row(p[l]);
        for (std::size_t e = 0; e < step.at.size(); ++e) (l == 0 ? moved.w1 : moved.w2).at[e] += (side ? h : -h) * step.at[e];
      }
      Matrix unused;
      f[side] = run(moved, y, unused);
    }
    check("a step along the row", entry, (f[1] - f[0]) / (2 * h), 1e-9);
    std::printf("%9d %8.5f  %8.5f  %11.0f %8.0f %14.0f %8.0f\n", S, entry, (f[1] - f[0]) / (2 * h), cost[0][0], cost[0][1], cost[1][0],
                cost[1][1]);
    check("rows cost 2 I C", cost[0][0], 2 * I * C, 0);
    check("factors cost S S (2 I + 2 C + 2)", cost[0][1], S * S * (2 * I + 2 * C + 2), 0);
  }
  if (wrong == 0) std::printf("rows and factors agree to 1e-13, both with a difference to 1e-9\n");
  return wrong;
}

// Exercises: exercises/07a_dense_entry.cpp (an entry of a dense layer with bias), exercises/07b_convolution_entry.cpp (of a convolution).
// Open kernels/feature_plan.cpp: `plan_features` counts both ways for each layer and takes the cheaper one. kernels/ntk.h: the kernel.
