// The kernel: its symmetry, and that tiles, panels, threads and ways of contraction do not change it.
#include <mutex>

#include "kernels/eigen.h"
#include "kernels/ntk.h"
#include "tests/small.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;

namespace {

NtkOptions with(Contraction contraction, Index tile = 0, double memory = 0, Index output = 0) {
  NtkOptions o;
  o.contraction = contraction;
  o.tile = tile;
  o.memory = memory;
  o.outputs = Outputs::one(output);
  return o;
}
constexpr Contraction ways[] = {Contraction::automatic, Contraction::rows, Contraction::factors};

template <class S>
void tiles_and_panels_change_nothing(const Small<S>& s, double tolerance) {
  INFO(s.name << " " << sizeof(S));
  const Index n = s.images.rows();
  for (auto way : ways) {
    const auto whole = ntk(s.network, s.variables, s.images, with(way, n));
    for (Index tile : {1, 3, 7, 16, 40}) {
      const auto k = ntk(s.network, s.variables, s.images, with(way, tile));
      close_to(k, whole, tolerance);
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < i; ++j)
          if (k[i * n + j] != k[j * n + i]) FAIL("not symmetric at " << i << ", " << j);
    }
    const auto plan = plan_ntk(s.network, s.variables, s.images, with(way));
    CHECK(plan.panel == n);
    const double image_bytes = plan.feature_bytes / static_cast<double>(n);
    for (const auto& [room, panel, strip] : {std::tuple<Index, Index, Index>{2, 1, 1}, {9, 6, 3}, {17, 12, 3}}) {
      const double memory = (static_cast<double>(room) + 0.5) * image_bytes;
      const auto limited = plan_ntk(s.network, s.variables, s.images, with(way, 3, memory));
      CHECK(limited.panel == panel);  // whole tiles
      CHECK(limited.strip == strip);
      CHECK(limited.feature_bytes <= memory);
      CHECK(limited.feature_runs > 1);
      close_to(ntk(s.network, s.variables, s.images, with(way, 3, memory)), whole, tolerance);
    }
    CHECK_THROWS_WITH(ntk(s.network, s.variables, s.images, with(way, 3, 1.5 * image_bytes)),
                      ContainsSubstring("memory: the features of two images"));
    // Two sets of images: a block of the whole.
    for (double memory : {0.0, 7 * image_bytes}) {
      const auto block = ntk(s.network, s.variables, s.images.slice(2, 9), s.images.slice(5, n), with(way, 4, memory));
      REQUIRE(block.shape() == (Shape{7, n - 5}));
      Tensor<S> expected({7, n - 5});
      for (Index i = 0; i < 7; ++i)
        for (Index j = 0; j < n - 5; ++j) expected[i * (n - 5) + j] = whole[(i + 2) * n + j + 5];
      close_to(block, expected, tolerance);
      const auto other = ntk(s.network, s.variables, s.images.slice(5, n), s.images.slice(2, 9), with(way, 4, memory));
      for (Index i = 0; i < 7; ++i)
        for (Index j = 0; j < n - 5; ++j) expected[j * 7 + i] = whole[(i + 2) * n + j + 5];
      close_to(other, expected.reshaped({n - 5, 7}), tolerance);
    }
  }
}

}  // namespace

TEST_CASE("tiles, panels and memory limits change nothing, a kernel between two sets is a block of the whole") {
  const check::Poison poison;
  for (const auto& s : small_networks(19)) tiles_and_panels_change_nothing(s, 1e-13);
  for (const auto& s : small_models<float>(19)) tiles_and_panels_change_nothing(s, 1e-6);
}

