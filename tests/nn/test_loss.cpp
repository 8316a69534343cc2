// Losses, their derivatives, and the scores beside them.
#include "nn/loss.h"

#include "tests/learners.h"
#include "tests/line_of.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using Numbers = std::vector<double>;
using Real = Tensor<double>;

namespace {

double value(const Loss& loss, const Numbers& z, const Numbers& y) { return loss->value(z, y); }
Numbers derivative(const Loss& loss, const Numbers& z, const Numbers& y) {
  Numbers d(z.size(), std::nan(""));
  loss->derivative(z, y, d);
  return d;
}

/// log(sum_o e^z_o) - z_y in long double, which needs no care up to logits of 1e4.
long double by_definition(const Numbers& z, std::size_t label) {
  long double sum = 0;
  for (double v : z) sum += std::exp(static_cast<long double>(v) - static_cast<long double>(z[label]));
  return std::log(sum);
}

/// Targets [rows, columns] that `loss` takes of `outputs` logits.
Real targets_of(const Loss& loss, Index rows, Index outputs, Index tasks) {
  RandomStream random(3, "targets");
  Real y({rows, loss->target_size(outputs) * tasks});
  for (double& v : y.span())
    v = loss->name() == "squared error" ? random.normal() : static_cast<double>(random.below(std::max<Index>(2, outputs)));
  return y;
}

struct Case {
  Loss loss;
  Index outputs;
};
const std::vector<Case> cases{
    {BinaryCrossEntropy{}, 1}, {SoftmaxCrossEntropy{}, 2}, {SoftmaxCrossEntropy{}, 5}, {SquaredError{}, 1}, {SquaredError{}, 3}};

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
  const auto z = Real::from({4, 1}, {0, 0, -0.0, 1e-300}), y = Real::from({4, 1}, {0, 1, 0, 1});
  CHECK(scores(BinaryCrossEntropy{}, z, y)[0].accuracy == 0.75);
}

TEST_CASE("softmax cross-entropy is the logarithm of the sum of exponentials less the class's logit, at any logits") {
  const Loss loss = SoftmaxCrossEntropy{};
  RandomStream random(1, "softmax");
  for (const double size : {0.1, 1., 30., 300., 1e4})
    for (const Index outputs : {2, 3, 10}) {
      Numbers z(static_cast<std::size_t>(outputs));
      for (double& v : z) v = size * random.normal();
      for (std::size_t y = 0; y < z.size(); ++y) {
        INFO(size << ", class " << y << " of " << outputs);
        const long double right = by_definition(z, y);
        if (!std::isfinite(right)) continue;  // beyond long double too
        CHECK(std::abs(static_cast<long double>(value(loss, z, {static_cast<double>(y)})) - right) <= 1e-15L * std::max(1.0L, right));
        const Numbers d = derivative(loss, z, {static_cast<double>(y)});
        double sum = 0;
        for (std::size_t o = 0; o < z.size(); ++o) {
          sum += d[o];
          const long double beyond = by_definition(z, o), p = std::exp(-beyond);
          if (o != y) CHECK(std::abs(static_cast<long double>(d[o]) - p) <= 1e-15L * std::max(p, 1e-300L) * (4 + std::min(beyond, 1e5L)));
        }
        CHECK(std::abs(sum) < 1e-15);
      }
    }
  // By hand, where exponentials overflow, and where the loss is small beside its logits.
  CHECK(value(loss, {1e4, 0, -1e4}, {0}) == 0);
  CHECK(value(loss, {1e4, 0, -1e4}, {2}) == 2e4);
  CHECK(value(loss, {1e4, 1e4}, {1}) == Approx(std::log(2.)).epsilon(1e-15));
  CHECK(value(loss, {40, 0}, {0}) == Approx(std::exp(-40.)).epsilon(1e-14));
  CHECK(derivative(loss, {40, 0}, {0})[0] == Approx(-1 / (1 + std::exp(40.))).epsilon(1e-14));
  CHECK(derivative(loss, {40, 0}, {0})[1] == Approx(1 / (1 + std::exp(40.))).epsilon(1e-14));
  CHECK(derivative(loss, {-1e4, 1e4}, {0}) == Numbers{-1, 1});
}

TEST_CASE("softmax cross-entropy of two logits is binary cross-entropy of their difference") {
  for (double z : {-700., -3., 0., 0.2, 50.})
    for (double y : {0., 1.}) {
      CHECK(value(SoftmaxCrossEntropy{}, {1.5, 1.5 + z}, {y}) == Approx(cross_entropy(1.5 + z - 1.5, y)).epsilon(1e-13));
      CHECK(derivative(SoftmaxCrossEntropy{}, {0, z}, {y})[1] == Approx(derivative(BinaryCrossEntropy{}, {z}, {y})[0]).epsilon(1e-13));
    }
}

TEST_CASE("squared error is half the sum over the outputs") {
  CHECK(value(SquaredError{}, {1, 2, -3}, {0, 4, -3}) == 2.5);
  CHECK(derivative(SquaredError{}, {1, 2, -3}, {0, 4, -3}) == Numbers{1, -2, 0});
  const auto s = scores(SquaredError{}, Real::from({2, 2}, {1, 0, 0, 3}), Real::from({2, 2}, {0, 0, 0, 1}));
  CHECK(s[0].loss == 1.25);  // the mean of 1/2 and 2
}

