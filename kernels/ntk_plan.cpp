#include <cmath>

#include "kernels/long_rows.h"
#include "kernels/ntk_rounds.h"

namespace tangentplane {
namespace {

using ntk_detail::pieces;

/// Images of one forward pass and its reverse passes: enough to keep the threads busy, few enough that activations and cotangents stay
/// small. The last pass of several outputs, which would be filled up with images that are there already, is as long as the others.
Index images_per_pass(const FeaturePlan& plan, Index images) {
  if (plan.outputs == 1) return std::min<Index>(images, plan.image_flops > 1e8 ? 32 : 128);
  const Index most = 32, passes = (images + most - 1) / most;
  return (images + passes - 1) / passes;
}

/// Tiles of two to the power of nine images keep a tile and its two products in L2 and L3; small kernels get smaller ones, so that there
/// are enough of them to share out, unless rows are so long that a tile is shared out itself. Where an image has several rows of the
/// kernel, it is these that count.
Index tile_for(const NtkOptions& options, const FeaturePlan& plan, Index n) {
  if (options.tile > 0) return options.tile;
  const Index side = plan.side();
  if (plan.block_flops > 0) return std::max<Index>(1, 512 / side);  // rows are multiplied out for every tile, and shared out in one
  return std::max<Index>(1, std::clamp<Index>((n * side + 5) / 6, plan.long_rows() ? 128 : 16, 512) / side);
}

/// Bytes that a tile of so many images takes beside its features.
template <class S>
double tile_bytes(const FeaturePlan& plan, Index tile) {
  return plan.block_flops > 0 ? factored_rows_bytes<S>(tile * plan.side(), tile * plan.side(), plan.longest_blocks) : 0;
}

/// Of images whose features do not fit all at once: those held, and those that pass by at a time.
struct Cut {
  Index panel, strip;
};

/// The longer the panel the fewer times the rest is computed anew, so a strip is an eighth of the room or a tile, whichever is less. Where
/// the panel's rows are multiplied out for every strip, at W flops an image, and a strip's features take F, their sum F / panel + W / strip
/// is least at strip / panel = sqrt(W / F).
Cut cut_for(const NtkOptions& options, const FeaturePlan& plan, Index tile, double image_bytes, double memory) {
  const auto room = static_cast<Index>(std::max(0., memory / image_bytes));
  require(room >= 2, "--memory: the features of two images take {:.0f} bytes more, {:.0f} are left; give more", 2 * image_bytes,
          std::max(0., memory));
  const double ratio = std::sqrt(plan.block_flops / (plan.image_flops + plan.block_flops));
  const auto best = plan.block_flops > 0 ? static_cast<Index>(static_cast<double>(room) * ratio / (1 + ratio)) : room / 8;
  Cut cut{};
  cut.strip = options.tile > 0 && 2 * options.tile <= room ? options.tile : std::clamp<Index>(best, 1, tile);
  cut.panel = room - cut.strip;
  if (options.tile > 0 && cut.panel > options.tile) cut.panel -= cut.panel % options.tile;
  return cut;
}

/// Tiles that are multiplied out take at most a quarter of the memory.
template <class S>
Index tile_within(const NtkOptions& options, const FeaturePlan& plan, Index tile) {
  while (options.memory != 0 && options.tile == 0 && tile > 1 && tile_bytes<S>(plan, tile) > options.memory / 4) tile = (tile + 1) / 2;
  return tile;
}

}  // namespace

template <class S>
FeaturePlan plan_ntk_features(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
                              const NtkOptions& options) {
  require(images.shape().rank() >= 2 && images.rows() > 0, "ntk: takes images [N,H,W,C] with N > 0, got {}", images.shape());
  require(options.tile >= 0, "ntk: tiles of {} images a side; give 0 for the default", options.tile);
  const FactoredJacobian<S> jacobian(network, variables, images.slice(0, 1), options.outputs);
  FeaturePlan plan = plan_features(jacobian, options.contraction);
  if (plan.active_parameters < variables.size()) {  // branches that no cotangent reaches are run forward nevertheless
    auto reached = variables;
    for (auto& p : reached.parameters) p = Tensor<S>::full(p.shape(), 1);
    const FactoredJacobian<S> whole(network, reached, images.slice(0, 1), options.outputs);
    plan.image_flops += forward_flops(whole) - forward_flops(jacobian);
  }
  return plan;
}

template <class S>
NtkPlan fit_ntk(FeaturePlan features, Index images, Index rows, const NtkOptions& options) {
  NtkPlan plan;
  plan.features = std::move(features);
  plan.images = images, plan.rows = rows;
  const double n = static_cast<double>(images), r = static_cast<double>(rows),
               bytes = static_cast<double>(plan.features.image_numbers) * sizeof(S);
  plan.tile = tile_within<S>(options, plan.features, tile_for(options, plan.features, images));
  plan.tile_bytes = tile_bytes<S>(plan.features, std::min(plan.tile, images));
  plan.pass = images_per_pass(plan.features, images);
  plan.panel = images;
  plan.feature_runs = 1;
  if (options.memory != 0 && n * bytes > options.memory - plan.tile_bytes) {
    const Cut cut = cut_for(options, plan.features, plan.tile, bytes, options.memory - plan.tile_bytes);
    plan.panel = cut.panel, plan.strip = cut.strip;
    plan.pass = std::min(plan.pass, plan.strip);
    double runs = 0;  // while a panel of wanted rows is held all images after it pass by
    for (Index begin = 0; begin < rows; begin += plan.panel) runs += static_cast<double>(images - begin);
    plan.feature_runs = runs / n;
  }
  plan.feature_bytes = std::min(n, static_cast<double>(plan.panel + plan.strip)) * bytes + plan.tile_bytes;
  plan.feature_images = n * plan.feature_runs;
  plan.feature_flops = plan.feature_images * plan.features.image_flops;
  plan.pair_flops = (r * n - r * (r - 1) / 2) * plan.features.pair_flops;
  if (plan.features.block_flops > 0) {  // at every tile
    double met = 0;
    const auto add = [&](Index a0, Index a1, Index b0, Index b1) {
      for (const auto& i : pieces(a0, a1, plan.tile, rows))
        for (const auto& j : pieces(b0, b1, plan.tile, rows))
          if (j.first >= i.first && i.first < rows)
            met += static_cast<double>(i.second - i.first + (i.first == j.first ? 0 : j.second - j.first));
    };
    for (const auto& [begin, end] : pieces(0, images, plan.panel, images)) {
      add(begin, end, begin, end);
      if (plan.strip > 0)
        for (const auto& [b0, b1] : pieces(end, images, plan.strip, images)) add(begin, end, b0, b1);
    }
    plan.pair_flops += met * plan.features.block_flops;
  }
  return plan;
}

template <class S>
NtkPlan fit_ntk_between(FeaturePlan features, Index n, Index m, const NtkOptions& options) {
  NtkPlan plan;
  plan.features = std::move(features);
  plan.images = plan.rows = n, plan.others = m;
  const double bytes = static_cast<double>(plan.features.image_numbers) * sizeof(S), all = static_cast<double>(n + m);
  // The features of the smaller set are held, those of the larger pass by.
  const Index few = std::min(n, m), many = std::max(n, m);
  plan.tile = tile_within<S>(options, plan.features, tile_for(options, plan.features, many));
  plan.tile_bytes = tile_bytes<S>(plan.features, std::min(plan.tile, many));
  Cut cut{few, many};
  if (options.memory != 0 && all * bytes > options.memory - plan.tile_bytes) {
    cut = cut_for(options, plan.features, plan.tile, bytes, options.memory - plan.tile_bytes);
    cut = {std::min(cut.panel, few), std::min(cut.strip, many)};
  }
  plan.panel = cut.panel, plan.strip = cut.strip;
  plan.pass = std::min(images_per_pass(plan.features, many), std::min(cut.panel, cut.strip));
  plan.feature_bytes = static_cast<double>(cut.panel + cut.strip) * bytes + plan.tile_bytes;
  plan.feature_images = static_cast<double>(few) + static_cast<double>((few + cut.panel - 1) / cut.panel) * static_cast<double>(many);
  plan.feature_runs = plan.feature_images / all;
  plan.feature_flops = plan.feature_images * plan.features.image_flops;
  plan.pair_flops = static_cast<double>(n * m) * plan.features.pair_flops;
  if (plan.features.block_flops > 0)  // at every tile
    for (const auto& [p0, p1] : pieces(0, few, plan.panel, few))
      for (const auto& [s0, s1] : pieces(0, many, plan.strip, many))
        for (const auto& i : pieces(p0, p1, plan.tile, n))
          for (const auto& j : pieces(s0, s1, plan.tile, m))
            plan.pair_flops += static_cast<double>(i.second - i.first + j.second - j.first) * plan.features.block_flops;
  return plan;
}

template <class S>
NtkPlan plan_ntk(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, const NtkOptions& options) {
  return fit_ntk<S>(plan_ntk_features(network, variables, images, options), images.rows(), images.rows(), options);
}

#define INSTANTIATE(S)                                                                                                 \
  template FeaturePlan plan_ntk_features(const Network<S>&, const Variables<S>&, const Tensor<S>&, const NtkOptions&); \
  template NtkPlan fit_ntk<S>(FeaturePlan, Index, Index, const NtkOptions&);                                           \
  template NtkPlan fit_ntk_between<S>(FeaturePlan, Index, Index, const NtkOptions&);                                   \
  template NtkPlan plan_ntk(const Network<S>&, const Variables<S>&, const Tensor<S>&, const NtkOptions&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane
