// The checker that every op passes: differences along a random direction, <u, J v> = <J^T u, v>, second order by checking the derivative,
// every nest of the value types against each other, and, where the test gives a reference, values, in float too. What fails is said in
// words: which op, which mode, which identity, by how much. Outputs are pre-filled with NaN.
//
//   check::all_orders([](const auto& p) { return matmul(p[0], tanh(p[1])); }, {{4, 3}, {3, 5}});
//   check::all_orders([](const auto& p) { return sigmoid(p[0]); }, {{3, 5}}, check::entrywise([](double x) { return 1 / (1 + std::exp(-x));
//   }));
#pragma once

#include <functional>
#include <tuple>

#include "autodiff/random.h"
#include "autodiff/transforms.h"
#include "catch.h"

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

/// In words, how a differs from b by more than tolerance, relative to b's largest entry where that is above 1; empty if it does not.
std::string difference(const Real& a, const Real& b, double tolerance);
std::string difference(double a, double b, double tolerance);  ///< relative to the larger where that is above 1

/// a equals b, up to a tolerance relative to b's size.
inline void same(const Real& a, const Real& b, double tolerance) {
  REQUIRE(a.shape() == b.shape());
  const std::string wrong = difference(a, b, tolerance);
  INFO(wrong);
  CHECK(wrong.empty());
}
/// The same of two numbers.
inline void same(double a, double b, double tolerance) {
  const std::string wrong = difference(a, b, tolerance);
  INFO(wrong);
  CHECK(wrong.empty());
}

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

/// A function of parameters in these nests, behind one type, so that what differentiates it is compiled once.
template <class... Nests>
class FunctionIn {
 public:
  template <class F>
  explicit FunctionIn(const F& f) : in_{std::function<Nests(const std::vector<Nests>&)>(f)...} {}

  template <class T>
  T operator()(const std::vector<T>& p) const {
    return std::get<std::function<T(const std::vector<T>&)>>(in_)(p);
  }

 private:
  std::tuple<std::function<Nests(const std::vector<Nests>&)>...> in_;
};

/// Made from a generic lambda that takes `const auto& p`, the parameters.
class Function : public FunctionIn<Real, Dual<Real>, Var<Real>, Var<Dual<Real>>, Dual<Var<Real>>, Dual<Dual<Real>>, Var<Var<Real>>> {
 public:
  template <class F>
  requires(!std::same_as<F, Function>) Function(const F& f) : FunctionIn(f) {}  // NOLINT: as any callable
};
/// The same function on floats, in the nests that the study runs.
using FloatFunction = FunctionIn<Tensor<float>, Dual<Tensor<float>>, Var<Tensor<float>>, Var<Dual<Tensor<float>>>>;

/// What the values shall be: a formula in double that the test writes apart from the op.
using Reference = std::function<Real(const std::vector<Real>&)>;
/// f of each entry of the only parameter.
Reference entrywise(std::function<double(double)> f);

/// What is wrong, one sentence each: mode, nest, identity, operand, amount. Empty: nothing is.
using Findings = std::vector<std::string>;

/// f equals the reference.
Findings wrong_values(const Function& f, const std::vector<Real>& p, const Reference& reference);
/// J v equals the central difference along v, <u, J v> = <J^T u, v>, every nest has the same value, a pull-back can be repeated.
Findings wrong_first_order(const Function& f, const std::vector<Real>& p, RandomStream& random);
/// Every nest that computes the derivative of <u, J(p) v> along w or its gradient agrees with differences of the gradient and the others.
Findings wrong_second_order(const Function& f, const std::vector<Real>& p, RandomStream& random);
/// Values, J v, J^T u and how the gradient moves, in float, are those in double at the same (rounded) parameters, to float's digits.
Findings wrong_in_float(const FloatFunction& in_float, const Function& f, const std::vector<Real>& p, RandomStream& random);

/// All of these at random parameters of these shapes, as far as it makes sense: what is wrong at first order is wrong at second too. Those
/// of values and of float only with a reference and a function on floats.
Findings wrong(const Function& f, const std::vector<Shape>& shapes, std::uint64_t seed = 1, const Reference& reference = {},
               const FloatFunction* in_float = nullptr);

/// What an op that says this of its reach does not keep: at x, redraws each example, or each entry, and looks which others of f(x) change,
/// bit for bit. Nothing else finds a wrong reach, for derivatives are right all the same: only Jacobians and kernels are of the wrong
/// images.
Findings wrong_reach(Reach says, const std::function<Real(const Real&)>& f, const Real& x, RandomStream& random);

/// A line of a source file.
struct Place {
  const char* file = "";
  int line = 0;
};
/// The line, whose text names the op, and the findings below it. Empty where there are none.
std::string in_words(const Findings& findings, const Place& place);
/// Hands what was found to Catch2, in words.
void report(const Findings& findings, const Place& place);

// Each is one check of Catch2. `place` is where it is called.

/// J v equals the central difference along v and <u, J v> = <J^T u, v>.
inline void first_order(const Function& f, const std::vector<Real>& p, RandomStream& random,
                        Place place = {__builtin_FILE(), __builtin_LINE()}) {
  report(wrong_first_order(f, p, random), place);
}
/// Every nest that computes the derivative of <u, J(p) v> along w or its gradient must agree.
inline void second_order(const Function& f, const std::vector<Real>& p, RandomStream& random,
                         Place place = {__builtin_FILE(), __builtin_LINE()}) {
  report(wrong_second_order(f, p, random), place);
}
/// Both at random parameters of these shapes.
inline void all_orders(const Function& f, const std::vector<Shape>& shapes, std::uint64_t seed = 1,
                       Place place = {__builtin_FILE(), __builtin_LINE()}) {
  report(wrong(f, shapes, seed), place);
}
/// Both, and the values against a reference, in double and in float.
template <class F>
void all_orders(const F& f, const std::vector<Shape>& shapes, const Reference& reference, std::uint64_t seed = 1,
                Place place = {__builtin_FILE(), __builtin_LINE()}) {
  const FloatFunction in_float(f);
  report(wrong(f, shapes, seed, reference, &in_float), place);
}
/// A map keeps to what it says of its reach, at an input of this shape with several examples.
template <class Map>
void honest_reach(const Map& map, const Shape& input, Place place = {__builtin_FILE(), __builtin_LINE()}) {
  RandomStream random(1, "reach");
  report(wrong_reach(
             reach_of(map), [&](const Real& x) { return map.apply(x); }, draw(input, random), random),
         place);
}
/// The same of a form and its input, at some weight.
template <class Form>
void honest_reach(const Form& form, const Shape& input, const Shape& weight, Place place = {__builtin_FILE(), __builtin_LINE()}) {
  RandomStream random(1, "reach");
  const Real w = draw(weight, random);
  const auto f = [&](const Real& x) { return form.template solve<Slot::output>(x, w); };
  report(wrong_reach(reach_of(form), f, draw(input, random), random), place);
}

}  // namespace tangentplane::check
