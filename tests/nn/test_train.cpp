// Order of batches, the training loop, and the network as a learner.
#include "nn/network_learner.h"
#include "tests/learners.h"
#include "tests/line_of.h"
#include "tests/several_outputs.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Counts what it is asked for; its logits can be set.
struct Probe : Learner<double> {
  std::vector<std::vector<Index>> batches;
  std::vector<double> rates;
  double logit = 0;
  Optimizer used;
  Tensor<double> logits(std::span<const Index> b) override {
    batches.emplace_back(b.begin(), b.end());
    return Tensor<double>::full({static_cast<Index>(b.size()), 1}, logit);
  }
  void use(const Optimizer& optimizer) override { used = optimizer; }
  void step(const Tensor<double>&, double rate) override { rates.push_back(rate); }
  Tensor<double> test_logits() override { return Tensor<double>::full({3, 1}, logit); }
  std::vector<double> distances() override { return {0}; }
  LearnerState<double> state() const override { return {}; }
  void restore(const LearnerState<double>&) override {}
};

}  // namespace

TEST_CASE("the order of batches is a permutation that depends on the seed and the epoch alone") {
  const auto order = [](std::uint64_t seed, Index epoch, bool shuffle = true) {
    Recipe r;
    r.seed = seed;
    r.shuffle = shuffle;
    r.learning_rate = static_cast<double>(epoch);  // no other field matters
    r.batch = 1 + epoch;
    return epoch_order(r, 50, epoch);
  };
  auto a = order(1, 1);
  CHECK(a == order(1, 1));
  CHECK(a != order(1, 2));
  CHECK(a != order(2, 1));
  std::sort(a.begin(), a.end());
  CHECK(a == order(1, 1, false));
}

TEST_CASE("an epoch leaves the remainder out of training, and rates count all steps") {
  Probe probe;
  Recipe r;
  r.epochs = 2;
  r.batch = 4;
  r.learning_rate = 0.6;
  int steps = 0;
  const auto h = train<double>(probe, draw_labels<double>(14), 11, r, {{}, [&] { ++steps; }})[0];
  REQUIRE(probe.batches.size() == 4);
  CHECK(steps == 4);
  for (Index e : {0, 1}) {
    const auto order = epoch_order(r, 11, e + 1);
    for (Index i = 0; i < 8; ++i)
      CHECK(probe.batches[static_cast<std::size_t>(2 * e + i / 4)][static_cast<std::size_t>(i % 4)] == order[static_cast<std::size_t>(i)]);
  }
  for (std::size_t i = 0; i < 4; ++i) CHECK(probe.rates[i] == Approx(0.6 * (1 - static_cast<double>(i) / 4)));
  CHECK(h[0].epoch == 1);
  CHECK(h[1].learning_rate == Approx(0.15));
  CHECK(h[1].test_loss == Approx(std::log(2)));
}

TEST_CASE("without test images the test columns are empty") {
  Probe probe;
  Recipe r;
  r.epochs = 1;
  r.batch = 11;
  const auto h = train<double>(probe, draw_labels<double>(11), 11, r)[0];
  CHECK(std::isnan(h[0].test_loss));
  CHECK(std::isnan(h[0].test_accuracy));
}

TEST_CASE("unusable recipes and labels are refused before any step") {
  Probe probe;
  const auto attempt = [&](Index batch, Index epochs, Index num_train, Tensor<double> labels) {
    Recipe r;
    r.batch = batch;
    r.epochs = epochs;
    return train<double>(probe, labels, num_train, r);
  };
  const auto y = draw_labels<double>(14);
  CHECK_THROWS_WITH(attempt(12, 1, 11, y), "batch: 12 is larger than the training set of 11");
  CHECK_THROWS_WITH(attempt(0, 1, 11, y), ContainsSubstring("batch: 0"));
  CHECK_THROWS_WITH(attempt(1, -1, 11, y), ContainsSubstring("epochs: -1"));
  CHECK_THROWS_WITH(attempt(1, 1, 0, y), ContainsSubstring("no training images"));
  CHECK_THROWS_WITH(attempt(1, 1, 15, y), ContainsSubstring("labels: [14,1] for 15 training images"));
  CHECK_THROWS_WITH(attempt(1, 1, 11, draw_labels<double>(14, 2)), ContainsSubstring("1 tasks"));
  auto half = y.clone();
  half[13] = 0.5;
  CHECK_THROWS_WITH(attempt(1, 1, 11, half), "labels: 0.5 is not 0 or 1");
  CHECK(probe.batches.empty());
}

TEST_CASE("a loss that is not finite stops training with what happened where") {
  Probe probe;
  probe.logit = std::nan("");
  Recipe r;
  r.batch = 5;
  CHECK_THROWS_AS(train<double>(probe, draw_labels<double>(14), 11, r), std::runtime_error);
  CHECK_THROWS_WITH(train<double>(probe, draw_labels<double>(14), 11, r),
                    "training: the loss is nan in epoch 1, step 1 of 2; try a smaller learning rate than 0.05");
  // A real divergence, found on the test images after an epoch of a single step.
  const auto s = small_models<double>(6)[0];
  r.epochs = 1;
  r.batch = 4;
  r.learning_rate = 1e200;
  NetworkLearner<double> learner(s.network, s.variables, s.images, 4);
  CHECK_THROWS_WITH(train<double>(learner, draw_labels<double>(6), 4, r),
                    ContainsSubstring("the test loss is") && ContainsSubstring("1e+200"));
  // Without test images only the weights tell that the last step went wrong.
  NetworkLearner<double> untested(s.network, s.variables, s.images.slice(0, 4), 4);
  CHECK_THROWS_WITH(train<double>(untested, draw_labels<double>(4), 4, r), ContainsSubstring("the weights are not finite after epoch 1"));
}

TEST_CASE("a network, BatchNorm included, goes on from its state with every optimizer, whatever the number of threads") {
  const check::Poison poison;
  Recipe r;
  r.epochs = 4;
  r.batch = 5;
  for (const auto& s : small_models<float>(17)) {
    INFO(s.name);
    const auto make = [&] { return NetworkLearner<float>(s.network, s.variables, s.images, 12); };
    for (const Optimizer& optimizer : {Optimizer(Sgd{}), Optimizer(Sgd{.weight_decay = 0.1}), Optimizer(Adam{.weight_decay = 0.1})}) {
      r.optimizer = optimizer;
      goes_on_as_if_uninterrupted<float>(make, draw_labels<float>(17), 12, r);
      gives_the_same_bits_with_any_number_of_threads<float>(make, draw_labels<float>(17), 12, r);
    }
  }
}

TEST_CASE("training leaves the variables that it started from alone") {
  const auto s = small_models<double>(8)[2];
  const auto before = s.variables.clone();
  NetworkLearner<double> learner(s.network, s.variables, s.images, 6);
  Recipe r;
  r.epochs = 2;
  r.batch = 3;
  train<double>(learner, draw_labels<double>(8), 6, r);
  for (std::size_t i = 0; i < before.parameters.size(); ++i) CHECK(same_bits(before.parameters[i], s.variables.parameters[i]));
  for (const auto& [path, t] : before.statistics) {
    CHECK(same_bits(t, s.variables.statistics.at(path)));
    CHECK_FALSE(same_bits(t, learner.variables().statistics.at(path)));
  }
  double squares = 0;
  for (std::size_t i = 0; i < before.parameters.size(); ++i) {
    const auto d = subtract(learner.variables().parameters[i], before.parameters[i]);
    squares += check::inner(d, d);
  }
  CHECK(learner.distances()[0] == Approx(std::sqrt(squares)).epsilon(1e-12));
  CHECK_THROWS_WITH(learner.step(Tensor<double>::zeros({3, 1}), 0.1), ContainsSubstring("needs the logits of its batch first"));
}

namespace {

/// SGD with weight decay on the mean softmax cross-entropy, whose gradient is taken by a pull-back of the network alone.
struct ByHand {
  const Small<double>& of;
  std::vector<Tensor<double>> theta = of.variables.clone().parameters, m = {};

  void step(std::span<const Index> batch, const std::vector<Index>& classes, double eta, double mu, double w) {
    const auto x = take_rows(of.images, batch);
    const auto back = pullback([&](const auto& p) { return forward(of.network, of.variables, p, x); }, theta);
    auto d = back.value().clone();
    const Index outputs = d.shape()[1];
    for (std::size_t i = 0; i < batch.size(); ++i) {
      double* row = d.data() + static_cast<Index>(i) * outputs;
      double sum = 0;
      for (Index o = 0; o < outputs; ++o) sum += row[o] = std::exp(row[o]);
      for (Index o = 0; o < outputs; ++o)
        row[o] = (row[o] / sum - (o == classes[static_cast<std::size_t>(batch[i])] ? 1 : 0)) / static_cast<double>(batch.size());
    }
    const auto gradients = back(d);
    for (std::size_t p = 0; p < theta.size(); ++p) {
      if (m.size() <= p) m.push_back(Tensor<double>::zeros(theta[p].shape()));
      for (Index k = 0; k < theta[p].size(); ++k) {
        m[p][k] = (gradients[p] ? (*gradients[p])[k] : 0) + w * theta[p][k] + mu * m[p][k];
        theta[p][k] -= eta * m[p][k];
      }
    }
  }
};

}  // namespace

