// Loss, schedule, optimizer, order of batches, and the training loop.
#include "nn/network_learner.h"
#include "tests/learners.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Counts what it is asked for; its logits can be set.
struct Probe : Learner<double> {
  std::vector<std::vector<Index>> batches;
  std::vector<double> rates;
  double logit = 0;
  Tensor<double> logits(std::span<const Index> b) override {
    batches.emplace_back(b.begin(), b.end());
    return Tensor<double>::full({static_cast<Index>(b.size()), 1}, logit);
  }
  void step(const Tensor<double>&, double rate, double) override { rates.push_back(rate); }
  Tensor<double> test_logits() override { return Tensor<double>::full({3, 1}, logit); }
  std::vector<double> distances() override { return {0}; }
  LearnerState<double> state() const override { return {}; }
  void restore(const LearnerState<double>&) override {}
};

}  // namespace

TEST_CASE("cross-entropy and the logistic function neither overflow nor lose small numbers") {
  for (double z : {-3.0, -0.1, 0.0, 0.7, 12.0}) {
    const double p = 1 / (1 + std::exp(-z));
    CHECK(cross_entropy(z, 1) == Approx(-std::log(p)).epsilon(1e-10));
    CHECK(cross_entropy(z, 0) == Approx(-std::log(1 - p)).epsilon(1e-10));
    CHECK(logistic(z) == Approx(p).epsilon(1e-14));
    CHECK(cross_entropy(z, 1) == cross_entropy(-z, 0));
  }
  CHECK(cross_entropy(1e4, 0) == 1e4);
  CHECK(cross_entropy(-1e4, 1) == 1e4);
  CHECK(cross_entropy(1e4, 1) == 0);
  CHECK(cross_entropy(40, 1) == Approx(std::exp(-40)).epsilon(1e-10));
  CHECK(logistic(-1e4) == 0);
  CHECK(logistic(1e4) == 1);
  CHECK(logistic(-700) > 0);
  CHECK(std::isnan(cross_entropy(std::nan(""), 1)));
}

TEST_CASE("a logit of exactly zero is class 0") {
  const auto z = Tensor<double>::from({4, 1}, {0, 0, -0.0, 1e-300}), y = Tensor<double>::from({4, 1}, {0, 1, 0, 1});
  CHECK(scores(z, y)[0].accuracy == 0.75);
}

TEST_CASE("scores are means over each column, the cotangent is the derivative of each column's loss") {
  RandomStream random(1, "scores");
  const auto z = check::draw({5, 3}, random), y = draw_labels<double>(5, 3), v = check::draw({5, 3}, random);
  const auto d = cross_entropy_cotangent(z, y);
  const auto s = scores(z, y);
  const double h = 1e-6;
  const auto plus = scores(check::shifted(z, v, h), y), minus = scores(check::shifted(z, v, -h), y);
  for (std::size_t t = 0; t < 3; ++t) {
    double loss = 0, slope = 0;
    for (Index i = 0; i < 5; ++i) {
      const Index at = i * 3 + static_cast<Index>(t);
      loss += cross_entropy(z[at], y[at]) / 5;
      slope += d[at] * v[at];
    }
    CHECK(s[t].loss == Approx(loss).epsilon(1e-14));
    CHECK((plus[t].loss - minus[t].loss) / (2 * h) == Approx(slope).epsilon(1e-7));
  }
  CHECK_THROWS_WITH(scores(z, draw_labels<double>(5, 2)), ContainsSubstring("logits [5,3] and labels [5,2]"));
  CHECK_THROWS_WITH(scores(Tensor<double>::zeros({0, 1}), Tensor<double>::zeros({0, 1})),
                    ContainsSubstring("hold none to take the mean of"));
}

TEST_CASE("the cotangent of an example that is classified well keeps its digits") {
  const auto d = cross_entropy_cotangent(Tensor<double>::from({2, 1}, {50, -50}), Tensor<double>::from({2, 1}, {1, 0}));
  const double tail = 1 / (1 + std::exp(50.0));  // of which sigmoid(50) - 1 has none
  CHECK(d[0] == Approx(-tail / 2).epsilon(1e-14));
  CHECK(d[1] == Approx(tail / 2).epsilon(1e-14));
}

TEST_CASE("the learning rate falls linearly to zero after the last step") {
  CHECK(linear_decay(0.05, 0, 10) == 0.05);
  CHECK(linear_decay(0.05, 5, 10) == Approx(0.025));
  CHECK(linear_decay(0.05, 10, 10) == 0);
}

TEST_CASE("momentum_step: m <- g + mu m, theta <- theta - eta m, other holders of the arrays keep theirs") {
  auto theta = Tensor<double>::from({2}, {1, 2}), m = Tensor<double>::from({2}, {10, 20});
  const auto kept = theta;
  momentum_step(theta, m, std::optional(Tensor<double>::from({2}, {1, -1})), 0.1, 0.5);
  CHECK((m[0] == 6 && m[1] == 9 && theta[0] == Approx(0.4) && theta[1] == Approx(1.1)));
  CHECK((kept[0] == 1 && kept[1] == 2));
  const double* place = theta.data();
  momentum_step(theta, m, std::optional<Tensor<double>>(), 0.1, 0.5);
  CHECK((m[0] == 3 && theta[0] == Approx(0.1)));
  CHECK(theta.data() == place);  // nobody else held it
}

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

TEST_CASE("a network, BatchNorm included, goes on from its state, whatever the number of threads") {
  const check::Poison poison;
  Recipe r;
  r.epochs = 4;
  r.batch = 5;
  for (const auto& s : small_models<float>(17)) {
    INFO(s.name);
    const auto make = [&] { return NetworkLearner<float>(s.network, s.variables, s.images, 12); };
    goes_on_as_if_uninterrupted<float>(make, draw_labels<float>(17), 12, r);
    gives_the_same_bits_with_any_number_of_threads<float>(make, draw_labels<float>(17), 12, r);
  }
}

TEST_CASE("training leaves the variables that it started from alone, and takes one logit") {
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
  CHECK_THROWS_WITH(learner.step(Tensor<double>::zeros({3, 1}), 0.1, 0), ContainsSubstring("needs the logits of its batch first"));
  const auto odd = small_networks(3, 2)[3];
  CHECK_THROWS_WITH(NetworkLearner<double>(odd.network, odd.variables, odd.images, 2), ContainsSubstring("2 outputs"));
}
