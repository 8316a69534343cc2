// Features that are filled pass by pass: a layer that is zero in one of them, a parameter that has no factor in one of them, blocks and
// tiles that stay within their bounds.
#include "kernels/features.h"

#include "kernels/ntk.h"
#include "nn/layers.h"
#include "tests/line_of.h"
#include "tests/small.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

Real block_of(const FeaturePlan& plan, const std::vector<FactoredJacobian<double>>& passes) {
  Index n = 0;
  for (const auto& j : passes) n += j.examples();
  Features<double> features(plan, n);
  Index begin = 0;
  for (const auto& j : passes) {
    features.fill(begin, j);
    begin += j.examples();
  }
  Real k({n, n});
  Features<double>::block(features, 0, n, features, 0, n, k.data(), n);
  return k;
}

/// J J^T of passes one under another.
Real gram_of(const std::vector<FactoredJacobian<double>>& passes) {
  std::vector<Real> rows;
  Index n = 0;
  for (const auto& j : passes) rows.push_back(j.rows()), n += j.examples();
  Real k({n, n});
  Index i = 0;
  for (const Real& a : rows)
    for (Index r = 0; r < a.rows(); ++r, ++i) {
      Index j = 0;
      for (const Real& b : rows)
        for (Index c = 0; c < b.rows(); ++c, ++j) {
          k[i * n + j] = 0;
          for (Index e = 0; e < a.shape()[1]; ++e) k[i * n + j] += a[r * a.shape()[1] + e] * b[c * b.shape()[1] + e];
        }
    }
  return k;
}

}  // namespace

TEST_CASE("a layer whose cotangents are zero in one pass counts for the images of the others") {
  const check::Poison poison;
  auto s = small_models<double>(6)[0];
  // relu: the first layer lives where the images are positive and is dead where they are negative
  auto& first = s.variables.parameters[s.variables.index("Dense_0/kernel")];
  for (double& v : first.span()) v = std::abs(v);
  s.variables.parameters[s.variables.index("Dense_0/bias")] = Real::full({7}, 0.01);
  Real dead = s.images.clone(), alive = s.images.clone();
  for (Index i = 0; i < dead.size(); ++i) dead[i] = -std::abs(dead[i]) - 1, alive[i] = std::abs(alive[i]);
  const FactoredJacobian<double> living(s.network, s.variables, alive), nothing(s.network, s.variables, dead);
  CHECK(std::any_of(nothing.factors().begin(), nothing.factors().end(), [](const auto& f) { return cpu::all_zero(f.cotangent); }));
  for (auto way : {Contraction::automatic, Contraction::rows, Contraction::factors}) {
    const auto plan = plan_features(living, way);
    close_to(block_of(plan, {living, nothing}), gram_of({living, nothing}), 1e-13);
    close_to(block_of(plan, {nothing, living}), gram_of({nothing, living}), 1e-13);
    close_to(block_of(plan, {nothing, living, nothing}), gram_of({nothing, living, nothing}), 1e-13);
  }
  // and through ntk, whose last pass of 128 images sees the dead ones alone
  Real all({256, 3, 5, 2});
  for (Index i = 0; i < 256; ++i) std::copy_n((i < 128 ? alive : dead).data() + i % 6 * 30, 30, all.data() + i * 30);
  NtkOptions options;
  options.contraction = Contraction::factors;
  REQUIRE(plan_ntk(s.network, s.variables, all, options).pass == 128);
  close_to(ntk(s.network, s.variables, all, options), FactoredJacobian<double>(s.network, s.variables, all).gram(), 1e-12);
}

TEST_CASE("a parameter without a factor in one pass has rows of zeros there") {
  const check::Poison poison;
  const auto s = small_models<double>(5)[1];
  const FactoredJacobian<double> whole(s.network, s.variables, s.images);
  const auto plan = plan_features(whole, Contraction::rows);
  for (std::size_t without = 0; without < whole.factors().size(); ++without) {
    auto factors = whole.factors();
    factors.erase(factors.begin() + static_cast<std::ptrdiff_t>(without));
    const FactoredJacobian<double> pruned(whole.value(), factors, whole.parameter_shapes());
    close_to(block_of(plan, {whole, pruned}), gram_of({whole, pruned}), 1e-13);
  }
}

