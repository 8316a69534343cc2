// 1a. A rule of your own: exp of a dual number.
#include "exercise.h"

struct Dual {
  double primal, tangent = 0;
};
Dual operator*(Dual x, Dual y) { return {x.primal * y.primal, x.tangent * y.primal + x.primal * y.tangent}; }

#ifdef SOLVED
#include "solutions/01a_exp.h"
#else
#include "holes/01a_exp.h"
#endif

int main() {
  return exercise("01a_exp", [] {
    expect("primal of exp at 0.5", exp(Dual{0.5, 1}).primal, std::exp(0.5));
    expect("slope of exp at 0.5", exp(Dual{0.5, 1}).tangent, std::exp(0.5));
    expect("slope of exp at 0.5, if x moves three times as fast", exp(Dual{0.5, 3}).tangent, 3 * std::exp(0.5));
    expect("slope of exp of a constant", exp(Dual{0.5}).tangent, 0);
    const Dual x{0.7, 1};
    expect("slope of exp(x x) at 0.7: 2 x exp(x x)", exp(x * x).tangent, 2 * 0.7 * std::exp(0.49));
  });
}
