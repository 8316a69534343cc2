#include "kernels/ntk_rounds.h"

namespace tangentplane {
namespace {

using namespace ntk_detail;

/// Those of images [begin, end), and of some before where a pass needs them: all passes are of one size, so that they take the same blocks
/// from the pool. `room` for more images, likewise.
template <class S>
Held<S> features(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index begin, Index end,
                 const FeaturePlan& plan, const NtkOptions& options, Index pass, Index room, Progress& progress) {
  const Index first = std::max<Index>(0, std::min(begin, end - pass));
  Held<S> held{first, Features<S>(plan, std::max(room, end - first))};
  for (Index i = first; i < end; i += pass) {
    const Index from = std::max(first, std::min(i, end - pass));
    held.features.fill(from - first, OutputPasses<S>(network, variables, images.slice(from, std::min(end, from + pass)), options.outputs));
    progress.add(static_cast<double>(std::min(end, i + pass) - std::max(i, begin)) * plan.image_flops);
  }
  return held;
}

/// The tiles between a panel's images [a0, a1) and those of a strip, or of itself, [b0, b1).
struct Round {
  Index a0, a1, b0, b1;
  std::vector<Tile> tiles;
};

/// The plan that the options bring, or `made` after it was made.
template <class Make>
const NtkPlan& plan_of(const NtkOptions& options, Index images, Index others, NtkPlan& made, const Make& make) {
  if (!options.plan) return made = make();
  require(options.plan->images == images && options.plan->others == others, "ntk: a plan of {} and {} images for {} and {}",
          options.plan->images, options.plan->others, images, others);
  return *options.plan;
}

}  // namespace

template <class S>
void ntk_tiles(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, const NtkOptions& options, Index boundary,
               const TileConsumer<S>& consume, const TileFilter& wanted) {
  NtkPlan made;
  const NtkPlan& plan = plan_of(options, images.rows(), 0, made, [&] { return plan_ntk(network, variables, images, options); });
  const Index n = plan.images, size = plan.tile, side = plan.side();
  const auto features_flops = [&](Index begin, Index end) { return static_cast<double>(end - begin) * plan.features.image_flops; };
  double flops = 0;
  std::vector<Round> rounds;
  const auto add_round = [&](Index a0, Index a1, Index b0, Index b1) {
    Round round{a0, a1, b0, b1, {}};
    for (const auto& r : pieces(a0, a1, size, boundary))
      for (const auto& c : pieces(b0, b1, size, boundary))
        if (c.first >= r.first && (!wanted || wanted(r.first * side, c.first * side)))
          round.tiles.push_back({r.first, r.second, c.first, c.second});
    if (round.tiles.empty()) return;
    for (const Tile& t : round.tiles) flops += t.flops(plan.features);
    if (rounds.empty() || rounds.back().a0 != a0) flops += features_flops(a0, a1);
    if (b0 != a0) flops += features_flops(b0, b1);
    rounds.push_back(std::move(round));
  };
  for (const auto& [begin, end] : pieces(0, n, plan.panel, n)) {
    add_round(begin, end, begin, end);
    for (const auto& [b0, b1] : pieces(end, n, plan.strip, n)) add_round(begin, end, b0, b1);
  }
  Progress progress(options, flops);
  const auto make = [&](Index begin, Index end, Index room) {
    return features(network, variables, images, begin, end, plan.features, options, plan.pass, room, progress);
  };
  std::optional<Held<S>> panel;
  for (std::size_t r = 0; r < rounds.size(); ++r) {
    const Round& round = rounds[r];
    if (r == 0 || rounds[r - 1].a0 != round.a0) {
      panel.reset();
      panel.emplace(make(round.a0, round.a1, plan.panel));
    }
    if (round.b0 == round.a0)
      contract<S>(plan, round.tiles, *panel, *panel, consume, progress);
    else
      contract<S>(plan, round.tiles, *panel, make(round.b0, round.b1, plan.strip), consume, progress);
  }
}

template <class S>
void write_tile(S* k, Index rows, Index n, Index i0, Index i1, Index j0, Index j1, const S* block) {
  const Index w = j1 - j0, last = std::min(i1, rows), mirrored = i0 == j0 ? j0 : std::min(j1, rows);
  for (Index i = i0; i < last; ++i) std::copy_n(block + (i - i0) * w, w, k + i * n + j0);
  constexpr Index strip = 16;  // whole cache lines are written
  for (Index a = i0; a < i1; a += strip)
    for (Index j = j0; j < mirrored; ++j)
      for (Index i = a; i < std::min(i1, a + strip); ++i) k[j * n + i] = block[(i - i0) * w + (j - j0)];
}

template <class S>
Tensor<S> ntk(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, const NtkOptions& options) {
  return ntk_rows(network, variables, images, images.rows(), options);
}

template <class S>
Tensor<S> ntk_rows(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index rows,
                   const NtkOptions& options) {
  const Index n = images.rows();
  require(images.shape().rank() >= 2 && n > 0, "ntk: takes images [N,H,W,C] with N > 0, got {}", images.shape());
  require(1 <= rows && rows <= n, "ntk: {} rows for {} images", rows, n);
  NtkPlan made;
  NtkOptions planned = options;
  planned.plan =
      &plan_of(options, n, 0, made, [&] { return fit_ntk<S>(plan_ntk_features(network, variables, images, options), n, rows, options); });
  const Index side = planned.plan->side(), height = rows * side, width = n * side;
  Tensor<S> k({height, width});
  ntk_tiles<S>(
      network, variables, images, planned, rows,
      [&](Index i0, Index i1, Index j0, Index j1, const S* block) { write_tile(k.data(), height, width, i0, i1, j0, j1, block); },
      [height](Index i0, Index) { return i0 < height; });
  return k;
}

template <class S>
Tensor<S> ntk(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& a, const Tensor<S>& b, const NtkOptions& options) {
  NtkPlan made;
  const NtkPlan& plan = plan_of(options, a.rows(), b.rows(), made, [&] {
    auto features = plan_ntk_features(network, variables, a, options);
    require(b.shape().rank() == a.shape().rank() && b.rows() > 0 && b.shape().with_rows(1) == a.shape().with_rows(1),
            "ntk: images {} and {} differ in more than their number", a.shape(), b.shape());
    return fit_ntk_between<S>(std::move(features), a.rows(), b.rows(), options);
  });
  const Index n = a.rows(), m = b.rows(), size = plan.tile, side = plan.side(), width = m * side;
  const bool hold_a = n <= m;
  const Tensor<S>&few = hold_a ? a : b, &many = hold_a ? b : a;
  Tensor<S> k({n * side, width});
  Progress progress(options, plan.pair_flops + plan.feature_flops);
  for (const auto& [p0, p1] : pieces(0, few.rows(), plan.panel, few.rows())) {
    const auto panel = features(network, variables, few, p0, p1, plan.features, options, plan.pass, plan.panel, progress);
    for (const auto& [s0, s1] : pieces(0, many.rows(), plan.strip, many.rows())) {
      const auto strip = features(network, variables, many, s0, s1, plan.features, options, plan.pass, plan.strip, progress);
      const Held<S>&fa = hold_a ? panel : strip, &fb = hold_a ? strip : panel;
      const Index a0 = hold_a ? p0 : s0, a1 = hold_a ? p1 : s1, b0 = hold_a ? s0 : p0, b1 = hold_a ? s1 : p1;
      std::vector<Tile> tiles;
      for (const auto& r : pieces(a0, a1, size, n))
        for (const auto& c : pieces(b0, b1, size, m)) tiles.push_back({r.first, r.second, c.first, c.second});
      cpu::parallel_for(static_cast<Index>(tiles.size()), [&](Index t) {
        const Tile& at = tiles[static_cast<std::size_t>(t)];
        Features<S>::block(fa.features, at.i0 - fa.first, at.i1 - fa.first, fb.features, at.j0 - fb.first, at.j1 - fb.first,
                           k.data() + at.i0 * side * width + at.j0 * side, width);
        progress.add(static_cast<double>((at.i1 - at.i0) * (at.j1 - at.j0)) * plan.features.pair_flops);
      });
    }
  }
  return k;
}

#define INSTANTIATE(S)                                                                                                                \
  template void ntk_tiles(const Network<S>&, const Variables<S>&, const Tensor<S>&, const NtkOptions&, Index, const TileConsumer<S>&, \
                          const TileFilter&);                                                                                         \
  template void write_tile(S*, Index, Index, Index, Index, Index, Index, const S*);                                                   \
  template Tensor<S> ntk(const Network<S>&, const Variables<S>&, const Tensor<S>&, const NtkOptions&);                                \
  template Tensor<S> ntk_rows(const Network<S>&, const Variables<S>&, const Tensor<S>&, Index, const NtkOptions&);                    \
  template Tensor<S> ntk(const Network<S>&, const Variables<S>&, const Tensor<S>&, const Tensor<S>&, const NtkOptions&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane
