// Ops of small files against formulas in ONNX's own layout, [C,H,W] of one image, in plain loops.
#include <numbers>

#include "tests/nn/onnx/op_case.h"

using namespace tangentplane;
using namespace tangentplane::onnx_test;

namespace {

/// z = f(x), entry by entry.
void pointwise(const std::string& op, int opset, const std::function<double(double)>& f,
               const std::vector<std::pair<std::string, double>>& attributes = {}, bool positive = false) {
  INFO(op << " " << opset);
  OpCase c(opset);
  c.writer.weight("s", {2, 1, 1});
  if (positive) {  // of x^2 + 1/2
    c.writer.reals("half", {}, {0.5});
    c.writer.node("Mul", {"x", "x"}, {"square"});
    c.writer.node("Add", {"square", "half"}, {"a"});
  } else {
    c.writer.node("Mul", {"x", "s"}, {"a"});
  }
  auto& node = c.writer.node(op, {"a"}, {"z"});
  for (const auto& [name, value] : attributes) set(node, name, value);
  const Reals s = values_of(c.writer, "s");
  c.check([&](const Plain& x) {
    return filled(x.dims, [&](auto a, auto b, auto d) {
      const double v = x(a, b, d);
      return f(positive ? v * v + 0.5 : v * s[static_cast<std::size_t>(a)]);
    });
  });
}

}  // namespace

TEST_CASE("onnx: functions of one number are ONNX's") {
  const auto f32 = [](double v) { return static_cast<double>(static_cast<float>(v)); };
  pointwise("Relu", 13, [](double x) { return std::max(x, 0.0); });
  pointwise("Tanh", 21, [](double x) { return std::tanh(x); });
  pointwise("Sigmoid", 14, [](double x) { return 1 / (1 + std::exp(-x)); });
  pointwise("Exp", 13, [](double x) { return std::exp(x); });
  pointwise("Erf", 13, [](double x) { return std::erf(x); });
  pointwise("Sin", 13, [](double x) { return std::sin(x); });
  pointwise("Cos", 13, [](double x) { return std::cos(x); });
  pointwise("Neg", 13, [](double x) { return -x; });
  pointwise("Abs", 13, [](double x) { return std::abs(x); });
  pointwise("Softplus", 13, [](double x) { return std::log1p(std::exp(x)); });
  pointwise(
      "Sqrt", 13, [](double x) { return std::sqrt(x); }, {}, true);
  pointwise(
      "Log", 13, [](double x) { return std::log(x); }, {}, true);
  pointwise(
      "Reciprocal", 13, [](double x) { return 1 / x; }, {}, true);
  pointwise("LeakyRelu", 16, [&](double x) { return x > 0 ? x : f32(0.01) * x; });
  pointwise("LeakyRelu", 16, [&](double x) { return x > 0 ? x : f32(0.3) * x; }, {{"alpha", 0.3}});
  pointwise("Elu", 13, [&](double x) { return x > 0 ? x : f32(0.7) * std::expm1(x); }, {{"alpha", 0.7}});
  pointwise("Selu", 13, [&](double x) { return f32(1.0507009873554805) * (x > 0 ? x : f32(1.6732632423543772) * std::expm1(x)); });
  pointwise("HardSwish", 14, [](double x) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); });
  pointwise("HardSigmoid", 13, [&](double x) { return std::clamp(f32(0.2) * x + 0.5, 0.0, 1.0); });
  pointwise("Mish", 18, [](double x) { return x * std::tanh(std::log1p(std::exp(x))); });
  pointwise("Gelu", 20, [](double x) { return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)); });
  pointwise("Identity", 13, [](double x) { return x; });
  pointwise("Dropout", 13, [](double x) { return x; });
}

