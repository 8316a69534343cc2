// What a kernel costs, as planned, is what computing it takes: images whose features are computed and pairs, however it is cut.
#include "kernels/ntk.h"
#include "nn/layers.h"
#include "tests/small.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A dense network that counts the images that it is run on.
struct Counting {
  std::shared_ptr<Index> images = std::make_shared<Index>(0);

  template <class T>
  T operator()(const Scope<T>& scope, const T& x) const {
    *images += shape_of(x)[0];
    return dense(scope / "out", 1, tanh(dense(scope / "in", 5, flatten(x))));
  }
};

struct Counted {
  Counting counting;
  Network<double> network{counting};
  Variables<double> variables = initialise(network, {3, 2, 1}, 0);
  Tensor<double> images;
  double image_bytes;

  explicit Counted(Index n) {
    RandomStream random(1, "counted");
    images = check::draw({n, 3, 2, 1}, random);
    image_bytes = plan_ntk(network, variables, images).feature_bytes / static_cast<double>(n);
  }
  /// Images run on while f() computes.
  template <class F>
  double run_by(const F& f) const {
    *counting.images = 0;
    f();
    return static_cast<double>(*counting.images);
  }
  FeaturePlan features() const { return plan_ntk_features(network, variables, images, {}); }
};

NtkOptions room_for(const Counted& c, double images) {
  NtkOptions options;
  options.memory = images * c.image_bytes;
  return options;
}

}  // namespace

TEST_CASE("ntk plan: features of as many images are computed as planned, and no pass is made to plan") {
  const Counted c(42);
  // Room for 16: panels of 14, strips of 2, passes of 2. While panel p is held the images after it pass by.
  for (const auto& some : std::vector<std::pair<Index, double>>{{42, 42 + 28 + 14}, {29, 42 + 28 + 14}, {28, 42 + 28}, {1, 42}}) {
    const Index rows = some.first;
    const double runs = some.second;
    const NtkOptions options = room_for(c, 16);
    const NtkPlan plan = fit_ntk<double>(c.features(), 42, rows, options);
    INFO(rows);
    CHECK(plan.panel == 14);
    CHECK(plan.strip == 2);
    CHECK(plan.feature_images == runs);
    CHECK(plan.feature_runs == runs / 42);
    CHECK(plan.feature_flops == runs * plan.features.image_flops);
    double pairs = 0;
    for (Index i = 0; i < rows; ++i) pairs += static_cast<double>(42 - i);
    CHECK(plan.pair_flops == pairs * plan.features.pair_flops);
    NtkOptions planned;
    planned.plan = &plan;
    Tensor<double> k;
    CHECK(c.run_by([&] { k = ntk_rows(c.network, c.variables, c.images, rows, planned); }) == runs);
    CHECK(same_bits(k, ntk_rows(c.network, c.variables, c.images, rows, options)));
  }
  const NtkPlan all = fit_ntk<double>(c.features(), 42, 5, {});
  CHECK(all.feature_images == 42);
  NtkOptions planned;
  planned.plan = &all;
  CHECK(c.run_by([&] { ntk_rows(c.network, c.variables, c.images, 5, planned); }) == 42);
}

TEST_CASE("ntk plan: between two sets, the smaller is held in panels and the larger passes by") {
  const Counted c(42);
  for (const auto& [m, room, runs] : {std::tuple<Index, double, double>{14, 70, 14 + 42}, {28, 16, 28 + 2 * 42}}) {
    const auto few = c.images.slice(0, m);
    const NtkOptions options = room_for(c, room);
    const NtkPlan plan = fit_ntk_between<double>(c.features(), 42, m, options);
    CHECK(plan.feature_images == runs);
    CHECK(plan.feature_flops == runs * plan.features.image_flops);
    CHECK(plan.pair_flops == static_cast<double>(42 * m) * plan.features.pair_flops);
    CHECK(plan.feature_bytes <= options.memory);
    NtkOptions planned;
    planned.plan = &plan;
    Tensor<double> k;
    CHECK(c.run_by([&] { k = ntk(c.network, c.variables, c.images, few, planned); }) == runs);
    CHECK(same_bits(k, ntk(c.network, c.variables, c.images, few, options)));
  }
}

TEST_CASE("ntk plan: images of zeros cost what others do") {
  for (const auto& s : small_networks(7)) {
    INFO(s.name);
    const auto zeros = Tensor<double>::zeros(s.images.shape());
    for (const bool pruned : {false, true}) {
      auto v = s.variables;
      if (pruned)
        for (std::size_t p = 0; p < v.paths.size(); ++p)
          if (v.paths[p].ends_with("scale")) v.parameters[p] = Tensor<double>::zeros(v.parameters[p].shape());
      const NtkPlan a = plan_ntk(s.network, v, s.images), b = plan_ntk(s.network, v, zeros);
      CHECK(a.features.active_parameters == b.features.active_parameters);
      CHECK(a.features.layers.size() == b.features.layers.size());
      CHECK(a.feature_flops == b.feature_flops);
      CHECK(a.pair_flops == b.pair_flops);
      CHECK(a.feature_bytes == b.feature_bytes);
    }
  }
}

TEST_CASE("ntk plan: one of other images is refused") {
  const Counted c(6);
  const NtkPlan plan = plan_ntk(c.network, c.variables, c.images.slice(0, 5));
  NtkOptions planned;
  planned.plan = &plan;
  CHECK_THROWS_WITH(ntk(c.network, c.variables, c.images, planned), ContainsSubstring("ntk: a plan of 5 and 0 images for 6 and 0"));
  CHECK_THROWS_WITH(ntk(c.network, c.variables, c.images, c.images, planned), ContainsSubstring("for 6 and 6"));
}
