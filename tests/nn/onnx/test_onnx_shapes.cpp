// Ops that rearrange, select and repeat, against plain loops in the file's layout.
#include "tests/nn/onnx/op_case.h"

using namespace tangentplane;
using namespace tangentplane::onnx_test;

TEST_CASE("onnx: slices by computed bounds, backwards and along several axes") {
  struct Setting {
    Integers begin, end, axes, step;
    std::array<std::int64_t, 3> first, stride, extent;
  };
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
  for (const Setting& t : {Setting{{1}, {4}, {2}, {1}, {0, 1, 0}, {1, 1, 1}, {2, 3, 4}},
                           {{-1}, {least}, {3}, {-1}, {0, 0, 3}, {1, 1, -1}, {2, 5, 4}},
                           {{0, -3}, {most, most}, {1, 2}, {1, 2}, {0, 2, 0}, {1, 2, 1}, {2, 2, 4}},
                           {{4, 1}, {-6, 2}, {-2, -3}, {-3, 1}, {1, 4, 0}, {1, -3, 1}, {1, 2, 4}},
                           {{0}, {1}, {1}, {1}, {0, 0, 0}, {1, 1, 1}, {1, 5, 4}}}) {
    OpCase c = scaled(13);
    c.writer.integers("begin", t.begin), c.writer.integers("end", t.end), c.writer.integers("axes", t.axes),
        c.writer.integers("step", t.step);
    c.writer.node("Slice", {"a", "begin", "end", "axes", "step"}, {"z"});
    c.check([&](const Plain& x) {
      const Plain v = scaled_input(c, x);
      return filled({t.extent[0], t.extent[1], t.extent[2]}, [&](auto a, auto b, auto d) {
        return v(t.first[0] + a * t.stride[0], t.first[1] + b * t.stride[1], t.first[2] + d * t.stride[2]);
      });
    });
  }
}

TEST_CASE("onnx: split by sizes and in equal parts, joined in another order") {
  for (int opset : {13, 18})
    for (std::int64_t axis : {1, 2, 3})
      for (bool sizes : {false, true}) {
        INFO(opset << " " << axis << " " << sizes);
        const std::int64_t extent = axis == 1 ? 2 : axis == 2 ? 5 : 4;
        if (!sizes && opset == 13 && extent % 2) continue;
        const std::int64_t cut = sizes ? 1 : (extent + 1) / 2;
        OpCase c = scaled(opset);
        if (sizes) c.writer.integers("sizes", {cut, extent - cut});
        auto& node = c.writer.node("Split", sizes ? std::vector<std::string>{"a", "sizes"} : std::vector<std::string>{"a"}, {"p", "q"});
        set(node, "axis", axis);
        if (!sizes && opset >= 18) set(node, "num_outputs", std::int64_t(2));
        set(c.writer.node("Concat", {"q", "p"}, {"z"}), "axis", axis - 4);
        c.check([&](const Plain& x) {
          const Plain v = scaled_input(c, x);
          return filled(x.dims, [&](auto a, auto b, auto d) {
            std::int64_t at[] = {a, b, d};
            at[axis - 1] = (at[axis - 1] + cut) % extent;
            return v(at[0], at[1], at[2]);
          });
        });
      }
}

TEST_CASE("onnx: padding by a constant, by reflection, by the edge, and negative") {
  for (const std::string mode : {"constant", "reflect", "edge", "crop"}) {
    INFO(mode);
    OpCase c = scaled(18);
    c.writer.reals("value", {}, {0.5});
    c.writer.integers("pads", mode == "crop" ? Integers{-1, 1, -2, 0} : Integers{1, 2, 2, 0});
    c.writer.integers("axes", {2, -1});
    auto& node = c.writer.node("Pad", {"a", "pads", mode == "constant" || mode == "crop" ? "value" : "", "axes"}, {"z"});
    if (mode != "crop") set(node, "mode", mode);
    c.check([&](const Plain& x) {
      const Plain v = scaled_input(c, x);
      if (mode == "crop") return filled({2, 2, 5}, [&](auto a, auto b, auto d) { return v.at(a, b + 1, d - 1, 0.5); });
      return filled({2, 8, 6}, [&](auto a, auto b, auto d) {
        std::int64_t i = b - 1, j = d - 2;
        if (mode == "constant") return v.at(a, i, j, 0.5);
        if (mode == "edge") return v(a, std::clamp<std::int64_t>(i, 0, 4), std::clamp<std::int64_t>(j, 0, 3));
        i = i < 0 ? -i : i > 4 ? 8 - i : i, j = j < 0 ? -j : j;
        return v(a, i, j);
      });
    });
  }
}