TEST_CASE("onnx: bounds, exponents and numbers stand in either operand") {
  const auto f32 = [](double v) { return static_cast<double>(static_cast<float>(v)); };
  const auto with_number = [&](const std::string& op, double number, bool first, const std::function<double(double)>& f) {
    INFO(op << " " << number << " " << first);
    OpCase c(17);
    c.writer.reals("n", {}, {number});
    c.writer.reals("half", {1}, {0.5});
    c.writer.node("Mul", {"x", "x"}, {"square"});
    c.writer.node("Add", {"square", "half"}, {"a"});
    c.writer.node(op, first ? std::vector<std::string>{"n", "a"} : std::vector<std::string>{"a", "n"}, {"z"});
    c.check([&](const Plain& x) { return filled(x.dims, [&](auto a, auto b, auto d) { return f(x(a, b, d) * x(a, b, d) + 0.5); }); });
  };
  for (bool first : {false, true}) {
    with_number("Add", 0.3, first, [&](double x) { return x + f32(0.3); });
    with_number("Mul", 0.3, first, [&](double x) { return x * f32(0.3); });
    with_number("Sub", 0.3, first, [&](double x) { return first ? f32(0.3) - x : x - f32(0.3); });
    with_number("Div", 0.3, first, [&](double x) { return first ? f32(0.3) / x : x / f32(0.3); });
    with_number("Max", 1, first, [&](double x) { return std::max(x, 1.0); });
    with_number("Min", 1, first, [&](double x) { return std::min(x, 1.0); });
  }
  for (double e : {2.0, 3.0, 0.5, -1.0, 0.0, 1.0}) with_number("Pow", e, false, [&](double x) { return std::pow(x, e); });
  for (int bounds : {0, 1, 2, 3}) {
    INFO(bounds);
    OpCase c(13);
    c.writer.reals("low", {}, {-0.5}), c.writer.reals("high", {}, {0.75});
    c.writer.node("Clip", {"x", bounds & 1 ? "low" : "", bounds & 2 ? "high" : ""}, {"z"});
    c.check([&](const Plain& x) {
      return filled(x.dims, [&](auto a, auto b, auto d) {
        double v = x(a, b, d);
        if (bounds & 1) v = std::max(v, -0.5);
        if (bounds & 2) v = std::min(v, 0.75);
        return v;
      });
    });
  }
}

TEST_CASE("onnx: two values are broadcast along any axes, parameters in either operand") {
  for (const Integers& dims : {Integers{2, 1, 1}, {4}, {5, 1}, {2, 5, 4}, {1, 2, 1, 4}, {1, 1, 1}, {1, 5, 4}})
    for (const std::string op : {"Add", "Sub", "Mul", "Div"})
      for (bool first : {false, true}) {
        INFO(op << " " << dims.size() << " " << first);
        OpCase c(14);
        c.writer.weight("p", dims);
        c.writer.weight("q", {4, 4});  // makes axes lie otherwise
        c.writer.node("MatMul", {"x", "q"}, {"m"});
        c.writer.node("Exp", {"m"}, {"a"});
        c.writer.node("Exp", {"p"}, {"e"});
        c.writer.node(op, first ? std::vector<std::string>{"e", "a"} : std::vector<std::string>{"a", "e"}, {"z"});
        const Reals p = values_of(c.writer, "p"), q = values_of(c.writer, "q");
        c.check([&](const Plain& x) {
          return filled(x.dims, [&](auto a, auto b, auto d) {
            double m = 0;
            for (std::int64_t k = 0; k < 4; ++k) m += x(a, b, k) * q[static_cast<std::size_t>(k * 4 + d)];
            const std::int64_t at[] = {0, a, b, d};
            std::int64_t place = 0;
            for (std::size_t i = 0; i < dims.size(); ++i) place = place * dims[i] + (dims[i] == 1 ? 0 : at[4 - dims.size() + i]);
            const double u = std::exp(m), v = std::exp(p[static_cast<std::size_t>(place)]);
            const double l = first ? v : u, r = first ? u : v;
            return op == "Add" ? l + r : op == "Sub" ? l - r : op == "Mul" ? l * r : l / r;
          });
        });
      }
}

