#include "kernels/tiles/part_ntk.h"

#include "kernels/ntk_rounds.h"

namespace tangentplane {
namespace {

using kernels::Deal;
using namespace ntk_detail;

/// The tiles between a panel's images [a0, a1) and a strip's, or the panel's own, [b0, b1). Strips of others are numbered: the part that is
/// `ahead` of this one, its strip `number`.
struct Round {
  Index a0, a1, b0, b1, ahead = 0, number = 0;
};

/// Strips of a part that are passed on are met by all ranks at once, so every part is taken to have as many as the largest.
Index strips(const PartPlan& plan) {
  Index most = 0;
  for (Index p = 0; p < plan.images.parts(); ++p) most = std::max(most, plan.images.columns(p).second - plan.images.columns(p).first);
  return (most + plan.ntk.strip - 1) / plan.ntk.strip;
}

std::vector<Round> rounds_of(const PartPlan& plan) {
  const auto [begin, end] = plan.images.columns(plan.part);
  const Index parts = plan.images.parts();
  std::vector<Round> all;
  auto panels = pieces(begin, end, plan.ntk.panel, end);
  if (panels.empty()) panels.emplace_back(begin, end);  // others may want to pass on
  for (const auto& [a0, a1] : panels) {
    all.push_back({a0, a1, a0, a1});
    for (const auto& [b0, b1] : pieces(a1, end, plan.ntk.strip, end)) all.push_back({a0, a1, b0, b1});
    for (Index ahead = 1; ahead <= parts / 2; ++ahead) {
      const auto [q0, q1] = plan.images.columns((plan.part + ahead) % parts);
      for (Index number = 0; number < strips(plan); ++number) {
        const Index b0 = std::min(q1, q0 + number * plan.ntk.strip), b1 = std::min(q1, b0 + plan.ntk.strip);
        all.push_back({a0, a1, b0, b1, ahead, number});
      }
    }
  }
  return all;
}

/// Those of a round that are this part's and wanted; of one image tile with another the earlier one's are the rows.
template <class Wanted>
std::vector<Tile> tiles_of(const PartPlan& plan, const Round& round, const Wanted& wanted) {
  const Deal& deal = plan.images;
  const Index size = deal.tile();
  std::vector<Tile> tiles;
  const auto each = [size](Index begin, Index end, const auto& f) {
    for (Index t = begin / size; t * size < end; ++t) f(t);
  };
  if (round.a0 == round.a1 || round.b0 == round.b1) return tiles;
  each(round.a0, round.a1, [&](Index a) {
    each(round.b0, round.b1, [&](Index b) {
      const Index r = std::min(a, b), c = std::max(a, b);
      if ((round.b0 == round.a0 && b < a) || deal.owner(r, c) != plan.part || !wanted(r, c)) return;
      tiles.push_back({r * size, r * size + deal.extent(r), c * size, c * size + deal.extent(c)});
    });
  });
  return tiles;
}

/// Where the passes over images begin that compute the features of [begin, end): at the same images whatever is asked for, so that an image
/// always meets the same neighbours in a pass, and its features have the same bits.
std::vector<Index> passes(Index begin, Index end, Index n, Index pass) {
  std::vector<Index> starts;
  if (begin >= end) return starts;
  for (Index i = begin / pass * pass; i < end && i + pass <= n; i += pass) starts.push_back(i);
  if (n % pass != 0 && end > n - pass) starts.push_back(n - pass);
  return starts;
}

/// Images whose features stand in memory for [begin, end): whole passes.
std::pair<Index, Index> margins(Index begin, Index end, Index n, Index pass) {
  const auto starts = passes(begin, end, n, pass);
  if (starts.empty()) return {begin, begin};
  return {*std::min_element(starts.begin(), starts.end()),
          std::max(starts.back(), starts[starts.size() > 1 ? starts.size() - 2 : 0]) + pass};
}

}  // namespace

template <class S>
PartPlan plan_part(FeaturePlan features, const Deal& images, Index part, const NtkOptions& options, PassOn pass_on, double image_seconds,
                   double byte_seconds) {
  NtkOptions whole = options;
  whole.memory = 0, whole.tile = images.tile();
  PartPlan plan{images, part, fit_ntk<S>(std::move(features), images.size(), images.size(), whole), false, 0};
  NtkPlan& ntk = plan.ntk;
  const Index tile = images.tile(), pass = ntk.pass;
  Index most = 0;  // images of a part
  for (Index p = 0; p < images.parts(); ++p) most = std::max(most, images.columns(p).second - images.columns(p).first);
  const double bytes = static_cast<double>(ntk.features.image_numbers) * sizeof(S), margin = 4 * static_cast<double>(pass);
  const auto whole_tiles = [tile](double count) { return static_cast<Index>(count) / tile * tile; };
  ntk.panel = ntk.strip = most;
  const double memory = options.memory - ntk.tile_bytes;  // for features
  if (options.memory != 0 && static_cast<double>(2 * most) + margin > memory / bytes) {
    const double room = memory / bytes - margin;
    require(room >= static_cast<double>(2 * tile),
            "--memory: leaves room for the features of {:.0f} images, tiles of {} a side need {:.0f}; give more",
            std::max(0., room + margin), tile, static_cast<double>(2 * tile) + margin);
    // All that are a rank's own if they fit; the longer the panel, the fewer times the others are computed.
    const Index strip = std::max(tile, whole_tiles(room / 8));
    ntk.panel = std::min(most, whole_tiles(room - static_cast<double>(strip)));
    ntk.strip = std::min((most + tile - 1) / tile * tile, std::max(tile, whole_tiles(room - static_cast<double>(ntk.panel))));
  }
  const auto [begin, end] = images.columns(part);
  const double own = static_cast<double>(end - begin);
  plan.passed_on = images.parts() > 1 && ntk.panel >= most &&
                   (pass_on == PassOn::wherever || (pass_on == PassOn::cheaper && image_seconds > bytes * byte_seconds));
  ntk.rows = end - begin;
  ntk.feature_bytes = (static_cast<double>(std::min(ntk.panel, end - begin) + ntk.strip) + margin) * bytes + ntk.tile_bytes;
  ntk.feature_images = 0, ntk.pair_flops = 0;
  Index a0 = -1;
  for (const Round& round : rounds_of(plan)) {
    const auto tiles = tiles_of(plan, round, [](Index, Index) { return true; });
    for (const Tile& t : tiles) ntk.pair_flops += t.flops(ntk.features);
    if (round.a0 != a0) ntk.feature_images += static_cast<double>(round.a1 - round.a0);
    a0 = round.a0;
    if (round.b0 != round.a0 && !tiles.empty() && !(round.ahead > 0 && plan.passed_on))
      ntk.feature_images += static_cast<double>(round.b1 - round.b0);
  }
  if (plan.passed_on) plan.sent_bytes = own * static_cast<double>(images.parts() / 2) * bytes;  // to each part that is behind
  ntk.feature_runs = own > 0 ? ntk.feature_images / own : 0;
  ntk.feature_flops = ntk.feature_images * ntk.features.image_flops;
  return plan;
}

template <class S>
void complete_part(kernels::Tiles<S>& tiles, const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
                   const PartPlan& plan, const NtkOptions& options, cpu::Ranks& ranks) {
  const NtkPlan& ntk = plan.ntk;
  const Index n = plan.images.size(), pass = ntk.pass, rows = tiles.tile();
  require(images.rows() == n, "part of a kernel: a plan of {} images for {}", n, images.rows());
  require(tiles.size() == plan.rows().size() && rows == plan.rows().tile() && tiles.deal().parts() == plan.images.parts() &&
              tiles.part() == plan.part,
          "part of a kernel: tiles of another deal or part");
  require(!plan.passed_on || (ranks.count() == plan.images.parts() && ranks.rank() == plan.part),
          "part of a kernel: part {} of {} on rank {} of {}", plan.part, plan.images.parts(), ranks.rank(), ranks.count());
  const auto rounds = rounds_of(plan);
  std::vector<std::vector<Tile>> wanted;
  double flops = 0, left = 0;
  for (const Round& round : rounds) {
    wanted.push_back(tiles_of(plan, round, [&](Index r, Index c) { return !tiles.has(r, c); }));
    for (const Tile& t : wanted.back()) flops += t.flops(ntk.features), left += 1;
  }
  if (plan.passed_on) ranks.sum(std::span(&left, 1));
  if (left == 0) return;
  Progress progress(options, flops + ntk.feature_flops);

  const auto compute = [&](Index begin, Index end) {
    const auto [first, last] = margins(begin, end, n, pass);
    Held<S> held{first, Features<S>(ntk.features, last - first)};
    for (const Index from : passes(begin, end, n, pass)) {
      held.features.fill(from - first, OutputPasses<S>(network, variables, images.slice(from, from + pass), options.outputs));
      progress.add(static_cast<double>(pass) * ntk.features.image_flops);
    }
    return held;
  };
  // Strip `number` of this rank's own images to the rank that is so far behind, and that of the one so far ahead in return.
  const auto pass_on = [&](Held<S>& own, const Round& round) {
    const Index count = ranks.count(), me = ranks.rank();
    const auto to = static_cast<std::size_t>((me - round.ahead + count) % count),
               from = static_cast<std::size_t>((me + round.ahead) % count);
    const auto [begin, end] = plan.images.columns(me);
    const Index s0 = std::min(end, begin + round.number * ntk.strip), s1 = std::min(end, s0 + ntk.strip);
    Held<S> strip{round.b0, Features<S>(ntk.features, round.b1 - round.b0)};
    std::vector<S*> targets;
    strip.features.for_arrays([&](S* numbers, Index) { targets.push_back(numbers); });
    std::size_t array = 0;
    own.features.for_arrays([&](S* numbers, Index of_image) {
      std::vector<cpu::Piece> out(static_cast<std::size_t>(count)), in(out.size());
      out[to] = {(s0 - own.first) * of_image, (s1 - s0) * of_image};
      in[from] = {0, (round.b1 - round.b0) * of_image};
      ranks.exchange(numbers, std::span<const cpu::Piece>(out), targets[array++], std::span<const cpu::Piece>(in));
    });
    auto marks = own.features.nothing(), others = marks;
    std::vector<cpu::Piece> out(static_cast<std::size_t>(count)), in(out.size());
    out[to] = in[from] = {0, static_cast<Index>(marks.size())};
    ranks.exchange(marks.data(), std::span<const cpu::Piece>(out), others.data(), std::span<const cpu::Piece>(in));
    strip.features.set_nothing(others);
    return strip;
  };
  const auto consume = [&](Index i0, Index, Index j0, Index, const S* block) { tiles.write(i0 / rows, j0 / rows, block); };

  std::optional<Held<S>> panel;
  Index a0 = -1;
  for (std::size_t r = 0; r < rounds.size(); ++r) {
    const Round& round = rounds[r];
    const bool passes_on = round.ahead > 0 && plan.passed_on;
    if (wanted[r].empty() && !passes_on) continue;
    if (!panel || a0 != round.a0) {
      panel.reset();
      panel.emplace(compute(round.a0, round.a1));
      a0 = round.a0;
    }
    if (round.b0 == round.a0 && round.ahead == 0) {
      contract<S>(ntk, wanted[r], *panel, *panel, consume, progress);
      continue;
    }
    const Held<S> strip = passes_on ? pass_on(*panel, round) : compute(round.b0, round.b1);
    // Tiles whose rows are the strip's come from parts that are ahead round the end.
    const bool mirrored = round.b0 < round.a0;
    contract<S>(ntk, wanted[r], mirrored ? strip : *panel, mirrored ? *panel : strip, consume, progress);
  }
}

#define INSTANTIATE(S)                                                                                                       \
  template PartPlan plan_part<S>(FeaturePlan, const Deal&, Index, const NtkOptions&, PassOn, double, double);                \
  template void complete_part(kernels::Tiles<S>&, const Network<S>&, const Variables<S>&, const Tensor<S>&, const PartPlan&, \
                              const NtkOptions&, cpu::Ranks&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane
