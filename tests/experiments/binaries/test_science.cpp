// What the study finds, on generated data: the linearization learns early eigenfunctions of its kernel, and the less of a task the later
// the eigenfunction comes; training aligns the kernel with its target; early anisotropy directions take fewer samples than late ones.
#include "data/dataset.h"
#include "data/linearly_separable.h"
#include "experiments/claims/statistics/statistics.h"
#include "kernels/alignment.h"
#include "kernels/eigen.h"
#include "kernels/nads.h"
#include "kernels/ntk.h"
#include "linearize/function_space.h"
#include "nn/models.h"
#include "nn/network_learner.h"
#include "tests/catch.h"

using namespace tangentplane;

namespace {

/// The share of ones in rows [begin, end) of a column of labels [N, T].
double share(const Tensor<float>& labels, Index column, Index begin, Index end) {
  double ones = 0;
  for (Index i = begin; i < end; ++i) ones += static_cast<double>(labels[i * labels.shape()[1] + column]);
  return ones / static_cast<double>(end - begin);
}
double minority(double share) { return std::min(share, 1 - share); }

/// What the tests below study: LeNet on dead leaves, its kernel and the leading eigenvectors [k, N].
struct Study {
  data::Dataset<float> data = data::load<float>({.name = "dead-leaves", .directory = {}, .num_train = 2000, .num_test = 500});
  Network<float> network = make_network<float>({.model = "lenet", .features = {}});
  Variables<float> variables = initialise(network, {32, 32, 3}, 0);
  Tensor<float> kernel = ntk(network, variables, data.images);

  Tensor<float> eigenvectors(Index k) const { return kernels::leading_eigenpairs(kernel, k).vectors; }
};

/// The alignment on training images with eigenvector j over the median of its ten neighbours.
double spike(const Study& study, const Variables<float>& at, const Tensor<float>& vectors, Index j) {
  const auto aligned = alignment(study.network, at, study.data.images, study.data.num_train, vectors);
  std::vector<double> neighbours;
  for (Index i = j - 5; i <= j + 5; ++i)
    if (i != j) neighbours.push_back(aligned[i]);
  return aligned[j] / experiments::median(neighbours);
}

/// LeNet, whose anisotropy directions are those along which classes are told apart, and what is set against it. 16 x 16 pixels, for then
/// a direction that is learned at all is learned from some hundred samples; classes 2 apart, for at 1 hardly any direction is by then.
struct Directions {
  static constexpr Index side = 16, tests = 500;
  explicit Directions(std::uint64_t of) : seed(of) {}

  std::uint64_t seed;
  Network<float> lenet = make_network<float>({.model = "lenet", .features = {}, .activation = "gelu"}),
                 classifier = make_network<float>({.model = "mlp", .features = {1}});  // of one layer: linear
  Variables<float> at = initialise(lenet, {side, side, 1}, seed);
  Tensor<float> directions = nads(lenet, at, Tensor<float>::zeros({1, side, side, 1})).directions;

  enum class Learns { network, linearization, linear_classifier };
  /// Accuracy on test samples after training on `samples` others.
  double tested(Learns what, Index direction, Index samples) const {
    const data::LinearlySeparable task{cast<double>(directions.slice(direction, direction + 1).reshaped({side, side, 1})), 2, 1, seed,
                                       static_cast<std::uint64_t>(direction)};
    const auto drawn = data::linearly_separable<float>(task, 0, samples + tests);
    Tensor<float> labels({samples + tests, 1});
    for (Index i = 0; i < labels.size(); ++i) labels[i] = static_cast<float>(drawn.labels[static_cast<std::size_t>(i)]);
    const auto accuracy = [&](auto&& learner) {
      return train<float>(learner, labels, samples, {.epochs = 20, .batch = 50})[0].back().test_accuracy;
    };
    if (what == Learns::network) return accuracy(NetworkLearner<float>(lenet, at, drawn.images, samples));
    if (what == Learns::linear_classifier)
      return accuracy(NetworkLearner<float>(classifier, initialise(classifier, {side, side, 1}, seed), drawn.images, samples));
    return accuracy(
        FunctionSpaceLearner<float>(ntk(lenet, at, drawn.images), evaluate(lenet, at, drawn.images).reshaped({labels.size()}), samples, 1));
  }
  /// The smallest of 100, 200, ... `most` samples that lead to an accuracy of 0.8; 2 * most if none does.
  Index needed(Learns what, Index direction, Index most) const {
    for (Index samples = 100; samples <= most; samples *= 2) {
      const double reached = tested(what, direction, samples);
      UNSCOPED_INFO("direction " << direction << ", " << samples << " samples: " << reached);
      if (reached > 0.8) return samples;
    }
    return 2 * most;
  }
};

}  // namespace

