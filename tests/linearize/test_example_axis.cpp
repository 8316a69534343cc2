// What a network may do with the axis on which its examples lie: factors whose rows are not the batch's are refused before they are
// contracted, in one line that says where, and what is not refused is right.
#include "autodiff/batch_norm.h"
#include "kernels/alignment.h"
#include "kernels/nads.h"
#include "linearize/function_space.h"
#include "linearize/linearized_learner.h"
#include "nn/layers.h"
#include "tests/line_of.h"
#include "tests/small.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

constexpr Index examples = 8;
const Shape image{2, 2, 3};

/// [N, 12] of the images [N, 2, 2, 3], with a bias and a curve, so that there is something to pull back into.
template <class T>
T seen(const Scope<T>& scope, const T& images) {
  return tanh(flatten(bias(images, scope.parameter("first", {3}, ones()))));
}
template <class T>
T last(const Scope<T>& scope, const T& x) {
  return dense(scope / "last", 1, flatten(x));
}
/// A dense layer over tokens that lie on the axis of the examples.
struct Tokens {
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    const Index n = shape_of(images)[0];
    const T h = tanh(dense(scope / "token", 5, reshape(images, {n * 4, 3})));
    return last(scope, reshape(h, {n, 20}));
  }
};
/// The same with the tokens on an axis of their own, which a dense layer takes.
struct TokensAside {
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    return last(scope, tanh(dense(scope / "token", 5, reshape(images, {shape_of(images)[0], 4, 3}))));
  }
};
/// And as a convolution of 1 x 1.
struct TokensAsPixels {
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    return last(scope, tanh(conv(scope / "token", 5, 1, reshape(images, {shape_of(images)[0], 1, 4, 3}))));
  }
};

struct Case {
  std::string what, line;  // a part of the line
  Network<double> network;
};
template <class Model>
Case refused(const std::string& what, const std::string& line, Model model) {
  return {what, line, Network<double>(std::move(model))};
}

/// Entry i of the result is entry i + 12 of x [N, 12], the batch turned by one.
template <class T>
T turned(const T& x) {
  const Shape s = shape_of(x);
  auto places = std::make_shared<std::vector<Index>>();
  for (Index i = 0; i < s.size(); ++i) places->push_back((i + s[1]) % s.size());
  return apply(Gather{s, s, places, false}, x);
}

