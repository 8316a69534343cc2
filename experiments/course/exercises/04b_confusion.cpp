// 4b. A derivative inside a function that is itself differentiated.
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

// The slope of f at x, for any type of number. It makes a level of its own.
template <class F, class T>
T slope(const F& f, T x) {
  return f(Dual<T>{x, T{1}}).tangent;
}
// x as a constant of the next level.
template <class T>
Dual<T> lift(T x) {
  return {x, T{}};
}

#ifdef SOLVED
#include "solutions/04b_confusion.h"
#else
#include "holes/04b_confusion.h"
#endif

int main() {
  return exercise("04b_confusion", [] {
    // The slope by y is x x + 2 x y, so g(x) = x x x + 2 x x, and its slope is 3 x x + 4 x.
    expect("g(2)", g(2.0), 16);
    expect("slope of g at 2", slope([](auto x) { return g(x); }, 2.0), 20);
    expect("slope of g at -1", slope([](auto x) { return g(x); }, -1.0), -1);
  });
}