TEST_CASE("onnx: gather, tile, expand, resize and blocks") {
  {
    OpCase c = scaled(13);
    c.writer.integers("i", {3, -1, 0, 0});
    set(c.writer.node("Gather", {"a", "i"}, {"z"}), "axis", std::int64_t(3));
    c.check([&](const Plain& x) {
      const std::int64_t at[] = {3, 3, 0, 0};
      return filled({2, 5, 4}, [&, v = scaled_input(c, x)](auto a, auto b, auto d) { return v(a, b, at[d]); });
    });
  }
  {
    OpCase c = scaled(13);
    c.writer.integers("i", {2}, true);
    set(c.writer.node("Gather", {"a", "i"}, {"z"}), "axis", std::int64_t(2));
    c.check([&](const Plain& x) { return filled({2, 1, 4}, [&, v = scaled_input(c, x)](auto a, auto, auto d) { return v(a, 2, d); }); });
  }
  {
    OpCase c = scaled(13);
    c.writer.integers("r", {1, 2, 1, 3});
    c.writer.node("Tile", {"a", "r"}, {"z"});
    c.check([&](const Plain& x) {
      return filled({4, 5, 12}, [&, v = scaled_input(c, x)](auto a, auto b, auto d) { return v(a % 2, b, d % 4); });
    });
  }
  {
    OpCase c = scaled(13, {2, 1, 4});
    c.writer.integers("to", {1, 1, 3, 4});
    c.writer.node("Expand", {"a", "to"}, {"z"});
    c.check([&](const Plain& x) { return filled({2, 3, 4}, [&, v = scaled_input(c, x)](auto a, auto, auto d) { return v(a, 0, d); }); });
  }
  struct Setting {
    double down, across;
    std::string coordinates, nearest;
    bool by_sizes;
  };
  for (const Setting& t : {Setting{2, 3, "asymmetric", "floor", false},
                           {2, 2, "half_pixel", "round_prefer_floor", false},
                           {1.5, 0.5, "asymmetric", "floor", false},
                           {2, 2, "half_pixel", "floor", false},
                           {3, 2, "half_pixel", "ceil", false},
                           {2, 3, "half_pixel", "round_prefer_ceil", false},
                           {2, 2, "asymmetric", "ceil", false},
                           {2, 2, "asymmetric", "round_prefer_ceil", true},
                           {1.4, 1, "asymmetric", "floor", false},  // 5 times 1.4f is 7 in float32, less before it is rounded
                           {2, 1, "asymmetric", "floor", true},
                           {1.4, 2.5, "half_pixel", "ceil", true}}) {
    INFO(t.down << " " << t.coordinates << " " << t.nearest);
    OpCase c = scaled(13);
    const auto H = static_cast<std::int64_t>(5 * t.down), W = static_cast<std::int64_t>(4 * t.across);
    c.writer.reals("scales", {4}, {1, 1, t.down, t.across});
    c.writer.integers("size", {H, W}), c.writer.integers("none", {0}), c.writer.integers("two", {2});
    c.writer.node("Shape", {"a"}, {"shape"});
    c.writer.node("Slice", {"shape", "none", "two"}, {"first"});
    set(c.writer.node("Concat", {"first", "size"}, {"sizes"}), "axis", std::int64_t(0));
    auto& node = c.writer.node(
        "Resize", t.by_sizes ? std::vector<std::string>{"a", "", "", "sizes"} : std::vector<std::string>{"a", "", "scales"}, {"z"});
    set(node, "coordinate_transformation_mode", t.coordinates), set(node, "nearest_mode", t.nearest),
        set(node, "mode", std::string("nearest"));
    const double down = t.by_sizes ? static_cast<double>(H) / 5 : static_cast<float>(t.down),
                 across = t.by_sizes ? static_cast<double>(W) / 4 : static_cast<float>(t.across);
    const auto place = [&](std::int64_t i, double scale, std::int64_t extent) {
      const double at = t.coordinates == "asymmetric" ? static_cast<double>(i) / scale : (static_cast<double>(i) + 0.5) / scale - 0.5;
      const double to = t.nearest == "floor"               ? std::floor(at)
                        : t.nearest == "ceil"              ? std::ceil(at)
                        : t.nearest == "round_prefer_ceil" ? std::floor(at + 0.5)
                                                           : std::ceil(at - 0.5);
      return std::clamp<std::int64_t>(static_cast<std::int64_t>(to), 0, extent - 1);
    };
    c.check([&](const Plain& x) {
      return filled({2, H, W},
                    [&, v = scaled_input(c, x)](auto a, auto b, auto d) { return v(a, place(b, down, 5), place(d, across, 4)); });
    });
  }
  for (const std::string mode : {"DCR", "CRD"}) {
    OpCase c = scaled(13, {8, 2, 3});
    auto& node = c.writer.node("DepthToSpace", {"a"}, {"z"});
    set(node, "blocksize", std::int64_t(2)), set(node, "mode", mode);
    c.check([&](const Plain& x) {
      return filled({2, 4, 6}, [&, v = scaled_input(c, x)](auto a, auto b, auto d) {
        const std::int64_t block = b % 2 * 2 + d % 2;
        return v(mode == "DCR" ? block * 2 + a : a * 4 + block, b / 2, d / 2);
      });
    });
  }
  OpCase c = scaled(13, {2, 4, 6});
  set(c.writer.node("SpaceToDepth", {"a"}, {"z"}), "blocksize", std::int64_t(2));
  c.check([&](const Plain& x) {
    return filled({8, 2, 3}, [&, v = scaled_input(c, x)](auto a, auto b, auto d) { return v(a % 2, b * 2 + a / 4, d * 2 + a / 2 % 2); });
  });
}