std::vector<Case> parameters_that_meet_other_rows() {
  std::vector<Case> all;
  all.push_back(refused("a dense layer over tokens",
                        "jacobian: parameter token/bias meets 32 rows in channel_bias (output [32,5]) where the batch has 8 examples; keep "
                        "the examples as the first axis: a layer over T tokens takes [N,T,C]",
                        Tokens{}));
  all.push_back(
      refused("a weight over tokens",
              "jacobian: parameter w meets 32 rows in matmul (output [32,5]) where the batch has 8 examples; keep the examples as "
              "the first axis: a layer over T tokens takes [N,T,C]",
              [](const auto& scope, const auto& images) {
                const Index n = shape_of(images)[0];
                const auto w = scope.parameter("w", {3, 5}, lecun_normal());
                return last(scope, reshape(matmul(reshape(images, {n * 4, 3}), w), {n, 20}));
              }));
  all.push_back(refused("a bias over tokens", "parameter b meets 32 rows in channel_bias", [](const auto& scope, const auto& images) {
    const Index n = shape_of(images)[0];
    return last(scope, reshape(bias(reshape(images, {n * 4, 3}), scope.parameter("b", {3}, ones())), {n, 12}));
  }));
  all.push_back(refused("a scale over tokens", "parameter s meets 32 rows in channel_scale", [](const auto& scope, const auto& images) {
    const Index n = shape_of(images)[0];
    return last(scope, reshape(channel_scale(reshape(images, {n * 4, 3}), scope.parameter("s", {3}, ones())), {n, 12}));
  }));
  all.push_back(refused("a convolution of halves", "parameter w meets 16 rows in conv2d", [](const auto& scope, const auto& images) {
    const Index n = shape_of(images)[0];
    const auto w = scope.parameter("w", {1, 1, 3, 2}, lecun_normal());
    return last(scope, reshape(conv2d(reshape(images, {2 * n, 1, 2, 3}), w), {n, 8}));
  }));
  all.push_back(
      refused("the batch as an axis of one image", "parameter w meets 1 row in conv2d", [](const auto& scope, const auto& images) {
        const Index n = shape_of(images)[0];
        const auto w = scope.parameter("w", {1, 1, 3, 2}, lecun_normal());
        return last(scope, reshape(conv2d(reshape(images, {1, 2 * n, 2, 3}), w), {n, 8}));
      }));
  all.push_back(refused("half as many rows midway", "parameter half/bias meets 4 rows", [](const auto& scope, const auto& images) {
    const Index n = shape_of(images)[0];
    return last(scope, reshape(dense(scope / "half", 4, reshape(images, {n / 2, 24})), {n, 2}));
  }));
  all.push_back(refused("a fused layer over tokens", "parameter c/bias meets 16 rows in channel_bias (output [16,2,3,2])",
                        [](const auto& scope, const auto& images) {
                          const Index n = shape_of(images)[0];
                          const auto two = reshape(images, {2 * n, 1, 2, 3});
                          const auto tall = reshape(bias(two, scope.parameter("b", {3}, zeros())), {2 * n, 2, 3, 1});
                          return last(scope, reshape(conv_activate_pool(scope / "c", 2, 1, Activation::tanh, tall), {n, 4}));
                        }));
  all.push_back(refused("a parameter by entries",
                        "parameter p enters through an operand that leaves no factor (of a form whose shares_weight is false, or of add), "
                        "whose cotangent is summed over the examples",
                        [](const auto& scope, const auto& images) {
                          const auto x = seen(scope, images);
                          return last(scope, mul(x, scope.parameter("p", shape_of(x), ones())));
                        }));
  return all;
}

std::vector<Case> examples_that_mix() {
  std::vector<Case> all;
  const std::string spread = "jacobian: the examples of this batch are coupled (", end = "run the network in evaluation mode";
  all.push_back(refused("the mean of the batch taken off", spread + "channel_bias hands each of them a value computed from all",
                        [](const auto& scope, const auto& images) {
                          const auto x = seen(scope, images);
                          return last(scope, bias(x, scale(channel_sum(x), -1.0 / static_cast<double>(shape_of(x)[0]))));
                        }));
  all.push_back(refused("statistics of the batch in evaluation mode", spread + "batch_norm hands each of them",
                        [](const auto& scope, const auto& images) {
                          const auto x = seen(scope, images);
                          const auto g = scope.parameter("g", {12}, ones()), b = scope.parameter("b", {12}, zeros());
                          return last(scope, normalise_by_batch(x, g, b, 1e-5).y);
                        }));
  all.push_back(refused("the sum over everything handed back", "jacobian: sum takes entries of several examples together",
                        [](const auto& scope, const auto& images) {
                          const auto x = seen(scope, images);
                          return last(scope, mul(x, apply(transposed(Sum{shape_of(x)}), sum(x))));
                        }));
  all.push_back(refused("channel sums that are as many as examples", "jacobian: channel_bias takes entries of several examples together",
                        [](const auto& scope, const auto& images) {
                          const Index n = shape_of(images)[0];
                          return reshape(channel_sum(dense(scope / "square", n, seen(scope, images))), {n, 1});
                        }));
  all.push_back(refused("the batch turned by one", "jacobian: gather takes entries of several examples together",
                        [](const auto& scope, const auto& images) { return last(scope, turned(seen(scope, images))); }));
  all.push_back(refused("examples multiplied with one another", spread + "matmul hands each of them a value computed from all",
                        [](const auto& scope, const auto& images) {
                          using T = std::decay_t<decltype(images)>;
                          const auto x = seen(scope, images);
                          const Index n = shape_of(x)[0];
                          return last(scope, matmul(lift<T>(Tensor<double>::full({n, n}, 0.5)), x));
                        }));
  all.push_back(refused("windows over the batch as an axis",
                        "jacobian: average_pool works on 1 row, which 8 examples do not share out evenly",
                        [](const auto& scope, const auto& images) {
                          const Index n = shape_of(images)[0];
                          const auto x = reshape(seen(scope, images), {1, n, 12, 1});
                          return last(scope, reshape(average_pool(x, 2), {n, 3}));
                        }));
  return all;
}

