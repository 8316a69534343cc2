#include "experiments/common/cluster/shared_eigenpairs.h"

#include "data/files.h"
#include "data/hash.h"
#include "data/npy.h"
#include "experiments/common/cluster/parts.h"
#include "experiments/common/plans/kernel_folder.h"
#include "experiments/common/process/interrupt.h"
#include "experiments/common/process/progress.h"
#include "kernels/tiles/tiled_ntk.h"
#include "kernels/tiles/tiled_operator.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

using kernels::Deal;
using kernels::TileFile;
using kernels::TileMemory;

template <class S>
std::uint64_t fingerprint(const Subject<S>& subject, const SharedPlan& plan) {
  NtkOptions way;
  way.contraction = plan.contraction, way.outputs = plan.outputs;
  return ntk_fingerprint(subject.network, subject.init, subject.data.images, way);
}

/// An array [rows, columns] that the first rank writes row by row, hashed as its file; `fill(append)` is called on all ranks, append takes
/// numbers on the first. The file's hash on all.
template <class S, class Fill>
std::uint64_t save_shared(const fs::path& path, Index rows, Index columns, const Fill& fill) {
  cpu::Ranks& ranks = cpu::Ranks::world();
  const Shape shape{rows, columns};
  data::Hash64 hash;
  hash.add(data::npy_header(data::npy_descr<S>(), shape));
  if (!ranks.first())
    fill([](std::span<const S>) {});
  else
    data::save_npy_in_pieces<S>(path, shape, [&](const auto& append) {
      fill([&](std::span<const S> numbers) {
        check_interrupt();
        hash.add(numbers);
        append(numbers);
      });
    });
  return ranks.agreed(hash.value());
}

/// Vectors [k, width] of all ranks as the rows of a file.
template <class S>
std::uint64_t save_vectors(const fs::path& path, const Tensor<S>& own, const Deal& deal) {
  cpu::Ranks& ranks = cpu::Ranks::world();
  const Index k = own.rows(), width = own.shape()[1], n = deal.size(), some = std::min<Index>(k, 64);
  return save_shared<S>(path, k, n, [&](const auto& append) {
    Tensor<S> gathered({ranks.first() ? some * n : 0}), rows({ranks.first() ? some : 0, n});
    for (Index first = 0; first < k; first += some) {
      const Index count = std::min(some, k - first);
      std::vector<cpu::Piece> out(static_cast<std::size_t>(ranks.count())), in(out.size());
      out[0] = {0, count * width};
      if (ranks.first())
        for (Index p = 0; p < ranks.count(); ++p) {
          const auto [begin, end] = deal.columns(p);
          in[static_cast<std::size_t>(p)] = {count * begin, count * (end - begin)};
        }
      ranks.exchange(own.data() + first * width, std::span<const cpu::Piece>(out), gathered.data(), std::span<const cpu::Piece>(in));
      if (!ranks.first()) continue;
      for (Index p = 0; p < ranks.count(); ++p) {
        const auto [begin, end] = deal.columns(p);
        for (Index i = 0; i < count; ++i)
          std::copy_n(gathered.data() + count * begin + i * (end - begin), end - begin, rows.data() + i * n + begin);
      }
      append(std::as_const(rows).slice(0, count).span());
    }
  });
}

/// The whole of K from the tiles of all ranks: block row by block row, each rank's tiles one after another as they come in the row.
template <class S>
std::uint64_t save_kernel(const fs::path& path, const OwnTiles<S>& tiles) {
  cpu::Ranks& ranks = cpu::Ranks::world();
  const Deal& deal = tiles[0]->deal();
  const Index n = deal.size(), tile = deal.tile();
  const auto rank_of = [&](Index r, Index c) { return deal.owner(std::min(r, c), std::max(r, c)) % ranks.count(); };
  return save_shared<S>(path, n, n, [&](const auto& append) {
    Tensor<S> row({tile, n}), packed({tile, n}), block({tile, tile}), gathered({ranks.first() ? tile : 0, n});
    for (Index r = 0; r < deal.side(); ++r) {
      const Index h = deal.extent(r);
      std::vector<cpu::Piece> out(static_cast<std::size_t>(ranks.count())), in(out.size());
      S* to = packed.data();
      for (Index c = 0; c < deal.side(); ++c) {
        in[static_cast<std::size_t>(rank_of(r, c))].count += h * deal.extent(c);
        if (rank_of(r, c) != ranks.rank()) continue;
        const Index w = deal.extent(c), owner = deal.owner(std::min(r, c), std::max(r, c));
        for (const auto& part : tiles)
          if (part->part() == owner) part->read(std::min(r, c), std::max(r, c), 1, block.data());
        for (Index i = 0; i < h; ++i)
          for (Index j = 0; j < w; ++j) *to++ = c < r ? block[j * h + i] : block[i * w + j];
      }
      out[0] = {0, static_cast<Index>(to - packed.data())};
      Index place = 0;
      for (auto& piece : in) piece.first = std::exchange(place, place + piece.count);
      if (!ranks.first()) std::fill(in.begin(), in.end(), cpu::Piece());
      ranks.exchange(packed.data(), std::span<const cpu::Piece>(out), gathered.data(), std::span<const cpu::Piece>(in));
      if (!ranks.first()) continue;
      for (Index c = 0; c < deal.side(); ++c) {
        auto& piece = in[static_cast<std::size_t>(rank_of(r, c))];
        const Index w = deal.extent(c);
        for (Index i = 0; i < h; ++i) std::copy_n(gathered.data() + piece.first + i * w, w, row.data() + i * n + c * tile);
        piece.first += h * w;
      }
      append(std::as_const(row).slice(0, h).span());
    }
  });
}

}  // namespace

