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
    learner.use(Sgd{.momentum = mu});
    Coefficients expected(num_train);
    const auto visit = [&](Index image, double r, double eta) {
      learner.logits(std::vector<Index>{image});
      learner.step(Real::full({1, 1}, r), eta);
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

TEST_CASE("under weight decay an image that is not visited moves on by the decay of all steps") {
  // theta - theta0 = J^T a + s theta0 of a Jacobian of rows, moved in parameter space in long double.
  const Index n = 7, num_train = 5, p = 9;
  RandomStream random(3, "idle decay");
  const Real rows = check::draw({n, p}, random), theta0 = check::draw({p}, random), f0 = check::draw({n}, random);
  Real k({n, n}), start({n});
  for (Index i = 0; i < n; ++i) {
    start[i] = 0;
    for (Index e = 0; e < p; ++e) start[i] += rows[i * p + e] * theta0[e];
    for (Index j = 0; j < n; ++j) {
      k[i * n + j] = 0;
      for (Index e = 0; e < p; ++e) k[i * n + j] += rows[i * p + e] * rows[j * p + e];
    }
  }
  FunctionSpaceLearner<double> learner(k, f0, num_train, 1, StartingPoint<double>{start, check::inner(theta0, theta0)});
  constexpr double mu = 0.9, eta = 0.02, w = 0.1;
  learner.use(Sgd{.momentum = mu, .weight_decay = w});
  std::vector<long double> theta(theta0.span().begin(), theta0.span().end()), m(theta.size());
  for (int step = 0; step < 300; ++step) {
    const Index image = step % 100 == 0 ? 0 : 1 + random.below(4);  // the first is left alone for long
    const double r = random.normal();
    const Real z = learner.logits(std::vector<Index>{image});
    long double right = f0[image];
    for (Index e = 0; e < p; ++e) right += rows[image * p + e] * (theta[static_cast<std::size_t>(e)] - theta0[e]);
    REQUIRE(z[0] == Approx(static_cast<double>(right)).epsilon(1e-11).margin(1e-11));
    learner.step(Real::full({1, 1}, r), eta);
    for (Index e = 0; e < p; ++e) {
      const auto at = static_cast<std::size_t>(e);
      m[at] = r * static_cast<long double>(rows[image * p + e]) + w * theta[at] + mu * m[at];
      theta[at] -= eta * m[at];
    }
  }
  const Real a = learner.coefficients();
  long double squares = 0;
  for (Index e = 0; e < p; ++e) {
    const auto at = static_cast<std::size_t>(e);
    double here = learner.start_share() * theta0[e];
    for (Index i = 0; i < num_train; ++i) here += a[i] * rows[i * p + e];
    CHECK(here == Approx(static_cast<double>(theta[at])).epsilon(1e-11).margin(1e-11));
    squares += (theta[at] - theta0[e]) * (theta[at] - theta0[e]);
  }
  CHECK(learner.distances()[0] == Approx(std::sqrt(static_cast<double>(squares))).epsilon(1e-11));
}

TEST_CASE("before any step the logits of every task and output are f0") {
  const Index num_train = 2, n = 5, outputs = 3, tasks = 2;
  Real f0({n, outputs}), k = Real::zeros({num_train * outputs, n * outputs});
  for (Index i = 0; i < f0.size(); ++i) f0[i] = static_cast<double>(i);
  FunctionSpaceLearner<double> learner(k, f0, num_train, tasks);
  const Real train = learner.logits(std::vector<Index>{1, 0}), test = learner.test_logits();
  REQUIRE(train.shape() == (Shape{2, outputs * tasks}));
  REQUIRE(test.shape() == (Shape{n - num_train, outputs * tasks}));
  for (Index o = 0; o < outputs; ++o)
    for (Index t = 0; t < tasks; ++t) {
      CHECK(train[o * tasks + t] == f0[outputs + o]);
      CHECK(train[(outputs + o) * tasks + t] == f0[o]);
      for (Index i = 0; i < n - num_train; ++i) CHECK(test[(i * outputs + o) * tasks + t] == f0[(num_train + i) * outputs + o]);
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