TEST_CASE("onnx: reshapes and transposes in any order are the file's") {
  // Splits and joins axes that lie beside one another with the channels last, and ones that do not.
  for (const auto& setting : std::vector<std::pair<Integers, Integers>>{{{0, 1, 2, 3}, {0, 2, -1}},
                                                                        {{0, 2, 3, 1}, {0, 20, 2}},
                                                                        {{0, 3, 1, 2}, {-1, 8, 5}},
                                                                        {{0, 1, 3, 2}, {0, 4, 1, 2, 5}},
                                                                        {{0, 2, 1, 3}, {0, 0, 8}},
                                                                        {{0, 1, 2, 3}, {0, 10, 4}}}) {
    const Integers order = setting.first, shape = setting.second;
    OpCase c = scaled(14);
    c.writer.integers("to", shape), c.writer.integers("axes", {1});
    set(c.writer.node("Transpose", {"a"}, {"t"}), "perm", order);
    c.writer.node("Reshape", {"t", "to"}, {"r"});
    c.writer.node("Unsqueeze", {"r", "axes"}, {"u"});
    c.writer.node("Tanh", {"u"}, {"f"});
    c.writer.node("Squeeze", {"f", "axes"}, {"z"});
    c.check([&](const Plain& x) {
      const Plain v = scaled_input(c, x);
      const auto extent = [&](std::size_t i) { return x.dims[static_cast<std::size_t>(order[i] - 1)]; };
      return filled({extent(1), extent(2), extent(3)}, [&](auto a, auto b, auto d) {
        std::int64_t at[3];
        at[order[1] - 1] = a, at[order[2] - 1] = b, at[order[3] - 1] = d;
        return std::tanh(v(at[0], at[1], at[2]));
      });
    });
  }
}

TEST_CASE("onnx: a Squeeze without axes leaves the batch, whatever its size") {
  OpCase c = scaled(13);
  c.writer.node("GlobalAveragePool", {"a"}, {"g"});
  c.writer.node("Squeeze", {"g"}, {"z"});
  c.check([&](const Plain& x) {
    return filled({2, 1, 1}, [&, v = scaled_input(c, x)](auto a, auto, auto) {
      double sum = 0;
      for (std::int64_t i = 0; i < 20; ++i) sum += v(a, i / 4, i % 4);
      return sum / 20;
    });
  });
}

