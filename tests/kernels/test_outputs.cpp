// Kernels of several outputs in every layout, by every way of contraction, against J J^T written out; by tiles and panels, between two
// sets, on disk, in alignment and for Nystrom.
#include <mutex>

#include "kernels/alignment.h"
#include "kernels/nystrom.h"
#include "kernels/tiles/tiled_ntk.h"
#include "kernels/tiles/tiled_operator.h"
#include "tests/line_of.h"
#include "tests/several_outputs.h"
#include "tests/temporary_folder.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

constexpr Contraction ways[] = {Contraction::automatic, Contraction::rows, Contraction::factors};

NtkOptions with(const Outputs& outputs, Contraction way = Contraction::automatic, Index tile = 0, double memory = 0) {
  NtkOptions o;
  o.outputs = outputs;
  o.contraction = way;
  o.tile = tile;
  o.memory = memory;
  return o;
}

/// Rows [i0, i1) and columns [j0, j1).
Real part(const Real& k, Index i0, Index i1, Index j0, Index j1) {
  Real p({i1 - i0, j1 - j0});
  for (Index i = i0; i < i1; ++i)
    for (Index j = j0; j < j1; ++j) p[(i - i0) * (j1 - j0) + j - j0] = k[i * k.shape()[1] + j];
  return p;
}

}  // namespace

TEST_CASE("every layout, contraction, tile and panel gives the kernel of several outputs") {
  const check::Poison poison;
  const Index n = 9;
  for (Index count : {1, 2, 3, 5})
    for (const auto& s : networks_of(count, n)) {
      const Real all = rows_by_gradients(s.network, s.variables, s.images);
      for (const Outputs& outputs : layouts(count)) {
        const Real expected = kernel_of(all, all, count, outputs);
        const Index side = expected.rows() / n;
        for (auto way : ways) {
          INFO(s.name << " " << count << " outputs, " << outputs.str() << ", contraction " << static_cast<int>(way));
          const Real k = ntk(s.network, s.variables, s.images, with(outputs, way, 4));
          close_to(k, expected, 1e-12);
          for (Index i = 0; i < k.rows(); ++i)
            for (Index j = 0; j < i; ++j)
              if (k[i * k.rows() + j] != k[j * k.rows() + i]) FAIL("not symmetric at " << i << ", " << j);
          close_to(ntk_rows(s.network, s.variables, s.images, 5, with(outputs, way)), expected.slice(0, 5 * side), 1e-12);
          const NtkPlan plan = plan_ntk(s.network, s.variables, s.images, with(outputs, way));
          CHECK(plan.side() == side);
          const double room = plan.feature_bytes / static_cast<double>(n) * 4.5;
          CHECK(plan_ntk(s.network, s.variables, s.images, with(outputs, way, 0, room)).panel < n);
          close_to(ntk(s.network, s.variables, s.images, with(outputs, way, 0, room)), expected, 1e-12);
          for (double memory : {0.0, room})
            close_to(ntk(s.network, s.variables, s.images.slice(1, 4), s.images.slice(2, n), with(outputs, way, 2, memory)),
                     part(expected, side, 4 * side, 2 * side, n * side), 1e-12);
        }
      }
    }
}

TEST_CASE("K v = J (J^T v) in each layout, and the trace of full over outputs is O times trace") {
  const Index n = 7, count = 3;
  for (const auto& s : networks_of(count, n)) {
    INFO(s.name);
    RandomStream random(4, "vector");
    for (const Outputs& outputs : {Outputs::one(2), Outputs::sum(), Outputs::full()}) {
      const FactoredJacobian<double> jacobian(s.network, s.variables, s.images, outputs);
      const Real v = check::draw({n, jacobian.outputs()}, random), k = ntk(s.network, s.variables, s.images, with(outputs));
      std::vector<Real> back;
      const auto jtv = jacobian.transpose_times(v);
      for (std::size_t i = 0; i < jtv.size(); ++i) back.push_back(jtv[i] ? *jtv[i] : Real::zeros(jacobian.parameter_shapes()[i]));
      close_to(matmul(k, v.reshaped({v.size(), 1})), jacobian.times(back).reshaped({v.size(), 1}), 1e-12);
    }
    const Real trace = ntk(s.network, s.variables, s.images, with(Outputs::trace())),
               full = ntk(s.network, s.variables, s.images, with(Outputs::full())),
               sum = ntk(s.network, s.variables, s.images, with(Outputs::sum()));
    // trace: K v is the mean over the outputs of J_o (J_o^T v)
    const Real v = check::draw({n, 1}, random);
    Real mean = Real::zeros({n, 1});
    for (Index o = 0; o < count; ++o) mean = add(mean, matmul(ntk(s.network, s.variables, s.images, with(Outputs::one(o))), v));
    close_to(matmul(trace, v), scale(mean, 1.0 / count), 1e-12);
    Real traced = Real::zeros({n, n}), summed = Real::zeros({n, n});
    for (Index i = 0; i < n * count; ++i)
      for (Index j = 0; j < n * count; ++j) {
        const double entry = full[i * n * count + j];
        if (i % count == j % count) traced[i / count * n + j / count] += entry;
        summed[i / count * n + j / count] += entry / count;
      }
    close_to(traced, scale(trace, count), 1e-12);
    close_to(summed, sum, 1e-12);
  }
}

