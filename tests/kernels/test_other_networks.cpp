// Networks of other kinds than the study's: attention over tokens, convolutions of every geometry, weights in a file's layout. Rows of
// their Jacobians are those of gradients of one image and output at a time and of differences; kernels of every layout and contraction
// agree.
#include <set>

#include "kernels/alignment.h"
#include "kernels/nads.h"
#include "linearize/example_rows.h"
#include "linearize/kept_jacobian.h"
#include "tests/several_outputs.h"

using namespace tangentplane;
using check::Real;

namespace {

/// x [N, T, K] -> [N, T, features], the weight as PyTorch keeps it, [features, K].
template <class T>
T linear(const Scope<T>& scope, Index features, const T& x) {
  const T weight = scope.parameter("weight", {features, shape_of(x)[-1]}, lecun_normal());
  return bias(matmul(x, permute(weight, {1, 0})), scope.parameter("bias", {features}, zeros()));
}

/// A transformer of one block over the pixels of an image, with two heads, position embeddings and layer scale.
struct Attention {
  Index outputs;

  template <class T>
  T heads(const T& x) const {  // [N, T, D] -> [N, 2, T, D / 2]
    const Shape s = shape_of(x);
    return permute(reshape(x, {s[0], s[1], 2, s[2] / 2}), {0, 2, 1, 3});
  }
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    const Shape s = shape_of(images);
    const Index n = s[0], t = s[1] * s[2], d = 6;
    T x = linear(scope / "embed", d, reshape(images, {n, t, s[3]}));
    x = broadcast_add(x, scope.parameter("position", {1, t, d}, lecun_normal()));
    const T h = layer_norm(x, scope.parameter("norm/scale", {d}, ones()), scope.parameter("norm/bias", {d}, zeros()), 1e-5);
    const T q = heads(linear(scope / "query", d, h)), k = heads(linear(scope / "key", d, h)), v = heads(linear(scope / "value", d, h));
    const T weights = softmax(scale(batch_matmul(q, permute(k, {0, 1, 3, 2})), 1 / std::sqrt(3.0)), -1);
    const T mixed = reshape(permute(batch_matmul(weights, v), {0, 2, 1, 3}), {n, t, d});
    x = add(x, broadcast_mul(linear(scope / "project", d, mixed), scope.parameter("layer_scale", {d}, ones())));
    // One layer used twice.
    const T w = scope.parameter("twice", {d, d}, lecun_normal());
    x = add(x, tanh(matmul(gelu(matmul(x, w)), w)));
    const T words = embedding(scope.parameter("words", {3, 2}, lecun_normal()), indices(n), {n});
    return linear(scope / "head", outputs, concat(std::vector<T>{mean(x, {1}, false), tanh(words)}, 1));
  }
  static std::vector<Index> indices(Index n) { return std::vector<Index>(static_cast<std::size_t>(n), 1); }
};

/// Grouped, depthwise, dilated and strided convolutions and a transposed one, weights partly as PyTorch keeps them, [O, I, kh, kw].
struct Geometries {
  Index outputs;

  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    Conv2dOptions grouped, depthwise, dilated, strided;
    grouped.groups = 2, grouped.pad = {1, 1, 1, 1};
    depthwise.groups = 6, depthwise.stride_width = 2, depthwise.pad = {1, 1, 1, 1};
    dilated.dilation_height = 2, dilated.dilation_width = 2, dilated.pad = {2, 1, 1, 1};
    strided.stride_height = 2;
    T x = tanh(bias(conv2d(images, permute(scope.parameter("first", {4, 4, 2, 3}, lecun_normal()), {2, 3, 1, 0}), dilated),
                    scope.parameter("first_bias", {4}, zeros())));
    x = tanh(conv2d(x, scope.parameter("grouped", {3, 3, 2, 6}, lecun_normal()), grouped));
    x = tanh(conv2d(x, permute(scope.parameter("depthwise", {6, 1, 3, 3}, lecun_normal()), {2, 3, 1, 0}), depthwise));
    x = tanh(conv2d_transpose(x, scope.parameter("up", {2, 2, 3, 6}, lecun_normal()), strided));
    x = tanh(bias(conv2d(x, scope.parameter("last", {2, 1, 3, 4}, lecun_normal()), strided), scope.parameter("last_bias", {4}, zeros())));
    x = broadcast_mul(x, scope.parameter("map", {1, shape_of(x)[1], 1, 4}, ones()));
    return linear(scope / "head", outputs, flatten(x));
  }
};