TEST_CASE("onnx: joined values lie as the larger, and parameters are repeated for the images") {
  for (std::int64_t axis : {1, 2, 3}) {
    OpCase c = scaled(13);
    const Integers dims = axis == 1 ? Integers{1, 1, 5, 4} : axis == 2 ? Integers{1, 2, 1, 4} : Integers{1, 2, 5, 1};
    c.writer.weight("t", dims);
    // As exporters write it: a token, expanded to the batch by its shape.
    c.writer.integers("none", {0}), c.writer.integers("one", {1}), c.writer.integers("rest", {dims[1], dims[2], dims[3]});
    c.writer.node("Shape", {"a"}, {"shape"});
    c.writer.node("Slice", {"shape", "none", "one"}, {"batch"});
    set(c.writer.node("Concat", {"batch", "rest"}, {"to"}), "axis", std::int64_t(0));
    c.writer.node("Expand", {"t", "to"}, {"e"});
    set(c.writer.node("Concat", {"e", "a", "e"}, {"z"}), "axis", axis);
    const Reals t = values_of(c.writer, "t");
    c.check([&](const Plain& x) {
      const Plain v = scaled_input(c, x), w{{dims[1], dims[2], dims[3]}, t};
      Integers to = x.dims;
      to[static_cast<std::size_t>(axis - 1)] += 2;
      return filled(to, [&](auto a, auto b, auto d) {
        std::int64_t at[] = {a, b, d};
        std::int64_t& k = at[axis - 1];
        const bool own = k > 0 && k + 1 < to[static_cast<std::size_t>(axis - 1)];
        k = own ? k - 1 : 0;
        return own ? v(at[0], at[1], at[2]) : w(at[0], at[1], at[2]);
      });
    });
  }
}

TEST_CASE("onnx: known masks choose, and 0 is put for NaN") {
  const double infinity = std::numeric_limits<double>::infinity();
  {  // attention that looks back only, masked by -inf where a triangle of ones has none
    OpCase c = scaled(14, {2, 4, 4});
    c.writer.integers("four", {4, 4}), c.writer.integers("zero", {0}, true), c.writer.reals("none", {}, {-infinity});
    auto& ones = c.writer.node("ConstantOfShape", {"four"}, {"ones"});
    auto* value = ones.add_attribute();
    value->set_name("value"), value->set_type(onnx::proto::AttributeProto::TENSOR);
    value->mutable_t()->set_data_type(1), value->mutable_t()->add_dims(1), value->mutable_t()->add_float_data(1);
    set(c.writer.node("Trilu", {"ones", "zero"}, {"low"}), "upper", std::int64_t(0));
    set(c.writer.node("Cast", {"low"}, {"mask"}), "to", std::int64_t(9));
    c.writer.node("Where", {"mask", "a", "none"}, {"m"});
    c.writer.node("Softmax", {"m"}, {"p"});
    c.writer.node("IsNaN", {"p"}, {"n"});
    c.writer.reals("nothing", {}, {0});
    c.writer.node("Where", {"n", "nothing", "p"}, {"z"});
    c.check([&](const Plain& x) {
      const Plain v = scaled_input(c, x);
      return filled(x.dims, [&](auto a, auto i, auto j) {
        double sum = 0;
        for (std::int64_t k = 0; k <= i; ++k) sum += std::exp(v(a, i, k));
        return j <= i ? std::exp(v(a, i, j)) / sum : 0;
      });
    });
  }
  OpCase c = scaled(13);
  c.writer.integers("which", {1, 0, 0, 1}), c.writer.integers("one", {1});
  c.writer.node("Equal", {"which", "one"}, {"mask"});
  c.writer.node("Exp", {"a"}, {"e"});
  c.writer.node("Where", {"mask", "a", "e"}, {"z"});
  c.check([&](const Plain& x) {
    const Plain v = scaled_input(c, x);
    return filled(x.dims, [&](auto a, auto i, auto j) { return j == 0 || j == 3 ? v(a, i, j) : std::exp(v(a, i, j)); });
  });
}
