// Where a formula has numbers that are not finite beside those that it chooses, or a slope that is not: values, and derivatives by example.
#include "linearize/factored_jacobian.h"
#include "tests/nn/onnx/op_case.h"

using namespace tangentplane;
using namespace tangentplane::onnx_test;

namespace {

/// J [N O, P] by central differences.
Real differences(const onnx::Loaded<double>& l, const Real& images) {
  const auto logits = [&](std::size_t k, Index i, double h) {
    auto moved = l.variables.clone();
    moved.parameters[k][i] += h;
    return evaluate(l.network, moved, images);
  };
  const Index rows = images.rows() * l.description.outputs;
  Real all({rows, l.variables.size()});
  Index column = 0;
  for (std::size_t k = 0; k < l.variables.parameters.size(); ++k)
    for (Index i = 0; i < l.variables.parameters[k].size(); ++i, ++column) {
      const Real ahead = logits(k, i, 1e-6), behind = logits(k, i, -1e-6);
      for (Index r = 0; r < rows; ++r) all[r * l.variables.size() + column] = (ahead[r] - behind[r]) / 2e-6;
    }
  return all;
}

}  // namespace

TEST_CASE("onnx: GELU spelled out with any divisor is its formula, and is flat only where that is") {
  for (const double divisor : {0.01, 1.4142135, 100.0}) {
    INFO(divisor);
    GraphWriter g(17, {-1, 1});
    g.reals("w", {1, 1}, {1}), g.reals("s", {}, {divisor}), g.reals("one", {}, {1}), g.reals("half", {}, {0.5});
    g.node("MatMul", {"x", "w"}, {"a"});
    g.node("Div", {"a", "s"}, {"b"});
    g.node("Erf", {"b"}, {"c"});
    g.node("Add", {"c", "one"}, {"d"});
    g.node("Mul", {"a", "d"}, {"e"});
    g.node("Mul", {"e", "half"}, {"y"});
    const TemporaryFolder folder;
    const auto l = onnx::load_onnx<double>(g.write(folder));
    const std::vector<double> points{-1e4, -300, -120, -41, -39, -1, 0, 1, 39, 41, 120, 300, 1e4};
    const auto n = static_cast<Index>(points.size());
    const Real images = Real::from({n, 1}, points);
    const Real logits = evaluate(l.network, l.variables, images), rows = FactoredJacobian<double>(l.network, l.variables, images).rows();
    const double s = static_cast<float>(divisor);
    for (Index i = 0; i < n; ++i) {
      const double x = points[static_cast<std::size_t>(i)], z = x / s;
      INFO(x);
      CHECK(logits[i] == Approx(0.5 * x * std::erfc(-z)).epsilon(1e-12));
      CHECK(rows[i] == Approx(x * (0.5 * std::erfc(-z) + z * std::exp(-z * z) / std::sqrt(std::numbers::pi))).epsilon(1e-10));
    }
  }
}