fs::path rank_tiles(const fs::path& folder, Index part, Index parts) {
  return folder / fmt::format("{}.{}-of-{}", tiles_name, part, parts);
}

template <class S>
OwnTiles<S> compute_tiles(const Subject<S>& subject, const SharedPlan& plan, const fs::path& path, RunRecord& record) {
  OwnTiles<S> own;
  const Index part = plan.part.part;
  if (plan.in_memory) {
    own.push_back(std::make_unique<TileMemory<S>>(plan.part.rows(), part));
  } else {
    Progress progress("tiles of the run before", 100, "per cent");
    const bool there = fs::exists(path);
    own.push_back(std::make_unique<TileFile<S>>(path, plan.part.rows(), part, fingerprint(subject, plan), shown(progress)));
    if (there) progress.finish();
  }
  auto stage = record.stage("kernel", plan.plan().of("kernel"));
  Progress progress("kernel", 100, "per cent");
  NtkOptions options;
  options.outputs = plan.outputs;
  options.progress = shown(progress);
  const double missing = static_cast<double>(own[0]->missing()), all = static_cast<double>(plan.part.rows().tiles_of(part));
  complete_part(*own[0], subject.network, subject.init, subject.data.images, plan.part, options, cpu::Ranks::world());
  progress.finish();
  if (all > 0) stage.add_flops((plan.part.ntk.feature_flops + plan.part.ntk.pair_flops) * missing / all);
  return own;
}

template <class S>
OwnTiles<S> open_parts(const Subject<S>& subject, const SharedPlan& plan, const fs::path& results, Index parts) {
  cpu::Ranks& ranks = cpu::Ranks::world();
  OwnTiles<S> own;
  const auto hash = fingerprint(subject, plan);
  Progress progress("parts", static_cast<double>((parts + ranks.count() - 1) / ranks.count()), "parts");
  for (Index p = ranks.rank(); p < parts; p += ranks.count()) {
    check_interrupt();
    const fs::path path = part_folder(results, p, parts) / tiles_name;
    const Index tile = TileFile<S>::tile_of(path), n = plan.part.rows().size();
    require(tile > 0, "{}: is no file of a kernel's tiles; delete it and compute part {} of {} again", path.string(), p, parts);
    own.push_back(std::make_unique<TileFile<S>>(path, Deal(n, tile, parts), p, hash));
    require(own.back()->missing() == 0,
            "{}: {} tiles are missing or damaged; delete it and its folder, and run compute_ntk --shard {}/{} again", path.string(),
            own.back()->missing(), p, parts);
    progress.advance();
  }
  require(!own.empty(), "--out {}: {} ranks for {} parts; start at most as many ranks as there are parts", results.string(), ranks.count(),
          parts);
  progress.finish();
  return own;
}

template <class S>
kernels::Eigenpairs<S> shared_eigenpairs(const OwnTiles<S>& tiles, const SharedPlan& plan, const fs::path& results, RunRecord& record) {
  cpu::Ranks& ranks = cpu::Ranks::world();
  cpu::trim_memory();  // the features
  if (plan.save) {
    auto stage = record.stage("ntk.npy");
    record.add_fingerprint("kernel", save_kernel(results / "ntk.npy", tiles));
  }
  auto stage = record.stage("eigenpairs", plan.plan().of("eigenpairs"));
  Progress progress("eigenpairs", 100, "per cent");
  kernels::EigenOptions options;
  options.max_basis = plan.max_basis;
  options.progress = [report = shown(progress)](double fraction, std::string_view) { report(fraction); };
  std::vector<const kernels::Tiles<S>*> parts;
  for (const auto& part : tiles) parts.push_back(part.get());
  const kernels::TiledOperator<S> K(parts, ranks, plan.batch, check_interrupt);
  auto pairs = kernels::block_lanczos(K, plan.eigen, options);
  progress.finish();
  stage.add_flops(pairs.flops / ranks.count());
  record.add_fingerprint("eigenvectors",
                         save_vectors(results / "eigvecs.npy", pairs.vectors, Deal(K.size(), tiles[0]->tile(), ranks.count())));
  pairs.vectors = {};
  return pairs;
}

#define INSTANTIATE(S)                                                                                   \
  template OwnTiles<S> compute_tiles(const Subject<S>&, const SharedPlan&, const fs::path&, RunRecord&); \
  template OwnTiles<S> open_parts(const Subject<S>&, const SharedPlan&, const fs::path&, Index);         \
  template kernels::Eigenpairs<S> shared_eigenpairs(const OwnTiles<S>&, const SharedPlan&, const fs::path&, RunRecord&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::experiments
