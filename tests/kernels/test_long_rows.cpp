// Rows of the Jacobian that are held as factors and multiplied out a block at a time: against the sums written out, against J J^T of plain
// gradients, and what a plan says that they take.
#include "kernels/long_rows.h"

#include "kernels/ntk.h"
#include "tests/several_outputs.h"
#include "tests/tokens.h"

using namespace tangentplane;
using check::Real;
using Kind = LayerPlan::Kind;

namespace {

NtkOptions with(const Outputs& outputs, Contraction way = Contraction::automatic) {
  NtkOptions options;
  options.outputs = outputs, options.contraction = way;
  return options;
}

/// Of one parameter.
template <class S>
const LayerPlan* layer_of(const FeaturePlan& plan, const Small<S>& s, const char* path) {
  for (const LayerPlan& l : plan.layers)
    if (s.variables.paths[static_cast<std::size_t>(l.parameters[0])] == path) return &l;
  return nullptr;
}

}  // namespace

TEST_CASE("rows that are multiplied out by blocks have the inner products of their definition") {
  const check::Poison poison;
  struct Sizes {
    Index positions, inputs, channels;
  };
  RandomStream random(3, "factored rows");
  for (const auto& sizes : std::vector<std::vector<Sizes>>{{{1, 1, 1}}, {{5, 7, 9}, {3, 130, 65}}, {{2, 129, 3}, {1, 4, 200}}})
    for (Index outputs : {1, 3})
      for (bool traced : {true, false})
        for (Index m : {1, 5, 40}) {
          const Index n = 6, side = traced ? 1 : outputs, stride = std::max(m, n) * side + 2;
          for (bool same : {true, false}) {
            INFO(sizes.size() << " layers of " << sizes[0].inputs << ", " << outputs << " outputs, " << m << " images" << same << traced);
            const Index columns = same ? m : n;
            std::vector<Real> kept;
            std::vector<FactoredRows<double>> left, right;
            Real expected = Real::full({m * side, stride}, 0.5);
            for (const Sizes& l : sizes) {
              const auto draw = [&](Index images) {
                kept.push_back(check::draw({images, l.positions, l.inputs}, random));
                kept.push_back(check::draw({images, outputs, l.positions, l.channels}, random));
                return FactoredRows<double>{kept[kept.size() - 2].data(), kept.back().data(), l.positions, l.inputs, l.channels};
              };
              left.push_back(draw(m));
              right.push_back(same ? left.back() : draw(n));
              const auto row = [&](const FactoredRows<double>& f, Index i, Index o) {
                Real r = Real::zeros({l.inputs * l.channels});
                for (Index s = 0; s < l.positions; ++s)
                  for (Index k = 0; k < l.inputs; ++k)
                    for (Index c = 0; c < l.channels; ++c)
                      r[k * l.channels + c] +=
                          f.a[(i * l.positions + s) * l.inputs + k] * f.d[((i * outputs + o) * l.positions + s) * l.channels + c];
                return r;
              };
              for (Index j = 0; j < columns; ++j)
                for (Index q = 0; q < outputs; ++q) {
                  const Real b = row(right.back(), j, q);
                  for (Index i = 0; i < m; ++i)
                    for (Index o = 0; o < outputs; ++o) {
                      if (traced && o != q) continue;
                      expected[traced ? i * stride + j : (i * outputs + o) * stride + j * outputs + q] +=
                          check::inner(row(left.back(), i, o), b);
                    }
                }
            }
            Real out = Real::full({m * side, stride}, 0.5);
            add_products_of_factored_rows(left, right, m, columns, outputs, traced, same, out.data(), stride);
            close_to(out, expected, 1e-13);
          }
        }
}

TEST_CASE("layers whose factors are half of their rows are held as factors, and the kernel is J J^T") {
  const check::Poison poison;
  const Index n = 9, count = 3;
  const auto s = tokens<double>(count, n);
  const Real all = rows_by_gradients(s.network, s.variables, s.images);
  for (const Outputs& outputs : {Outputs::trace(), Outputs::full()}) {
    const Real expected = kernel_of(all, all, count, outputs);
    const Index side = expected.rows() / n;
    auto options = with(outputs);
    const FeaturePlan plan = plan_ntk_features(s.network, s.variables, s.images, options);
    for (const char* path : {"patches", "own", "turned"}) CHECK(layer_of(plan, s, path)->kind == Kind::blocks);
    CHECK(layer_of(plan, s, "bias")->kind == Kind::rows);
    for (auto way : {Contraction::rows, Contraction::factors})
      for (const LayerPlan& l : plan_ntk_features(s.network, s.variables, s.images, with(outputs, way)).layers)
        CHECK(l.kind != Kind::blocks);
    for (Index tile : {0, 2, 4})
      for (double images : {0., 4.5}) {
        INFO(outputs.str() << " tile " << tile << ", room for " << images);
        options.tile = std::max<Index>(tile, 1);  // to which tiles shrink where memory is short
        options.memory = 0;
        const double beside = fit_ntk<double>(plan, options.tile, options.tile, options).tile_bytes;
        options.tile = tile;
        options.memory = images == 0 ? 0 : images * static_cast<double>(plan.image_numbers) * sizeof(double) + beside;
        const NtkPlan fitted = fit_ntk<double>(plan, n, n, options);
        CHECK((images == 0 || (fitted.panel < n && fitted.feature_bytes <= options.memory)));
        const Real k = ntk(s.network, s.variables, s.images, options);
        close_to(k, expected, 1e-12);
        for (Index i = 0; i < k.rows(); ++i)
          for (Index j = 0; j < i; ++j)
            if (k[i * k.rows() + j] != k[j * k.rows() + i]) FAIL("not symmetric at " << i << ", " << j);
        const Real between = ntk(s.network, s.variables, s.images.slice(1, 4), s.images.slice(2, n), options);
        for (Index i = 0; i < 3 * side; ++i)
          for (Index j = 0; j < (n - 2) * side; ++j)
            check::same(between[i * (n - 2) * side + j], expected[(i + side) * n * side + j + 2 * side], 1e-12);
      }
  }
}