TEST_CASE("onnx: sums along axes, by attribute and by input") {
  for (const std::string op : {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceSumSquare", "ReduceL1"})
    for (int opset : {13, 18})
      for (const Integers& axes : {Integers{1}, {2, 3}, {-1}, {1, 2, 3}, {3, 1}})
        for (bool keep : {false, true}) {
          INFO(op << " " << opset << " " << axes.size() << " " << keep);
          OpCase c(opset);
          c.writer.weight("s", {2, 5, 4});
          c.writer.node("Mul", {"x", "s"}, {"a"});
          const bool by_input = opset >= 18 || op == "ReduceSum";
          if (by_input) c.writer.integers("axes", axes);
          auto& node = c.writer.node(op, by_input ? std::vector<std::string>{"a", "axes"} : std::vector<std::string>{"a"}, {"r"});
          set(node, "keepdims", std::int64_t(keep));
          if (!by_input) set(node, "axes", axes);
          c.writer.node("Identity", {"r"}, {"z"});
          const Reals s = values_of(c.writer, "s");
          std::array<bool, 3> gone{};
          for (auto a : axes) gone[static_cast<std::size_t>(a < 0 ? a + 3 : a - 1)] = true;
          c.check([&](const Plain& x) {
            Plain y = filled({gone[0] ? 1 : 2, gone[1] ? 1 : 5, gone[2] ? 1 : 4}, [&](auto a, auto b, auto d) {
              double sum = 0, count = 0, top = -1e300, low = 1e300, squares = 0, sizes = 0;
              for (std::int64_t i = gone[0] ? 0 : a; i <= (gone[0] ? 1 : a); ++i)
                for (std::int64_t j = gone[1] ? 0 : b; j <= (gone[1] ? 4 : b); ++j)
                  for (std::int64_t k = gone[2] ? 0 : d; k <= (gone[2] ? 3 : d); ++k) {
                    const double v = x(i, j, k) * s[static_cast<std::size_t>((i * 5 + j) * 4 + k)];
                    sum += v, count += 1, squares += v * v, sizes += std::abs(v), top = std::max(top, v), low = std::min(low, v);
                  }
              return op == "ReduceMean"  ? sum / count
                     : op == "ReduceSum" ? sum
                     : op == "ReduceMax" ? top
                     : op == "ReduceMin" ? low
                     : op == "ReduceL2"  ? std::sqrt(squares)
                     : op == "ReduceL1"  ? sizes
                                         : squares;
            });
            return y;
          });
        }
}

TEST_CASE("onnx: softmax and its logarithm along each axis") {
  for (const std::string op : {"Softmax", "LogSoftmax"})
    for (std::int64_t axis : {1, 2, 3, -1}) {
      INFO(op << " " << axis);
      OpCase c(13);
      c.writer.weight("s", {2, 1, 4});
      c.writer.node("Mul", {"x", "s"}, {"a"});
      set(c.writer.node(op, {"a"}, {"z"}), "axis", axis);
      const Reals s = values_of(c.writer, "s");
      c.check([&](const Plain& x) {
        const Plain v = filled(x.dims, [&](auto a, auto b, auto d) { return x(a, b, d) * s[static_cast<std::size_t>(a * 4 + d)]; });
        return filled(x.dims, [&](auto a, auto b, auto d) {
          double sum = 0;
          for (std::int64_t k = 0; k < x.dims[static_cast<std::size_t>(axis < 0 ? 2 : axis - 1)]; ++k)
            sum += std::exp(axis == 1 ? v(k, b, d) : axis == 2 ? v(a, k, d) : v(a, b, k));
          return op == "Softmax" ? std::exp(v(a, b, d)) / sum : v(a, b, d) - std::log(sum);
        });
      });
    }
}

TEST_CASE("onnx: convolutions with strides, dilations, groups and each kind of padding") {
  struct Setting {
    Integers weight, strides, dilations, pads;
    std::string auto_pad;
    std::int64_t group;
    bool bias;
  };
  for (const Setting& t : {Setting{{3, 2, 3, 2}, {1, 1}, {1, 1}, {0, 0, 0, 0}, "NOTSET", 1, true},
                           {{3, 2, 1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}, "NOTSET", 1, false},
                           {{4, 1, 3, 3}, {1, 2}, {1, 1}, {1, 1, 1, 1}, "NOTSET", 2, true},
                           {{2, 2, 2, 2}, {1, 1}, {2, 1}, {1, 0, 2, 1}, "NOTSET", 1, true},
                           {{2, 2, 4, 2}, {1, 1}, {1, 1}, {}, "SAME_UPPER", 1, true},
                           {{2, 2, 4, 2}, {2, 1}, {1, 1}, {}, "SAME_LOWER", 1, false},
                           {{2, 2, 2, 3}, {2, 3}, {1, 1}, {}, "VALID", 1, true}}) {
    INFO(t.auto_pad << " " << t.weight.size() << " " << t.group);
    OpCase c(14);
    c.writer.weight("w", t.weight);
    c.writer.weight("b", {t.weight[0]});
    auto& node = c.writer.node("Conv", t.bias ? std::vector<std::string>{"x", "w", "b"} : std::vector<std::string>{"x", "w", ""}, {"z"});
    set(node, "strides", t.strides), set(node, "dilations", t.dilations), set(node, "group", t.group), set(node, "auto_pad", t.auto_pad);
    if (!t.pads.empty()) set(node, "pads", t.pads);
    const Reals w = values_of(c.writer, "w"), b = values_of(c.writer, "b");
    c.check([&](const Plain& x) {
      std::int64_t before[2] = {0, 0}, extent[2];
      for (std::size_t i : {0, 1}) {
        const std::int64_t n = x.dims[i + 1], span = (t.weight[i + 2] - 1) * t.dilations[i] + 1;
        std::int64_t all = 0;
        if (!t.pads.empty()) before[i] = t.pads[i], all = t.pads[i] + t.pads[i + 2];
        if (t.auto_pad.starts_with("SAME")) {
          all = std::max<std::int64_t>(((n + t.strides[i] - 1) / t.strides[i] - 1) * t.strides[i] + span - n, 0);
          before[i] = t.auto_pad == "SAME_UPPER" ? all / 2 : (all + 1) / 2;
        }
        extent[i] = (n + all - span) / t.strides[i] + 1;
      }
      const std::int64_t O = t.weight[0], I = t.weight[1];
      return filled({O, extent[0], extent[1]}, [&](auto o, auto i, auto j) {
        double sum = t.bias ? b[static_cast<std::size_t>(o)] : 0;
        for (std::int64_t k = 0; k < I; ++k)
          for (std::int64_t p = 0; p < t.weight[2]; ++p)
            for (std::int64_t q = 0; q < t.weight[3]; ++q)
              sum += w[static_cast<std::size_t>(((o * I + k) * t.weight[2] + p) * t.weight[3] + q)] *
                     x.at(o / (O / t.group) * I + k, i * t.strides[0] - before[0] + p * t.dilations[0],
                          j * t.strides[1] - before[1] + q * t.dilations[1], 0);
        return sum;
      });
    });
  }
}

TEST_CASE("onnx: transposed convolutions scatter") {
  struct Setting {
    Integers weight, strides, dilations, pads, more;
    std::int64_t group;
  };
  for (const Setting& t : {Setting{{2, 3, 2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}, {0, 0}, 1},
                           {{2, 3, 3, 2}, {2, 1}, {1, 1}, {1, 0, 0, 1}, {1, 0}, 1},
                           {{2, 2, 3, 3}, {1, 2}, {1, 2}, {1, 1, 1, 1}, {0, 1}, 2}}) {
    OpCase c(13);
    c.writer.weight("w", t.weight);
    c.writer.weight("b", {t.weight[1] * t.group});
    auto& node = c.writer.node("ConvTranspose", {"x", "w", "b"}, {"z"});
    set(node, "strides", t.strides), set(node, "dilations", t.dilations), set(node, "pads", t.pads), set(node, "output_padding", t.more);
    set(node, "group", t.group);
    const Reals w = values_of(c.writer, "w"), b = values_of(c.writer, "b");
    c.check([&](const Plain& x) {
      std::int64_t extent[2];
      for (std::size_t i : {0, 1})
        extent[i] = (x.dims[i + 1] - 1) * t.strides[i] + (t.weight[i + 2] - 1) * t.dilations[i] + 1 + t.more[i] - t.pads[i] - t.pads[i + 2];
      const std::int64_t O = t.weight[1] * t.group;
      Plain y = filled({O, extent[0], extent[1]}, [&](auto o, auto, auto) { return b[static_cast<std::size_t>(o)]; });
      for (std::int64_t k = 0; k < x.dims[0]; ++k)
        for (std::int64_t i = 0; i < x.dims[1]; ++i)
          for (std::int64_t j = 0; j < x.dims[2]; ++j)
            for (std::int64_t o = 0; o < t.weight[1]; ++o)
              for (std::int64_t p = 0; p < t.weight[2]; ++p)
                for (std::int64_t q = 0; q < t.weight[3]; ++q) {
                  const std::int64_t r = i * t.strides[0] + p * t.dilations[0] - t.pads[0],
                                     s = j * t.strides[1] + q * t.dilations[1] - t.pads[1];
                  if (r < 0 || s < 0 || r >= extent[0] || s >= extent[1]) continue;
                  const std::int64_t channel = k / (x.dims[0] / t.group) * t.weight[1] + o;
                  y.values[static_cast<std::size_t>((channel * extent[0] + r) * extent[1] + s)] +=
                      x(k, i, j) * w[static_cast<std::size_t>(((k * t.weight[1] + o) * t.weight[2] + p) * t.weight[3] + q)];
                }
      return y;
    });
  }
}

TEST_CASE("onnx: pooling with padding, rounded down and up, counting padding or not") {
  for (const std::string op : {"MaxPool", "AveragePool"})
    for (std::int64_t up : {0, 1})
      for (std::int64_t counts : {0, 1})
        for (const auto& [kernel, strides, pads] : std::vector<std::array<Integers, 3>>{{{{2, 2}, {2, 2}, {0, 0, 0, 0}}},
                                                                                        {{{3, 3}, {2, 2}, {1, 1, 1, 1}}},
                                                                                        {{{3, 2}, {1, 3}, {2, 0, 1, 1}}},
                                                                                        {{{2, 3}, {3, 2}, {0, 1, 1, 0}}}}) {
          INFO(op << " " << up << " " << counts << " " << kernel[0] << kernel[1]);
          OpCase c(19);
          c.writer.weight("s", {2, 1, 1});
          c.writer.node("Mul", {"x", "s"}, {"a"});
          auto& node = c.writer.node(op, {"a"}, {"z"});
          set(node, "kernel_shape", kernel), set(node, "strides", strides), set(node, "pads", pads), set(node, "ceil_mode", up);
          if (op == "AveragePool") set(node, "count_include_pad", counts);
          const Reals s = values_of(c.writer, "s");
          const Integers k = kernel, t = strides, p = pads;
          c.check([&](const Plain& x) {
            std::int64_t extent[2];
            for (std::size_t i : {0, 1}) {
              const std::int64_t n = x.dims[i + 1], free = n + p[i] + p[i + 2] - k[i];
              extent[i] = (up ? (free + t[i] - 1) / t[i] : free / t[i]) + 1;
              if (up && (extent[i] - 1) * t[i] >= n + p[i]) --extent[i];
            }
            return filled({x.dims[0], extent[0], extent[1]}, [&](auto a, auto i, auto j) {
              double sum = 0, count = 0, top = -1e300;
              for (std::int64_t u = 0; u < k[0]; ++u)
                for (std::int64_t v = 0; v < k[1]; ++v) {
                  const std::int64_t r = i * t[0] - p[0] + u, q = j * t[1] - p[1] + v;
                  const bool inside = r >= 0 && q >= 0 && r < x.dims[1] && q < x.dims[2];
                  const bool padding = r < x.dims[1] + p[2] && q < x.dims[2] + p[3];
                  if (inside) {
                    const double value = x(a, r, q) * s[static_cast<std::size_t>(a)];
                    sum += value, top = std::max(top, value);
                  }
                  count += inside || (counts && padding) ? 1 : 0;
                }
              return op == "MaxPool" ? top : sum / count;
            });
          });
        }
  for (const std::string op : {"GlobalAveragePool", "GlobalMaxPool"}) {
    OpCase c(13);
    c.writer.weight("s", {2, 5, 4});
    c.writer.node("Mul", {"x", "s"}, {"a"});
    c.writer.node(op, {"a"}, {"z"});
    const Reals s = values_of(c.writer, "s");
    c.check([&](const Plain& x) {
      return filled({2, 1, 1}, [&](auto a, auto, auto) {
        double sum = 0, top = -1e300;
        for (std::int64_t i = 0; i < 5; ++i)
          for (std::int64_t j = 0; j < 4; ++j) {
            const double v = x(a, i, j) * s[static_cast<std::size_t>((a * 5 + i) * 4 + j)];
            sum += v, top = std::max(top, v);
          }
        return op == "GlobalMaxPool" ? top : sum / 20;
      });
    });
  }
}
