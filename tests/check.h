// The checker that every op passes, in double: differences along a random direction, <u, J v> = <J^T u, v>, second order by checking
// the derivative, and every nest of the value types against each other. Outputs are pre-filled with NaN.
#pragma once

#include <catch2/catch.hpp>

#include "autodiff/random.h"
#include "autodiff/transforms.h"

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
    worst = std::isfinite(a[i]) ? std::max(worst, std::abs(a[i] - b[i])) : INFINITY;
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

/// <u, f(p)> with u a constant: a scalar function in any nest.
template <class F>
auto against(const F& f, const Real& u) {
  return [f, u](const auto& p) {
    using T = typename std::decay_t<decltype(p)>::value_type;
    return sum(mul(f(p), lift<T>(u)));
  };
}

/// First order: J v equals the central difference along v and <u, J v> = <J^T u, v>.
template <class F>
void first_order(const F& f, const std::vector<Real>& p, RandomStream& random) {
  const auto v = draw_like(p, random);
  const Dual<Real> forward = jvp(f, p, some(v));
  const Real y = f(p), jv = tangent_of(forward), u = draw(y.shape(), random);
  same(forward.primal, y, 1e-14);
  // A three-point formula of order h^6 would hide nothing here: h^4 from two central differences.
  const double h = 1e-3;
  Real difference(y.shape());
  const Real a = f(shifted(p, v, h)), b = f(shifted(p, v, -h)), c = f(shifted(p, v, 2 * h)), d = f(shifted(p, v, -2 * h));
  for (Index i = 0; i < y.size(); ++i) difference[i] = (8 * (a[i] - b[i]) - (c[i] - d[i])) / (12 * h);
  same(jv, difference, 1e-7);
  const auto back = pullback(f, p);
  same(back.value(), y, 1e-14);
  same(inner(u, jv), inner(back(u), v), 1e-12);
  same(inner(back(u), v), inner(back(u), v), 0);  // a pull-back can be repeated
}

/// Every nest that computes the derivative of <u, J(p) v> along w or its gradient must agree.
template <class F>
void second_order(const F& f, const std::vector<Real>& p, RandomStream& random) {
  const auto v = draw_like(p, random), w = draw_like(p, random);
  const Real u = draw(f(p).shape(), random);
  const auto scalar = against(f, u);

  // forward over reverse: d/dw of the gradient, then <., v>
  std::vector<Dual<Real>> duals;
  for (std::size_t i = 0; i < p.size(); ++i) duals.emplace_back(p[i], w[i]);
  std::vector<Real> hessian_w;
  for (const auto& g : grad(scalar, duals)) hessian_w.push_back(tangent_of(g));
  const double reference = inner(hessian_w, v);

  // differences of the gradient, where the second derivative exists
  const double h = 1e-4;
  const auto plus = grad(scalar, shifted(p, w, h)), minus = grad(scalar, shifted(p, w, -h));
  same(reference, (inner(plus, v) - inner(minus, v)) / (2 * h), 1e-5);

  // reverse over forward: the gradient of <u, J v>, a Dual<Var> nest
  const auto directional = [&](const auto& q) {
    using T = typename std::decay_t<decltype(q)>::value_type;
    std::vector<std::optional<T>> tangents;
    for (const Real& t : v) tangents.emplace_back(lift<T>(t));
    auto y = jvp(scalar, q, tangents);
    return y.tangent ? *y.tangent : lift<T>(Real::zeros({}));
  };
  same(inner(grad(directional, p), w), reference, 1e-11);

  // forward over forward
  same(tangent_of(jvp(directional, p, some(w)))[0], reference, 1e-11);

  // reverse over reverse: the gradient of <grad, v>, a Var<Var> nest
  const auto gradient_along_v = [&](const auto& q) {
    using T = typename std::decay_t<decltype(q)>::value_type;
    T total = lift<T>(Real::zeros({}));
    const auto g = grad(scalar, q);
    for (std::size_t i = 0; i < g.size(); ++i) total = add(total, sum(mul(g[i], lift<T>(v[i]))));
    return total;
  };
  same(inner(grad(gradient_along_v, p), w), reference, 1e-11);
}

template <class F>
void all_orders(const F& f, const std::vector<Shape>& shapes, std::uint64_t seed = 1) {
  const Poison poison;
  RandomStream random(seed, "check");
  std::vector<Real> p;
  for (const Shape& s : shapes) p.push_back(draw(s, random));
  first_order(f, p, random);
  second_order(f, p, random);
}

}  // namespace tangentplane::check
