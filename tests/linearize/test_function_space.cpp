// Training in function space against SGD with momentum on the coefficients, written out in long double.
#include "linearize/function_space.h"

#include "tests/small.h"

using namespace tangentplane;
using check::Real;

namespace {

/// p <- mu p, p[b] += r, a <- a - eta p; K a is multiplied out whenever it is asked for.
struct Coefficients {
  std::vector<long double> a, p;
  explicit Coefficients(Index n) : a(static_cast<std::size_t>(n)), p(a) {}

  void step(Index image, long double r, long double eta, long double mu) {
    for (auto& v : p) v *= mu;
    p[static_cast<std::size_t>(image)] += r;
    for (std::size_t i = 0; i < a.size(); ++i) a[i] -= eta * p[i];
  }
};

}  // namespace

TEST_CASE("an image that is not visited for a thousand steps moves on by its momentum to the last digit") {
  const Index n = 90, num_train = 80;
  RandomStream random(2, "idle");
  const Real half = check::draw({n, n}, random), f0 = check::draw({n}, random);
  Real k({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) {
      k[i * n + j] = 0;
      for (Index e = 0; e < n; ++e) k[i * n + j] += half[i * n + e] * half[j * n + e] / static_cast<double>(n);
    }
  for (double mu : {0.9, 0.99}) {
    INFO("momentum " << mu);
    FunctionSpaceLearner<double> learner(k, f0, num_train, 1);
    Coefficients expected(num_train);
    const auto visit = [&](Index image, double r, double eta) {
      learner.logits(std::vector<Index>{image});
      learner.step(Real::full({1, 1}, r), eta, mu);
      expected.step(image, r, eta, mu);
    };
    const auto compare = [&] {
      const Real a = learner.coefficients(), z = learner.test_logits();
      double size = 0, worst = 0;
      for (Index i = 0; i < num_train; ++i) {
        const double right = static_cast<double>(expected.a[static_cast<std::size_t>(i)]);
        size = std::max(size, std::abs(right)), worst = std::max(worst, std::abs(a[i] - right));
      }
      CHECK(worst <= 1e-13 * size);
      for (Index i = num_train; i < n; ++i) {
        long double right = f0[i];
        for (Index j = 0; j < num_train; ++j) right += static_cast<long double>(k[i * n + j]) * expected.a[static_cast<std::size_t>(j)];
        CHECK(std::abs(z[i - num_train] - static_cast<double>(right)) <= 1e-11 * size);
      }
    };
    visit(0, 1, 0.05);
    for (Index step = 0; step < 70; ++step) visit(1 + step % 79, random.normal(), 0.05);
    compare();  // 0.9^70 is 6e-4: what is left to move is 0.6 % of a step
    visit(0, 0.5, 0.02);
    for (Index step = 0; step < 1100; ++step) visit(1 + step % 7, random.normal(), 0.01);
    compare();
    visit(0, -1, 0.01);
    compare();
  }
}

TEST_CASE("before any step the logits of every task are f0, on training and on test images") {
  const Index num_train = 3, num_test = 4, tasks = 2;
  const Real f0 = Real::from({num_train + num_test}, {0.5, -1, 2, 10, 20, 30, 40});
  Real k({num_train + num_test, num_train + num_test});
  for (double& v : k.span()) v = 1;
  FunctionSpaceLearner<double> learner(k, f0, num_train, tasks);
  const Real train = learner.logits(std::vector<Index>{2, 0}), test = learner.test_logits();
  for (Index t = 0; t < tasks; ++t) {
    CHECK(train[t] == 2);
    CHECK(train[tasks + t] == 0.5);
    for (Index i = 0; i < num_test; ++i) CHECK(test[i * tasks + t] == 10. * static_cast<double>(i + 1));
  }
}