TEST_CASE("rows, factors and the best mix give J J^T") {
  const check::Poison poison;
  for (const auto& s : small_networks(9, 2)) {
    const Index outputs = evaluate(s.network, s.variables, s.images).shape()[1];
    for (Index output = 0; output < outputs; ++output) {
      INFO(s.name << ", output " << output);
      const FactoredJacobian<double> jacobian(s.network, s.variables, s.images, output);
      const auto gram = jacobian.gram();
      for (auto way : ways) close_to(ntk(s.network, s.variables, s.images, with(way, 4, 0, output)), gram, 1e-12);
      // K v = J (J^T v)
      RandomStream random(3, "vector");
      const auto v = check::draw({9}, random);
      std::vector<Tensor<double>> back;
      const auto jtv = jacobian.transpose_times(v);
      for (std::size_t i = 0; i < jtv.size(); ++i) back.push_back(jtv[i] ? *jtv[i] : Tensor<double>::zeros(jacobian.parameter_shapes()[i]));
      const auto k = ntk(s.network, s.variables, s.images, with(Contraction::automatic, 0, 0, output));
      close_to(matmul(k, v.reshaped({9, 1})), jacobian.times(back).reshaped({9, 1}), 1e-12);
    }
    CHECK_THROWS_WITH(ntk(s.network, s.variables, s.images, with(Contraction::automatic, 0, 0, outputs)),
                      ContainsSubstring("of a network with"));
  }
}

TEST_CASE("a float kernel has no eigenvalue below rounding, and the same bits for any number of threads") {
  for (const auto& s : small_models<float>(33))
    for (auto way : ways) {
      INFO(s.name << " contraction " << static_cast<int>(way));
      cpu::set_threads(1);
      const auto one = ntk(s.network, s.variables, s.images, with(way, 5));
      cpu::set_threads(2);
      const auto two = ntk(s.network, s.variables, s.images, with(way, 5));
      cpu::set_threads(0);
      CHECK(same_bits(one, two));
      const auto values = kernels::leading_eigenpairs(one, 33).values;
      CHECK(values.back() >= -1e-6 * values.front());
    }
}

TEST_CASE("no tile crosses the boundary between training and test images, each pair comes once") {
  const auto s = small_models<double>(19)[0];
  std::vector<int> seen(19 * 19, 0);
  std::mutex mutex;
  for (double memory : {0.0, 4 * plan_ntk(s.network, s.variables, s.images).feature_bytes / 19})
    ntk_tiles<double>(s.network, s.variables, s.images, with(Contraction::automatic, 4, memory), 7,
                      [&](Index i0, Index i1, Index j0, Index j1, const double*) {
                        const std::lock_guard lock(mutex);
                        CHECK((i1 <= 7 || i0 >= 7));
                        CHECK((j1 <= 7 || j0 >= 7));
                        CHECK((j0 >= i0 && i1 - i0 <= 4 && j1 - j0 <= 4));
                        for (Index i = i0; i < i1; ++i)
                          for (Index j = j0; j < j1; ++j) ++seen[static_cast<std::size_t>(i * 19 + j)];
                      });
  for (Index i = 0; i < 19; ++i)
    for (Index j = i; j < 19; ++j) CHECK(seen[static_cast<std::size_t>(i * 19 + j)] == 2);
}

TEST_CASE("progress grows to one and may stop the work") {
  const auto s = small_models<double>(19)[0];
  auto options = with(Contraction::automatic, 4);
  double last = 0;
  options.progress = [&](double f) {
    CHECK(f >= last);
    last = f;
  };
  for (double memory : {0.0, 8 * plan_ntk(s.network, s.variables, s.images).feature_bytes / 19}) {
    options.memory = memory;
    last = 0;
    ntk(s.network, s.variables, s.images, options);
    CHECK(last == Approx(1));
  }
  options.progress = [](double) { throw std::runtime_error("stop"); };
  CHECK_THROWS_WITH(ntk(s.network, s.variables, s.images, options), "stop");
}

TEST_CASE("images that cannot be are refused") {
  const auto s = small_models<double>(3)[0];
  CHECK_THROWS_WITH(ntk(s.network, s.variables, s.images.slice(0, 0)), ContainsSubstring("N > 0"));
  CHECK_THROWS_WITH(ntk(s.network, s.variables, s.images, s.images.slice(0, 0)), ContainsSubstring("differ in more than their number"));
  CHECK_THROWS_WITH(ntk(s.network, s.variables, s.images, Tensor<double>::zeros({2, 3, 5, 3})), ContainsSubstring("[2,3,5,3]"));
}