TEST_CASE("kernels of several outputs in float agree with double, and have the same bits for any number of threads") {
  const ModelConfig lenet{.model = "lenet", .features = {3, 4, 6, 5, 5}, .activation = "gelu"};
  const auto s = draw_small<float>("lenet", make_network<float>(lenet), {9, 7, 3}, 21);
  const auto reference = draw_small<double>("lenet", make_network<double>(lenet), {9, 7, 3}, 21);
  for (const Outputs& outputs : {Outputs::sum(), Outputs::trace(), Outputs::full()})
    for (auto way : ways) {
      INFO(outputs.str() << " contraction " << static_cast<int>(way));
      cpu::set_threads(1);
      const auto one = ntk(s.network, s.variables, s.images, with(outputs, way, 3));
      cpu::set_threads(2);
      const auto two = ntk(s.network, s.variables, s.images, with(outputs, way, 3));
      cpu::set_threads(0);
      CHECK(same_bits(one, two));
      close_to(one, ntk(reference.network, reference.variables, reference.images, with(outputs)), 2e-6);
    }
}

TEST_CASE("a layer whose cotangents are zero, and convolutions by patches, count right for several outputs") {
  const check::Poison poison;
  auto lenet = networks_of(3, 6)[1];
  const auto relu = draw_small<double>("lenet", make_network<double>({.model = "lenet", .features = {3, 4, 6, 5, 3}}), {9, 7, 3}, 6);
  auto dead = relu;
  dead.variables.parameters[dead.variables.index("Conv_1/bias")] = Real::full({4}, -100);
  for (const auto& s : {lenet, dead}) {
    const Real all = rows_by_gradients(s.network, s.variables, s.images);
    for (const Outputs& outputs : {Outputs::trace(), Outputs::full()}) {
      const FactoredJacobian<double> jacobian(s.network, s.variables, s.images, outputs);
      auto plan = plan_features(jacobian, Contraction::factors);
      for (auto kind : {LayerPlan::Kind::convolution, LayerPlan::Kind::patches}) {
        Index convolutions = 0;
        for (auto& layer : plan.layers)
          if (layer.at.positions() > 1 && layer.kind != LayerPlan::Kind::dense && layer.kind != LayerPlan::Kind::rows)
            layer.kind = kind, ++convolutions;
        CHECK(convolutions == 2);
        Features<double> features(plan, 6);
        features.fill(0, jacobian);
        const Index side = plan.side();
        Real k({6 * side, 6 * side});
        Features<double>::block(features, 0, 6, features, 0, 6, k.data(), 6 * side);
        close_to(k, kernel_of(all, all, 3, outputs), 1e-12);
      }
    }
  }
}