TEST_CASE("held factors of float have the kernel of double, and the same bits for any number of threads") {
  const auto s = tokens<float>(3, 70);  // three passes
  const auto reference = tokens<double>(3, 70);
  for (const Outputs& outputs : {Outputs::trace(), Outputs::full()}) {
    cpu::set_threads(1);
    const auto one = ntk(s.network, s.variables, s.images, with(outputs));
    cpu::set_threads(2);
    const auto two = ntk(s.network, s.variables, s.images, with(outputs));
    cpu::set_threads(0);
    CHECK(same_bits(one, two));
    close_to(one, ntk(reference.network, reference.variables, reference.images, with(outputs, Contraction::rows)), 2e-6);
  }
}

TEST_CASE("a layer held as factors that is dead for all images adds nothing, and one that is dead for some counts for the others") {
  const check::Poison poison;
  const Index n = 6, count = 3;
  auto s = tokens<double>(count, n);
  for (Index dead : {n, Index(3)}) {
    for (Index i = 0; i < dead * 216; ++i) s.images[i] = 0;  // what the convolution sees
    const Real all = rows_by_gradients(s.network, s.variables, s.images);
    for (const Outputs& outputs : {Outputs::trace(), Outputs::full()})
      close_to(ntk(s.network, s.variables, s.images, with(outputs)), kernel_of(all, all, count, outputs), 1e-12);
    s = tokens<double>(count, n);
  }
}

TEST_CASE("a plan counts the factors that are held, and every time that they are multiplied out") {
  const Index count = 3, positions = 8;
  const auto s = tokens<double>(count, 2);
  const FeaturePlan plan = plan_ntk_features(s.network, s.variables, s.images, with(Outputs::trace()));
  CHECK(layer_of(plan, s, "own")->image_numbers == positions * (24 + count * 26));
  CHECK(layer_of(plan, s, "turned")->image_numbers == positions * (26 + count * 22));
  CHECK(layer_of(plan, s, "patches")->image_numbers == positions * (27 + count * 24));
  CHECK(layer_of(plan, s, "own")->pair_flops == 2 * 24 * 26 * count);
  CHECK(plan.block_flops == 2 * positions * count * (24 * 26 + 26 * 22 + 27 * 24));
  CHECK(plan.longest_blocks == 27 * 32);  // columns as whole vectors
  Index numbers = 0;
  for (const LayerPlan& l : plan.layers) numbers += l.image_numbers;
  CHECK(plan.image_numbers == numbers);
  auto options = with(Outputs::trace());
  options.tile = 4;  // 10 images: tiles of 4, 4 and 2, six of them, and each meets every other: 10 + 8 + 6 + 6
  const NtkPlan whole = fit_ntk<double>(plan, 10, 10, options);
  CHECK(whole.pair_flops == 55 * plan.pair_flops + 30 * plan.block_flops);
  CHECK(whole.feature_bytes == 10 * static_cast<double>(plan.image_numbers) * sizeof(double) + whole.tile_bytes);
  // Of each of 16 tasks a sum and its summand, and a block of 4 rows of either side.
  CHECK(whole.tile_bytes == 16 * (2 * 16 + 8 * 27 * 32) * sizeof(double));
  const NtkPlan between = fit_ntk_between<double>(plan, 10, 6, options);  // tiles of 4, 4, 2 by those of 4, 2
  CHECK(between.pair_flops == 60 * plan.pair_flops + (2 * 10 + 3 * 6) * plan.block_flops);
  // Rows of one output are as they were.
  CHECK(plan_ntk_features(s.network, s.variables, s.images, with(Outputs::one(0))).block_flops == 0);
}

TEST_CASE("where features pass by, a strip is the longer the dearer the panel's rows are, and all of it fits") {
  FeaturePlan plan;
  plan.kind = Outputs::Kind::trace, plan.outputs = 10;
  plan.image_numbers = 7'000'000, plan.longest_blocks = 147'456;
  plan.image_flops = 4e9, plan.pair_flops = 5e7;
  for (double block_flops : {1e9, 4e9})
    for (double memory : {2e9, 8e9}) {
      INFO(block_flops << " " << memory);
      plan.block_flops = block_flops;
      auto options = with(Outputs::trace());
      options.memory = memory;
      const NtkPlan cut = fit_ntk<float>(plan, 10'000, 10'000, options);
      CHECK(cut.feature_bytes <= memory);
      CHECK(cut.feature_bytes > 0.9 * memory);
      CHECK(cut.tile_bytes <= memory / 4);
      CHECK(cut.tile >= cut.strip);
      CHECK(static_cast<double>(cut.strip) / static_cast<double>(cut.panel) ==
            Approx(std::sqrt(block_flops / (4e9 + block_flops))).epsilon(0.1));
    }
}

TEST_CASE("passes of several outputs are of one length, and no image is run twice where they come out even") {
  const auto s = tokens<double>(3, 2);
  const FeaturePlan plan = plan_ntk_features(s.network, s.variables, s.images, with(Outputs::trace()));
  for (const auto& [n, pass] : {std::pair<Index, Index>{1, 1}, {31, 31}, {64, 32}, {65, 22}, {100, 25}, {1000, 32}}) {
    INFO(n);
    CHECK(fit_ntk<double>(plan, n, n, with(Outputs::trace())).pass == pass);
  }
}