TEST_CASE("science: the linearization learns early eigenfunctions well, later ones less") {
  const Study study;
  const auto& [data, network, variables, kernel] = study;
  const std::vector<Index> indices{0, 1, 2, 3, 5, 8, 13, 20, 32, 50, 80, 120, 160};
  const auto vectors = study.eigenvectors(indices.back() + 1);

  const Index n = data.images.rows(), tasks = static_cast<Index>(indices.size());
  Tensor<float> labels({n, tasks});
  for (Index t = 0; t < tasks; ++t)
    for (Index i = 0; i < n; ++i) labels[i * tasks + t] = vectors[indices[static_cast<std::size_t>(t)] * n + i] > 0 ? 1.f : 0.f;
  const auto f = evaluate(network, variables, data.images);
  FunctionSpaceLearner<float> learner(kernel, f.reshaped({n}), data.num_train, tasks);
  const auto histories = train(learner, labels, data.num_train, {.epochs = 20});

  std::vector<double> index, accuracy;
  bool first = true;
  for (Index t = 0; t < tasks; ++t) {
    const double train_share = share(labels, t, 0, data.num_train), test_share = share(labels, t, data.num_train, n);
    if (minority(train_share) < 0.1 || minority(test_share) < 0.1) continue;  // a task of one class has nothing to learn
    const double tested = histories[static_cast<std::size_t>(t)].back().test_accuracy;
    if (std::exchange(first, false)) {
      INFO("eigenfunction " << indices[static_cast<std::size_t>(t)] << ", share of ones " << test_share);
      CHECK(tested > 0.9);
      CHECK(tested > 1 - minority(test_share) + 0.2);
    }
    index.push_back(static_cast<double>(indices[static_cast<std::size_t>(t)]));
    accuracy.push_back(tested);
  }
  REQUIRE(index.size() >= 12);
  const auto correlation = experiments::rank_correlation(index, accuracy);
  REQUIRE(correlation);
  CHECK(*correlation < -0.6);
}

TEST_CASE("science: training the network aligns its kernel with the target") {
  const Study study;
  constexpr Index target = 8;
  const auto vectors = study.eigenvectors(target + 6);
  const Index n = study.data.images.rows();
  Tensor<float> labels({n, 1});
  for (Index i = 0; i < n; ++i) labels[i] = vectors[target * n + i] > 0 ? 1.f : 0.f;
  NetworkLearner<float> learner(study.network, study.variables, study.data.images, study.data.num_train);
  train(learner, labels, study.data.num_train, {.epochs = 15});
  const double before = spike(study, study.variables, vectors, target), after = spike(study, learner.variables(), vectors, target);
  INFO("alignment at the target over the median of its neighbours: " << before << " before, " << after << " after training");
  CHECK(after > 2 * before);
}

TEST_CASE("science: an early anisotropy direction takes fewer samples than a late one, though not for a linear classifier") {
  using Learns = Directions::Learns;
  constexpr Index early = 0, late = 128;
  for (std::uint64_t seed : {0, 1, 2}) {
    INFO("seed " << seed);
    const Directions study(seed);
    CHECK(study.needed(Learns::linearization, early, 1600) <= 800);
    CHECK(study.needed(Learns::linearization, late, 1600) > 1600);
    CHECK(study.needed(Learns::network, early, 800) <= 200);
    CHECK(study.needed(Learns::network, late, 800) > 800);
    CHECK(study.needed(Learns::linear_classifier, early, 1600) == study.needed(Learns::linear_classifier, late, 1600));
  }
}
