// The linearized network as a learner, in parameter and in function space.
#include "kernels/ntk.h"
#include "linearize/function_space.h"
#include "linearize/linearized_learner.h"
#include "nn/network_learner.h"
#include "tests/learners.h"
#include "tests/line_of.h"
#include "tests/several_outputs.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;

namespace {

Recipe short_recipe() {
  Recipe r;
  r.epochs = 4;
  r.batch = 5;
  return r;
}

}  // namespace

TEST_CASE("the linearized network goes on from its state, whatever the number of threads") {
  const check::Poison poison;
  for (const auto& s : small_models<float>(17)) {
    INFO(s.name);
    const auto make = [&] { return LinearizedLearner<float>(s.network, s.variables, s.images, 12, false); };
    goes_on_as_if_uninterrupted<float>(make, draw_labels<float>(17), 12, short_recipe());
    gives_the_same_bits_with_any_number_of_threads<float>(make, draw_labels<float>(17), 12, short_recipe());
  }
}

TEST_CASE("a kept Jacobian is the one computed anew, for any images in any order") {
  const check::Poison poison;
  for (const auto& s : small_networks(7)) {
    INFO(s.name);
    for (Index batch : {1, 3, 100}) {
      const KeptJacobian<double> kept(s.network, s.variables, s.images, batch);
      const std::vector<Index> order{6, 0, 3, 3};
      const FactoredJacobian<double> anew(s.network, s.variables, take_rows<double>(s.images, order));
      const auto again = kept.of(order);
      check::same(again.value(), anew.value(), 1e-14);
      check::same(again.rows(), anew.rows(), 1e-13);
      const auto& v = s.variables.parameters;
      check::same(again.times(v), anew.times(v), 1e-13);
      const auto u = Tensor<double>::from({4}, {1, -2, 0, 0.5});
      const auto a = again.transpose_times(u), b = anew.transpose_times(u);
      for (std::size_t i = 0; i < a.size(); ++i) {
        REQUIRE(a[i].has_value() == b[i].has_value());
        if (a[i]) check::same(*a[i], *b[i], 1e-13);
      }
      check::same(kept.of(2, 6).times(v), FactoredJacobian<double>(s.network, s.variables, s.images.slice(2, 6)).times(v), 1e-13);
    }
  }
}

TEST_CASE("a linearization whose Jacobian is kept trains as one that computes it anew") {
  const check::Poison poison;
  for (const auto& s : small_models<double>(17)) {
    INFO(s.name);
    const auto kept = std::make_shared<const KeptJacobian<double>>(s.network, s.variables, s.images, 4);
    for (bool without_f0 : {false, true}) {
      LinearizedLearner<double> anew(s.network, s.variables, s.images, 12, without_f0);
      LinearizedLearner<double> again(s.network, s.variables, s.images, 12, without_f0, kept);
      const auto labels = draw_labels<double>(17);
      const auto a = train<double>(anew, labels, 12, short_recipe())[0].back(),
                 b = train<double>(again, labels, 12, short_recipe())[0].back();
      check::same(b.train_loss, a.train_loss, 1e-12);
      check::same(b.test_loss, a.test_loss, 1e-12);
      check::same(b.distance, a.distance, 1e-12);
    }
    const auto make = [&] { return LinearizedLearner<double>(s.network, s.variables, s.images, 12, false, kept); };
    goes_on_as_if_uninterrupted<double>(make, draw_labels<double>(17), 12, short_recipe());
    gives_the_same_bits_with_any_number_of_threads<double>(make, draw_labels<double>(17), 12, short_recipe());
  }
}

TEST_CASE("test logits of more images than one pass takes are those of each image on its own") {
  const check::Poison poison;
  const auto s = small_models<double>(600)[0];
  const Index num_train = 5, n = 595;
  const auto kept = std::make_shared<const KeptJacobian<double>>(s.network, s.variables, s.images, 128);
  LinearizedLearner<double> with(s.network, s.variables, s.images, num_train, false, kept),
      without(s.network, s.variables, s.images, num_train, false);
  NetworkLearner<double> network(s.network, s.variables, s.images, num_train);
  // At the start all three give the network's outputs; a step apart, each its own.
  const auto at_start = network.test_logits();
  REQUIRE(at_start.shape() == (Shape{n, 1}));
  for (Index i : {0, 255, 256, 511, 512, 594}) {
    const auto alone = evaluate(s.network, s.variables, s.images.slice(num_train + i, num_train + i + 1));
    CHECK(at_start[i] == Approx(alone[0]).epsilon(1e-13));
  }
  check::same(with.test_logits(), at_start, 1e-13);
  check::same(without.test_logits(), at_start, 1e-13);
  for (auto* learner : {&with, &without}) {
    learner->logits(std::vector<Index>{0, 3, 4});
    learner->step(Tensor<double>::from({3, 1}, {0.2, -0.7, 0.4}), 0.1);
  }
  const auto moved = with.variables();
  std::vector<Tensor<double>> change;
  for (std::size_t p = 0; p < moved.parameters.size(); ++p) {
    change.push_back(moved.parameters[p].clone());
    for (Index k = 0; k < change[p].size(); ++k) change[p][k] -= s.variables.parameters[p][k];
  }
  const auto a = with.test_logits(), b = without.test_logits();
  for (Index i : {0, 255, 256, 511, 512, 594}) {
    const auto image = s.images.slice(num_train + i, num_train + i + 1);
    const double expected = at_start[i] + FactoredJacobian<double>(s.network, s.variables, image).times(change)[0];
    CHECK(a[i] == Approx(expected).epsilon(1e-12));
    CHECK(b[i] == Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("function space goes on from its state, whatever the number of threads, columns do not see one another") {
  const check::Poison poison;
  const auto s = small_models<double>(17)[1];
  const auto k = ntk(s.network, s.variables, s.images);
  const auto f0 = evaluate(s.network, s.variables, s.images).reshaped({17});
  const auto labels = draw_labels<double>(17, 3);
  const auto make = [&] { return FunctionSpaceLearner<double>(k, f0, 12, 3); };
  goes_on_as_if_uninterrupted<double>(make, labels, 12, short_recipe());
  gives_the_same_bits_with_any_number_of_threads<double>(make, labels, 12, short_recipe());

  FunctionSpaceLearner<double> lean(k.slice(0, 12).clone(), f0, 12, 3), whole(k, f0, 12, 3);
  train<double>(lean, labels, 12, short_recipe());
  train<double>(whole, labels, 12, short_recipe());
  CHECK(same_state(lean.state(), whole.state()));  // rows of test images are not used

  auto together = make();
  const auto histories = train<double>(together, labels, 12, short_recipe());
  for (Index t = 0; t < 3; ++t) {
    Tensor<double> one({17, 1});
    for (Index i = 0; i < 17; ++i) one[i] = labels[i * 3 + t];
    FunctionSpaceLearner<double> alone(k, f0, 12, 1);
    const auto h = train<double>(alone, one, 12, short_recipe())[0];
    for (std::size_t e = 0; e < h.size(); ++e) {
      check::same(h[e].train_loss, histories[static_cast<std::size_t>(t)][e].train_loss, 1e-13);
      check::same(h[e].distance, histories[static_cast<std::size_t>(t)][e].distance, 1e-12);
    }
    // and the linearization in parameter space walks the same way
    LinearizedLearner<double> parameters(s.network, s.variables, s.images, 12, false);
    const auto p = train<double>(parameters, one, 12, short_recipe())[0];
    for (std::size_t e = 0; e < h.size(); ++e) {
      check::same(p[e].train_loss, h[e].train_loss, 1e-12);
      check::same(p[e].test_loss, h[e].test_loss, 1e-12);
      check::same(p[e].distance, h[e].distance, 1e-11);
    }
    const auto expected = parameters.variables();
    for (Index batch : {5, 100}) {
      const auto theta = parameters_of(s.network, s.variables, s.images.slice(0, 12), together.coefficients(), t, 3, batch)[0];
      for (std::size_t i = 0; i < theta.parameters.size(); ++i) check::same(theta.parameters[i], expected.parameters[i], 1e-12);
    }
  }
}

TEST_CASE("near its starting point the network trains as its linearization does") {
  // One small step: they differ to second order in the rate.
  const auto s = small_models<double>(17)[1];
  Recipe r;
  r.epochs = 1;
  r.batch = 12;
  double last = 0;
  for (double rate : {1e-2, 1e-3}) {
    r.learning_rate = rate;
    NetworkLearner<double> network(s.network, s.variables, s.images, 12);
    LinearizedLearner<double> linear(s.network, s.variables, s.images, 12, false);
    train<double>(network, draw_labels<double>(17), 12, r);
    train<double>(linear, draw_labels<double>(17), 12, r);
    const double difference = largest(subtract(network.test_logits(), linear.test_logits()));
    CHECK(difference > 0);
    if (last > 0) CHECK(last / difference == Approx(100).epsilon(0.1));
    last = difference;
  }
}

TEST_CASE("learners refuse what they cannot train") {
  const auto odd = small_networks(3, 2)[3];
  for (const Outputs& outputs : {Outputs::one(1), Outputs::sum()}) {
    const auto one = std::make_shared<const KeptJacobian<double>>(odd.network, odd.variables, odd.images, 2, nullptr, outputs);
    CHECK_THROWS_WITH(LinearizedLearner<double>(odd.network, odd.variables, odd.images, 2, false, one),
                      "train: a Jacobian of 1 outputs was kept, the network has 2; keep it for Outputs::full()");
  }
  const auto k = Tensor<double>::zeros({4, 3}), f0 = Tensor<double>::zeros({4});
  CHECK_THROWS_WITH(FunctionSpaceLearner<double>(k, f0, 2, 1), ContainsSubstring("kernel [4,3] for 2 training images of 4; give [2,4]"));
  CHECK_THROWS_WITH(FunctionSpaceLearner<double>(Tensor<double>::zeros({4, 4}), f0, 5, 1), ContainsSubstring("5 training images of 4"));

  FunctionSpaceLearner<double> learner(Tensor<double>::zeros({4, 4}), f0, 2, 3);
  const std::vector<Index> batch{1, 0};
  const auto right = Tensor<double>::zeros({2, 3});
  CHECK_THROWS_WITH(learner.step(right, 0.1), "train: a step needs the logits of its batch first");
  learner.logits(batch);
  CHECK_THROWS_WITH(learner.step(Tensor<double>::zeros({2, 1}), 0.1), "train: a step takes a cotangent [2,3], got [2,1]");
  learner.step(right, 0.1);
  CHECK_THROWS_WITH(learner.step(right, 0.1), "train: a step needs the logits of its batch first");
  learner.logits(batch);
  learner.restore(learner.state());
  CHECK_THROWS_WITH(learner.step(right, 0.1), "train: a step needs the logits of its batch first");

  const auto s = small_models<double>(3)[0];
  const auto kept = std::make_shared<const KeptJacobian<double>>(s.network, s.variables, s.images.slice(0, 2));
  CHECK_THROWS_WITH(LinearizedLearner<double>(s.network, s.variables, s.images, 2, false, kept),
                    ContainsSubstring("of 2 images was kept, there are 3"));
  CHECK_THROWS_WITH(parameters_of(s.network, s.variables, s.images, Tensor<double>::zeros({2, 1}), 0, 1),
                    ContainsSubstring("coefficients [2,1] for 3"));
  CHECK_THROWS_WITH(parameters_of(s.network, s.variables, s.images, Tensor<double>::zeros({3, 1}), 0, 1, 0), ContainsSubstring("batch 0"));
  CHECK_THROWS_WITH(KeptJacobian<double>(s.network, s.variables, s.images, 0), ContainsSubstring("batch 0"));
  const auto& v = s.variables.parameters;
  CHECK_THROWS_WITH(linearized_logits(s.network, s.variables, v, s.images, true, 0), ContainsSubstring("batch 0"));
  CHECK_THROWS_WITH(linearized_logits(s.network, s.variables, {v[0]}, s.images, true), ContainsSubstring("a change of 1 tensors"));
  CHECK_THROWS_WITH(linearized_logits(s.network, s.variables, std::vector(v.size(), Tensor<double>::zeros({1, 2, 3})), s.images, true),
                    ContainsSubstring("has shape [1,2,3]"));
}

TEST_CASE("function space refuses what the kernel does not tell") {
  const auto k = Tensor<double>::zeros({4, 6}), f0 = Tensor<double>::zeros({3, 2});
  FunctionSpaceLearner<double> learner(k, f0, 2, 1);
  CHECK(
      line_of([&] { learner.use(Adam{}); }) ==
      "function space: Adam's step is not linear in the gradients, so the kernel does not tell it; give sgd, or train in parameter space");
  CHECK(line_of([&] { learner.use(Sgd{.weight_decay = 0.1}); }) ==
        "function space: weight decay pulls theta0 too; give the learner a starting_point");
  CHECK(line_of([&] { learner.use(Sgd{.momentum = 1.5}); }) == "optimizer: momentum 1.5 is not in [0, 1)");
  CHECK(line_of([&] {
          train(learner, Tensor<double>::zeros({3, 1}), 2, {.batch = 1, .loss = SoftmaxCrossEntropy{}, .optimizer = Adam{}});
        }) == line_of([&] { learner.use(Adam{}); }));
  CHECK(line_of([&] {
          FunctionSpaceLearner<double>(Tensor<double>::zeros({2, 3}), f0, 2, 1);
        }) == "function space: kernel [2,3] for 2 training images of 3 with 2 outputs; give [4,6]");
  CHECK_THAT(line_of([&] { FunctionSpaceLearner<double>(k, f0.reshaped({3, 2, 1}), 2, 1); }), ContainsSubstring("got [3,2,1]"));
  CHECK_THAT(line_of([&] {
               FunctionSpaceLearner<double>(k, f0, 2, 1, StartingPoint<double>{Tensor<double>::zeros({3}), 1});
             }),
             ContainsSubstring("a starting point of [3] for outputs [3,2]"));
  const auto s = networks_of(3, 2)[0];
  CHECK(line_of([&] {
          parameters_of(s.network, s.variables, s.images, Tensor<double>::zeros({4, 1}), 0, 1);
        }) == "function space: coefficients [4,1] for 2 images of a network with 3 outputs; give 6 rows");
  CHECK_THAT(line_of([&] {
               parameters_of(s.network, s.variables, s.images, Tensor<double>::zeros({5, 1}), 0, 1);
             }),
             ContainsSubstring("of coefficients [5,1] for 2 images"));
}
