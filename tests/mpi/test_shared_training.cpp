// Training in function space whose kernel ranks share by its columns is that of one process: several outputs, weight decay, states.
#include "kernels/ntk.h"
#include "linearize/function_space.h"
#include "tests/learners.h"
#include "tests/several_outputs.h"

using namespace tangentplane;
using cpu::Ranks;
using Real = Tensor<double>;

namespace {

/// What a learner in function space is made of.
struct Task {
  Real kernel, f0;  // [num_train O, N O], [N, O]
  Index num_train, tasks;
  std::optional<StartingPoint<double>> start;

  FunctionSpaceLearner<double> alone() const { return {kernel, f0, num_train, tasks, start}; }
  /// Of this rank's columns.
  FunctionSpaceLearner<double> shared() const {
    Ranks& ranks = Ranks::world();
    const Index outputs = f0.shape()[1], all = kernel.shape()[1];
    const auto [first, end] = cpu::dealt(f0.rows(), ranks.count(), ranks.rank());
    const Index width = (end - first) * outputs;
    Real own({kernel.rows(), width});
    for (Index i = 0; i < kernel.rows(); ++i) std::copy_n(kernel.data() + i * all + first * outputs, width, own.data() + i * width);
    return {own, f0, num_train, tasks, start, ranks};
  }
};

Task task_of(const Small<double>& s, Index num_train, Index tasks, bool decays) {
  NtkOptions options;
  options.outputs = Outputs::full();
  Task task{
      ntk_rows(s.network, s.variables, s.images, num_train, options), evaluate(s.network, s.variables, s.images), num_train, tasks, {}};
  if (decays) task.start = starting_point(s.network, s.variables, s.images);
  return task;
}

/// Classes below the number of outputs [N, tasks]; of one output 0 and 1.
Real draw_classes(Index n, Index outputs, Index tasks) {
  RandomStream random(4, "classes");
  Real y({n, tasks});
  for (double& v : y.span()) v = static_cast<double>(random.below(static_cast<std::uint64_t>(std::max<Index>(2, outputs))));
  return y;
}

void same(const std::vector<History>& a, const std::vector<History>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t t = 0; t < a.size(); ++t) {
    REQUIRE(a[t].size() == b[t].size());
    for (std::size_t e = 0; e < a[t].size(); ++e)
      for (auto field : {&EpochRecord::train_loss, &EpochRecord::train_accuracy, &EpochRecord::test_loss, &EpochRecord::test_accuracy,
                         &EpochRecord::distance})
        if (!std::isnan(a[t][e].*field) || !std::isnan(b[t][e].*field)) CHECK(a[t][e].*field == Approx(b[t][e].*field).epsilon(1e-10));
  }
}

void same(const LearnerState<double>& a, const LearnerState<double>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(a[i].first);
    CHECK(a[i].first == b[i].first);
    check::same(a[i].second, b[i].second, 1e-10);
  }
}

void trains_as_one_process(const Small<double>& s, Index num_train, Index batch, const Loss& loss) {
  const Index outputs = evaluate(s.network, s.variables, s.images.slice(0, 1)).shape()[1], tasks = 2;
  const Real labels = draw_classes(s.images.rows(), outputs, tasks);
  for (const double decay : {0., 0.2}) {
    INFO(s.name << ", " << s.images.rows() << " images, " << outputs << " outputs, decay " << decay << ", rank " << Ranks::world().rank()
                << " of " << Ranks::world().count());
    const Recipe recipe{
        .epochs = 4, .batch = batch, .learning_rate = 0.02, .loss = loss, .optimizer = Sgd{.momentum = 0.5, .weight_decay = decay}};
    const Task task = task_of(s, num_train, tasks, decay > 0);
    auto alone = task.alone(), shared = task.shared();
    LearnerState<double> halfway;
    std::vector<History> so_far;
    const auto expected = train<double>(alone, labels, num_train, recipe,
                                        {[&](Index epoch, const std::vector<History>& h) {
                                           if (epoch != 2) return;
                                           halfway = alone.state();
                                           so_far = h;
                                         },
                                         {}});
    same(train<double>(shared, labels, num_train, recipe), expected);
    same(shared.state(), alone.state());
    close_to(shared.coefficients(), alone.coefficients(), 1e-10);
    CHECK(shared.start_share() == Approx(alone.start_share()).epsilon(1e-12));
    if (num_train < s.images.rows()) close_to(shared.test_logits(), alone.test_logits(), 1e-10);
    // What one process left half done, ranks go on with.
    auto goes_on = task.shared();
    goes_on.use(recipe.optimizer);
    goes_on.restore(halfway);
    same(train<double>(goes_on, labels, num_train, recipe, {}, so_far), expected);
    same(goes_on.state(), alone.state());
  }
}

TEST_CASE("training in function space is shared: several outputs and one, with and without weight decay") {
  const check::Poison poison;
  for (const auto& s : networks_of(3, 17)) trains_as_one_process(s, 12, 5, SoftmaxCrossEntropy{});
  for (const auto& s : networks_of(1, 17)) trains_as_one_process(s, 12, 5, BinaryCrossEntropy{});
  trains_as_one_process(networks_of(3, 3)[0], 2, 1, SoftmaxCrossEntropy{});  // ranks that have no image
  trains_as_one_process(networks_of(2, 9)[0], 9, 4, SoftmaxCrossEntropy{});  // no test images
}

TEST_CASE("a learner of some images' columns refuses the whole kernel") {
  if (!Ranks::world().several()) return;
  const auto task = task_of(networks_of(3, 17)[0], 12, 1, false);
  CHECK_THROWS_WITH(FunctionSpaceLearner<double>(task.kernel, task.f0, 12, 1, {}, Ranks::world()),
                    Catch::Matchers::ContainsSubstring("kernel [36,51] for 12 training images of 17 with 3 outputs; give [36,"));
}

}  // namespace
