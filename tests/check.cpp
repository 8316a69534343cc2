#include "tests/check.h"

namespace tangentplane::check {
namespace {

/// <u, f(p)> with u a constant: a scalar function in any nest.
auto against(const Function& f, const Real& u) {
  return [f, u](const auto& p) {
    using T = typename std::decay_t<decltype(p)>::value_type;
    return sum(mul(f(p), lift<T>(u)));
  };
}

}  // namespace

void first_order(const Function& f, const std::vector<Real>& p, RandomStream& random) {
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

void second_order(const Function& f, const std::vector<Real>& p, RandomStream& random) {
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

void all_orders(const Function& f, const std::vector<Shape>& shapes, std::uint64_t seed) {
  const Poison poison;
  RandomStream random(seed, "check");
  std::vector<Real> p;
  for (const Shape& s : shapes) p.push_back(draw(s, random));
  first_order(f, p, random);
  second_order(f, p, random);
}

}  // namespace tangentplane::check
