// A kernel, its products and its eigenpairs shared out among ranks equal those of one process.
#include "kernels/eigen/dense_eigen.h"
#include "kernels/tiles/part_ntk.h"
#include "kernels/tiles/tiled_operator.h"
#include "tests/small.h"

using namespace tangentplane;
using namespace tangentplane::kernels;
using cpu::Ranks;

namespace {

/// This rank's tiles of K, from K.
template <class S>
void write_part(TileMemory<S>& tiles, const Tensor<S>& K) {
  const Index n = K.rows(), tile = tiles.tile();
  for (Index r = 0; r < tiles.side(); ++r) {
    const auto [first, end] = tiles.row(r);
    for (Index c = first; c < end; ++c) {
      const Index h = tiles.extent(r), w = tiles.extent(c);
      Tensor<S> block({h, w});
      for (Index i = 0; i < h; ++i) std::copy_n(K.data() + (r * tile + i) * n + c * tile, w, block.data() + i * w);
      tiles.write(r, c, block.data());
    }
  }
}

/// With eigenvalues that fall like a power.
template <class S>
Tensor<S> matrix(Index n) {
  RandomStream random(static_cast<std::uint64_t>(n), "matrix");
  const auto factors = check::draw({n, n}, random);
  Tensor<double> scaled = factors.clone(), K({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) scaled[i * n + j] /= std::pow(static_cast<double>(j + 1), 0.8);
  cpu::parallel_gemm(cpu::Op::none, cpu::Op::transpose, n, n, n, 1., scaled.data(), n, scaled.data(), n, 0., K.data(), n);
  return cast<S>(K);
}

/// This rank's columns of vectors that all ranks know.
template <class S>
Tensor<S> own_columns(const Tensor<S>& v, const Columns& columns) {
  Tensor<S> own({v.rows(), columns.width()});
  for (Index i = 0; i < v.rows(); ++i)
    std::copy_n(v.data() + i * columns.n + columns.first, columns.width(), own.data() + i * columns.width());
  return own;
}

template <class S>
void products_are_shared(Index n, Index tile, double tolerance) {
  Ranks& ranks = Ranks::world();
  INFO(n << " rows in tiles of " << tile << " on " << ranks.count() << " ranks");
  const auto K = matrix<S>(n);
  const Deal deal(n, tile, ranks.count());
  TileMemory<S> tiles(deal, ranks.rank());
  write_part(tiles, K);
  const TiledOperator<S> shared({&tiles}, ranks);
  RandomStream random(3, "v");
  for (Index b : {1, 3, 40}) {
    const auto v = cast<S>(check::draw({b, n}, random));
    Tensor<S> expected({b, n}), product({b, shared.columns().width()});
    DenseOperator<S>(K).apply(v, expected);
    const double before = ranks.traffic().sent;
    shared.apply(own_columns(v, shared.columns()), product);
    double sent = ranks.traffic().sent - before;
    close_to(product, own_columns(expected, shared.columns()),
             tolerance * largest(expected) / std::max(1e-300, largest(own_columns(expected, shared.columns()))));
    ranks.sum(std::span(&sent, 1));
    CHECK(sent / ranks.count() == Approx(TiledOperator<S>::sent_bytes(deal, b)).margin(1e-9));
  }
}

TEST_CASE("products of a shared matrix are the matrix's, and send what was counted") {
  const check::Poison poison;
  products_are_shared<double>(1, 4, 1e-14);  // fewer rows than ranks
  products_are_shared<double>(30, 16, 1e-13);
  products_are_shared<double>(67, 5, 1e-13);
  products_are_shared<float>(130, 16, 1e-5);
}

template <class S>
void eigenpairs_are_shared(Index n, Index tile, Index k, Index block, double tolerance) {
  Ranks& ranks = Ranks::world();
  INFO(n << " rows in tiles of " << tile << " on " << ranks.count() << " ranks");
  const auto K = matrix<S>(n);
  TileMemory<S> tiles({n, tile, ranks.count()}, ranks.rank());
  write_part(tiles, K);
  const TiledOperator<S> shared({&tiles}, ranks, 7);
  EigenOptions options;
  options.block = block;
  const auto pairs = block_lanczos(shared, k, options);
  auto copy = cast<double>(K);
  std::vector<double> values;
  Tensor<double> vectors;
  dense_eigenpairs(copy, k, values, vectors);
  CHECK(pairs.converged);
  const double most = std::is_same_v<S, float> ? 1e-6 : 1e-10;
  for (Index j = 0; j < k; ++j) {
    CHECK(std::abs(pairs.values[j] - values[j]) <= tolerance * values[0]);
    CHECK(pairs.residuals[j] <= most * values[0]);
  }
  // Unit norm and signs over all columns, the same on a second run.
  const auto again = block_lanczos(shared, k, options);
  CHECK(same_bits(again.vectors, pairs.vectors));
  CHECK(again.values == pairs.values);
  normalise_rows(vectors);
  const auto columns = shared.columns();
  double apart = 0;
  for (Index j = 0; j < k; ++j) {
    double dot = 0;
    for (Index i = 0; i < columns.width(); ++i)
      dot += static_cast<double>(pairs.vectors[j * columns.width() + i]) * vectors[j * n + columns.first + i];
    ranks.sum(std::span(&dot, 1));
    apart = std::max(apart, 1 - dot);  // the sign counts
  }
  CHECK(apart < 1e-3);
}

TEST_CASE("eigenpairs of a shared matrix are LAPACK's, with the same bits in every run") {
  const check::Poison poison;
  eigenpairs_are_shared<double>(150, 16, 6, 8, 1e-11);
  eigenpairs_are_shared<double>(61, 30, 4, 4, 1e-11);  // fewer tiles than ranks
  eigenpairs_are_shared<float>(400, 32, 10, 16, 2e-6);
  eigenpairs_are_shared<double>(3, 2, 2, 2, 1e-12);  // the Krylov space is everything
}

template <class S>
void kernel_is_shared(const Small<S>& s, Index tile) {
  Ranks& ranks = Ranks::world();
  const Index n = s.images.rows();
  NtkOptions options;
  options.tile = tile;
  const auto features = plan_ntk_features(s.network, s.variables, s.images, options);
  const auto K = ntk(s.network, s.variables, s.images, options);
  const double image_bytes = static_cast<double>(features.image_numbers) * sizeof(S);
  for (const PassOn pass_on : {PassOn::never, PassOn::wherever})
    for (const double room : {0., static_cast<double>(n / ranks.count() + 2 * tile) + 4 * static_cast<double>(std::min<Index>(n, 128))}) {
      INFO(s.name << ": rank " << ranks.rank() << " of " << ranks.count() << ", room " << room);
      options.memory = room * image_bytes;
      const PartPlan plan = plan_part<S>(features, Deal(n, tile, ranks.count()), ranks.rank(), options, pass_on);
      CHECK(plan.passed_on == (pass_on == PassOn::wherever && ranks.several()));
      TileMemory<S> tiles(plan.rows(), ranks.rank()), expected(plan.rows(), ranks.rank());
      const double before = ranks.traffic().sent;
      complete_part(tiles, s.network, s.variables, s.images, plan, options, ranks);
      const double sent = ranks.traffic().sent - before;
      if (plan.passed_on && n > 4 * tile) CHECK(sent <= 1.1 * plan.sent_bytes + 1000);
      if (plan.passed_on && n > 4 * tile) CHECK(sent >= 0.9 * plan.sent_bytes);
      if (!plan.passed_on) CHECK(sent == 0);
      write_part(expected, K);
      CHECK(tiles.missing() == 0);
      Index wrong = 0;
      for (Index r = 0; r < tiles.side(); ++r) {
        const auto [first, end] = tiles.row(r);
        for (Index c = first; c < end; ++c)
          wrong += !std::equal(tiles.at(r, c), tiles.at(r, c) + tiles.extent(r) * tiles.extent(c), expected.at(r, c));
      }
      CHECK(wrong == 0);
    }
}

TEST_CASE("a shared kernel has the bits of one process, with features computed anew and passed on") {
  const check::Poison poison;
  for (const auto& s : small_models<double>(45)) kernel_is_shared(s, 4);
  kernel_is_shared(small_models<float>(290)[1], 32);
  kernel_is_shared(small_models<double>(3)[0], 2);  // fewer tiles than ranks
}

}  // namespace