TEST_CASE("onnx: Where chooses: what is not chosen may be infinite, or not a number") {
  for (const bool broadcast : {false, true}) {
    GraphWriter g(17, {-1, 4});
    g.reals("w", {4, 4}, {1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1});
    auto* choice = g.tensor("choice", broadcast ? Integers{1, 2, 1} : Integers{4}, 9);
    for (const auto c : broadcast ? Integers{1, 0} : Integers{1, 0, 1, 0}) choice->add_int32_data(static_cast<int>(c));
    g.integers("pairs", {-1, 2, 2}), g.integers("flat", {-1, 4});
    g.node("MatMul", {"x", "w"}, {"a"});
    g.node("Relu", {"a"}, {"r"});
    g.node("Log", {"r"}, {"l"});
    if (broadcast) {  // of [N,2,2]: the first two are chosen
      g.node("Reshape", {"l", "pairs"}, {"l2"});
      g.node("Reshape", {"a", "pairs"}, {"a2"});
      g.node("Where", {"choice", "l2", "a2"}, {"y2"});
      g.node("Reshape", {"y2", "flat"}, {"y"});
    } else {
      g.node("Where", {"choice", "l", "a"}, {"y"});
    }
    const TemporaryFolder folder;
    const auto l = onnx::load_onnx<double>(g.write(folder));
    const Real images = Real::from({2, 4}, {0.5, 2, 3, 0.25, 1, 1, 0.125, 4});
    const Real logits = evaluate(l.network, l.variables, images);
    for (Index i = 0; i < 8; ++i) {
      const Index k = i % 4;
      const double a = (k % 2 == 0 ? 1 : -1) * images[i];
      const bool chosen = broadcast ? k < 2 : k % 2 == 0;
      INFO(broadcast << " " << i);
      CHECK(logits[i] == (chosen ? std::log(std::max(a, 0.0)) : a));  // -inf where that is what was chosen
    }
  }
  // By example, and in every nest.
  OpCase c = scaled(13);
  auto* choice = c.writer.tensor("choice", {5, 1}, 9);
  for (const int v : {1, 0, 0, 1, 1}) choice->add_int32_data(v);
  c.writer.weight("other", {4});
  c.writer.node("Where", {"choice", "a", "other"}, {"z"});
  c.check([&](const Plain& x) {
    const Reals other = values_of(c.writer, "other");
    return filled({2, 5, 4}, [&, v = scaled_input(c, x)](auto a, auto b, auto d) {
      return b == 1 || b == 2 ? other[static_cast<std::size_t>(d)] : v(a, b, d);
    });
  });
}

TEST_CASE("onnx: the length of a row of zeros is flat, so that a dead unit has derivatives") {
  GraphWriter g(17, {-1, 2});
  g.reals("w", {2, 3}, {1, 2, 0.5, 0.25, 1, 1}), g.reals("v", {3, 2}, {1, 2, -1, 0.5, 3, -2});
  g.reals("least", {}, {1e-6});
  g.node("MatMul", {"x", "w"}, {"a"});
  g.node("Relu", {"a"}, {"r"});
  set(g.node("ReduceL2", {"r"}, {"n"}), "axes", Integers{-1});
  g.node("Clip", {"n", "least"}, {"c"});
  g.node("Div", {"r", "c"}, {"d"});
  g.node("MatMul", {"d", "v"}, {"y"});
  const TemporaryFolder folder;
  const auto l = onnx::load_onnx<double>(g.write(folder));
  const Real images = Real::from({3, 2}, {1, 0.5, -1, -0.5, -1, 3});  // all units of the second are off
  const FactoredJacobian<double> jacobian(l.network, l.variables, images, Outputs::full());
  close_to(jacobian.rows(), differences(l, images), 1e-8);
  for (Index k = 0; k < 2 * l.variables.size(); ++k) CHECK(jacobian.rows()[2 * l.variables.size() + k] == 0);
}

TEST_CASE("onnx: a parameter divides, and leaves derivatives by example, whatever its shape is") {
  for (const Integers& dims : std::vector<Integers>{{6}, {1, 1, 6}, {3, 1}, {3, 6}, {1}, {}, {1, 3, 1}}) {
    INFO(fmt::format("[{}]", fmt::join(dims, ",")));
    GraphWriter g(17, {-1, 3, 4});
    g.weight("w", {4, 6}), g.weight("v", {18, 2});
    Index count = 1;
    for (auto d : dims) count *= d;
    Reals values;
    for (Index i = 0; i < count; ++i) values.push_back(0.75 + 0.125 * static_cast<double>(i));
    g.reals("d", dims, values);
    g.node("MatMul", {"x", "w"}, {"a"});
    g.node("Div", {"a", "d"}, {"b"});
    g.node("Tanh", {"b"}, {"t"});
    g.node("Flatten", {"t"}, {"f"});
    g.node("MatMul", {"f", "v"}, {"y"});
    const TemporaryFolder folder;
    const auto l = onnx::load_onnx<double>(g.write(folder), {.train = {"d"}, .freeze = {}});
    RandomStream random(3, "images");
    for (Index n : {1, 4}) {
      const Real images = check::draw({n, 3, 4}, random);
      close_to(FactoredJacobian<double>(l.network, l.variables, images, Outputs::full()).rows(), differences(l, images), 1e-8);
    }
  }
}