std::vector<Small<double>> others(Index outputs, Index images) {
  return {draw_small<double>("attention", Network<double>(Attention{outputs}), {2, 3, 4}, images),
          draw_small<double>("geometries", Network<double>(Geometries{outputs}), {5, 6, 4}, images)};
}

/// J [N O, P] by central differences of each parameter.
Real rows_by_differences(const Small<double>& s) {
  const double h = 1e-5;
  std::vector<Real> columns;
  auto v = s.variables.clone();
  for (auto& p : v.parameters)
    for (double& x : p.span()) {
      const double before = x;
      x = before + h;
      const Real ahead = evaluate(s.network, v, s.images);
      x = before - h;
      columns.push_back(scale(subtract(ahead, evaluate(s.network, v, s.images)), 1 / (2 * h)));
      x = before;
    }
  const Index n = columns[0].size(), p = static_cast<Index>(columns.size());
  Real rows({n, p});
  for (Index i = 0; i < n; ++i)
    for (Index k = 0; k < p; ++k) rows[i * p + k] = columns[static_cast<std::size_t>(k)][i];
  return rows;
}

}  // namespace

TEST_CASE("attention and convolutions of any geometry have the rows of single images and of differences, kept or not") {
  const check::Poison poison;
  for (Index count : {1, 3})
    for (const auto& s : others(count, 5)) {
      INFO(s.name << " " << count << " outputs");
      const Real all = rows_by_gradients(s.network, s.variables, s.images);
      close_to(all, rows_by_differences(s), 1e-7);
      const FactoredJacobian<double> jacobian(s.network, s.variables, s.images);
      close_to(jacobian.rows(), all, 1e-12);
      RandomStream random(7, "other");
      const auto v = check::draw_like(s.variables.parameters, random);
      const Real u = check::draw({5, count}, random);
      const auto whole = jacobian.transpose_times(u);
      check::same(check::inner(u, jacobian.times(v)), check::inner(whole, v), 1e-12);
      for (Index batch : {2, 5}) {
        const KeptJacobian<double> kept(s.network, s.variables, s.images, batch);
        close_to(kept.of(0, 5).rows(), all, 1e-12);
        close_to(kept.of(1, 4).rows(), all.slice(count, 4 * count), 1e-12);
        close_to(kept.of(1, 4).times(v), jacobian.times(v).slice(1, 4), 1e-12);
        const auto some = kept.of(0, 5).transpose_times(u);
        for (std::size_t p = 0; p < whole.size(); ++p) check::same(*some[p], *whole[p], 1e-12);
      }
    }
}

TEST_CASE("kernels of attention and of convolutions of any geometry agree in every layout and contraction") {
  const check::Poison poison;
  const Index n = 7, count = 3;
  for (const auto& s : others(count, n)) {
    const Real all = rows_by_gradients(s.network, s.variables, s.images);
    for (const Outputs& outputs : layouts(count)) {
      const Real expected = kernel_of(all, all, count, outputs);
      for (auto way : {Contraction::automatic, Contraction::rows, Contraction::factors}) {
        INFO(s.name << " " << outputs.str() << " contraction " << static_cast<int>(way));
        NtkOptions options;
        options.outputs = outputs, options.contraction = way, options.tile = 3;
        close_to(ntk(s.network, s.variables, s.images, options), expected, 1e-12);
        const NtkPlan plan = plan_ntk(s.network, s.variables, s.images, options);
        options.memory = plan.feature_bytes / static_cast<double>(n) * 4.5;
        close_to(ntk(s.network, s.variables, s.images, options), expected, 1e-12);
      }
    }
  }
}

