// 1. Dual numbers: a program that carries a slope beside every value.
//
// Needs: the product rule and the chain rule. No earlier program.
// Words:
//   primal: the value itself, what the program would compute anyway.
//   tangent: how fast that value moves while the inputs move.
//   direction: how fast each input moves; along (1, 0) the first one moves and the second stands still.
//   gradient: the slopes along each input alone, one after the other.
//   dual number: the pair (primal, tangent).
//   forward mode: running a program on dual numbers. PyTorch calls it torch.func.jvp.
//
// The idea. Let the inputs move. Each step of a program knows how its result moves, if it knows how its operands move:
//   (x, x') + (y, y') = (x + y, x' + y')
//   (x, x') * (y, y') = (x y, x' y + x y')       the product rule
//   sin (x, x')       = (sin x, cos(x) x')       the chain rule
// So nothing has to be derived by hand. Run the whole program on pairs; the tangent that comes out is the slope.
// A constant does not move: its tangent is 0.
//
// Prints: slopes of a function along three directions, in one run each; how well finite differences do it; the slope of a loop.
#include <cmath>
#include <cstdio>

struct Dual {
  double primal;
  double tangent = 0;  // a constant, unless someone says otherwise
};

Dual operator+(Dual x, Dual y) { return {x.primal + y.primal, x.tangent + y.tangent}; }
Dual operator*(Dual x, Dual y) { return {x.primal * y.primal, x.tangent * y.primal + x.primal * y.tangent}; }
Dual operator/(Dual x, Dual y) {  // q = x / y means q y = x, so q' y + q y' = x'
  const double q = x.primal / y.primal;
  return {q, (x.tangent - q * y.tangent) / y.primal};
}
Dual sin(Dual x) { return {std::sin(x.primal), std::cos(x.primal) * x.tangent}; }

// Written once, run on two types: on double it computes a value, on Dual a value and a slope.
template <class T>
T f(T x, T y) {
  using std::sin;
  return x * y + sin(x);
}

// A program is more than a formula. This one is Newton's loop for a square root; nobody tells it what the slope of a root is.
template <class T>
T root(T a) {
  T x = a;
  for (int step = 0; step < 20; ++step) x = T{0.5} * (x + a / x);
  return x;
}

// Every program of the course checks itself: a line for each check, and the exit status says how many were wrong.
int wrong = 0;
void check(const char* what, double got, double expected, double tolerance) {
  const bool right = std::abs(got - expected) <= tolerance;
  std::printf("%s %s\n", right ? "   ok:" : "WRONG:", what);
  if (!right) std::printf("       got %.17g, expected %.17g\n", got, expected);
  wrong += right ? 0 : 1;
}

int main() {
  const double x = 1.5, y = 0.5;
  std::printf("f(x, y) = x y + sin x at (%.1f, %.1f) is %.4f\n", x, y, f(x, y));

  // The direction goes in as the tangents of the inputs; the slope comes out as the tangent of the result.
  const double along_x = f(Dual{x, 1}, Dual{y, 0}).tangent;
  const double along_y = f(Dual{x, 0}, Dual{y, 1}).tangent;
  const double along_both = f(Dual{x, 2}, Dual{y, -1}).tangent;
  std::printf("slope along (1, 0):  %7.4f\n", along_x);
  std::printf("slope along (0, 1):  %7.4f\n", along_y);
  std::printf("slope along (2, -1): %7.4f\n", along_both);
  check("the slopes are y + cos x and x, as calculus says, to 1e-15", std::abs(along_x - (y + std::cos(x))) + std::abs(along_y - x), 0,
        1e-15);
  check("along (2, -1) it is 2 times the first minus the second", along_both, 2 * along_x - along_y, 1e-15);

  // The usual substitute: move a little and divide. A large step is inaccurate, and a tiny step loses the digits.
  const auto difference = [&](double h) { return (f(x + h, y) - f(x - h, y)) / (2 * h); };
  std::printf("by a difference with h = 1e-2 the first slope is wrong by %.0e\n", std::abs(difference(1e-2) - along_x));
  check("with h = 1e-5 it is right to 1e-9", difference(1e-5), along_x, 1e-9);
  check("with h = 1e-13 it is wrong by more than 1e-6 again", std::abs(difference(1e-13) - along_x) > 1e-6, true, 0);

  const Dual r = root(Dual{2, 1});
  std::printf("Newton's loop: root of 2 = %.6f, its slope = %.6f\n", r.primal, r.tangent);
  check("the slope of the loop is 1 / (2 root), to 1e-15", r.tangent, 1 / (2 * std::sqrt(2.0)), 1e-15);
  return wrong;
}

// One run gives the slope along one direction. A network has a million weights, so its gradient would take a million runs.
// Program 2 gets it from one.
//
// Exercises: exercises/01a_exp.cpp (a rule of your own), exercises/01b_gradient.cpp (a gradient, one run for each input).
// Open autodiff/dual.h: it is this, for tensors. And autodiff/scalar.h: it is this, number by number, inside the loops.
