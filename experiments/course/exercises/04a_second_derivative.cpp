// 4a. Dual numbers in dual numbers: the second derivative.
#include "exercise.h"

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

#ifdef SOLVED
#include "solutions/04a_second_derivative.h"
#else
#include "holes/04a_second_derivative.h"
#endif

int main() {
  return exercise("04a_second_derivative", [] {
    const double x = 0.6;
    expect("of x x x: 6 x", second_derivative([](auto t) { return t * t * t; }, x), 6 * x);
    expect("of exp x: exp x", second_derivative([](auto t) { return exp(t); }, x), std::exp(x));
    expect("of exp(x x): (2 + 4 x x) exp(x x)", second_derivative([](auto t) { return exp(t * t); }, x), (2 + 4 * x * x) * std::exp(x * x));
    expect("of x + x: 0", second_derivative([](auto t) { return t + t; }, x), 0);
  });
}
