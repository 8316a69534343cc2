// Products of matrices and normalisations, against plain loops in the file's layout.
#include "tests/nn/onnx/op_case.h"

using namespace tangentplane;
using namespace tangentplane::onnx_test;

TEST_CASE("onnx: matrices on either side, both of the images, and Gemm with all its settings") {
  {
    OpCase c = scaled(13);
    c.writer.weight("l", {3, 5}), c.writer.weight("r", {4, 2});
    c.writer.node("MatMul", {"l", "a"}, {"m"});
    c.writer.node("Tanh", {"m"}, {"f"});
    c.writer.node("MatMul", {"f", "r"}, {"z"});
    const Reals l = values_of(c.writer, "l"), r = values_of(c.writer, "r");
    c.check([&](const Plain& x) {
      const Plain v = scaled_input(c, x);
      const Plain f = filled({2, 3, 4}, [&](auto a, auto i, auto j) {
        double sum = 0;
        for (std::int64_t k = 0; k < 5; ++k) sum += l[static_cast<std::size_t>(i * 5 + k)] * v(a, k, j);
        return std::tanh(sum);
      });
      return filled({2, 3, 2}, [&](auto a, auto i, auto j) {
        double sum = 0;
        for (std::int64_t k = 0; k < 4; ++k) sum += f(a, i, k) * r[static_cast<std::size_t>(k * 2 + j)];
        return sum;
      });
    });
  }
  {  // a a^T, matrix by matrix, and a weight for each of the first axis
    OpCase c = scaled(13);
    c.writer.weight("h", {1, 2, 5, 3});
    set(c.writer.node("Transpose", {"a"}, {"t"}), "perm", Integers{0, 1, 3, 2});
    c.writer.node("MatMul", {"a", "t"}, {"m"});
    c.writer.node("MatMul", {"m", "h"}, {"z"});
    const Reals h = values_of(c.writer, "h");
    c.check([&](const Plain& x) {
      const Plain v = scaled_input(c, x);
      return filled({2, 5, 3}, [&](auto a, auto i, auto j) {
        double sum = 0;
        for (std::int64_t k = 0; k < 5; ++k)
          for (std::int64_t q = 0; q < 4; ++q) sum += v(a, i, q) * v(a, k, q) * h[static_cast<std::size_t>((a * 5 + k) * 3 + j)];
        return sum;
      });
    });
  }
  for (bool turned : {false, true})
    for (const Integers& added : {Integers{3}, {1, 3}, {1}, {}, {1, 1}}) {
      INFO(turned << " " << added.size());
      OpCase c = scaled(13);
      c.writer.weight("w", turned ? Integers{3, 40} : Integers{40, 3}), c.writer.weight("c", added);
      c.writer.node("Flatten", {"a"}, {"f"});
      auto& node = c.writer.node("Gemm", {"f", "w", "c"}, {"z"});
      set(node, "transB", std::int64_t(turned)), set(node, "alpha", 0.5), set(node, "beta", 2.0);
      const Reals w = values_of(c.writer, "w"), b = values_of(c.writer, "c");
      c.check([&](const Plain& x) {
        const Plain v = scaled_input(c, x);
        return filled({1, 1, 3}, [&](auto, auto, auto j) {
          double sum = 0;
          for (std::int64_t k = 0; k < 40; ++k)
            sum += v.values[static_cast<std::size_t>(k)] * w[static_cast<std::size_t>(turned ? j * 40 + k : k * 3 + j)];
          return 0.5 * sum + 2 * b[b.size() == 1 ? 0 : static_cast<std::size_t>(j)];
        });
      });
    }
}

