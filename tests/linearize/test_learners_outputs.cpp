// The linearization of a network with several outputs, in parameter and in function space, by every loss and optimizer.
#include "kernels/ntk.h"
#include "linearize/function_space.h"
#include "linearize/linearized_learner.h"
#include "nn/network_learner.h"
#include "tests/learners.h"
#include "tests/several_outputs.h"

using namespace tangentplane;
using Real = Tensor<double>;

namespace {

constexpr Index n = 17, num_train = 12;

/// Classes 0 to 2 [n, tasks].
Real draw_classes(Index tasks) {
  RandomStream random(4, "classes");
  Real y({n, tasks});
  for (double& v : y.span()) v = static_cast<double>(random.below(3));
  return y;
}
Real column_of(const Real& y, Index tasks, Index task) {
  const Index size = y.shape()[1] / tasks;
  Real one({y.rows(), size});
  for (Index i = 0; i < y.rows(); ++i)
    for (Index o = 0; o < size; ++o) one[i * size + o] = y[(i * size + o) * tasks + task];
  return one;
}

Recipe recipe_of(const Loss& loss, const Optimizer& optimizer) {
  return {.epochs = 4, .batch = 5, .learning_rate = 0.02, .loss = loss, .optimizer = optimizer};
}
const std::vector<Optimizer> descents{Sgd{}, Sgd{.momentum = 0.5, .weight_decay = 0.2}};

void same(const History& a, const History& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  for (std::size_t e = 0; e < a.size(); ++e)
    for (auto field : {&EpochRecord::train_loss, &EpochRecord::train_accuracy, &EpochRecord::test_loss, &EpochRecord::test_accuracy,
                       &EpochRecord::distance})
      if (!std::isnan(a[e].*field) || !std::isnan(b[e].*field)) CHECK(a[e].*field == Approx(b[e].*field).epsilon(tolerance));
}

FunctionSpaceLearner<double> in_function_space(const Small<double>& s, Index tasks) {
  NtkOptions options;
  options.outputs = Outputs::full();
  return {ntk_rows(s.network, s.variables, s.images, num_train, options), evaluate(s.network, s.variables, s.images), num_train, tasks,
          starting_point(s.network, s.variables, s.images, 6)};
}

}  // namespace

TEST_CASE("function space is parameter space for three outputs, with and without weight decay, by either loss") {
  const check::Poison poison;
  constexpr Index tasks = 2;
  RandomStream random(8, "targets");
  const std::vector<std::pair<Loss, Real>> losses{{SoftmaxCrossEntropy{}, draw_classes(tasks)},
                                                  {SquaredError{}, check::draw({n, 3 * tasks}, random)}};
  for (const auto& s : networks_of(3, n))
    for (const Optimizer& optimizer : descents)
      for (const auto& [loss, labels] : losses) {
        INFO(s.name << ", " << loss->name() << ", decay " << weight_decay(optimizer));
        const Recipe recipe = recipe_of(loss, optimizer);
        auto together = in_function_space(s, tasks);
        REQUIRE(together.outputs() == 3);
        const auto histories = train(together, labels, num_train, recipe);
        for (Index t = 0; t < tasks; ++t) {
          LinearizedLearner<double> parameters(s.network, s.variables, s.images, num_train, false);
          const auto history = train(parameters, column_of(labels, tasks, t), num_train, recipe)[0];
          same(histories[static_cast<std::size_t>(t)], history, 1e-10);
          close_to(column_of(together.test_logits(), tasks, t), parameters.test_logits(), 1e-10);
          const auto expected = parameters.variables();
          for (Index batch : {5, 100}) {
            const auto theta = parameters_of(s.network, s.variables, s.images.slice(0, num_train), together.coefficients(), t, tasks, batch,
                                             together.start_share())[0];
            for (std::size_t p = 0; p < theta.parameters.size(); ++p) check::same(theta.parameters[p], expected.parameters[p], 1e-10);
          }
        }
      }
}

TEST_CASE("weight decay is the same in function space and in parameter space for one output") {
  const auto s = small_models<double>(n)[2];
  const Recipe recipe = recipe_of({}, Sgd{.weight_decay = 0.3});
  FunctionSpaceLearner<double> space(ntk(s.network, s.variables, s.images), evaluate(s.network, s.variables, s.images), num_train, 1,
                                     starting_point(s.network, s.variables, s.images));
  LinearizedLearner<double> parameters(s.network, s.variables, s.images, num_train, false);
  const auto labels = draw_labels<double>(n);
  same(train(space, labels, num_train, recipe)[0], train(parameters, labels, num_train, recipe)[0], 1e-10);
  CHECK(space.start_share() < 0.999);
  // A decay that changes between two trainings: rows that were behind are so by the one before.
  for (const double decay : {0.1, 0., 0.2}) {
    const Recipe next = recipe_of({}, Sgd{.weight_decay = decay});
    same(train(space, labels, num_train, next)[0], train(parameters, labels, num_train, next)[0], 1e-10);
  }
}

