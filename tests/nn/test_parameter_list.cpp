// Parameters, changes and gradients as vectors.
#include "nn/parameter_list.h"

#include "autodiff/transforms.h"
#include "tests/check.h"
#include "tests/thrown.h"

using namespace tangentplane;
using check::Real;
using List = ParameterList<double>;

namespace {

std::vector<Real> draw_all(std::uint64_t seed) {
  RandomStream random(seed, "parameter list");
  return {check::draw({3, 2}, random), check::draw({4}, random), check::draw({2}, random)};
}

}  // namespace

TEST_CASE("lists add, scale and meet as vectors do, where a tensor that is not there is zero") {
  const check::Poison poison;
  const auto p = draw_all(1), q = draw_all(2);
  const List a(p), some(std::vector<std::optional<Real>>{q[0], {}, q[2]}), none(3);

  const List sum = add(a, some), difference = subtract(some, a), scaled = scale(some, -0.5), moved = add_scaled(some, 2, a);
  for (std::size_t i = 0; i < 3; ++i)
    for (Index k = 0; k < p[i].size(); ++k) {
      const double x = p[i][k], y = i == 1 ? 0 : q[i][k];
      CHECK((*sum[i])[k] == x + y);
      CHECK((*difference[i])[k] == y - x);
      CHECK((*moved[i])[k] == Approx(y + 2 * x));
      if (i == 1)
        CHECK_FALSE(scaled[i].has_value());
      else
        CHECK((*scaled[i])[k] == -0.5 * y);
    }
  CHECK(dot(a, some) == Approx(check::inner(p[0], q[0]) + check::inner(p[2], q[2])).epsilon(1e-14));
  CHECK(norm(a) == Approx(std::sqrt(check::inner(p, p))).epsilon(1e-14));
  CHECK(distance(a, some) == Approx(norm(difference)).epsilon(1e-14));
  CHECK(distance(some, none) == Approx(norm(some)).epsilon(1e-14));
  CHECK(norm(none) == 0);
  CHECK(dot(a, none) == 0);
  CHECK(add(none, none).size() == 3);
  for (const auto& entry : add(none, none)) CHECK_FALSE(entry.has_value());
  check::same(some.tensors(p)[1], Real::zeros({4}), 0);
  check::same(some.tensors(p)[2], q[2], 0);
}

TEST_CASE("a list never writes into numbers that others hold") {
  const auto p = draw_all(1), before = draw_all(1);
  const List a(p), b(draw_all(2));
  List sum = add(a, b);
  const Real kept = *sum[0], copy = kept.clone();
  sum = add(std::move(sum), b);
  check::same(kept, copy, 0);
  for (std::size_t i = 0; i < 3; ++i) check::same(p[i], before[i], 0);
  List alone(std::vector<std::optional<Real>>{Real::full({2}, 1)});
  const double* numbers = alone[0]->data();
  alone = add(std::move(alone), List(std::vector<std::optional<Real>>{Real::full({2}, 2)}));
  CHECK(alone[0]->data() == numbers);  // what nobody else holds is written in place
  check::same(*alone[0], Real::full({2}, 3), 0);
}

TEST_CASE("long sums of a list in float keep their digits") {
  constexpr Index n = 1'000'000;
  const ParameterList<float> a(std::vector<Tensor<float>>{Tensor<float>::full({n}, 0.1f)});
  const double square = static_cast<double>(0.1f) * static_cast<double>(0.1f);
  CHECK(dot(a, a) == Approx(square * n).epsilon(1e-12));
  CHECK(norm(a) == Approx(std::sqrt(square * n)).epsilon(1e-12));
}

TEST_CASE("lists are what pull-backs return and directions are made of") {
  const auto p = draw_all(3);
  const auto f = [](const auto& q) { return sum(q[0] * q[0]); };
  const List gradient(pullback(f, p)(Real::full({}, 1)));
  CHECK_FALSE(gradient[1].has_value());
  CHECK((*jvp(f, p, gradient.entries()).tangent)[0] == Approx(dot(gradient, gradient)).epsilon(1e-13));
}

TEST_CASE("lists that do not fit together are refused") {
  const List a(draw_all(1)), short_one(2), other(std::vector<Real>{Real::zeros({2, 3}), Real::zeros({4}), Real::zeros({2})});
  CHECK(thrown([&] { add(a, short_one); }) == "parameters: a list of 3 tensors and one of 2");
  CHECK(thrown([&] { dot(a, short_one); }) == "parameters: a list of 3 tensors and one of 2");
  CHECK(thrown([&] { distance(a, short_one); }) == "parameters: a list of 3 tensors and one of 2");
  CHECK(thrown([&] { subtract(a, other); }) == "parameters: tensor 0 is [3,2] in one list and [2,3] in the other");
  CHECK(thrown([&] { dot(a, other); }) == "parameters: tensor 0 is [3,2] in one list and [2,3] in the other");
  CHECK(thrown([&] { distance(a, other); }) == "parameters: tensor 0 is [3,2] in one list and [2,3] in the other");
  CHECK(thrown([&] { a.tensors(std::vector<Real>{Real::zeros({1})}); }) == "parameters: a list of 3 tensors and one of 1");
}