TEST_CASE("a weight that two ops take turned, but one of them alone in one pass, has rows in its own layout") {
  const check::Poison poison;
  const auto network = Network<double>([](const auto& scope, const auto& x) {
    const auto w = permute(scope.parameter("w", {6, 6}, lecun_normal()), {1, 0});
    return dense(scope / "out", 1, tanh(matmul(tanh(matmul(flatten(x), w)), w)));
  });
  const auto s = draw_small<double>("turned", network, {3, 2, 1}, 4);
  const FactoredJacobian<double> whole(s.network, s.variables, s.images);
  const auto plan = plan_features(whole, Contraction::automatic);
  for (std::size_t without = 0; without < whole.factors().size(); ++without) {
    if (whole.factors()[without].parameter != static_cast<int>(s.variables.index("w"))) continue;
    auto factors = whole.factors();
    factors.erase(factors.begin() + static_cast<std::ptrdiff_t>(without));
    const FactoredJacobian<double> pruned(whole.value(), factors, whole.parameter_shapes());
    close_to(block_of(plan, {whole, pruned}), gram_of({whole, pruned}), 1e-13);
    // The other way round its layout was settled by a pass that met it once.
    const auto once = plan_features(pruned, Contraction::rows);
    CHECK_THAT(line_of([&] { block_of(once, {pruned, whole}); }), ContainsSubstring("not the one that was planned for"));
  }
}

TEST_CASE("a tile and its mirror image stay within the rows of the kernel that are wanted") {
  const Index n = 11, guard = 3 * n;
  RandomStream random(4, "tile");
  const Real K = check::draw({n, n}, random);
  for (Index rows : {1, 4, 5, 11})
    for (Index i0 = 0; i0 < n; i0 += 2)
      for (Index i1 = i0 + 1; i1 <= std::min<Index>(n, i0 + 5); i1 += 2)
        for (Index j0 : {i0, i1, Index(7)}) {
          if (j0 < i0 || (j0 > i0 && j0 < i1)) continue;
          const Index j1 = j0 == i0 ? i1 : std::min<Index>(n, j0 + 3), w = j1 - j0;
          if (w < 1) continue;
          Real block({i1 - i0, w}), buffer = Real::full({rows * n + 2 * guard}, -7);
          for (Index i = i0; i < i1; ++i)
            for (Index j = j0; j < j1; ++j) block[(i - i0) * w + j - j0] = K[i * n + j];
          write_tile(buffer.data() + guard, rows, n, i0, i1, j0, j1, block.data());
          for (Index at = 0; at < buffer.size(); ++at) {
            const Index i = (at - guard) / n, j = (at - guard) % n;
            double expected = -7;
            if (at >= guard && i < rows && i >= i0 && i < i1 && j >= j0 && j < j1) expected = K[i * n + j];
            if (at >= guard && i < rows && i0 != j0 && i >= j0 && i < j1 && j >= i0 && j < i1) expected = K[j * n + i];
            if (buffer[at] != expected)
              FAIL("rows " << rows << " tile " << i0 << " " << i1 << " " << j0 << " " << j1 << " at " << at - guard);
          }
        }
}

TEST_CASE("the first rows of a kernel are those of the whole") {
  const check::Poison poison;
  const auto s = small_models<double>(23)[0];
  const auto whole = FactoredJacobian<double>(s.network, s.variables, s.images).gram();
  for (Index rows : {1, 2, 7, 22, 23})
    for (Index tile : {0, 1, 5, 40}) {
      NtkOptions options;
      options.tile = tile;
      close_to(ntk_rows(s.network, s.variables, s.images, rows, options), whole.slice(0, rows), 1e-12);
    }
}

TEST_CASE("features refuse images that they do not hold and another network") {
  const auto s = small_models<double>(4)[0];
  const FactoredJacobian<double> jacobian(s.network, s.variables, s.images);
  const auto plan = plan_features(jacobian, Contraction::factors);
  Features<double> features(plan, 5);
  CHECK_THAT(line_of([&] { features.fill(2, jacobian); }), ContainsSubstring("features: images 2 to 6 of 5"));
  CHECK_THAT(line_of([&] { features.fill(-1, jacobian); }), ContainsSubstring("features: images -1 to 3 of 5"));
  features.fill(0, jacobian);
  Real out({6, 6});
  struct Block {
    Index i0, i1, j0, j1;
  };
  for (const Block& b : {Block{0, 6, 0, 1}, {-1, 1, 0, 1}, {0, 1, 4, 6}, {3, 2, 0, 1}})
    CHECK_THAT(line_of([&] { Features<double>::block(features, b.i0, b.i1, features, b.j0, b.j1, out.data(), 6); }),
               ContainsSubstring("features: a block of images"));
}
