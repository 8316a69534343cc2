// Small graphs against plain loops in ONNX's own layout, [C,H,W] of one image, and their derivatives in every nest.
#pragma once

#include "tests/nn/onnx/graphs.h"

namespace tangentplane::onnx_test {

using check::Real;

/// An array in the file's layout, of one example.
struct Plain {
  Integers dims;
  Reals values;
  double operator()(std::int64_t a, std::int64_t b, std::int64_t c) const {
    return values[static_cast<std::size_t>((a * dims[1] + b) * dims[2] + c)];
  }
  /// Outside: `otherwise`.
  double at(std::int64_t a, std::int64_t b, std::int64_t c, double otherwise) const {
    return b < 0 || c < 0 || b >= dims[1] || c >= dims[2] ? otherwise : (*this)(a, b, c);
  }
};
using Make = std::function<double(std::int64_t, std::int64_t, std::int64_t)>;
inline Plain filled(const Integers& dims, const Make& f) {
  Plain p{dims, {}};
  for (std::int64_t a = 0; a < dims[0]; ++a)
    for (std::int64_t b = 0; b < dims[1]; ++b)
      for (std::int64_t c = 0; c < dims[2]; ++c) p.values.push_back(f(a, b, c));
  return p;
}

/// Values of an initialiser as the file holds them.
inline Reals values_of(const GraphWriter& g, const std::string& name) {
  for (const auto& t : g.model.graph().initializer())
    if (t.name() == name) return {t.float_data().begin(), t.float_data().end()};
  FAIL("no initialiser " << name);
  return {};
}

/// A graph on images [2,5,4] whose node(s) make `z`; the output is Flatten(z) times a weight. Checks the logits of three images against
/// `expected` of each, and derivatives in every nest through all parameters.
class OpCase {
 public:
  explicit OpCase(int opset, const Integers& image = {2, 5, 4}) : writer(opset, {-1, image[0], image[1], image[2]}), image_(image) {}

  void check(const std::function<Plain(const Plain&)>& expected, double tolerance = 1e-12) {
    const Plain probe = expected(filled(image_, [](auto, auto, auto) { return 0.25; }));
    const auto width = static_cast<std::int64_t>(probe.values.size());
    writer.weight("out", {width, 2});
    writer.node("Flatten", {"z"}, {"flat"});
    writer.node("MatMul", {"flat", "out"}, {"y"});
    const TemporaryFolder folder;
    const auto loaded = onnx::load_onnx<double>(writer.write(folder));
    RandomStream random(3, "images");
    const Index C = image_[0], H = image_[1], W = image_[2];
    const Real images = check::draw({3, H, W, C}, random);
    const check::Poison poison;
    const Real logits = evaluate(loaded.network, loaded.variables, images);
    const Reals out = values_of(writer, "out");
    Real wanted = Real::zeros({3, 2});
    for (Index n = 0; n < 3; ++n) {
      const Plain y = expected(filled(image_, [&](auto c, auto h, auto w) { return images[((n * H + h) * W + w) * C + c]; }));
      REQUIRE(static_cast<std::int64_t>(y.values.size()) == width);
      for (std::size_t k = 0; k < y.values.size(); ++k)
        for (std::size_t o = 0; o < 2; ++o) wanted[n * 2 + static_cast<Index>(o)] += y.values[k] * out[k * 2 + o];
    }
    close_to(logits, wanted, tolerance);
    derivatives(loaded, images);
    // An image alone gives what it gives among others.
    close_to(evaluate(loaded.network, loaded.variables, images, 1), logits, 1e-13);
  }

  GraphWriter writer;

 private:
  static void derivatives(const onnx::Loaded<double>& l, const Real& images) {
    const auto f = [&](const auto& p) {
      using T = typename std::decay_t<decltype(p)>::value_type;
      return forward(l.network, l.variables, p, lift<T>(images));
    };
    RandomStream random(4, "directions");
    const auto& p = l.variables.parameters;
    const auto v = check::draw_like(p, random), w = check::draw_like(p, random);
    const Real u = check::draw({3, l.description.outputs}, random);
    const Real slope = check::tangent_of(jvp(f, p, check::some(v)));
    const double h = 1e-6;
    const Real ahead = f(check::shifted(p, v, h)), behind = f(check::shifted(p, v, -h));
    Real difference(slope.shape());
    for (Index i = 0; i < difference.size(); ++i) difference[i] = (ahead[i] - behind[i]) / (2 * h);
    check::same(slope, difference, 1e-6);
    check::same(check::inner(pullback(f, p)(u), v), check::inner(slope, u), 1e-11);
    // Forward over reverse: symmetric, and the same as a difference of gradients.
    std::vector<Dual<Real>> moving;
    for (std::size_t i = 0; i < p.size(); ++i) moving.emplace_back(p[i], v[i]);
    double curvature = 0;
    const auto back = pullback(f, moving)(Dual<Real>(u));
    for (std::size_t i = 0; i < p.size(); ++i)
      if (back[i] && back[i]->tangent) curvature += check::inner(*back[i]->tangent, w[i]);
    const auto gradient = [&](double step) { return check::inner(pullback(f, check::shifted(p, v, step))(u), w); };
    check::same(curvature, (gradient(h) - gradient(-h)) / (2 * h), 1e-5);
  }

  Integers image_;
};

/// A graph whose `a` is x times a weight of every entry.
inline OpCase scaled(int opset, const Integers& image = {2, 5, 4}) {
  OpCase c(opset, image);
  c.writer.weight("s", image);
  c.writer.node("Mul", {"x", "s"}, {"a"});
  return c;
}
inline Plain scaled_input(const OpCase& c, const Plain& x) {
  const Reals s = values_of(c.writer, "s");
  Plain y = x;
  for (std::size_t i = 0; i < s.size(); ++i) y.values[i] *= s[i];
  return y;
}

}  // namespace tangentplane::onnx_test
