// The checker that every op passes, in double: differences along a random direction, <u, J v> = <J^T u, v>, second order by checking
// the derivative, and every nest of the value types against each other. Outputs are pre-filled with NaN.
#pragma once

#include <functional>
#include <tuple>

#include "autodiff/random.h"
#include "autodiff/transforms.h"
#include "tests/catch.h"

namespace tangentplane::check {

using Real = Tensor<double>;

inline Real draw(const Shape& shape, RandomStream& random) {
  Real t(shape);
  for (double& v : t.span()) v = random.normal();
  return t;
}
inline std::vector<Real> draw_like(const std::vector<Real>& p, RandomStream& random) {
  std::vector<Real> r;
  for (const Real& t : p) r.push_back(draw(t.shape(), random));
  return r;
}
template <class T>
std::vector<std::optional<T>> some(const std::vector<T>& p) {
  return {p.begin(), p.end()};
}
inline double inner(const Real& a, const Real& b) {
  REQUIRE(a.shape() == b.shape());
  double s = 0;
  for (Index i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s;
}
inline double norm(const Real& a) { return std::sqrt(inner(a, a)); }
inline double inner(const std::vector<std::optional<Real>>& a, const std::vector<Real>& b) {
  double s = 0;
  for (std::size_t i = 0; i < b.size(); ++i)
    if (a[i]) s += inner(*a[i], b[i]);
  return s;
}
inline double inner(const std::vector<Real>& a, const std::vector<Real>& b) { return inner(some(a), b); }

/// a - b relative to b's size.
inline void same(const Real& a, const Real& b, double tolerance) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0, size = 1e-300;
  for (Index i = 0; i < a.size(); ++i) {
    worst = std::isfinite(a[i] - b[i]) ? std::max(worst, std::abs(a[i] - b[i])) : INFINITY;
    size = std::max(size, std::abs(b[i]));
  }
  CHECK(worst <= tolerance * std::max(1.0, size));
}
inline void same(double a, double b, double tolerance) { CHECK(std::abs(a - b) <= tolerance * std::max({1.0, std::abs(a), std::abs(b)})); }

/// While alive, new tensors are full of NaN.
struct Poison {
  Poison() { cpu::poison_new_blocks(true); }
  ~Poison() { cpu::poison_new_blocks(false); }
};

inline Real tangent_of(const Dual<Real>& y) { return y.tangent ? *y.tangent : Real::zeros(y.primal.shape()); }
inline Real shifted(const Real& a, const Real& b, double h) {
  Real r(a.shape());
  for (Index i = 0; i < a.size(); ++i) r[i] = a[i] + h * b[i];
  return r;
}
inline std::vector<Real> shifted(const std::vector<Real>& a, const std::vector<Real>& b, double h) {
  std::vector<Real> r;
  for (std::size_t i = 0; i < a.size(); ++i) r.push_back(shifted(a[i], b[i], h));
  return r;
}

/// A function of parameters in every nest that the checker differentiates, behind one type, so that the checker is compiled once. Made
/// from a generic lambda that takes `const auto& p`, the parameters.
class Function {
 public:
  template <class F>
  requires(!std::same_as<F, Function>) Function(const F& f) : in_{f, f, f, f, f, f, f} {}  // NOLINT: as any callable

  template <class T>
  T operator()(const std::vector<T>& p) const {
    return std::get<In<T>>(in_)(p);
  }

 private:
  template <class T>
  using In = std::function<T(const std::vector<T>&)>;
  std::tuple<In<Real>, In<Dual<Real>>, In<Var<Real>>, In<Var<Dual<Real>>>, In<Dual<Var<Real>>>, In<Dual<Dual<Real>>>, In<Var<Var<Real>>>>
      in_;
};

/// First order: J v equals the central difference along v and <u, J v> = <J^T u, v>.
void first_order(const Function& f, const std::vector<Real>& p, RandomStream& random);
/// Every nest that computes the derivative of <u, J(p) v> along w or its gradient must agree.
void second_order(const Function& f, const std::vector<Real>& p, RandomStream& random);
/// Both at random parameters of these shapes.
void all_orders(const Function& f, const std::vector<Shape>& shapes, std::uint64_t seed = 1);

}  // namespace tangentplane::check
