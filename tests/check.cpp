#include "check.h"

#include <cstring>
#include <fstream>

namespace tangentplane::check {
namespace {

/// The place of entry i, as [1,0,2].
std::string place_of(const Shape& shape, Index i) {
  std::vector<Index> place(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank(); axis-- > 0; i /= shape[axis]) place[static_cast<std::size_t>(axis)] = i % shape[axis];
  return fmt::format("[{}]", fmt::join(place, ","));
}

std::string off(double a, double b, double tolerance) {
  return fmt::format("{:.10g} in place of {:.10g}, off by {:.1e} where {:.1e} is allowed", a, b, std::abs(a - b), tolerance);
}

/// <u, f(p)> with u a constant: a scalar function in any nest.
template <class F>
auto against(const F& f, const Real& u) {
  return [&f, u](const auto& p) {
    using T = typename std::decay_t<decltype(p)>::value_type;
    return sum(mul(f(p), lift<T>(cast<ScalarOf<T>>(u))));
  };
}

/// Collects findings; a step that throws is one.
class Finder {
 public:
  void same(const std::string& what, const auto& a, const auto& b, double tolerance) {
    if (std::string text = difference(a, b, tolerance); !text.empty()) found_.push_back(what + ": " + text);
  }
  /// False if the step threw.
  bool attempt(const char* mode, const std::function<void()>& step) {
    try {
      step();
      return true;
    } catch (const std::exception& e) {
      found_.push_back(fmt::format("{} throws: {}", mode, e.what()));
      return false;
    }
  }
  void add(std::string finding) { found_.push_back(std::move(finding)); }
  bool none() const { return found_.empty(); }
  Findings take() { return std::move(found_); }

