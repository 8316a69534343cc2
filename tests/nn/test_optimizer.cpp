// Learning rate, momentum, Adam and weight decay on lists of parameters, against the formulas written out.
#include "nn/optimizer.h"

#include "tests/learners.h"
#include "tests/line_of.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using Real = Tensor<double>;
using Gradients = std::vector<std::optional<Real>>;

TEST_CASE("the learning rate falls linearly to zero after the last step") {
  CHECK(linear_decay(0.05, 0, 10) == 0.05);
  CHECK(linear_decay(0.05, 5, 10) == Approx(0.025));
  CHECK(linear_decay(0.05, 10, 10) == 0);
}

TEST_CASE("momentum_step: m <- g + mu m, theta <- theta - eta m, other holders of the arrays keep theirs") {
  auto theta = Real::from({2}, {1, 2}), m = Real::from({2}, {10, 20});
  const auto kept = theta;
  momentum_step(theta, m, std::optional(Real::from({2}, {1, -1})), 0.1, 0.5);
  CHECK((m[0] == 6 && m[1] == 9 && theta[0] == Approx(0.4) && theta[1] == Approx(1.1)));
  CHECK((kept[0] == 1 && kept[1] == 2));
  const double* place = theta.data();
  momentum_step(theta, m, std::optional<Real>(), 0.1, 0.5);
  CHECK((m[0] == 3 && theta[0] == Approx(0.1)));
  CHECK(theta.data() == place);  // nobody else held it
}

TEST_CASE("Adam's first three steps are those computed by hand") {
  std::vector<Real> theta{Real::from({2}, {1, -2})};
  Moments<double> moments({"w"}, theta);
  moments.use(Adam{});
  // Of a constant gradient both moments are, their bias corrected, the gradient and its square: a step is eta g / (|g| + epsilon).
  moments.step(theta, {Real::from({2}, {0.5, -4})}, 0.1);
  CHECK(theta[0][0] == Approx(1 - 0.1 * 0.5 / (0.5 + 1e-8)).epsilon(1e-14));
  CHECK(theta[0][1] == Approx(-2 + 0.1 * 4 / (4 + 1e-8)).epsilon(1e-14));
  // Then -1: m = 0.9 * 0.05 - 0.1 = -0.055 over 0.19, v = 0.999 * 0.00025 + 0.001 = 0.00124975 over 0.001999.
  const double second = theta[0][0];
  moments.step(theta, {Real::from({2}, {-1, -4})}, 0.1);
  CHECK(theta[0][0] - second == Approx(0.1 * (0.055 / 0.19) / (std::sqrt(0.00124975 / 0.001999) + 1e-8)).epsilon(1e-13));
  // Then none, which is zero: m = -0.0495 over 0.271, v = 0.00124850025 over 0.002997001.
  const double third = theta[0][0];
  moments.step(theta, {std::nullopt}, 0.05);
  CHECK(theta[0][0] - third == Approx(0.05 * (0.0495 / 0.271) / (std::sqrt(0.00124850025 / 0.002997001) + 1e-8)).epsilon(1e-13));
}

