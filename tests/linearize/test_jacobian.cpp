// The factored Jacobian: rows, products with J and its transpose, against forward mode, differences and one image at a time.
#include "autodiff/cpu/gemm.h"
#include "linearize/linearized_learner.h"
#include "tests/small.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

/// All of `parts` in one row, zeros where there is none.
Real joined(const std::vector<std::optional<Real>>& parts, const std::vector<Shape>& shapes) {
  Index total = 0;
  for (const Shape& s : shapes) total += s.size();
  Real all = Real::zeros({total});
  Index at = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i]) std::copy_n(parts[i]->data(), parts[i]->size(), all.data() + at);
    at += shapes[i].size();
  }
  return all;
}
Real times(const Real& a, const Real& x, bool transpose) {
  const Index m = a.shape()[0], n = a.shape()[1];
  Real y = Real::zeros({transpose ? n : m});
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) y[transpose ? j : i] += a[i * n + j] * x[transpose ? i : j];
  return y;
}

}  // namespace

TEST_CASE("J v and J^T u are those of the rows, of forward mode and of differences") {
  const check::Poison poison;
  for (const auto& s : small_networks(5, 2)) {
    const Index outputs = evaluate(s.network, s.variables, s.images).shape()[1];
    for (Index output = 0; output < outputs; ++output) {
      INFO(s.name << ", output " << output);
      RandomStream random(6, "jacobian/" + s.name);
      const FactoredJacobian<double> jacobian(s.network, s.variables, s.images, output);
      const auto rows = jacobian.rows();
      CHECK(rows.shape() == (Shape{5, s.variables.size()}));
      const auto column = [&](const Real& y) {
        Real c({5});
        for (Index i = 0; i < 5; ++i) c[i] = y[i * outputs + output];
        return c;
      };
      check::same(jacobian.value(), column(evaluate(s.network, s.variables, s.images)).reshaped({5, 1}), 1e-14);

      const auto v = check::draw_like(s.variables.parameters, random);
      const Real u = check::draw({5}, random), jv = jacobian.times(v).reshaped({5});
      const auto jtu = jacobian.transpose_times(u);
      close_to(jv, times(rows, joined(check::some(v), jacobian.parameter_shapes()), false), 1e-12);
      close_to(joined(jtu, jacobian.parameter_shapes()), times(rows, u, true), 1e-12);
      check::same(check::inner(u, jv), check::inner(jtu, v), 1e-12);

      std::vector<Dual<Real>> duals;
      for (std::size_t i = 0; i < v.size(); ++i) duals.emplace_back(s.variables.parameters[i], v[i]);
      close_to(jv, column(check::tangent_of(forward(s.network, s.variables, duals, Dual<Real>(s.images)))), 1e-12);
      if (outputs == 1) close_to(jv, linearized_logits(s.network, s.variables, v, s.images, true, 2).reshaped({5}), 1e-12);
      // (relu is not smooth everywhere: a small step)
      const double h = 1e-6;
      const auto at = [&](double step) {
        return column(forward(s.network, s.variables, check::shifted(s.variables.parameters, v, step), s.images));
      };
      close_to(jv, scale(subtract(at(h), at(-h)), 1 / (2 * h)), 1e-6);

      Real product({5, 5});
      const Index p = s.variables.size();
      for (Index i = 0; i < 5; ++i)
        for (Index j = 0; j < 5; ++j) {
          product[i * 5 + j] = 0;
          for (Index k = 0; k < p; ++k) product[i * 5 + j] += rows[i * p + k] * rows[j * p + k];
        }
      close_to(jacobian.gram(), product, 1e-13);
      for (Index i = 0; i < 5; ++i)
        close_to(FactoredJacobian<double>(s.network, s.variables, s.images.slice(i, i + 1), output).rows(), rows.slice(i, i + 1), 1e-12);
    }
  }
}

TEST_CASE("a batch of two rows equals a batch of one, bit-exact threads included") {
  const auto s = small_models<float>(33)[1];
  const auto run = [&](int threads) {
    cpu::set_threads(threads);
    const FactoredJacobian<float> jacobian(s.network, s.variables, s.images);
    RandomStream random(6, "threads");
    std::vector<Tensor<float>> v;
    for (const auto& p : s.variables.parameters) v.push_back(cast<float>(check::draw(p.shape(), random)));
    std::vector<Tensor<float>> all{jacobian.rows(), jacobian.times(v), jacobian.gram()};
    for (const auto& g : jacobian.transpose_times(jacobian.value())) all.push_back(*g);
    cpu::set_threads(0);
    return all;
  };
  const auto one = run(1), two = run(2);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], two[i]));
}

TEST_CASE("what has no Jacobian by example is refused") {
  const auto s = small_models<double>(3)[0];
  CHECK_THROWS_WITH(FactoredJacobian<double>(s.network, s.variables, s.images, 1), ContainsSubstring("output 1 of a network with 1"));
  CHECK_THROWS_WITH(FactoredJacobian<double>(s.network, s.variables, s.images, -1), ContainsSubstring("output -1"));
  CHECK_THROWS_WITH(FactoredJacobian<double>(s.network, s.variables, s.images.slice(0, 0)), ContainsSubstring("N > 0"));
  const FactoredJacobian<double> jacobian(s.network, s.variables, s.images);
  CHECK_THROWS_WITH(jacobian.transpose_times(Real::zeros({4})), ContainsSubstring("cotangent [4] for 3 examples"));
  CHECK_THROWS_WITH(jacobian.times({}), ContainsSubstring("0 tangents for 6 parameters"));
  auto v = s.variables.parameters;
  v[1] = Real::zeros({2, 2});
  CHECK_THROWS_WITH(jacobian.times(v), ContainsSubstring("tangent 1 has shape [2,2], its parameter [7]"));

  // A parameter that enters by its own shape alone, [N, C] added to an input: its cotangent belongs to no example.
  const std::vector<Real> p{Real::full({3, 2}, 1)};
  const auto back = pullback([](const auto& q) { return tanh(add(q[0], lift<std::decay_t<decltype(q[0])>>(Real::full({3, 2}, 2)))); }, p);
  CHECK_THROWS_WITH(FactoredJacobian<double>(Real::zeros({3}), back.factors(p[0]), {p[0].shape()}),
                    "jacobian: parameter 0 enters through an operand that leaves no factor (of a form whose shares_weight is false, or of "
                    "add), whose cotangent is summed over the examples");
}
