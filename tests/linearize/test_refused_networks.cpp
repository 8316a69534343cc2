// Weights that are computed before they enter, and networks of several outputs: refused in a line that says what is wrong.
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

template <class T>
T last(const Scope<T>& scope, const T& x) {
  return dense(scope / "last", 1, flatten(x));
}

}  // namespace

TEST_CASE("a weight that is computed from parameters is named as that and not as BatchNorm") {
  const auto line = [](const auto& model) {
    const auto s = draw_small<double>("computed", Network<double>(model), {2, 2, 3}, examples);
    return line_of([&] { FactoredJacobian<double>(s.network, s.variables, s.images); });
  };
  const auto says = [](const std::string& op) {
    return "jacobian: " + op +
           " hands every example a value computed from parameters, whose cotangent is summed over them, so nothing per "
           "example exists; let " +
           op + " take the parameter itself and compute on its output";
  };
  CHECK(line([](const auto& scope, const auto& images) {
          return matmul(flatten(images), scale(scope.parameter("w", {12, 1}, lecun_normal()), 0.5));
        }) == says("matmul"));
  CHECK(line([](const auto& scope, const auto& images) {
          const auto w = scope.parameter("w", {12, 1}, lecun_normal());
          return matmul(flatten(images), add(w, tanh(w)));
        }) == says("matmul"));
  CHECK(line([](const auto& scope, const auto& images) {
          return last(scope, conv2d(images, mul(scope.parameter("u", {1, 1, 3, 2}, ones()), scope.parameter("w", {1, 1, 3, 2}, ones()))));
        }) == says("conv2d"));
  CHECK(line([](const auto& scope, const auto& images) { return last(scope, bias(images, sigmoid(scope.parameter("b", {3}, ones())))); }) ==
        says("channel_bias"));
  CHECK(line([](const auto& scope, const auto& images) {
          return last(scope, channel_scale(images, sigmoid(scope.parameter("s", {3}, ones()))));
        }) == says("channel_scale"));
  CHECK(line([](const auto& scope, const auto& images) {
          const auto g = sigmoid(scope.parameter("g", {3}, ones())), b = scope.parameter("b", {3}, zeros());
          return last(scope, normalise(images, Tensor<double>::zeros({3}), Tensor<double>::full({3}, 1), g, b));
        }) == says("channel_scale"));
  CHECK(line([](const auto& scope, const auto& images) {
          const auto w = tanh(scope.parameter("w", {1, 1, 3, 2}, ones())), b = scope.parameter("b", {2}, zeros());
          return last(scope, convolve_activate_pool(Tanh{}, images, w, b));
        }) == says("conv2d"));
  // A parameter of which the numbers are only rearranged is not computed.
  const Network<double> rearranged([](const auto& scope, const auto& images) {
    return last(scope, bias(images, reshape(scope.parameter("b", {1, 3}, ones()), {3})));
  });
  const auto r = draw_small<double>("rearranged", rearranged, {2, 2, 3}, examples);
  CHECK(FactoredJacobian<double>(r.network, r.variables, r.images).rows().shape() == (Shape{examples, r.variables.size()}));
  // What the sentence advises is right.
  const Network<double> advised([](const auto& scope, const auto& images) {
    return scale(matmul(flatten(images), scope.parameter("w", {12, 1}, lecun_normal())), 0.5);
  });
  const auto s = draw_small<double>("advised", advised, {2, 2, 3}, examples);
  close_to(FactoredJacobian<double>(s.network, s.variables, s.images).rows(), scale(flatten(s.images), 0.5), 1e-15);
}

TEST_CASE("a network with several outputs is refused where one alone is taken") {
  const auto s = small_networks(4, 2)[3];
  REQUIRE(evaluate(s.network, s.variables, s.images).shape() == Shape{4, 2});
  CHECK_THAT(line_of([&] { nads(s.network, s.variables, s.images); }),
             ContainsSubstring("nads: the network has 2 outputs; takes one logit"));
}

TEST_CASE("outputs that a network does not have are refused by all that chooses among them") {
  const auto s = small_networks(4, 2)[3];
  for (Index which : {-1, 2, 7}) {
    const Outputs none = Outputs::one(which);
    NtkOptions options;
    options.outputs = none;
    const std::string line = fmt::format("jacobian: output {} of a network with 2", which);
    CHECK_THAT(line_of([&] { FactoredJacobian<double>(s.network, s.variables, s.images, none); }), ContainsSubstring(line));
    CHECK_THAT(line_of([&] { FactoredJacobian<double>(s.network, s.variables, s.images, which); }), ContainsSubstring(line));
    CHECK_THAT(line_of([&] { KeptJacobian<double>(s.network, s.variables, s.images, 2, {}, none); }), ContainsSubstring(line));
    CHECK_THAT(line_of([&] { KeptJacobian<double>::cost(s.network, s.variables, s.images, none); }), ContainsSubstring(line));
    CHECK_THAT(line_of([&] { ntk(s.network, s.variables, s.images, options); }), ContainsSubstring(line));
    CHECK_THAT(line_of([&] { ntk(s.network, s.variables, s.images, s.images, options); }), ContainsSubstring(line));
    CHECK_THAT(line_of([&] { plan_ntk(s.network, s.variables, s.images, options); }), ContainsSubstring(line));
    CHECK_THAT(line_of([&] { alignment(s.network, s.variables, s.images, 2, Real::zeros({1, 4}), options); }), ContainsSubstring(line));
  }
}