TEST_CASE("a network of several classes trains by its softmax cross-entropy") {
  const check::Poison poison;
  constexpr Index n = 14, num_train = 11;
  RandomStream random(6, "classes");
  Tensor<double> labels({n, 1});
  std::vector<Index> classes;
  for (double& y : labels.span()) classes.push_back(random.below(3)), y = static_cast<double>(classes.back());
  for (const auto& s : networks_of(3, n)) {
    INFO(s.name);
    const Recipe recipe{.epochs = 2, .batch = 4, .loss = SoftmaxCrossEntropy{}, .optimizer = Sgd{.momentum = 0.8, .weight_decay = 0.05}};
    NetworkLearner<double> learner(s.network, s.variables, s.images, num_train);
    CHECK(learner.outputs() == 3);
    const auto history = train(learner, labels, num_train, recipe)[0];
    ByHand by_hand{s};
    for (Index epoch = 1, done = 0; epoch <= 2; ++epoch) {
      const auto order = epoch_order(recipe, num_train, epoch);
      for (Index i = 0; i < 2; ++i, ++done)
        by_hand.step(std::span(order).subspan(static_cast<std::size_t>(4 * i), 4), classes, linear_decay(0.05, done, 4), 0.8, 0.05);
    }
    for (std::size_t p = 0; p < by_hand.theta.size(); ++p) check::same(learner.variables().parameters[p], by_hand.theta[p], 1e-12);
    const auto z = learner.test_logits();
    REQUIRE(z.shape() == (Shape{n - num_train, 3}));
    double loss = 0, right = 0;
    for (Index i = 0; i < n - num_train; ++i) {
      const double* row = z.data() + 3 * i;
      const Index label = classes[static_cast<std::size_t>(num_train + i)];
      loss += std::log(std::exp(row[0]) + std::exp(row[1]) + std::exp(row[2])) - row[label];
      right += std::max_element(row, row + 3) - row == label ? 1 : 0;
    }
    CHECK(history[1].test_loss == Approx(loss / 3).epsilon(1e-12));
    CHECK(history[1].test_accuracy == Approx(right / 3));
  }
}

TEST_CASE("several outputs learn: classes by either loss and either optimizer, targets of any number of columns") {
  constexpr Index n = 12;
  const auto s = networks_of(3, n)[1];
  RandomStream random(7, "targets");
  Tensor<double> classes({n, 1}), one_hot = Tensor<double>::zeros({n, 3});
  for (Index i = 0; i < n; ++i) classes[i] = static_cast<double>(random.below(3)), one_hot[3 * i + static_cast<Index>(classes[i])] = 1;
  const auto learns = [&](const Loss& loss, const Tensor<double>& labels, const Optimizer& optimizer, double rate) {
    NetworkLearner<double> learner(s.network, s.variables, s.images, n);
    const auto history =
        train(learner, labels, n, {.epochs = 100, .batch = n, .learning_rate = rate, .loss = loss, .optimizer = optimizer})[0];
    CHECK(history.back().train_loss < 0.7 * history[0].train_loss);
    CHECK(history.back().train_accuracy >= history[0].train_accuracy);
    return history.back().train_accuracy;
  };
  for (const Optimizer& optimizer : {Optimizer(Sgd{}), Optimizer(Adam{})}) {
    const double rate = optimizer.index() == 0 ? 0.1 : 0.01;
    CHECK(learns(SoftmaxCrossEntropy{}, classes, optimizer, rate) > 0.6);
    CHECK(learns(SquaredError{}, one_hot, optimizer, rate) > 0.6);
  }
  NetworkLearner<double> regression(s.network, s.variables, s.images, n);
  const auto last =
      train(regression, check::draw({n, 3}, random), n, {.epochs = 3, .batch = n, .learning_rate = 0.01, .loss = SquaredError{}})[0].back();
  CHECK(std::isfinite(last.train_loss));
  CHECK(std::isnan(last.train_accuracy));
}

TEST_CASE("labels that do not fit a network's outputs are refused before any step") {
  const auto s = networks_of(3, 5)[0];
  NetworkLearner<double> three(s.network, s.variables, s.images, 5);
  NetworkLearner<double> one(small_models<double>(5)[0].network, small_models<double>(5)[0].variables, small_models<double>(5)[0].images,
                             5);
  const auto line = [](Learner<double>& learner, const std::vector<double>& labels, const Loss& loss, Index columns = 1) {
    return line_of([&] { train(learner, Tensor<double>::from({5, columns}, labels), 5, {.epochs = 1, .batch = 5, .loss = loss}); });
  };
  CHECK(line(three, {0, 1, 2, 3, 0}, SoftmaxCrossEntropy{}) == "labels: class 3 for a network of 3 outputs; give integers from 0 to 2");
  CHECK(line(three, {0, 1, 2, 1.5, 0}, SoftmaxCrossEntropy{}) == "labels: 1.5 is not a class; give integers from 0 to 2");
  CHECK(line(three, {0, 1, 1, 0, 0}, {}) ==
        "loss: binary cross-entropy takes one logit, the network has 3; give softmax cross-entropy or squared error");
  CHECK(line(one, {0, 1, 2, 0, 0}, {}) == "labels: 2 is not 0 or 1");
  CHECK(line(one, {0, 1, 2, 0, 0}, SoftmaxCrossEntropy{}) ==
        "loss: softmax cross-entropy takes two logits or more, the network has 1; give binary cross-entropy");
  CHECK(line(three, {0, 1, 2, 0, 0}, SquaredError{}) == "labels: [5,1] for 1 tasks of 3 outputs; squared error takes 3 columns");
  Probe probe;
  train<double>(probe, draw_labels<double>(5), 2, {.epochs = 1, .batch = 2, .optimizer = Adam{.beta1 = 0.5}});
  CHECK(std::get<Adam>(probe.used).beta1 == 0.5);
}
