// The network against flax: logits, trained weights, histories.
#include "nn/network_learner.h"
#include "tests/golden.h"

using namespace tangentplane;

TEST_CASE("logits equal flax's") {
  const check::Poison poison;
  for (const auto& name : golden::cases) {
    INFO(name);
    const auto c = golden::load<double>(name);
    const auto z = evaluate(c.network, c.init, c.images, 7);
    check::same(z.reshaped({z.size()}), c["logits"], 1e-12);
    const auto single = golden::load<float>(name);
    const auto f = evaluate(single.network, single.init, single.images);
    check::same(cast<double>(f.reshaped({f.size()})), c["logits"], 2e-5);
  }
}

TEST_CASE("training the network equals flax and optax, statistics included") {
  const check::Poison poison;
  for (const auto& name : golden::cases) {
    INFO(name);
    const auto c = golden::load<double>(name);
    NetworkLearner<double> learner(c.network, c.init, c.images, c.num_train);
    const auto histories = train(learner, c.labels, c.num_train, c.recipe);
    golden::same_history(histories[0], c, "network", 1e-8);
    const auto& final = learner.variables();
    for (std::size_t i = 0; i < final.paths.size(); ++i)
      check::same(final.parameters[i], c["network_final/params/" + final.paths[i]], 1e-8);
    for (const auto& [path, value] : final.statistics) check::same(value, c["network_final/batch_stats/" + path], 1e-8);
  }
}