TEST_CASE("a linearization of three outputs whose Jacobian is kept trains as one that computes it anew, by every optimizer") {
  const check::Poison poison;
  const auto labels = draw_classes(1);
  for (const auto& s : networks_of(3, n)) {
    INFO(s.name);
    const auto kept = std::make_shared<const KeptJacobian<double>>(s.network, s.variables, s.images, 4);
    for (const Optimizer& optimizer : {descents[0], descents[1], Optimizer(Adam{.weight_decay = 0.1})})
      for (const bool without_f0 : {false, true}) {
        const Recipe recipe = recipe_of(SoftmaxCrossEntropy{}, optimizer);
        LinearizedLearner<double> anew(s.network, s.variables, s.images, num_train, without_f0);
        LinearizedLearner<double> again(s.network, s.variables, s.images, num_train, without_f0, kept);
        REQUIRE(anew.outputs() == 3);
        // Adam divides by the root of squares, which are nothing where a gradient is rounding alone.
        same(train(again, labels, num_train, recipe)[0], train(anew, labels, num_train, recipe)[0],
             std::holds_alternative<Adam>(optimizer) ? 1e-5 : 1e-11);
      }
  }
}

TEST_CASE("learners of several outputs go on from their state, whatever the number of threads") {
  const check::Poison poison;
  const auto s = networks_of(3, n)[1];
  const auto kept = std::make_shared<const KeptJacobian<double>>(s.network, s.variables, s.images, 4);
  const auto of_network = [&] { return NetworkLearner<double>(s.network, s.variables, s.images, num_train); };
  const auto of_linear = [&] { return LinearizedLearner<double>(s.network, s.variables, s.images, num_train, false, kept); };
  const auto of_space = [&] { return in_function_space(s, 2); };
  for (const Optimizer& optimizer : {descents[0], descents[1], Optimizer(Adam{.weight_decay = 0.1})}) {
    const Recipe recipe = recipe_of(SoftmaxCrossEntropy{}, optimizer);
    goes_on_as_if_uninterrupted<double>(of_network, draw_classes(1), num_train, recipe);
    goes_on_as_if_uninterrupted<double>(of_linear, draw_classes(1), num_train, recipe);
    gives_the_same_bits_with_any_number_of_threads<double>(of_linear, draw_classes(1), num_train, recipe);
    if (std::holds_alternative<Adam>(optimizer)) continue;
    goes_on_as_if_uninterrupted<double>(of_space, draw_classes(2), num_train, recipe);
    gives_the_same_bits_with_any_number_of_threads<double>(of_space, draw_classes(2), num_train, recipe);
  }
}

TEST_CASE("near its starting point a network of three classes trains as its linearization does, decay and Adam included") {
  // One small step: they differ to second order in the rate.
  const auto s = networks_of(3, n)[1];
  for (const Optimizer& optimizer : {Optimizer(Sgd{.weight_decay = 0.3}), Optimizer(Adam{.weight_decay = 0.3})}) {
    double last = 0;
    for (const double rate : {1e-3, 1e-4}) {
      Recipe recipe = recipe_of(SoftmaxCrossEntropy{}, optimizer);
      recipe.epochs = 1, recipe.batch = num_train, recipe.learning_rate = rate;
      NetworkLearner<double> network(s.network, s.variables, s.images, num_train);
      LinearizedLearner<double> linear(s.network, s.variables, s.images, num_train, false);
      train(network, draw_classes(1), num_train, recipe);
      train(linear, draw_classes(1), num_train, recipe);
      const double difference = largest(subtract(network.test_logits(), linear.test_logits()));
      CHECK(difference > 0);
      if (last > 0) CHECK(last / difference == Approx(100).epsilon(0.15));
      last = difference;
    }
  }
}

TEST_CASE("linearized logits of several outputs are those of the Jacobian") {
  const auto s = networks_of(3, 5)[2];
  RandomStream random(1, "direction");
  const auto v = check::draw_like(s.variables.parameters, random);
  const FactoredJacobian<double> jacobian(s.network, s.variables, s.images, Outputs::full());
  close_to(linearized_logits(s.network, s.variables, v, s.images, true, 2), jacobian.times(v), 1e-12);
  close_to(linearized_logits(s.network, s.variables, v, s.images, false, 2), add(jacobian.times(v), jacobian.value()), 1e-12);
  const auto start = starting_point(s.network, s.variables, s.images);
  close_to(start.outputs, jacobian.times(s.variables.parameters), 1e-12);
  double squares = 0;
  for (const auto& p : s.variables.parameters) squares += check::inner(p, p);
  CHECK(start.squared_norm == Approx(squares).epsilon(1e-12));
}