TEST_CASE("a derivative is the loss's by differences") {
  RandomStream random(4, "losses");
  for (const auto& [loss, outputs] : cases)
    for (Index trial = 0; trial < 5; ++trial) {
      INFO(loss->name() << " of " << outputs);
      Numbers z(static_cast<std::size_t>(outputs));
      for (double& v : z) v = 2 * random.normal();
      const Real target = targets_of(loss, 5, outputs, 1).slice(trial, trial + 1);
      const Numbers y(target.span().begin(), target.span().end()), d = derivative(loss, z, y);
      for (std::size_t o = 0; o < z.size(); ++o) {
        constexpr double h = 1e-5;
        Numbers plus = z, minus = z;
        plus[o] += h, minus[o] -= h;
        CHECK((value(loss, plus, y) - value(loss, minus, y)) / (2 * h) == Approx(d[o]).epsilon(1e-8).margin(1e-10));
      }
    }
}

TEST_CASE("scores are means of each task, the cotangent is the derivative of each task's mean loss") {
  RandomStream random(1, "scores");
  constexpr Index rows = 5;
  for (const auto& [loss, outputs] : cases)
    for (const Index tasks : {1, 3}) {
      INFO(loss->name() << " of " << outputs << ", " << tasks << " tasks");
      const auto z = check::draw({rows, outputs * tasks}, random), y = targets_of(loss, rows, outputs, tasks);
      const auto d = loss_cotangent(loss, z, y, tasks);
      const auto s = scores(loss, z, y, tasks);
      REQUIRE(s.size() == static_cast<std::size_t>(tasks));
      for (Index t = 0; t < tasks; ++t) {
        double mean = 0, share = 0;
        for (Index i = 0; i < rows; ++i) {
          Numbers one, target;
          for (Index o = 0; o < outputs; ++o) one.push_back(z[i * outputs * tasks + o * tasks + t]);
          for (Index o = 0; o < y.shape()[1] / tasks; ++o) target.push_back(y[i * y.shape()[1] + o * tasks + t]);
          mean += value(loss, one, target) / rows;
          share += loss->accuracy(one, target) / rows;
          const Numbers slope = derivative(loss, one, target);
          for (Index o = 0; o < outputs; ++o)
            CHECK(d[i * outputs * tasks + o * tasks + t] == Approx(slope[static_cast<std::size_t>(o)] / rows).epsilon(1e-15));
        }
        const Score& score = s[static_cast<std::size_t>(t)];
        CHECK(score.loss == Approx(mean).epsilon(1e-14));
        if (std::isnan(share))
          CHECK(std::isnan(score.accuracy));
        else
          CHECK(score.accuracy == Approx(share).epsilon(1e-15));
      }
      // In float the numbers are those of the logits as they are, rounded once.
      const auto single = loss_cotangent(loss, cast<float>(z), cast<float>(y), tasks);
      const auto wide = loss_cotangent(loss, cast<double>(cast<float>(z)), cast<double>(cast<float>(y)), tasks);
      for (Index k = 0; k < single.size(); ++k) CHECK(single[k] == static_cast<float>(wide[k]));
    }
}

TEST_CASE("accuracy is the largest logit's class, and there is none for targets that name none") {
  const auto of = [](const Loss& loss, const Numbers& z, const Numbers& y) { return loss->accuracy(z, y); };
  CHECK(of(SoftmaxCrossEntropy{}, {1, 3, 2}, {1}) == 1);
  CHECK(of(SoftmaxCrossEntropy{}, {1, 3, 2}, {2}) == 0);
  CHECK(of(SoftmaxCrossEntropy{}, {3, 1, 3}, {0}) == 1);  // the first of equal ones
  CHECK(of(SoftmaxCrossEntropy{}, {3, 1, 3}, {2}) == 0);
  CHECK(of(SquaredError{}, {0.1, 0.7, 0.6}, {0, 1, 0}) == 1);
  CHECK(of(SquaredError{}, {0.1, 0.7, 0.6}, {0, 0, 1}) == 0);
  CHECK(std::isnan(of(SquaredError{}, {0.1, 0.7, 0.6}, {0, 1, 1})));
  CHECK(std::isnan(of(SquaredError{}, {0.1, 0.7}, {0, 0.5})));
  CHECK(of(SquaredError{}, {0.2}, {1}) == 1);
  CHECK(of(SquaredError{}, {0}, {1}) == 0);
  CHECK(of(SquaredError{}, {-5}, {-1}) == 1);
  CHECK(of(SquaredError{}, {5}, {-1}) == 0);
  CHECK(std::isnan(of(SquaredError{}, {5}, {0})));
  const auto s = scores(SquaredError{}, Real::from({2, 1}, {1, 1}), Real::from({2, 1}, {1, 0.5}));
  CHECK(std::isnan(s[0].accuracy));  // of one target that names none
}

TEST_CASE("the cotangent of an example that is classified well keeps its digits") {
  const auto d = loss_cotangent(BinaryCrossEntropy{}, Real::from({2, 1}, {50, -50}), Real::from({2, 1}, {1, 0}));
  const double tail = 1 / (1 + std::exp(50.0));  // of which sigmoid(50) - 1 has none
  CHECK(d[0] == Approx(-tail / 2).epsilon(1e-14));
  CHECK(d[1] == Approx(tail / 2).epsilon(1e-14));
}

TEST_CASE("a logit that is not a number makes every loss one that is not") {
  const double nan = std::nan("");
  for (const auto& [loss, outputs] : cases)
    for (Index at = 0; at < outputs; ++at) {
      Numbers z(static_cast<std::size_t>(outputs), 0.5);
      z[static_cast<std::size_t>(at)] = nan;
      const Real y = targets_of(loss, 1, outputs, 1);
      CHECK(std::isnan(value(loss, z, {y.span().begin(), y.span().end()})));
    }
  CHECK_FALSE(std::isfinite(value(SoftmaxCrossEntropy{}, {INFINITY, 0}, {0})));
}

TEST_CASE("labels that a loss does not take are refused in a line that says which it takes") {
  const auto line = [](const Loss& loss, Index outputs, const Numbers& labels, Index columns = 1) {
    const Index rows = static_cast<Index>(labels.size()) / columns;
    return line_of([&] { require_labels(loss, Real::from({rows, columns}, labels), outputs); });
  };
  CHECK(line(BinaryCrossEntropy{}, 1, {0, 1, 0.5}) == "labels: 0.5 is not 0 or 1");
  CHECK(line(BinaryCrossEntropy{}, 3, {0, 1}) ==
        "loss: binary cross-entropy takes one logit, the network has 3; give softmax cross-entropy or squared error");
  CHECK(line(SoftmaxCrossEntropy{}, 1, {0, 1}) ==
        "loss: softmax cross-entropy takes two logits or more, the network has 1; give binary cross-entropy");
  CHECK(line(SoftmaxCrossEntropy{}, 10, {0, 9, 2.5}) == "labels: 2.5 is not a class; give integers from 0 to 9");
  CHECK(line(SoftmaxCrossEntropy{}, 10, {0, -1}) == "labels: -1 is not a class; give integers from 0 to 9");
  CHECK(line(SoftmaxCrossEntropy{}, 10, {NAN}) == "labels: nan is not a class; give integers from 0 to 9");
  CHECK(line(SoftmaxCrossEntropy{}, 10, {0, 10}) == "labels: class 10 for a network of 10 outputs; give integers from 0 to 9");
  CHECK(line(SquaredError{}, 2, {0, 1, 2, INFINITY}, 2) == "labels: inf is not a finite target");
  CHECK(line(SquaredError{}, 3, {0, 1, 2, 3}, 2) == "labels: [2,2] for 1 tasks of 3 outputs; squared error takes 3 columns");
  CHECK_NOTHROW(require_labels(SoftmaxCrossEntropy{}, Real::from({3, 1}, {0, 9, 4}), 10));
  CHECK_NOTHROW(require_labels(SquaredError{}, Real::from({2, 2}, {-7, 0.1, 3, 4}), 2));

  RandomStream random(1, "scores");
  const auto z = check::draw({5, 3}, random);
  CHECK_THROWS_WITH(scores(BinaryCrossEntropy{}, z, draw_labels<double>(5, 2), 3), ContainsSubstring("logits [5,3] and labels [5,2]"));
  CHECK_THROWS_WITH(scores(SoftmaxCrossEntropy{}, z, draw_labels<double>(5, 3)), ContainsSubstring("takes labels [5,1]"));
  CHECK_THROWS_WITH(scores(SquaredError{}, z, z, 2), ContainsSubstring("of 2"));
  CHECK_THROWS_WITH(scores(BinaryCrossEntropy{}, Real::zeros({0, 1}), Real::zeros({0, 1})),
                    ContainsSubstring("hold none to take the mean of"));
}

namespace {

/// |z - y|, as somebody outside would write it.
struct AbsoluteError : LossFunction {
  std::string name() const override { return "absolute error"; }
  Index target_size(Index outputs) const override { return outputs; }
  void require_target(std::span<const double>, Index) const override {}
  double value(std::span<const double> z, std::span<const double> y) const override { return std::abs(z[0] - y[0]); }
  void derivative(std::span<const double> z, std::span<const double> y, std::span<double> d) const override { d[0] = z[0] > y[0] ? 1 : -1; }
  double accuracy(std::span<const double>, std::span<const double>) const override { return NAN; }
};

}  // namespace

TEST_CASE("a loss of one's own is a loss") {
  const Loss loss = AbsoluteError{};
  const auto z = Real::from({2, 1}, {3, -1}), y = Real::from({2, 1}, {1, 1});
  CHECK(scores(loss, z, y)[0].loss == 2);
  CHECK(loss_cotangent(loss, z, y)[0] == 0.5);
  CHECK(loss_cotangent(loss, z, y)[1] == -0.5);
}