namespace {

/// Adam and SGD over many steps, one number, in long double.
struct Reference {
  long double theta, m = 0, v = 0;
  int t = 0;
  void step(const Optimizer& optimizer, long double g, long double eta) {
    ++t;
    if (const auto* sgd = std::get_if<Sgd>(&optimizer)) {
      m = g + sgd->weight_decay * theta + sgd->momentum * m;
      theta -= eta * m;
      return;
    }
    const Adam& a = std::get<Adam>(optimizer);
    m = a.beta1 * m + (1 - static_cast<long double>(a.beta1)) * g;
    v = a.beta2 * v + (1 - static_cast<long double>(a.beta2)) * g * g;
    const long double mean = m / (1 - std::pow(static_cast<long double>(a.beta1), t)),
                      square = v / (1 - std::pow(static_cast<long double>(a.beta2), t));
    theta -= eta * (mean / (std::sqrt(square) + a.epsilon) + a.weight_decay * theta);
  }
};

const std::vector<Optimizer> optimizers{Sgd{},
                                        Sgd{.momentum = 0},
                                        Sgd{.momentum = 0.5, .weight_decay = 0.1},
                                        Adam{},
                                        Adam{.beta1 = 0, .beta2 = 0.9, .epsilon = 1e-3},
                                        Adam{.weight_decay = 0.3}};

template <class S>
void takes_the_steps_of_the_formulas(double tolerance) {
  for (const Optimizer& optimizer : optimizers)
    for (const bool from_origin : {false, true}) {
      INFO("optimizer " << optimizer.index() << " with decay " << weight_decay(optimizer) << (from_origin ? ", from an origin" : ""));
      constexpr Index n = 40001;  // more than one piece
      RandomStream random(1, "optimizer");
      std::vector<Tensor<S>> theta{cast<S>(check::draw({n}, random)), cast<S>(check::draw({3}, random))};
      const std::vector<Tensor<S>> origin{cast<S>(check::draw({n}, random)), Tensor<S>::zeros({3})};
      const std::vector<Index> places{0, 1, 17, n - 1};
      std::vector<Reference> references;
      for (Index i : places)
        references.push_back({static_cast<long double>(theta[0][i]) + (from_origin ? static_cast<long double>(origin[0][i]) : 0)});
      Moments<S> moments({"a", "b"}, theta);
      moments.use(optimizer);
      for (int step = 0; step < 30; ++step) {
        const auto g = cast<S>(check::draw({n}, random));
        const double eta = 0.01 * (1 - step / 30.);
        moments.step(theta, {g, std::nullopt}, eta, from_origin ? &origin : nullptr);
        for (std::size_t k = 0; k < places.size(); ++k) references[k].step(optimizer, g[places[k]], eta);
      }
      for (std::size_t k = 0; k < places.size(); ++k) {
        const long double start = from_origin ? static_cast<long double>(origin[0][places[k]]) : 0;
        CHECK(std::abs(static_cast<long double>(theta[0][places[k]]) + start - references[k].theta) < tolerance);
      }
    }
}

}  // namespace

TEST_CASE("every optimizer takes the steps of its formulas, from zero and from an origin") {
  const check::Poison poison;
  takes_the_steps_of_the_formulas<double>(1e-14);
  takes_the_steps_of_the_formulas<float>(1e-5);
}

TEST_CASE("weight decay alone shrinks every parameter by its closed form") {
  constexpr double eta = 0.1, w = 0.2;
  std::vector<Real> coupled{Real::from({2}, {1, -3}), Real::from({1}, {2})}, decoupled{Real::from({2}, {1, -3}), Real::from({1}, {2})};
  Moments<double> sgd({"kernel", "bias"}, coupled), adam({"kernel", "bias"}, decoupled);
  sgd.use(Sgd{.momentum = 0, .weight_decay = w});
  adam.use(Adam{.weight_decay = w});
  for (int step = 1; step <= 20; ++step) {
    sgd.step(coupled, {std::nullopt, std::nullopt}, eta);
    adam.step(decoupled, {std::nullopt, std::nullopt}, eta);
    const double left = std::pow(1 - eta * w, step);
    for (const auto* list : {&coupled, &decoupled}) {
      CHECK((*list)[0][0] == Approx(left).epsilon(1e-13));
      CHECK((*list)[0][1] == Approx(-3 * left).epsilon(1e-13));
      CHECK((*list)[1][0] == Approx(2 * left).epsilon(1e-13));  // a bias too
    }
  }
}