/// Rows of the Jacobian from one image at a time, by plain gradients, which know of no examples.
Real rows_by_gradients(const Network<double>& network, const Variables<double>& v, const Real& images) {
  Real rows({images.rows(), v.size()});
  for (Index i = 0; i < images.rows(); ++i) {
    const auto g =
        grad([&](const std::vector<Var<Real>>& p) { return forward(network, v, p, Var<Real>(images.slice(i, i + 1))); }, v.parameters);
    double* to = rows.data() + i * v.size();
    for (const Real& t : g) to = std::copy_n(t.data(), t.size(), to);
  }
  return rows;
}
Real gram_of(const Real& rows) {
  const Index n = rows.shape()[0], p = rows.shape()[1];
  Real k = Real::zeros({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j)
      for (Index e = 0; e < p; ++e) k[i * n + j] += rows[i * p + e] * rows[j * p + e];
  return k;
}

}  // namespace

TEST_CASE("parameters that meet other rows than the examples and examples that mix are refused before anything is contracted") {
  auto cases = parameters_that_meet_other_rows();
  for (auto& c : examples_that_mix()) cases.push_back(std::move(c));
  RandomStream random(1, "refused");
  const Real images = check::draw({examples, 2, 2, 3}, random);
  for (const auto& c : cases) {
    INFO(c.what);
    Variables<double> v;  // drawn by the batch itself, since the number of examples shows in some shapes
    c.network(Scope<Real>::initialising(v, 0), images);
    CHECK_THAT(line_of([&] { FactoredJacobian<double>(c.network, v, images); }), ContainsSubstring(c.line));
    CHECK_THAT(line_of([&] { KeptJacobian<double>(c.network, v, images); }), ContainsSubstring(c.line));
    CHECK_THAT(line_of([&] { parameters_of(c.network, v, images, Real::zeros({examples, 1}), 0, 1); }), ContainsSubstring(c.line));
  }
}

TEST_CASE("kernels, alignments and anisotropy refuse what no factor may be read for") {
  const auto tokens = draw_small<double>("tokens", Network<double>(Tokens{}), image, examples);
  const std::string line = " rows in ";
  const Real vectors = Real::zeros({2, examples});
  for (auto way : {Contraction::automatic, Contraction::rows, Contraction::factors}) {
    NtkOptions options;
    options.contraction = way;
    CHECK_THAT(line_of([&] { ntk(tokens.network, tokens.variables, tokens.images, options); }), ContainsSubstring(line));
    CHECK_THAT(line_of([&] { ntk_rows(tokens.network, tokens.variables, tokens.images, 3, options); }), ContainsSubstring(line));
    CHECK_THAT(line_of([&] { ntk(tokens.network, tokens.variables, tokens.images, tokens.images, options); }), ContainsSubstring(line));
    CHECK_THAT(line_of([&] { alignment(tokens.network, tokens.variables, tokens.images, 4, vectors, options); }), ContainsSubstring(line));
  }
  CHECK_THAT(line_of([&] { nads(tokens.network, tokens.variables, tokens.images); }), ContainsSubstring(line));
  CHECK_THAT(line_of([&] { KeptJacobian<double>::cost(tokens.network, tokens.variables, tokens.images); }), ContainsSubstring(line));

  // One image has nobody to mix with: the plan is made from one, the pass over more sees it.
  const Network<double> turning([](const auto& scope, const auto& images) { return last(scope, turned(seen(scope, images))); });
  const auto s = draw_small<double>("turned", turning, image, examples);
  CHECK_THAT(line_of([&] { ntk(s.network, s.variables, s.images); }), ContainsSubstring("gather takes entries of several examples"));
  CHECK_THAT(line_of([&] { nads(s.network, s.variables, s.images); }), ContainsSubstring("nads: gather takes entries of several examples"));
}

