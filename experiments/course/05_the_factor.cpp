// 5. The factor: a gradient that is not multiplied out. This is the one idea of the project.
//
// Needs: program 2 (pulling back along a tape), program 3 (a matrix product as a form).
// Words:
//   example: one input of a batch, such as an image. N examples are N rows.
//   parameter: an entry of the weights and biases, which training changes; theta is the name of all P of them.
//   activation: what a layer sees, the row a_i of example i; it is as long as the layer has inputs, I.
//   factor: the pair (activation, cotangent) of a layer. Multiplied, the two make the gradient of its weight.
//   outer product: the table with the entries a[k] d[c], made of two vectors.
//
// The idea. A layer y = a w sees the row a_i of example i, and the row d_i comes back to its output: d_i is the cotangent of y_i.
// The slope of f(example i) by w is then the outer product of a_i and d_i. That is I x C numbers for I inputs
// and C outputs, but they are made of I + C.
// PyTorch multiplies out at once, and adds up over the examples: its .grad is the sum of all outer products.
// What each example contributed cannot be found again in that sum. So do not multiply. Keep the pair, and wait for the question.
// Row i of the Jacobian (program 2) is the slope of f(example i) by all parameters. Output i depends on example i alone,
// so one walk back with a cotangent of 1 for every output leaves the factors of all N rows.
//
// Prints: the factors of a network, what they take beside the rows, and two answers that were multiplied out of them.
#include <cmath>
#include <cstdio>
#include <functional>
#include <valarray>
#include <vector>

struct Matrix {
  int rows = 0, cols = 0;
  std::valarray<double> at;
  double& operator()(int i, int j) { return at[i * cols + j]; }
  double operator()(int i, int j) const { return at[i * cols + j]; }
};
Matrix constant(int rows, int cols, double v) { return {rows, cols, std::valarray<double>(v, rows * cols)}; }
Matrix transposed(const Matrix& a) {
  Matrix t = constant(a.cols, a.rows, 0);
  for (int i = 0; i < a.rows; ++i)
    for (int j = 0; j < a.cols; ++j) t(j, i) = a(i, j);
  return t;
}
Matrix product(const Matrix& a, const Matrix& b) {
  Matrix y = constant(a.rows, b.cols, 0);
  for (int i = 0; i < a.rows; ++i)
    for (int k = 0; k < a.cols; ++k)
      for (int j = 0; j < b.cols; ++j) y(i, j) += a(i, k) * b(k, j);
  return y;
}
struct Factor {
  const char* parameter;
  Matrix activation;  // [N, I]; of a bias one column of ones (I = 1): it is added to every example as it is
  Matrix cotangent;   // [N, C]
};

// The tape of program 3 with one change: where the operand is a parameter, a step emits a factor instead of a cotangent.
using Arrived = std::vector<Matrix>;
std::vector<std::function<void(const Matrix& cotangent, Arrived& arrived)>> tape;
std::vector<Factor> factors;
struct Var {
  Matrix value;
  int place;
};
struct Parameter {
  const char* name;
  Matrix value;
};
Var record(Matrix value, const auto& step) {  // `step` hands a cotangent on to the operands
  tape.push_back(step);
  return {value, static_cast<int>(tape.size()) - 1};
}
Var matmul(const Var& a, const Parameter& w) {
  return record(product(a.value, w.value), [=](const Matrix& d, Arrived& arrived) {
    arrived[a.place] = product(d, transposed(w.value));  // each value is used once here, so nothing has to be added up
    factors.push_back({w.name, a.value, d});             // and not product(transposed(a.value), d)
  });
}
Var bias(Var x, const Parameter& b) {
  for (int i = 0; i < x.value.rows; ++i)
    for (int c = 0; c < x.value.cols; ++c) x.value(i, c) += b.value(0, c);
  return record(x.value, [=](const Matrix& d, Arrived& arrived) {
    arrived[x.place] = d, factors.push_back({b.name, constant(d.rows, 1, 1), d});
  });
}
Var tanh(const Var& x) {
  const Matrix y{x.value.rows, x.value.cols, std::tanh(x.value.at)};
  return record(y, [=](const Matrix& d, Arrived& arrived) { arrived[x.place] = {d.rows, d.cols, (1.0 - y.at * y.at) * d.at}; });
}