TEST_CASE("what a layer saw is stored once, and its products are counted once, for all outputs") {
  const Index count = 10;
  const auto s = draw_small<double>("mlp", make_network<double>({.model = "mlp", .features = {40, 30, count}}), {8, 8, 3}, 2);
  const auto layer = [&](const Outputs& outputs) {
    const auto plan = plan_ntk(s.network, s.variables, s.images, with(outputs, Contraction::factors)).features;
    for (const auto& l : plan.layers)
      if (s.variables.paths[static_cast<std::size_t>(l.parameters[0])] == "Dense_0/kernel") return l;
    FAIL("no such layer");
    return plan.layers[0];
  };
  const LayerPlan one = layer(Outputs::one(0)), trace = layer(Outputs::trace()), full = layer(Outputs::full());
  CHECK(one.image_numbers == 192 + 40);
  CHECK(trace.image_numbers == 192 + 40 * count);
  CHECK(full.image_numbers == 192 + 40 * count);
  CHECK(one.pair_flops == 2 * (192 + 40) + 1);
  CHECK(trace.pair_flops == 2 * (192 + 40 * count) + 1);
  CHECK(full.pair_flops == 2 * (192 + 40 * count * count) + count * count);
  const auto image = [&](const Outputs& outputs) {
    return plan_ntk(s.network, s.variables, s.images, with(outputs, Contraction::factors)).features;
  };
  // forward once and back count times, and rows of the biases, for each output: (1 + count) F of the two 2 F of one
  CHECK(image(Outputs::trace()).image_flops < (1 + count) * image(Outputs::one(0)).image_flops / 2 * 1.1);
  CHECK(image(Outputs::trace()).image_flops > (1 + count) * image(Outputs::one(0)).image_flops / 2 * 0.9);
  CHECK(image(Outputs::full()).image_flops == image(Outputs::trace()).image_flops);
  // A tile of the layout full is no larger than others in memory.
  const auto tile = [&](const Outputs& outputs) { return fit_ntk<double>(image(outputs), 100'000, 100'000, with(outputs)).tile; };
  CHECK(tile(Outputs::trace()) == 512);
  CHECK(tile(Outputs::full()) == 51);
}

TEST_CASE("rows that are long are multiplied piece by piece, to the precision of double") {
  const Index n = 37, count = 2;
  const ModelConfig config{.model = "mlp", .features = {350, 3, count}};
  const auto s = draw_small<double>("mlp", make_network<double>(config), {8, 8, 3}, n);
  const auto single = draw_small<float>("mlp", make_network<float>(config), {8, 8, 3}, n);
  for (const Outputs& outputs : {Outputs::trace(), Outputs::full()}) {
    const auto rows = with(outputs, Contraction::rows), factors = with(outputs, Contraction::factors);
    const NtkPlan plan = plan_ntk(s.network, s.variables, s.images, rows);
    CHECK(plan.features.long_rows());
    CHECK(plan.tile >= (outputs.kind == Outputs::Kind::trace ? n : n / 2));  // tiles of more than a band of rows
    const Real expected = ntk(s.network, s.variables, s.images, factors);
    close_to(ntk(s.network, s.variables, s.images, rows), expected, 1e-12);
    close_to(ntk(s.network, s.variables, s.images.slice(0, 5), s.images.slice(3, n), rows),
             ntk(s.network, s.variables, s.images.slice(0, 5), s.images.slice(3, n), factors), 1e-12);
    close_to(ntk(single.network, single.variables, single.images, rows), expected, 1e-6);
    cpu::set_threads(1);
    const auto one = ntk(single.network, single.variables, single.images, rows);
    cpu::set_threads(2);
    const auto two = ntk(single.network, single.variables, single.images, rows);
    cpu::set_threads(0);
    CHECK(same_bits(one, two));
  }
}

TEST_CASE("no tile of several outputs cuts an image or crosses the boundary") {
  const Index n = 11, count = 3;
  const auto s = networks_of(count, n)[0];
  std::mutex mutex;
  std::vector<int> seen(static_cast<std::size_t>(n * count * n * count), 0);
  ntk_tiles<double>(s.network, s.variables, s.images, with(Outputs::full(), Contraction::automatic, 2), 5,
                    [&](Index i0, Index i1, Index j0, Index j1, const double*) {
                      const std::lock_guard lock(mutex);
                      CHECK((i0 % count == 0 && i1 % count == 0 && j0 % count == 0 && j1 % count == 0));
                      CHECK(((i1 <= 15 || i0 >= 15) && (j1 <= 15 || j0 >= 15)));
                      CHECK((i1 - i0 <= 6 && j1 - j0 <= 6 && j0 >= i0));
                      for (Index i = i0; i < i1; ++i)
                        for (Index j = j0; j < j1; ++j) ++seen[static_cast<std::size_t>(i * n * count + j)];
                    });
  for (Index i = 0; i < n * count; ++i)
    for (Index j = i; j < n * count; ++j) CHECK(seen[static_cast<std::size_t>(i * n * count + j)] == 1);
}

