// 4. Forward over reverse: curvature without new code, and how not to mix up two derivatives.
//
// Needs: program 1 (dual numbers), program 2 (the tape).
// Words:
//   Hessian: the table H of second derivatives. Its product H v says how the gradient moves while the inputs move along v.
//   nest: a type inside a type, each a level. Var<Dual<double>> is a tape whose values are dual numbers.
//   lift: to make a constant of a nested type out of an inner value. It gets no tangent and no place on the tape.
//   confusion: two derivatives that read each other's tangent; the literature calls it perturbation confusion.
//
// The idea. Programs 1 and 2 never asked that a number be a double. Write both for any type T. Then run reverse mode on dual numbers:
// the inputs move along v, so every value has a tangent, and so has every cotangent. The gradient comes out as dual numbers:
// its primal is the gradient, its tangent is H v. One run and one walk back, and no table of n x n numbers.
// Each derivative has a level of its own in the nest. A value from outside must be lifted into the level before it takes part.
//
// Prints: the Hessian times a vector, found in three ways; a derivative inside a derivative, wrong and right.
#include <cmath>
#include <cstdio>
#include <vector>

// Program 1, for any type of number.
template <class T>
struct Dual {
  T primal{}, tangent{};
};
template <class T>
Dual<T> operator+(Dual<T> x, Dual<T> y) {
  return {x.primal + y.primal, x.tangent + y.tangent};
}
template <class T>
Dual<T> operator*(Dual<T> x, Dual<T> y) {
  return {x.primal * y.primal, x.tangent * y.primal + x.primal * y.tangent};
}
template <class T>
Dual<T> exp(Dual<T> x) {
  using std::exp;
  const T e = exp(x.primal);
  return {e, e * x.tangent};
}

// Program 2, for any type of number: local slopes and cotangents are of type T, so they may have tangents.
template <class T>
struct Tape;
template <class T>
struct Var {
  T value;
  int place;
  Tape<T>* tape;
};
template <class T>
struct Tape {
  struct Step {
    int operand[2];
    T slope[2];
  };
  std::vector<Step> steps;
  Var<T> record(T value, int a = -1, T slope_a = {}, int b = -1, T slope_b = {}) {
    steps.push_back({{a, b}, {slope_a, slope_b}});
    return {value, static_cast<int>(steps.size()) - 1, this};
  }
  std::vector<T> pull(int output, T cotangent) const {
    std::vector<T> arrived(steps.size(), T{});
    arrived[output] = cotangent;
    for (int i = output; i >= 0; --i)
      for (int k = 0; k < 2; ++k)
        if (const int to = steps[i].operand[k]; to >= 0) arrived[to] = arrived[to] + steps[i].slope[k] * arrived[i];
    return arrived;
  }
};
template <class T>
Var<T> operator+(Var<T> x, Var<T> y) {
  return x.tape->record(x.value + y.value, x.place, T{1}, y.place, T{1});
}
template <class T>
Var<T> operator*(Var<T> x, Var<T> y) {
  return x.tape->record(x.value * y.value, x.place, y.value, y.place, x.value);
}
template <class T>
Var<T> exp(Var<T> x) {
  using std::exp;
  const T e = exp(x.value);
  return x.tape->record(e, x.place, e);
}

template <class T>
std::vector<T> gradient(const auto& f, T x, T y) {
  Tape<T> tape;
  const Var<T> a = tape.record(x), b = tape.record(y), z = f(a, b);
  const std::vector<T> cotangents = tape.pull(z.place, T{1});
  return {cotangents[a.place], cotangents[b.place]};
}

// d f / d x for any type of number. It always makes a new level.
template <class T>
T slope(const auto& f, T x) {
  return f(Dual<T>{x, T{1}}).tangent;
}
template <class T>
Dual<T> lift(T x) {
  return {x, T{}};
}

// The compiler guards the levels: there is no product of a value with one that is a level deeper.
template <class A, class B>
concept can_multiply = requires(A a, B b) {
  a* b;
};
static_assert(can_multiply<Dual<Dual<double>>, Dual<Dual<double>>> && !can_multiply<Dual<Dual<double>>, Dual<double>>);

int wrong = 0;
void check(const char* what, double got, double expected, double tolerance) {
  const bool right = std::abs(got - expected) <= tolerance;
  std::printf("%s %s\n", right ? "   ok:" : "WRONG:", what);
  wrong += right ? 0 : 1;
}

int main() {
  const auto f = [](auto x, auto y) { return x * x * y + exp(x * y); };
  const double x = 0.8, y = -0.3, v[2] = {1.5, 2}, h = 1e-5;

  const auto moving = gradient(f, Dual<double>{x, v[0]}, Dual<double>{y, v[1]});  // reverse mode on dual numbers
  const auto above = gradient(f, x + h * v[0], y + h * v[1]), below = gradient(f, x - h * v[0], y - h * v[1]);
  const double e = std::exp(x * y);
  const double H[2][2] = {{2 * y + y * y * e, 2 * x + e + x * y * e}, {2 * x + e + x * y * e, x * x * e}};
  std::printf("f(x, y) = x x y + exp(x y): the Hessian times a vector\n         nest  difference     formula\n");
  for (int i = 0; i < 2; ++i) {
    const double formula = H[i][0] * v[0] + H[i][1] * v[1];
    std::printf("%13.8f %11.8f %11.8f\n", moving[i].tangent, (above[i] - below[i]) / (2 * h), formula);
    check("nest and formula agree to 1e-14", moving[i].tangent, formula, 1e-14);
  }

  // g(x) = x times (d/dy of x + y). The inner slope is 1 whatever x is, so g(x) = x, and its slope is 1.
  // Wrong: the inner derivative uses the outer one's level. x + y there has the tangent of x and that of y in one sum.
  const Dual<double> outer{3, 1};
  const Dual<double> inner_wrong{(outer + Dual<double>{1, 1}).tangent, 0};
  const double confused = (outer * inner_wrong).tangent;
  // Right: the inner derivative makes a level of its own, and x is lifted into it.
  const auto g = [](auto a) { return a * slope([&](auto b) { return lift(a) + b; }, decltype(a){1}); };
  std::printf("slope of x (d/dy of x + y): %.0f with one level for both, %.0f with a level each\n", confused, slope(g, 3.0));
  check("it is 1", slope(g, 3.0), 1, 0);
  check("one level for both gives 2", confused, 2, 0);
  const auto cubic = [](auto a) { return a * slope([&](auto b) { return lift(a * a) * b * b; }, decltype(a){2}); };
  check("x (d/dy of x x y y at y = 2) is 4 x x x: slope 12 x x", slope(cubic, 3.0), 108, 1e-12);
  return wrong;
}

// Exercises: exercises/04a_second_derivative.cpp (dual numbers in dual numbers), exercises/04b_confusion.cpp (a slope inside a slope).
// Open autodiff/transforms.h: jvp, pullback and grad nest like this, for tensors; `lift` is in autodiff/value.h.
