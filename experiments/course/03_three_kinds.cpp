// 3. Tensors and three kinds of op: an op described once runs in both modes.
//
// Needs: program 1 (tangents), program 2 (the tape, cotangents).
// Words:
//   tensor: an array of numbers with a shape. Matrices are enough here: N examples in N rows.
//   op: one step of a program on tensors. PyTorch has a thousand, each with derivatives of its own. Three kinds are enough:
//   form: an op of two operands that is linear in each of them, such as a matrix product.
//   map: an op of one operand that is linear, such as a sum.
//   pointwise: a function of one number, applied to every entry, such as tanh.
//   slot: one of the three places of a form: its input x, its weight w, its output y.
//   transpose: the map A^T that takes A to the other side of an inner product: <y, A x> = <A^T y, x>.
//
// The idea. Take any y of the shape of x w. Then <y, x w> is one number, the sum of y[n,c] x[n,k] w[k,c] over n, k and c. Leave one
// of the three out and sum what is left: the form is solved for that slot. Without y that is the product x w. Let y be the output's
// cotangent: without x it is the cotangent of x, without w that of w. So there is one rule for a kind:
//            forward mode                        reverse mode
// form       product rule: x' w + x w'           solve for the other slots
// map        apply it to the tangent             apply its transpose to the cotangent
// pointwise  slope times tangent                 slope times cotangent
//
// Prints: the slope of a network along a direction, in forward mode, in reverse mode and by a difference.
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
Matrix operator+(const Matrix& a, const Matrix& b) { return {a.rows, a.cols, a.at + b.at}; }
Matrix& operator+=(Matrix& sum, const Matrix& a) { return sum = sum.rows == 0 ? a : sum + a; }  // no rows yet: exactly zero
Matrix operator*(double s, const Matrix& a) { return {a.rows, a.cols, s * a.at}; }
double inner(const Matrix& a, const Matrix& b) { return (a.at * b.at).sum(); }

// ---- Ops: what each is. ----
enum class Slot { input, weight, output };
struct MatMul {  // form: x [N, K], w [K, C], y [N, C]. p and q are the other two, in the order x, w, y.
  template <Slot s>
  Matrix solve(const Matrix& p, const Matrix& q) const {
    const int N = s == Slot::input ? q.rows : p.rows, K = s == Slot::input ? p.rows : p.cols, C = s == Slot::input ? p.cols : q.cols;
    Matrix r = s == Slot::input ? constant(N, K, 0) : s == Slot::weight ? constant(K, C, 0) : constant(N, C, 0);
    for (int n = 0; n < N; ++n)
      for (int k = 0; k < K; ++k)
        for (int c = 0; c < C; ++c) {                           // the same sum every time; only the unknown is another
          if (s == Slot::output) r(n, c) += p(n, k) * q(k, c);  // from x, w
          if (s == Slot::input) r(n, k) += p(k, c) * q(n, c);   // from w, y
          if (s == Slot::weight) r(k, c) += p(n, k) * q(n, c);  // from x, y
        }
    return r;
  }
};
struct Sum {  // map: all entries -> one number
  int rows, cols;
  Matrix apply(const Matrix& x) const { return constant(1, 1, x.at.sum()); }
  Matrix transpose(const Matrix& y) const { return constant(rows, cols, y(0, 0)); }
};
struct Scalar {  // program 1's dual number, for one entry
  double primal, tangent;
};
Scalar tanh(Scalar x) { return {std::tanh(x.primal), (1 - std::pow(std::tanh(x.primal), 2)) * x.tangent}; }
struct Tanh {  // pointwise: over any type of number, so that a dual number gives its slope
  auto operator()(auto x) const {
    using std::tanh;
    return tanh(x);
  }
};
Matrix each(const auto& f, Matrix x) {
  for (double& v : x.at) v = f(v);
  return x;
}
Matrix slope_times(const auto& f, const Matrix& x, Matrix t) {
  for (std::size_t i = 0; i < t.at.size(); ++i) t.at[i] *= f(Scalar{x.at[i], 1}).tangent;
  return t;
}