TEST_CASE("alignment takes a number for each row of the kernel in every layout") {
  const check::Poison poison;
  const Index n = 9, count = 3, vectors = 2, num_train = 5;
  for (const auto& s : networks_of(count, n)) {
    const Real all = rows_by_gradients(s.network, s.variables, s.images);
    for (const Outputs& outputs : layouts(count)) {
      INFO(s.name << " " << outputs.str());
      const Real k = kernel_of(all, all, count, outputs);
      const Index size = k.rows(), side = size / n;
      RandomStream random(2, "vectors");
      const Real v = check::draw({vectors, size}, random), a = alignment(s.network, s.variables, s.images, num_train, v, with(outputs));
      const Index parts[3][2] = {{0, num_train * side}, {num_train * side, size}, {0, size}};
      for (Index p = 0; p < 3; ++p)
        for (Index q = 0; q < vectors; ++q) {
          double top = 0, norm = 0;
          for (Index i = parts[p][0]; i < parts[p][1]; ++i) {
            norm += v[q * size + i] * v[q * size + i];
            for (Index j = parts[p][0]; j < parts[p][1]; ++j) top += v[q * size + i] * k[i * size + j] * v[q * size + j];
          }
          check::same(a[p * vectors + q], top / norm, 1e-11);
        }
    }
    CHECK_THAT(line_of([&] {
                 alignment(s.network, s.variables, s.images, 5, Real::zeros({1, n}), with(Outputs::full()));
               }),
               ContainsSubstring("alignment: vectors [1,9] for 9 images of 3 outputs, which are 27 rows of the kernel"));
    CHECK_THAT(line_of([&] {
                 alignment(s.network, s.variables, s.images, 5, Real::zeros({1, n * count}), with(Outputs::trace()));
               }),
               ContainsSubstring("alignment: vectors [1,27] for 9 images"));
  }
}

TEST_CASE("a kernel of several outputs goes to a file of tiles and comes back") {
  const Index n = 40, count = 3;
  const TemporaryFolder folder;
  const auto s = networks_of(count, n)[0];
  for (const Outputs& outputs : {Outputs::trace(), Outputs::full()})
    for (double room : {0., 36.}) {
      auto options = with(outputs);
      options.memory = room / static_cast<double>(n) * plan_ntk(s.network, s.variables, s.images, options).feature_bytes;
      const NtkPlan plan = plan_ntk(s.network, s.variables, s.images, options);
      const Index side = plan.side(), tile = file_tile(plan);
      const auto path = folder.path() / (outputs.str() + std::to_string(static_cast<int>(room)));
      kernels::TileFile<double> file(path, n * side, tile * side, ntk_fingerprint(s.network, s.variables, s.images, options));
      complete(file, s.network, s.variables, s.images, options);
      CHECK(file.missing() == 0);
      RandomStream random(1, "v");
      const Real v = check::draw({2, n * side}, random), k = ntk(s.network, s.variables, s.images, with(outputs));
      Real product({2, n * side});
      kernels::TiledOperator<double>(file).apply(v, product);
      close_to(product, matmul(v, k), 1e-12);
      CHECK_THAT(line_of([&] { complete(file, s.network, s.variables, s.images.slice(0, 39), options); }),
                 ContainsSubstring("tiled ntk: 39 images"));
    }
  kernels::TileFile<double> file(folder.path() / "cut", n * count, 16, 1);
  CHECK_THAT(line_of([&] { complete(file, s.network, s.variables, s.images, with(Outputs::full())); }),
             ContainsSubstring("tiled ntk: a file of tiles of 16 rows a side, which 3 outputs an image do not share out evenly"));
  std::vector<std::uint64_t> prints;
  for (const Outputs& outputs : layouts(count)) prints.push_back(ntk_fingerprint(s.network, s.variables, s.images, with(outputs)));
  std::sort(prints.begin(), prints.end());
  CHECK(std::unique(prints.begin(), prints.end()) == prints.end());
}

TEST_CASE("Nystrom of the layout full takes whole images") {
  const Index n = 12, count = 3;
  const auto s = networks_of(count, n)[1];
  const auto points = kernels::nystrom_points(n, 5, 1), rows = kernels::rows_of_images(points, count);
  REQUIRE(rows.size() == 15);
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(rows[i] == points[i / 3] * 3 + static_cast<Index>(i % 3));
  const auto chosen = take_rows<double>(s.images, points);
  const Real k = ntk(s.network, s.variables, s.images, with(Outputs::full())),
             nm = ntk(s.network, s.variables, s.images, chosen, with(Outputs::full()));
  Real columns({n * count, 15});
  for (Index i = 0; i < n * count; ++i)
    for (Index j = 0; j < 15; ++j) columns[i * 15 + j] = k[i * n * count + rows[static_cast<std::size_t>(j)]];
  close_to(nm, columns, 1e-12);
  CHECK(kernels::nystrom_eigenpairs(take_rows<double>(nm, rows), nm, 4).vectors.shape() == (Shape{4, n * count}));
  CHECK_THROWS_AS(kernels::rows_of_images(points, 0), std::invalid_argument);
}