 private:
  Findings found_;
};

std::string operand(const std::vector<Real>& p, std::size_t i) { return fmt::format("operand {} of {}, {}", i, p.size(), p[i].shape()); }

/// v in one operand, nothing in the others.
std::vector<std::optional<Real>> only(const std::vector<Real>& v, std::size_t i) {
  std::vector<std::optional<Real>> r(v.size());
  r[i] = v[i];
  return r;
}

/// Of order h^4, from two central differences: h^6 would hide nothing here.
Real difference_along(const Function& f, const std::vector<Real>& p, const std::vector<Real>& v) {
  const double h = 1e-3;
  const Real a = f(shifted(p, v, h)), b = f(shifted(p, v, -h)), c = f(shifted(p, v, 2 * h)), d = f(shifted(p, v, -2 * h));
  Real r(a.shape());
  for (Index i = 0; i < r.size(); ++i) r[i] = (8 * (a[i] - b[i]) - (c[i] - d[i])) / (12 * h);
  return r;
}

/// Only where all shapes are right are sums of products over them safe.
bool right_shapes(Finder& finder, const char* mode, const std::vector<std::optional<Real>>& gradients, const std::vector<Real>& p) {
  bool right = true;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (gradients[i] && gradients[i]->shape() != p[i].shape()) {
      finder.add(fmt::format("{}: the gradient by {} has shape {}", mode, operand(p, i), gradients[i]->shape()));
      right = false;
    }
  return right;
}

constexpr const char* forward_mode = "forward mode, Dual<Tensor>";
constexpr const char* reverse_mode = "reverse mode, Var<Tensor>";

}  // namespace

std::string difference(const Real& a, const Real& b, double tolerance) {
  if (a.shape() != b.shape()) return fmt::format("shape {} in place of {}", a.shape(), b.shape());
  double worst = 0, size = 1;
  Index at = 0, wrong = 0;
  for (Index i = 0; i < a.size(); ++i)
    if (std::isfinite(b[i])) size = std::max(size, std::abs(b[i]));
  for (Index i = 0; i < a.size(); ++i) {
    const double d = a[i] == b[i] ? 0 : (std::isfinite(a[i] - b[i]) ? std::abs(a[i] - b[i]) : INFINITY);
    if (!(d <= tolerance * size)) ++wrong;
    if (d > worst) worst = d, at = i;
  }
  if (wrong == 0) return "";
  return fmt::format("{} at {}; {} of {} entries are wrong", off(a[at], b[at], tolerance * size), place_of(a.shape(), at), wrong, a.size());
}

std::string difference(double a, double b, double tolerance) {
  const double allowed = tolerance * std::max({1.0, std::abs(a), std::abs(b)});
  return std::abs(a - b) <= allowed ? "" : off(a, b, allowed);
}

Reference entrywise(std::function<double(double)> f) {
  return [f = std::move(f)](const std::vector<Real>& p) {
    Real y(p.at(0).shape());
    for (Index i = 0; i < y.size(); ++i) y[i] = f(p[0][i]);
    return y;
  };
}

Findings wrong_values(const Function& f, const std::vector<Real>& p, const Reference& reference) {
  Finder finder;
  finder.attempt("plain, Tensor", [&] { finder.same("values: f(p) = the reference's", f(p), reference(p), 1e-13); });
  return finder.take();
}

Findings wrong_first_order(const Function& f, const std::vector<Real>& p, RandomStream& random) {
  Finder finder;
  const auto v = draw_like(p, random);
  Real y, numeric, jv;
  if (!finder.attempt("plain, Tensor", [&] { y = f(p), numeric = difference_along(f, p, v); })) return finder.take();
  const Real u = draw(y.shape(), random);

  bool forward = finder.attempt(forward_mode, [&] {
    const Dual<Real> moved = jvp(f, p, some(v));
    jv = tangent_of(moved);
    finder.same(fmt::format("{}: its primal = f(p)", forward_mode), moved.primal, y, 1e-14);
  });
  if (const std::string wrong = forward ? difference(jv, numeric, 1e-7) : ""; !wrong.empty()) {
    forward = false;
    const std::string identity = fmt::format("{}: J v = the central difference of f along v", forward_mode);
    finder.add(identity + ": " + wrong);
    for (std::size_t i = 0; p.size() > 1 && i < p.size(); ++i) {
      std::vector<Real> alone = v;
      for (std::size_t k = 0; k < p.size(); ++k)
        if (k != i) alone[k] = Real::zeros(v[k].shape());
      finder.same(fmt::format("  of these, along {}", operand(p, i)), tangent_of(jvp(f, p, only(v, i))), difference_along(f, p, alone),
                  1e-7);
    }
  }

  finder.attempt(reverse_mode, [&] {
    const auto back = pullback(f, p);
    finder.same(fmt::format("{}: its value = f(p)", reverse_mode), back.value(), y, 1e-14);
    const auto gradient = back(u);
    if (!right_shapes(finder, reverse_mode, gradient, p)) return;
    // What forward mode computes is the better measure, as long as it is right itself.
    const std::string identity = forward ? "<u, J v> = <J^T u, v>" : "<J^T u, v> = <u, the central difference along v>";
    const double expected = forward ? inner(u, jv) : inner(u, numeric), tolerance = forward ? 1e-12 : 1e-6;
    if (const std::string wrong = difference(inner(gradient, v), expected, tolerance); !wrong.empty()) {
      finder.add(fmt::format("{}: {}: {}", reverse_mode, identity, wrong));
      for (std::size_t i = 0; forward && p.size() > 1 && i < p.size(); ++i)
        finder.same(fmt::format("  of these, by {}", operand(p, i)), gradient[i] ? inner(*gradient[i], v[i]) : 0.0,
                    inner(u, tangent_of(jvp(f, p, only(v, i)))), tolerance);
    }
    finder.same(fmt::format("{}: a pull-back can be repeated", reverse_mode), inner(back(u), v), inner(gradient, v), 0);
  });
  return finder.take();
}

Findings wrong_second_order(const Function& f, const std::vector<Real>& p, RandomStream& random) {
  Finder finder;
  const auto v = draw_like(p, random), w = draw_like(p, random);
  const Real u = draw(f(p).shape(), random);
  const auto scalar = against(f, u);

  // Differences of the gradient, where the second derivative exists.
  const double h = 1e-4;
  double expected = 0, tolerance = 1e-5;
  if (!finder.attempt(reverse_mode, [&] {
        const auto plus = grad(scalar, shifted(p, w, h)), minus = grad(scalar, shifted(p, w, -h));
        expected = (inner(plus, v) - inner(minus, v)) / (2 * h);
      }))
    return finder.take();

  // d/dw of the gradient, then <., v>; the measure of the other nests as soon as differences agree with it.
  finder.attempt("second order, forward over reverse, Var<Dual<Tensor>>", [&] {
    std::vector<Dual<Real>> duals;
    for (std::size_t i = 0; i < p.size(); ++i) duals.emplace_back(p[i], w[i]);
    std::vector<Real> hessian_w;
    for (const auto& g : grad(scalar, duals)) hessian_w.push_back(tangent_of(g));
    const double value = inner(hessian_w, v);
    finder.same("second order, forward over reverse, Var<Dual<Tensor>>: <v, H w> = the central difference of the gradient along w", value,
                expected, tolerance);
    if (finder.none()) expected = value, tolerance = 1e-11;
  });
  const auto agrees = [&](const char* nest, const std::function<double()>& value) {
    finder.attempt(nest, [&] {
      finder.same(fmt::format("{}: <v, H w> = {}", nest, tolerance < 1e-10 ? "that of Var<Dual<Tensor>>" : "the central difference"),
                  value(), expected, tolerance);
    });
  };

  // <u, J v>, for its own derivatives.
  const auto directional = [&](const auto& q) {
    using T = typename std::decay_t<decltype(q)>::value_type;
    std::vector<std::optional<T>> tangents;
    for (const Real& t : v) tangents.emplace_back(lift<T>(t));
    auto y = jvp(scalar, q, tangents);
    return y.tangent ? *y.tangent : lift<T>(Real::zeros({}));
  };
  agrees("second order, reverse over forward, Dual<Var<Tensor>>", [&] { return inner(grad(directional, p), w); });
  agrees("second order, forward over forward, Dual<Dual<Tensor>>", [&] { return tangent_of(jvp(directional, p, some(w)))[0]; });
  const auto gradient_along_v = [&](const auto& q) {
    using T = typename std::decay_t<decltype(q)>::value_type;
    T total = lift<T>(Real::zeros({}));
    const auto g = grad(scalar, q);
    for (std::size_t i = 0; i < g.size(); ++i) total = add(total, sum(mul(g[i], lift<T>(v[i]))));
    return total;
  };
  agrees("second order, reverse over reverse, Var<Var<Tensor>>", [&] { return inner(grad(gradient_along_v, p), w); });
  return finder.take();
}

Findings wrong_in_float(const FloatFunction& in_float, const Function& f, const std::vector<Real>& p, RandomStream& random) {
  using Single = Tensor<float>;
  Finder finder;
  const double tolerance = 1e-5, of_slopes = 1e-4;
  std::vector<Single> single, direction;
  std::vector<Real> rounded, along;  // the same numbers
  for (const Real& t : p) {
    single.push_back(cast<float>(t));
    direction.push_back(cast<float>(draw(t.shape(), random)));
    rounded.push_back(cast<double>(single.back()));
    along.push_back(cast<double>(direction.back()));
  }
  const Real y = f(rounded), u = cast<double>(cast<float>(draw(y.shape(), random)));
  finder.attempt("float, plain, Tensor<float>",
                 [&] { finder.same("float, plain, Tensor<float>: f(p) = that in double", cast<double>(in_float(single)), y, tolerance); });
  finder.attempt("float, forward mode, Dual<Tensor<float>>", [&] {
    const Dual<Single> moved = jvp(in_float, single, some(direction));
    finder.same("float, forward mode, Dual<Tensor<float>>: J v = that in double",
                moved.tangent ? cast<double>(*moved.tangent) : Real::zeros(y.shape()), tangent_of(jvp(f, rounded, some(along))), of_slopes);
  });
  finder.attempt("float, reverse mode, Var<Tensor<float>>", [&] {
    const auto ours = pullback(in_float, single)(cast<float>(u));
    const auto expected = pullback(f, rounded)(u);
    for (std::size_t i = 0; i < p.size(); ++i)
      finder.same(fmt::format("float, reverse mode, Var<Tensor<float>>: J^T u = that in double, by {}", operand(p, i)),
                  ours[i] ? cast<double>(*ours[i]) : Real::zeros(p[i].shape()), expected[i] ? *expected[i] : Real::zeros(p[i].shape()),
                  of_slopes);
  });
  finder.attempt("float, second order, Var<Dual<Tensor<float>>>", [&] {
    std::vector<Dual<Single>> duals;
    std::vector<Dual<Real>> wide;
    for (std::size_t i = 0; i < p.size(); ++i) duals.emplace_back(single[i], direction[i]), wide.emplace_back(rounded[i], along[i]);
    const auto ours = grad(against(in_float, u), duals);
    const auto expected = grad(against(f, u), wide);
    for (std::size_t i = 0; i < p.size(); ++i)
      finder.same(fmt::format("float, second order, Var<Dual<Tensor<float>>>: H w = that in double, by {}", operand(p, i)),
                  ours[i].tangent ? cast<double>(*ours[i].tangent) : Real::zeros(p[i].shape()), tangent_of(expected[i]), of_slopes);
  });
  return finder.take();
}

Findings wrong(const Function& f, const std::vector<Shape>& shapes, std::uint64_t seed, const Reference& reference,
               const FloatFunction* in_float) {
  const Poison poison;
  RandomStream random(seed, "check");
  std::vector<Real> p;
  for (const Shape& s : shapes) p.push_back(draw(s, random));
  Findings found;
  const auto look = [&](Findings more) {
    found.insert(found.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  if (reference) look(wrong_values(f, p, reference));
  const std::size_t values = found.size();
  look(wrong_first_order(f, p, random));
  if (found.size() == values) look(wrong_second_order(f, p, random));
  if (found.empty() && in_float) look(wrong_in_float(*in_float, f, p, random));
  return found;
}

Findings wrong_reach(Reach says, const std::function<Real(const Real&)>& f, const Real& x, RandomStream& random) {
  if (says == Reach::batch) return {};
  const char* const what = says == Reach::row ? "row" : "entry";
  const Real y = f(x);
  const auto parts = [&](const Real& t) { return says == Reach::entry ? t.size() : t.shape().rank() > 0 ? t.rows() : 1; };
  if (parts(x) != parts(y))
    return {fmt::format("reach: says {}, but its output {} has another number of them than its input {}", what, y.shape(), x.shape())};
  const Index size = x.size() / parts(x), out = y.size() / parts(y);
  for (Index i = 0; i < parts(x); ++i) {
    Real other = x.clone();
    for (Index k = i * size; k < (i + 1) * size; ++k) other[k] = random.normal();
    const Real z = f(other);
    for (Index j = 0; j < parts(y); ++j)
      if (j != i && std::memcmp(y.data() + j * out, z.data() + j * out, static_cast<std::size_t>(out) * sizeof(double)) != 0)
        return {fmt::format("reach: says {}, but {} {} of the output changes with {} {} of the input", what, what, j, what, i)};
  }
  return {};
}

std::string in_words(const Findings& findings, const Place& place) {
  if (findings.empty()) return "";
  std::ifstream source(place.file);
  std::string line;
  for (int i = 0; i < place.line; ++i) std::getline(source, line);
  const auto first = line.find_first_not_of(' ');
  return fmt::format("{}:{}: {}\n{}", place.file, place.line, first == std::string::npos ? "" : line.substr(first),
                     fmt::join(findings, "\n"));
}

void report(const Findings& findings, const Place& place) {
  const std::string words = in_words(findings, place);
  INFO(words);
  CHECK(findings.empty());
}

}  // namespace tangentplane::check
