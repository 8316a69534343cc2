// + - * / for every value type, and the functions of functions that are made of others.
#include "tests/check.h"
#include "tests/thrown.h"

using namespace tangentplane;
using check::Real;

namespace {

std::vector<Real> draw_all(const std::vector<Shape>& shapes) {
  RandomStream random(5, "operators");
  std::vector<Real> p;
  for (const Shape& s : shapes) p.push_back(check::draw(s, random));
  return p;
}

/// sum of x^3 y, entry by entry.
const auto cubic = [](const auto& p) { return sum(p[0] * p[0] * p[0] * p[1]); };

}  // namespace

TEST_CASE("operators compute entry by entry, in both precisions") {
  const check::Poison poison;
  const auto p = draw_all({{3, 2}, {3, 2}});
  const auto values = [&](auto zero, double tolerance) {
    using S = decltype(zero);
    const Tensor<S> x = cast<S>(p[0]), y = cast<S>(p[1]);
    for (Index i = 0; i < 6; ++i) {
      const double a = x[i], b = y[i];
      CHECK(static_cast<double>((x + y)[i]) == Approx(a + b).epsilon(tolerance));
      CHECK(static_cast<double>((x - y)[i]) == Approx(a - b).epsilon(tolerance));
      CHECK(static_cast<double>((x * y)[i]) == Approx(a * b).epsilon(tolerance));
      CHECK(static_cast<double>((x / y)[i]) == Approx(a / b).epsilon(tolerance));
    }
  };
  values(0.0, 1e-15);
  values(0.0f, 1e-6);
  const Real x = Real::from({3}, {0, 1, NAN}), zero = Real::zeros({3}), quotient = x / zero;
  CHECK(std::isnan(quotient[0]));
  CHECK(std::isinf(quotient[1]));
  CHECK(std::isnan((x + zero)[2]));
  CHECK(2.0 * 3.0 == 6.0);  // scalars are no values
}

TEST_CASE("operators pass the checker in every nest") {
  check::all_orders([](const auto& p) { return p[0] + p[1] * p[0] - p[1]; }, {{2, 3}, {2, 3}});
  check::all_orders([](const auto& p) { return p[0] / (p[1] * p[1] + p[0] * p[0]); }, {{4}, {4}});
}

TEST_CASE("operators refuse two shapes") {
  const Real a = Real::zeros({2}), b = Real::zeros({3});
  CHECK(thrown([&] { a + b; }) == "add: shapes [2] and [3] differ");
  CHECK(thrown([&] { a - b; }) == "add: shapes [2] and [3] differ");
  CHECK(thrown([&] { a* b; }) == "mul: shapes [2] and [3] differ");
  CHECK(thrown([&] { a / b; }) == "divide: shapes [2] and [3] differ");
}

TEST_CASE("value_and_grad gives what the function and grad give") {
  const auto p = draw_all({{2, 2}, {2, 2}, {3}});  // the last is not used
  const auto [value, gradient] = value_and_grad(cubic, p);
  double expected = 0;
  REQUIRE(gradient.size() == 3);
  for (Index i = 0; i < 4; ++i) {
    const double x = p[0][i], y = p[1][i];
    expected += x * x * x * y;
    CHECK(gradient[0][i] == Approx(3 * x * x * y));
    CHECK(gradient[1][i] == Approx(x * x * x));
  }
  CHECK(value[0] == Approx(expected));
  check::same(gradient[2], Real::zeros({3}), 0);
  for (std::size_t i = 0; i < 3; ++i) check::same(gradient[i], grad(cubic, p)[i], 0);
  CHECK(thrown([&] { value_and_grad([](const auto& q) { return q[0]; }, p); }) ==
        "grad: the function returns [2,2], not one number; use pullback");
}

TEST_CASE("hvp is the Hessian times a direction") {
  const check::Poison poison;
  const auto p = draw_all({{2, 2}, {2, 2}, {3}}), v = draw_all({{4}, {4}, {2, 2}, {2, 2}, {3}});
  const Real &dx = v[2], &dy = v[3];
  const auto product = hvp(cubic, p, {dx, dy, v[4]});
  REQUIRE(product.size() == 3);
  for (Index i = 0; i < 4; ++i) {
    const double x = p[0][i], y = p[1][i];
    CHECK(product[0][i] == Approx(6 * x * y * dx[i] + 3 * x * x * dy[i]));
    CHECK(product[1][i] == Approx(3 * x * x * dx[i]));
  }
  check::same(product[2], Real::zeros({3}), 0);
  // Along nothing it is zero, and it is linear in the direction.
  for (const Real& t : hvp(cubic, p, std::vector<std::optional<Real>>(3))) check::same(t, Real::zeros(t.shape()), 0);
  const auto first = hvp(cubic, p, {dx, {}, {}}), second = hvp(cubic, p, {{}, dy, {}});
  for (std::size_t i = 0; i < 2; ++i) check::same(add(first[i], second[i]), product[i], 1e-13);
  // A network's loss: the difference of two gradients.
  const auto loss = [](const auto& q) {
    const auto y = bias(matmul(tanh(matmul(q[0], q[1])), q[2]), q[3]);
    return sum(softplus(y));
  };
  const auto w = draw_all({{3, 4}, {4, 5}, {5, 2}, {2}}), d = draw_all({{1}, {3, 4}, {4, 5}, {5, 2}, {2}});
  const std::vector<Real> direction(d.begin() + 1, d.end());
  const auto moved = [&](double h) { return grad(loss, check::shifted(w, direction, h)); };
  const auto exact = hvp(loss, w, check::some(direction)), ahead = moved(1e-5), behind = moved(-1e-5);
  for (std::size_t i = 0; i < w.size(); ++i) check::same(scale(subtract(ahead[i], behind[i]), 0.5e5), exact[i], 1e-8);
  // <w, H v> = <v, H w>.
  const auto other = hvp(loss, w, check::some(w));
  CHECK(check::inner(exact, w) == Approx(check::inner(other, direction)).epsilon(1e-12));
}
