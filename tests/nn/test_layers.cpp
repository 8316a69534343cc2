// Layers as functions of weights: named once, applied any number of times.
#include "nn/layers.h"

#include "autodiff/transforms.h"
#include "nn/network.h"
#include "tests/line_of.h"
#include "tests/small.h"

using namespace tangentplane;
using check::Real;

namespace {

/// One dense and one convolutional layer, each used twice.
struct Twice {
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    const auto conv = conv_layer(scope / "Conv_0", 2, 2, 3);
    const T x = tanh(conv(tanh(conv(images))));
    const auto dense = dense_layer(scope / "Dense_0", 2, 2);
    const T tokens = tanh(dense(tanh(dense(x))));  // at every position
    return tangentplane::dense(scope / "Dense_1", 1, global_mean(tokens));
  }
};

}  // namespace

TEST_CASE("a layer that is used twice has one set of weights, whose factors add up") {
  const check::Poison poison;
  const auto s = draw_small<double>("twice", Network<double>(Twice{}), {4, 3, 2}, 3);
  CHECK(s.variables.paths ==
        std::vector<std::string>{"Conv_0/kernel", "Conv_0/bias", "Dense_0/kernel", "Dense_0/bias", "Dense_1/kernel", "Dense_1/bias"});
  const auto run = [&](const Real& images) {
    return Pullback<Real>([&](const std::vector<Var<Real>>& p) { return forward(s.network, s.variables, p, Var<Real>(images)); },
                          s.variables.parameters);
  };
  const auto back = run(s.images);
  back.tape().require_per_example("rows", 3);
  const auto factors = back.factors(Real::full({3, 1}, 1));
  CHECK(factors.size() == 10);
  for (Index i = 0; i < 3; ++i) {
    const auto alone = run(s.images.slice(i, i + 1))(Real::full({1, 1}, 1));
    std::vector<std::optional<Real>> rows(alone.size());
    for (const auto& f : factors) {
      require_example_rows(f, 3, "rows", "p");
      std::optional<Real> activation;
      if (f.activation) activation = f.activation->slice(i, i + 1);
      accumulate(rows[static_cast<std::size_t>(f.parameter)], f.entrance->gradient(activation, f.cotangent.slice(i, i + 1)));
    }
    for (std::size_t p = 0; p < rows.size(); ++p) check::same(*rows[p], *alone[p], 1e-13);
  }
}

TEST_CASE("a layer computes what the function of the same name computes, with and without a bias") {
  const Network<double> network([](const auto& scope, const auto& images) {
    const auto x = conv_layer(scope / "c", 2, 3, 3, {.stride = 2, .use_bias = false})(images);
    return dense_layer(scope / "d", 3, 2, false)(global_mean(x));
  });
  const auto v = initialise(network, {4, 4, 2}, 3);
  CHECK(v.paths == std::vector<std::string>{"c/kernel", "d/kernel"});
  const Network<double> plain([](const auto& scope, const auto& images) {
    const auto x = conv(scope / "c", 3, 3, images, {2, false});
    return matmul(global_mean(x), scope.parameter("d/kernel", {3, 2}, lecun_normal()));
  });
  const auto w = initialise(plain, {4, 4, 2}, 3);
  REQUIRE(w.paths == v.paths);
  for (std::size_t i = 0; i < v.parameters.size(); ++i) check::same(v.parameters[i], w.parameters[i], 0);
  const Real images = Real::full({2, 4, 4, 2}, 0.5);
  check::same(evaluate(network, v, images), evaluate(plain, v, images), 0);
}

TEST_CASE("a layer normalisation starts as the normalisation alone, an embedding as normal numbers of variance 1 / D") {
  const check::Poison poison;
  const Network<double> normalising([](const auto& scope, const auto& images) {
    const auto norm = layer_norm_layer(scope / "LayerNorm_0", 2);
    return global_mean(mul(images, layer_norm(scope / "LayerNorm_1", norm(norm(images)), 0.5)));
  });
  const auto v = initialise(normalising, {2, 2, 2}, 0);
  CHECK(v.paths == std::vector<std::string>{"LayerNorm_0/scale", "LayerNorm_0/bias", "LayerNorm_1/scale", "LayerNorm_1/bias"});
  check::same(v["LayerNorm_0/scale"], Real::full({2}, 1), 0);
  check::same(v["LayerNorm_1/bias"], Real::zeros({2}), 0);
  const auto s = draw_small<double>("norms", normalising, {2, 2, 2}, 3);
  const auto normalised = [&](const Real& x, const std::string& name, double epsilon) {
    Real y(x.shape());
    for (Index r = 0; r < x.size() / 2; ++r) {
      const double mean = (x[2 * r] + x[2 * r + 1]) / 2, d = x[2 * r] - mean;
      for (Index c = 0; c < 2; ++c)
        y[2 * r + c] =
            (x[2 * r + c] - mean) / std::sqrt(d * d + epsilon) * s.variables[name + "/scale"][c] + s.variables[name + "/bias"][c];
    }
    return y;
  };
  const Real once = normalised(s.images, "LayerNorm_0", 1e-6), twice = normalised(once, "LayerNorm_0", 1e-6);
  check::same(evaluate(s.network, s.variables, s.images), global_mean(mul(s.images, normalised(twice, "LayerNorm_1", 0.5))), 1e-12);

  constexpr Index words = 400, features = 25;
  const Real indices = Real::from({2, 3}, {7, 0, 399, 7, 7, 1});
  const Network<double> embedding_twice([&](const auto& scope, const auto&) {
    const auto layer = embedding_layer(scope / "Embed_0", words, features);
    return reshape(matmul(add(layer(indices), layer(indices)), scope.parameter("w", {features, 1}, ones())), {1, 6});
  });
  Variables<double> w;
  embedding_twice(Scope<Real>::initialising(w, 0), Real::zeros({1, 1}));
  CHECK(w.paths == std::vector<std::string>{"Embed_0/embedding", "w"});
  const Real& table = w["Embed_0/embedding"];
  REQUIRE(table.shape() == Shape{words, features});
  CHECK(check::inner(table, table) == Approx(words).epsilon(0.05));
  const Real y = evaluate(embedding_twice, w, Real::zeros({1, 1}));
  for (Index i = 0; i < 6; ++i) {
    double sum = 0;
    for (Index f = 0; f < features; ++f) sum += 2 * table[static_cast<Index>(indices[i]) * features + f];
    CHECK(y[i] == Approx(sum).epsilon(1e-12));
  }
}

TEST_CASE("a name is still asked for once, and what a layer takes is said") {
  CHECK(line_of([] {
          initialise(Network<double>([](const auto& scope, const auto& x) {
                       dense_layer(scope / "a", 3, 1);
                       return dense(scope / "a", 1, flatten(x));
                     }),
                     {1, 1, 3}, 0);
        }) == "parameters: two are named a/kernel");
  CHECK(line_of([] {
          initialise(Network<double>([](const auto& scope, const auto& x) { return dense(scope / "a", 1, sum(x)); }), {1, 1, 3}, 0);
        }) == "dense: takes [N,...,K], got []");
  CHECK(line_of([] {
          initialise(Network<double>([](const auto& scope, const auto& x) { return dense_layer(scope / "a", 4, 1)(flatten(x)); }),
                     {1, 1, 3}, 0);
        }) == "matmul: input [1,3] has 3 columns, weight [4,1] takes 4");
}