TEST_CASE("coupled decay is the gradient of an L2 penalty, decoupled decay passes Adam's moments by") {
  RandomStream random(2, "decay");
  const auto start = check::draw({5}, random);
  std::vector<Real> decayed{start.clone()}, penalised{start.clone()};
  Moments<double> a({"w"}, decayed), b({"w"}, penalised);
  a.use(Sgd{.weight_decay = 0.3});
  for (int step = 0; step < 10; ++step) {
    const auto g = check::draw({5}, random);
    a.step(decayed, {g}, 0.05);
    b.step(penalised, {add(g.clone(), scale(penalised[0], 0.3))}, 0.05);
  }
  check::same(decayed[0], penalised[0], 1e-14);

  std::vector<Real> with{start.clone()}, without{start.clone()};
  Moments<double> c({"w"}, with), d({"w"}, without);
  c.use(Adam{.weight_decay = 0.3});
  d.use(Adam{});
  const auto g = check::draw({5}, random);
  c.step(with, {g}, 0.05);
  d.step(without, {g}, 0.05);
  for (Index i = 0; i < 5; ++i) CHECK(with[0][i] == Approx(without[0][i] - 0.05 * 0.3 * start[i]).epsilon(1e-14));
  LearnerState<double> one, other;
  c.append_to(one);
  d.append_to(other);
  CHECK(same_state(one, other));
}

TEST_CASE("moments go on from their state, and start anew under an optimizer of another kind") {
  RandomStream random(3, "state");
  std::vector<Real> gradients;
  for (int i = 0; i < 6; ++i) gradients.push_back(check::draw({4}, random));
  for (const Optimizer& optimizer : optimizers) {
    const auto start = check::draw({4}, random);
    std::vector<Real> whole{start.clone()}, parts{start.clone()};
    Moments<double> a({"w"}, whole), b({"w"}, parts);
    a.use(optimizer), b.use(optimizer);
    for (const auto& g : gradients) a.step(whole, {g}, 0.1);
    for (int i = 0; i < 3; ++i) b.step(parts, {gradients[static_cast<std::size_t>(i)]}, 0.1);
    LearnerState<double> saved;
    b.append_to(saved);
    Moments<double> fresh({"w"}, parts);
    fresh.use(optimizer);
    Moments<double> c = fresh.restored(saved);
    c.use(optimizer);  // as train does
    for (int i = 3; i < 6; ++i) c.step(parts, {gradients[static_cast<std::size_t>(i)]}, 0.1);
    CHECK(same_bits(whole[0], parts[0]));
    CHECK(saved.size() == (std::holds_alternative<Adam>(optimizer) ? 3 : 1));
  }
  std::vector<Real> theta{Real::zeros({4})};
  Moments<double> moments({"w"}, theta);
  moments.step(theta, {gradients[0]}, 0.1);
  LearnerState<double> sgd, adam;
  moments.append_to(sgd);
  CHECK(largest(sgd[0].second) > 0);
  moments.use(Adam{});
  moments.append_to(adam);
  CHECK(largest(adam[0].second) == 0);
  CHECK_THROWS_WITH(moments.restored(sgd), "state: squares/w is missing");
}

TEST_CASE("optimizers that are none are refused") {
  std::vector<Real> theta{Real::zeros({1})};
  const auto line = [&](const Optimizer& o) {
    Moments<double> moments({"w"}, theta);
    return line_of([&] { moments.use(o); });
  };
  CHECK(line(Sgd{.momentum = 1}) == "optimizer: momentum 1 is not in [0, 1)");
  CHECK(line(Sgd{.momentum = -0.1}) == "optimizer: momentum -0.1 is not in [0, 1)");
  CHECK(line(Sgd{.momentum = NAN}) == "optimizer: momentum nan is not in [0, 1)");
  CHECK(line(Sgd{.weight_decay = -1}) == "optimizer: weight decay -1 is not a number from 0 on");
  CHECK(line(Adam{.beta1 = 1}) == "optimizer: beta1 1 is not in [0, 1)");
  CHECK(line(Adam{.beta2 = 2}) == "optimizer: beta2 2 is not in [0, 1)");
  CHECK(line(Adam{.epsilon = 0}) == "optimizer: epsilon 0 is not a positive number");
  CHECK(line(Adam{.weight_decay = INFINITY}) == "optimizer: weight decay inf is not a number from 0 on");
  CHECK_NOTHROW(line(Adam{.beta1 = 0, .beta2 = 0}) == "nothing was thrown");
}
