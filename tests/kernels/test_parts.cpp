// Tiles that are dealt to parts: each tile once, evenly, in runs; every part of a kernel computed on its own is, bit for bit, that part of
// the whole; products of parts are those of the whole.
#include "kernels/tiles/part_ntk.h"
#include "kernels/tiles/tiled_ntk.h"
#include "kernels/tiles/tiled_operator.h"
#include "tests/several_outputs.h"
#include "tests/small.h"
#include "tests/temporary_folder.h"
#include "tests/tokens.h"

using namespace tangentplane;
using namespace tangentplane::kernels;
using Catch::Matchers::ContainsSubstring;

namespace {

TEST_CASE("a deal gives each tile to one part, in runs, and every part as many pairs") {
  for (Index n : {1, 7, 64, 130, 1000})
    for (Index tile : {1, 5, 16, 200})
      for (Index parts : {1, 2, 3, 4, 5, 8, 17}) {
        INFO(n << " in tiles of " << tile << " for " << parts);
        const Deal deal(n, tile, parts);
        Index blocks = 0, tiles = 0;
        double numbers = 0;
        for (Index p = 0; p < parts; ++p) {
          CHECK(deal.blocks(p).first == blocks);
          blocks = deal.blocks(p).second;
          tiles += deal.tiles_of(p);
          numbers += deal.numbers_of(p);
          for (Index r = deal.blocks(p).first; r < blocks; ++r) CHECK(deal.part_of(r) == p);
        }
        CHECK(blocks == deal.side());
        CHECK(tiles == deal.tiles());
        double expected = 0;
        for (Index r = 0; r < deal.side(); ++r)
          for (Index c = r; c < deal.side(); ++c) {
            expected += static_cast<double>(deal.extent(r) * deal.extent(c));
            for (Index p = 0; p < parts; ++p) {
              const auto [first, end] = deal.row(p, r);
              if ((first <= c && c < end) != (deal.owner(r, c) == p)) FAIL("tile " << r << ", " << c << " of part " << p);
            }
          }
        CHECK(numbers == expected);
      }
  for (Index parts : {2, 3, 7, 16}) {
    const Deal deal(60'000, 128, parts);
    const double share = 0.5 * 60'000. * 60'000 / static_cast<double>(parts);
    for (Index p = 0; p < parts; ++p) CHECK(std::abs(deal.numbers_of(p) / share - 1) < 0.09);
  }
  CHECK_THROWS_WITH(Deal(0, 4), ContainsSubstring("give positive numbers"));
  CHECK_THROWS_WITH(Deal(4, 4, 0), ContainsSubstring("0 parts"));
}

/// A tile of K.
template <class S>
Tensor<S> block_of(const Tensor<S>& K, const Deal& deal, Index r, Index c) {
  const Index h = deal.extent(r), w = deal.extent(c);
  Tensor<S> block({h, w});
  for (Index i = 0; i < h; ++i) std::copy_n(K.data() + (r * deal.tile() + i) * K.rows() + c * deal.tile(), w, block.data() + i * w);
  return block;
}

/// What differs of the tiles that a part should have; 0 where nothing does.
template <class S>
Index wrong_tiles(const Tiles<S>& tiles, const Tensor<S>& K) {
  Index wrong = tiles.missing();
  Tensor<S> read({tiles.tile() * tiles.tile()});
  for (Index r = 0; r < tiles.side(); ++r) {
    const auto [first, end] = tiles.row(r);
    for (Index c = first; c < end; ++c) {
      const auto block = block_of(K, tiles.deal(), r, c);
      tiles.read(r, c, 1, read.data());
      wrong += !std::equal(block.data(), block.data() + block.size(), read.data());
    }
  }
  return wrong;
}

template <class S>
void parts_are_the_whole(const Small<S>& s, Index tile) {
  const check::Poison poison;
  const Index n = s.images.rows();
  NtkOptions options;
  options.tile = tile;
  const auto features = plan_ntk_features(s.network, s.variables, s.images, options);
  const auto K = ntk(s.network, s.variables, s.images, options);
  const double image_bytes = static_cast<double>(features.image_numbers) * sizeof(S);
  for (Index parts : {1, 2, 3, 4, 7}) {
    double pairs = 0;
    for (Index p = 0; p < parts; ++p)
      for (const double room : {0., 2.5 * static_cast<double>(tile) + 4 * static_cast<double>(std::min<Index>(n, 128))}) {
        INFO(s.name << ": part " << p << " of " << parts << ", room for " << room << " images");
        options.memory = room * image_bytes;
        const PartPlan plan = plan_part<S>(features, Deal(n, tile, parts), p, options);
        CHECK((options.memory == 0 || plan.ntk.feature_bytes <= options.memory));
        TileMemory<S> tiles(plan.rows(), p);
        complete_part(tiles, s.network, s.variables, s.images, plan, options);
        CHECK(wrong_tiles(tiles, K) == 0);
        complete_part(tiles, s.network, s.variables, s.images, plan, options);  // nothing is left to do
        if (room == 0) pairs += plan.ntk.pair_flops;
      }
    CHECK(pairs == Approx(static_cast<double>(n) * static_cast<double>(n + 1) / 2 * features.pair_flops));
  }
}

TEST_CASE("parts of a kernel are the whole, bit for bit, whatever fits into memory") {
  for (const auto& s : small_models<double>(40)) parts_are_the_whole(s, 6);
  parts_are_the_whole(small_models<float>(300)[1], 32);  // several passes, the last of which overlaps another
  parts_are_the_whole(small_models<float>(270)[0], 50);
}

TEST_CASE("parts of a kernel of several outputs are the whole") {
  const check::Poison poison;
  const Index n = 21, count = 3, tile = 4;
  for (const auto& s : {networks_of(count, n)[0], tokens<double>(count, n)})
    for (const Outputs& outputs : {Outputs::trace(), Outputs::full()}) {
      NtkOptions options;
      options.tile = tile, options.outputs = outputs;
      const auto features = plan_ntk_features(s.network, s.variables, s.images, options);
      CHECK((s.name == "tokens") == (features.block_flops > 0));
      const auto K = ntk(s.network, s.variables, s.images, options);
      double flops = 0;
      for (const bool limited : {false, true})
        for (Index p = 0; p < 3; ++p) {
          INFO(s.name << " " << outputs.str() << " part " << p << (limited ? ", features pass by" : ""));
          const double tiles_take = fit_ntk<double>(features, n, n, options).tile_bytes;
          NtkOptions cut = options;
          if (limited)
            cut.memory = tiles_take + 94. * static_cast<double>(features.image_numbers) * sizeof(double);  // four passes and a bit
          const PartPlan plan = plan_part<double>(features, Deal(n, tile, 3), p, cut);
          CHECK((!limited || (plan.ntk.feature_bytes <= cut.memory && plan.ntk.panel == 4)));
          TileMemory<double> tiles(plan.rows(), p);
          complete_part(tiles, s.network, s.variables, s.images, plan, cut);
          CHECK(wrong_tiles(tiles, K) == 0);
          if (!limited) flops += plan.ntk.pair_flops;
        }
      // Six tiles a side, of 4 images but for the last: each meets the five others and itself.
      CHECK(flops == Approx(231 * features.pair_flops + 21 * 6 * features.block_flops));
    }
}

TEST_CASE("files of parts: gone on with, put together, and not taken for one another") {
  const TemporaryFolder folder;
  const auto s = small_models<double>(40)[1];
  NtkOptions options;
  options.tile = 6;
  const auto features = plan_ntk_features(s.network, s.variables, s.images, options);
  const auto K = ntk(s.network, s.variables, s.images, options);
  const Deal deal(40, 6, 3);
  const auto path = [&](Index p) { return folder.path() / ("part" + std::to_string(p)); };
  for (Index p = 0; p < 3; ++p) {
    const PartPlan plan = plan_part<double>(features, deal, p, options);
    Index left = 3;
    options.progress = [&](double) {
      if (--left == 0) throw std::domain_error("cancelled");
    };
    {
      TileFile<double> file(path(p), deal, p, 5);
      CHECK(static_cast<double>(std::filesystem::file_size(path(p))) == TileFile<double>::disk_bytes(deal, p));
      CHECK_THROWS_AS(complete_part(file, s.network, s.variables, s.images, plan, options), std::domain_error);
    }
    options.progress = {};
    TileFile<double> file(path(p), deal, p, 5);
    complete_part(file, s.network, s.variables, s.images, plan, options);
    CHECK(wrong_tiles(file, K) == 0);
  }
  CHECK_THROWS_WITH(TileFile<double>(path(0), deal, 1, 5), ContainsSubstring("holds part 0 of 3 of the tiles, part 1 of 3 is wanted"));
  CHECK_THROWS_WITH(TileFile<double>(path(0), 40, 6, 5), ContainsSubstring("part 0 of 1 is wanted"));
  CHECK_THROWS_WITH(TileFile<double>(path(0), deal, 0, 6), ContainsSubstring("another kernel"));

  const TileFile<double> a(path(0), deal, 0, 5), b(path(1), deal, 1, 5), c(path(2), deal, 2, 5);
  RandomStream random(1, "v");
  for (Index vectors : {1, 5, 33}) {
    const auto v = check::draw({vectors, 40}, random);
    Tensor<double> product({vectors, 40}), expected({vectors, 40});
    const TiledOperator<double> parts({&c, &a, &b}, cpu::Ranks::alone());
    parts.apply(v, product);
    DenseOperator<double>(K).apply(v, expected);
    close_to(product, expected, 1e-13);
  }
  CHECK_THROWS_WITH(TiledOperator<double>({&a, &b}, cpu::Ranks::alone()), ContainsSubstring("give all parts"));
  CHECK_THROWS_WITH(TileMemory<double>(deal, 3), ContainsSubstring("part 3 of 3"));
  TileMemory<double> own(deal, 1);
  CHECK_THROWS_WITH(own.has(0, 0), ContainsSubstring("is not one of part 1 of 3"));
}

}  // namespace
