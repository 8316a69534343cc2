// The Jacobian's products and the linearized trainings against flax and neural-tangents.
#include "kernels/ntk.h"
#include "linearize/function_space.h"
#include "linearize/linearized_learner.h"
#include "nn/network_learner.h"
#include "tests/golden.h"

using namespace tangentplane;

TEST_CASE("J v and J^T u equal flax's, by factors and by forward mode") {
  const check::Poison poison;
  for (const auto& name : golden::cases) {
    INFO(name);
    const auto c = golden::load<double>(name);
    const FactoredJacobian<double> jacobian(c.network, c.init, c.images);
    check::same(jacobian.value().reshaped(c["logits"].shape()), c["logits"], 1e-12);
    const auto direction = c.parameters("direction/");
    check::same(jacobian.times(direction).reshaped(c["jvp"].shape()), c["jvp"], 1e-12);
    check::same(linearized_logits(c.network, c.init, direction, c.images, true, 9).reshaped(c["jvp"].shape()), c["jvp"], 1e-12);
    const auto gradient = jacobian.transpose_times(c["weights"]);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const auto expected = c["vjp/" + c.init.paths[i]];
      INFO(c.init.paths[i]);
      check::same(gradient[i] ? *gradient[i] : Tensor<double>::zeros(expected.shape()), expected, 1e-12);
    }
  }
}

TEST_CASE("training the linearization equals neural-tangents in parameter space, and function space equals parameter space") {
  const check::Poison poison;
  for (const auto& name : golden::cases)
    for (bool without_f0 : {false, true}) {
      INFO(name << (without_f0 ? " without f0" : ""));
      const auto c = golden::load<double>(name);
      LinearizedLearner<double> parameters(c.network, c.init, c.images, c.num_train, without_f0);
      const auto history = train(parameters, c.labels, c.num_train, c.recipe)[0];
      golden::same_history(history, c, without_f0 ? "linear_no_f0" : "linear", 1e-8);

      const auto f = evaluate(c.network, c.init, c.images);
      const auto f0 = without_f0 ? Tensor<double>::zeros({f.size()}) : f.reshaped({f.size()});
      FunctionSpaceLearner<double> function(ntk(c.network, c.init, c.images), f0, c.num_train, 1);
      const auto same = train(function, c.labels, c.num_train, c.recipe)[0];
      for (std::size_t e = 0; e < history.size(); ++e) {
        check::same(same[e].train_loss, history[e].train_loss, 1e-10);
        check::same(same[e].test_loss, history[e].test_loss, 1e-10);
        CHECK(same[e].train_accuracy == history[e].train_accuracy);
        CHECK(same[e].test_accuracy == history[e].test_accuracy);
        check::same(same[e].distance, history[e].distance, 1e-10);
      }
      const auto theta = parameters_of(c.network, c.init, c.images.slice(0, c.num_train), function.coefficients(), 0, 1, 11)[0];
      const auto expected = parameters.variables();
      for (std::size_t i = 0; i < theta.paths.size(); ++i) check::same(theta.parameters[i], expected.parameters[i], 1e-10);
    }
}