TEST_CASE("a dense layer over tokens on an axis of their own, or as a convolution of 1 x 1, has the rows of the dense layer") {
  const check::Poison poison;
  const auto tokens = draw_small<double>("tokens", Network<double>(Tokens{}), image, examples);
  const auto expected = rows_by_gradients(tokens.network, tokens.variables, tokens.images), gram = gram_of(expected);
  for (const bool pixels : {false, true}) {
    const auto network = pixels ? Network<double>(TokensAsPixels{}) : Network<double>(TokensAside{});
    auto v = tokens.variables;
    if (pixels) v.parameters[v.index("token/kernel")] = v["token/kernel"].reshaped({1, 1, 3, 5});
    const FactoredJacobian<double> jacobian(network, v, tokens.images);
    close_to(jacobian.rows(), expected, 1e-13);
    close_to(jacobian.gram(), gram, 1e-13);
    close_to(KeptJacobian<double>(network, v, tokens.images, 3).of(0, examples).rows(), expected, 1e-13);
    for (auto way : {Contraction::automatic, Contraction::rows, Contraction::factors}) {
      NtkOptions options;
      options.contraction = way;
      close_to(ntk(network, v, tokens.images, options), gram, 1e-13);
    }
  }
}

TEST_CASE("rows that examples share out evenly, maxima within them and parameters in several axes are right") {
  const check::Poison poison;
  const auto allowed = [](const std::string& name, const auto& model) {
    INFO(name);
    const auto s = draw_small<double>(name, Network<double>(model), {4, 4, 3}, examples);
    const FactoredJacobian<double> jacobian(s.network, s.variables, s.images);
    const auto expected = rows_by_gradients(s.network, s.variables, s.images);
    close_to(jacobian.rows(), expected, 1e-13);
    close_to(ntk(s.network, s.variables, s.images), gram_of(expected), 1e-12);
  };
  allowed("a constant matrix over tokens", [](const auto& scope, const auto& images) {
    using T = std::decay_t<decltype(images)>;
    const Index n = shape_of(images)[0];
    const auto h = tanh(bias(images, scope.parameter("first", {3}, ones())));
    const auto mixed = matmul(reshape(h, {n * 16, 3}), lift<T>(Tensor<double>::full({3, 2}, 0.3)));
    return last(scope, reshape(tanh(mixed), {n, 32}));
  });
  allowed("maximum pooling",
          [](const auto& scope, const auto& images) { return last(scope, max_pool(tanh(conv(scope / "c", 2, 3, images)), 2)); });
  allowed("pooling of quarters", [](const auto& scope, const auto& images) {
    const Index n = shape_of(images)[0];
    const auto h = tanh(bias(images, scope.parameter("first", {3}, ones())));
    return last(scope, reshape(tanh(average_pool(reshape(h, {n * 4, 2, 2, 3}), 2)), {n, 12}));
  });
  allowed("biases and scales of groups", [](const auto& scope, const auto& images) {
    const Index n = shape_of(images)[0];
    const auto h = tanh(bias(reshape(images, {n, 6, 8}), scope.parameter("group", {8}, ones())));
    return last(scope, tanh(channel_scale(reshape(h, {n, 2, 24}), scope.parameter("scale", {24}, ones()))));
  });
}