TEST_CASE("onnx: normalisations with the file's epsilon") {
  const double epsilon = 1e-2f;
  const auto moments = [](const Plain& v, const auto& in) {
    double sum = 0, squares = 0, count = 0;
    for (std::int64_t a = 0; a < v.dims[0]; ++a)
      for (std::int64_t b = 0; b < v.dims[1]; ++b)
        for (std::int64_t d = 0; d < v.dims[2]; ++d)
          if (in(a, b, d)) sum += v(a, b, d), squares += v(a, b, d) * v(a, b, d), count += 1;
    return std::pair(sum / count, squares / count - sum / count * (sum / count));
  };
  for (std::int64_t axis : {-1, 2, 1})
    for (bool bias : {false, true}) {
      OpCase c = scaled(17);
      const Integers over = axis == -1 ? Integers{4} : axis == 2 ? Integers{5, 4} : Integers{2, 5, 4};
      c.writer.weight("g", over), c.writer.weight("b", over);
      auto& node =
          c.writer.node("LayerNormalization", bias ? std::vector<std::string>{"a", "g", "b"} : std::vector<std::string>{"a", "g"}, {"z"});
      set(node, "axis", axis), set(node, "epsilon", 1e-2);
      const Reals g = values_of(c.writer, "g"), b = values_of(c.writer, "b");
      c.check([&](const Plain& x) {
        const Plain v = scaled_input(c, x);
        return filled(x.dims, [&](auto i, auto j, auto k) {
          const auto [mean, variance] = moments(v, [&](auto p, auto q, auto) { return (axis == 1 || p == i) && (axis != -1 || q == j); });
          const auto place = static_cast<std::size_t>(axis == -1 ? k : axis == 2 ? j * 4 + k : (i * 5 + j) * 4 + k);
          return (v(i, j, k) - mean) / std::sqrt(variance + epsilon) * g[place] + (bias ? b[place] : 0);
        });
      });
    }
  for (int opset : {18, 21}) {
    OpCase c = scaled(opset, {4, 3, 2});
    const Integers each{opset == 18 ? 2 : 4};
    c.writer.weight("g", each), c.writer.weight("b", each);
    auto& node = c.writer.node("GroupNormalization", {"a", "g", "b"}, {"z"});
    set(node, "num_groups", std::int64_t(2)), set(node, "epsilon", 1e-2);
    const Reals g = values_of(c.writer, "g"), b = values_of(c.writer, "b");
    c.check([&](const Plain& x) {
      const Plain v = scaled_input(c, x);
      return filled(x.dims, [&](auto i, auto j, auto k) {
        const auto [mean, variance] = moments(v, [&](auto p, auto, auto) { return p / 2 == i / 2; });
        const auto place = static_cast<std::size_t>(opset == 18 ? i / 2 : i);
        return (v(i, j, k) - mean) / std::sqrt(variance + epsilon) * g[place] + b[place];
      });
    });
  }
  OpCase c = scaled(13);
  c.writer.weight("g", {2}), c.writer.weight("b", {2});
  set(c.writer.node("InstanceNormalization", {"a", "g", "b"}, {"z"}), "epsilon", 1e-2);
  const Reals g = values_of(c.writer, "g"), b = values_of(c.writer, "b");
  c.check([&](const Plain& x) {
    const Plain v = scaled_input(c, x);
    return filled(x.dims, [&](auto i, auto j, auto k) {
      const auto [mean, variance] = moments(v, [&](auto p, auto, auto) { return p == i; });
      return (v(i, j, k) - mean) / std::sqrt(variance + epsilon) * g[static_cast<std::size_t>(i)] + b[static_cast<std::size_t>(i)];
    });
  });
}

TEST_CASE("onnx: PRelu with a slope for each channel and one for all") {
  for (const Integers& dims : {Integers{2, 1, 1}, {1}, {1, 1, 1}, {2, 5, 4}}) {
    OpCase c = scaled(16);
    c.writer.weight("p", dims);
    c.writer.node("PRelu", {"a", "p"}, {"z"});
    const Reals p = values_of(c.writer, "p");
    c.check([&](const Plain& x) {
      const Plain v = scaled_input(c, x);
      return filled(x.dims, [&](auto i, auto j, auto k) {
        const auto place = static_cast<std::size_t>(p.size() == 1 ? 0 : p.size() == 2 ? i : (i * 5 + j) * 4 + k);
        return v(i, j, k) > 0 ? v(i, j, k) : p[place] * v(i, j, k);
      });
    });
  }
}