TEST_CASE("fast rows of every op equal those by slices") {
  const check::Poison poison;
  std::set<std::string> ops;
  for (Index count : {1, 2})
    for (const auto& s : others(count, 4)) {
      const FactoredJacobian<double> jacobian(s.network, s.variables, s.images);
      for (const auto& f : jacobian.factors()) {
        INFO(s.name << " " << f.entrance->name() << " of " << s.variables.paths[static_cast<std::size_t>(f.parameter)]);
        ops.insert(f.entrance->name());
        const Real rows = example_rows(f, count), slices = example_rows_by_slices(f, count);
        check::same(rows, slices, 1e-12);  // some are rounding alone: softmax does not see a key's bias
        Real twice = rows.clone();
        write_example_rows(f, true, twice.data(), twice.shape()[1], count);
        check::same(twice, scale(slices, 2), 1e-12);
        // In the op's own order they are the same numbers, and have the same inner products.
        Real any(rows.shape());
        write_example_rows(f, false, any.data(), any.shape()[1], count, RowLayout::any);
        check::same(matmul(any, permute(any, {1, 0})), matmul(rows, permute(rows, {1, 0})), 1e-12);
      }
    }
  for (const char* op : {"matmul", "conv2d", "channel_bias", "broadcast_mul", "embedding"}) CHECK(ops.contains(op));
}

TEST_CASE("tokens and groups are planned as what they are") {
  using Kind = LayerPlan::Kind;
  const auto kinds = [](const Small<double>& s, Contraction way) {
    NtkOptions options;
    options.contraction = way;
    std::map<std::string, Kind> found;
    const auto plan = plan_ntk(s.network, s.variables, s.images, options);
    for (const auto& l : plan.features.layers) found[s.variables.paths[static_cast<std::size_t>(l.parameters[0])]] = l.kind;
    return found;
  };
  const auto list = others(1, 2);
  auto attention = kinds(list[0], Contraction::factors), geometries = kinds(list[1], Contraction::factors);
  CHECK(attention["query/weight"] == Kind::positions);
  CHECK(attention["head/weight"] == Kind::dense);
  CHECK(attention["twice"] == Kind::rows);
  CHECK(attention["position"] == Kind::rows);
  CHECK(attention["query/bias"] == Kind::rows);
  CHECK(geometries["first"] != Kind::rows);
  CHECK(geometries["grouped"] == Kind::rows);
  CHECK(geometries["depthwise"] == Kind::rows);
  CHECK(geometries["last"] != Kind::rows);
}

TEST_CASE("anisotropy of attention and of convolutions of any geometry is that of differences of gradients") {
  for (const auto& s : others(1, 2)) {
    INFO(s.name);
    const Index size = s.images.shape().row_size(), p = s.variables.size();
    const double h = 1e-5;
    Real t = Real::zeros({size, p});
    for (Index e = 0; e < size; ++e)
      for (double sign : {1.0, -1.0}) {
        Real moved = s.images.clone();
        for (Index i = 0; i < moved.rows(); ++i) moved[i * size + e] += sign * h;
        const Real rows = rows_by_gradients(s.network, s.variables, moved);
        for (Index i = 0; i < moved.rows(); ++i)
          for (Index k = 0; k < p; ++k) t[e * p + k] += sign * rows[i * p + k] / (2 * h * static_cast<double>(moved.rows()));
      }
    close_to(nads_gram(s.network, s.variables, s.images), matmul(t, permute(t, {1, 0})), 1e-6);
    NadsOptions whole;
    whole.compress = false;
    close_to(nads_gram(s.network, s.variables, s.images, whole), nads_gram(s.network, s.variables, s.images), 1e-11);
  }
}
