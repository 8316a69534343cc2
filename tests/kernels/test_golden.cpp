// The NTK and its eigenvalues against flax and neural-tangents.
#include "kernels/alignment.h"
#include "kernels/eigen.h"
#include "kernels/ntk.h"
#include "nn/network_learner.h"
#include "tests/golden.h"

using namespace tangentplane;

TEST_CASE("the NTK equals neural-tangents' by rows, by factors and by the best mix") {
  const check::Poison poison;
  for (const auto& name : golden::cases) {
    const auto c = golden::load<double>(name);
    const auto expected = c["ntk"];
    double size = 0;
    for (double v : expected.span()) size = std::max(size, std::abs(v));
    for (auto contraction : {Contraction::rows, Contraction::factors, Contraction::automatic}) {
      INFO(name << " contraction " << static_cast<int>(contraction));
      const auto k = ntk(c.network, c.init, c.images, [&] {
        NtkOptions o;
        o.contraction = contraction;
        return o;
      }());
      check::same(scale(k, 1 / size), scale(expected, 1 / size), 1e-12);
    }
  }
}

TEST_CASE("the NTK after training equals neural-tangents'") {
  for (const auto& name : golden::cases) {
    INFO(name);
    const auto c = golden::load<double>(name);
    NetworkLearner<double> learner(c.network, c.init, c.images, c.num_train);
    train(learner, c.labels, c.num_train, c.recipe);
    const auto k = ntk(c.network, learner.variables(), c.images), expected = c["ntk_final"];
    double size = 0;
    for (double v : expected.span()) size = std::max(size, std::abs(v));
    check::same(scale(k, 1 / size), scale(expected, 1 / size), 1e-8);
  }
}

template <class S>
void eigenvalues_equal(double tolerance) {
  for (const auto& name : golden::cases) {
    INFO(name);
    const auto c = golden::load<S>(name);
    const auto expected = c["eigvals"];
    const auto pairs = kernels::leading_eigenpairs(ntk(c.network, c.init, c.images), expected.size());
    for (Index i = 0; i < expected.size(); ++i)
      CHECK(std::abs(pairs.values[static_cast<std::size_t>(i)] - expected[i]) <= tolerance * expected[0]);
  }
}
TEST_CASE("eigenvalues equal numpy's, to 1e-10 of the largest in double and 2e-4 in float") {
  eigenvalues_equal<double>(1e-10);
  eigenvalues_equal<float>(2e-4);
}