// ---- Forward mode: one function a kind. It knows no op. (`op.template solve<...>` is how C++ spells op.solve<...> here.) ----
struct Dual {
  Matrix primal, tangent;
};
Dual form(const auto& op, const Dual& x, const Dual& w) {
  const auto solve = [&](const Matrix& p, const Matrix& q) { return op.template solve<Slot::output>(p, q); };
  return {solve(x.primal, w.primal), solve(x.tangent, w.primal) + solve(x.primal, w.tangent)};
}
Dual map(const auto& op, const Dual& x) { return {op.apply(x.primal), op.apply(x.tangent)}; }
Dual pointwise(const auto& f, const Dual& x) { return {each(f, x.primal), slope_times(f, x.primal, x.tangent)}; }

// ---- Reverse mode: one function a kind. ----
struct Var {
  Matrix value;
  int place;
};
using Arrived = std::vector<Matrix>;  // the cotangents that have come back so far, one a place
std::vector<std::function<void(const Matrix& cotangent, Arrived& arrived)>> tape;
Var record(Matrix value, const auto& step) {
  tape.push_back(step);
  return {value, static_cast<int>(tape.size()) - 1};
}
Var form(const auto& op, const Var& x, const Var& w) {
  return record(op.template solve<Slot::output>(x.value, w.value), [=](const Matrix& y, Arrived& arrived) {
    arrived[x.place] += op.template solve<Slot::input>(w.value, y);
    arrived[w.place] += op.template solve<Slot::weight>(x.value, y);
  });
}
Var map(const auto& op, const Var& x) {
  return record(op.apply(x.value), [=](const Matrix& y, Arrived& arrived) { arrived[x.place] += op.transpose(y); });
}
Var pointwise(const auto& f, const Var& x) {
  return record(each(f, x.value), [=](const Matrix& y, Arrived& arrived) { arrived[x.place] += slope_times(f, x.value, y); });
}

// ---- A network, written once: the sum of tanh(x w1) w2 over N examples ----
auto network(int N, const auto& x, const auto& w1, const auto& w2) {
  return map(Sum{N, 1}, form(MatMul(), pointwise(Tanh(), form(MatMul(), x, w1)), w2));
}

int main() {
  int k = 0;  // numbers scattered in (-1, 1), the same on every machine
  const auto next = [&k](double) { return k += 1, std::sin(1.7 * k * k); };
  const auto draw = [&](int rows, int cols) { return each(next, constant(rows, cols, 0)); };
  const Matrix x = draw(5, 3), w1 = draw(3, 4), w2 = draw(4, 1), v1 = draw(3, 4), v2 = draw(4, 1);  // (v1, v2): a direction

  const auto run = [&](double h) { return network(5, Dual{x, 0 * x}, Dual{w1 + h * v1, v1}, Dual{w2 + h * v2, v2}); };
  const Dual y = run(0);
  const double difference = (run(1e-5).primal(0, 0) - run(-1e-5).primal(0, 0)) / 2e-5;

  const auto input = [](const Matrix& m) { return record(m, [](const Matrix&, Arrived&) {}); };
  const Var a = input(x), b = input(w1), c = input(w2), z = network(5, a, b, c);
  Arrived arrived(tape.size());
  arrived[z.place] += constant(1, 1, 1);
  for (std::size_t i = tape.size(); i-- > 0;) tape[i](arrived[i], arrived);
  const double reverse = inner(arrived[b.place], v1) + inner(arrived[c.place], v2);  // <gradient, direction>

  std::printf("f = %.6f; its slope along a direction\n", y.primal(0, 0));
  std::printf("forward mode  %.6f\nreverse mode  %.6f\na difference  %.6f\n", y.tangent(0, 0), reverse, difference);
  const bool modes = std::abs(y.tangent(0, 0) - reverse) < 1e-14, differences = std::abs(reverse - difference) < 1e-8;
  std::printf("the modes agree to 1e-14: %s\nwith the difference to 1e-8: %s\n", modes ? "yes" : "NO", differences ? "yes" : "NO");
  return modes && differences ? 0 : 1;
}

// A new op is one struct. Both modes come from form, map and pointwise, once for Dual and once for Var.
//
// Exercises: exercises/03a_entrywise.cpp (a form of your own), exercises/03b_mean.cpp (a map and its transpose).
// Open autodiff/forms.h, autodiff/maps.h and autodiff/pointwise.h: they are this, with convolutions. autodiff/dual.h and autodiff/record.h
// hold the functions of the two modes (`solve` is form, `apply` map); there a tangent or cotangent that is exactly zero is absent.