// The outer product of example i: its part of the Jacobian's row.
Matrix row(const Factor& f, int i) {
  const Matrix d{1, f.cotangent.cols, f.cotangent.at[std::slice(i * f.cotangent.cols, f.cotangent.cols, 1)]};
  return product(Matrix{f.activation.cols, 1, f.activation.at[std::slice(i * f.activation.cols, f.activation.cols, 1)]}, d);
}

int wrong = 0;
void check(const char* what, double got, double expected, double tolerance) {
  const bool right = std::abs(got - expected) <= tolerance;
  std::printf("%s %s\n", right ? "   ok:" : "WRONG:", what);
  wrong += right ? 0 : 1;
}

int main() {
  const int N = 6, inputs = 30, hidden = 40;
  int k = 0;
  const auto draw = [&](int rows, int cols) {  // numbers scattered in (-1, 1), divided by the root of the rows
    Matrix m = constant(rows, cols, 0);
    for (double& v : m.at) k += 1, v = std::sin(1.7 * k * k) / std::sqrt(rows);
    return m;
  };
  Parameter w1{"w1", draw(inputs, hidden)}, b1{"b1", draw(1, hidden)}, w2{"w2", draw(hidden, 1)};
  const Matrix x = draw(N, inputs);
  const auto run = [&] { return matmul(tanh(bias(matmul(record(x, [](const Matrix&, Arrived&) {}), w1), b1)), w2); };  // x hands nothing on

  const Var f = run();  // [N, 1]
  Arrived arrived(tape.size());
  arrived[f.place] = constant(N, 1, 1);  // 1 for every example's output
  for (int i = f.place; i >= 0; --i) tape[i](arrived[i], arrived);
  int pairs = 0, rows = 0;
  std::printf("the factors of f = tanh(x w1 + b1) w2 for %d examples, last layer first\n", N);
  for (const Factor& g : factors) {
    const int I = g.activation.cols, C = g.cotangent.cols;
    std::printf("%s: activation %2d, cotangent %2d numbers an example; multiplied out %4d\n", g.parameter, I, C, I * C);
    pairs += N * (I + C), rows += N * I * C;
  }
  std::printf("in all %d numbers; multiplied out, %d rows of the Jacobian, %d\n", pairs, N, rows);

  // Question 1: how does f of example 4 change with one weight? An entry of a row; beside it a difference.
  const double entry = row(factors[2], 4)(7, 11), h = 1e-5;  // factors[2] is that of w1
  w1.value(7, 11) += h;
  const double above = run().value(4, 0);
  w1.value(7, 11) -= 2 * h;
  const double difference = (above - run().value(4, 0)) / (2 * h);
  std::printf("slope of f(example 4) by w1[7, 11]: %.8f; by a difference %.8f\n", entry, difference);
  check("they agree to 1e-9", entry, difference, 1e-9);

  // Question 2: the gradient of the sum of u_i f(example i), as for a loss. One matrix product answers, with u_i multiplied into d_i.
  const Matrix u = draw(N, 1);
  Matrix ud = factors[2].cotangent;
  for (int i = 0; i < N; ++i)
    for (int c = 0; c < hidden; ++c) ud(i, c) *= u(i, 0);
  const Matrix gradient = product(transposed(factors[2].activation), ud);
  Matrix sum = constant(inputs, hidden, 0);
  for (int i = 0; i < N; ++i) sum.at += u(i, 0) * row(factors[2], i).at;
  std::printf("gradient of the weighted sum by w1[7, 11]: %.8f\n", gradient(7, 11));
  check("a^T (u d) is the sum of the rows, weighted with u, to 1e-14", std::abs(gradient.at - sum.at).max(), 0, 1e-14);
  return wrong;
}

// That was the idea. All that the next programs compute are ways to multiply out this list, as late and as cheaply as can be.
//
// Exercises: exercises/05a_norms.cpp (each example's gradient norm, nothing multiplied out), exercises/05b_convolution_row.cpp (a weight
// that is used several times, as a convolution's is).
// Open autodiff/factor.h: it is the pair. In autodiff/record.h read `contribute`: it is where a parameter's operand emits it.
