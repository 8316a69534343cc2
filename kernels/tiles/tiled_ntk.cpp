#include "kernels/tiles/tiled_ntk.h"

#include <bit>

#include "nn/checkpoint.h"

namespace tangentplane {
template <class S>
std::uint64_t ntk_fingerprint(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
                              const NtkOptions& options) {
  NtkOptions few;
  few.contraction = options.contraction, few.outputs = options.outputs;
  data::NumbersFingerprint<S> all;
  all.add(images);
  all.add(fingerprint(variables));
  all.add(ntk(network, variables, images.slice(0, std::min<Index>(2, images.rows())), few));
  return data::Hash64().add(all.text()).value();
}

Index file_tile(const NtkPlan& plan) {
  const Index room = plan.panel + plan.strip;
  const bool all = plan.panel == plan.images;
  require(all || room >= 32, "--memory: leaves room for the features of {} images, 32 are needed; give more", room);
  const auto about = static_cast<std::uint64_t>(all ? plan.images / 4 : room / 8);
  const Index most = std::max<Index>(1, 512 / plan.side());  // of rows of K
  return std::clamp<Index>(static_cast<Index>(std::bit_floor(about)), std::min<Index>(all ? 1 : 16, most), most);
}

void require_whole_tiles(const NtkPlan& plan, Index tile) {
  require(plan.panel == plan.images || (plan.panel % tile == 0 && plan.strip % tile == 0),
          "--memory: leaves room for the features of {} images, tiles of {} a side need {}; give more", plan.panel + plan.strip, tile,
          2 * tile);
}

template <class S>
void complete(kernels::TileFile<S>& file, const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
              NtkOptions options) {
  if (file.missing() == 0 && file.size() == images.rows()) return;
  const Index side = options.plan ? options.plan->side() : plan_ntk_features(network, variables, images, options).side(),
              tile = file.tile() / side;
  require(file.size() == images.rows() * side, "tiled ntk: {} images{} for a file of {}", images.rows(),
          side == 1 ? "" : fmt::format(" of {} outputs", side), file.size());
  require(tile * side == file.tile(), "tiled ntk: a file of tiles of {} rows a side, which {} outputs an image do not share out evenly",
          file.tile(), side);
  if (file.missing() == 0) return;
  options.tile = tile;
  NtkPlan made;
  if (!options.plan) options.plan = &(made = plan_ntk(network, variables, images, options));
  require(options.plan->tile == tile, "tiled ntk: a plan of tiles of {} images a side for a file of {}", options.plan->tile, tile);
  require_whole_tiles(*options.plan, tile);
  const Index rows = file.tile();
  ntk_tiles<S>(
      network, variables, images, options, images.rows(),
      [&](Index i0, Index, Index j0, Index, const S* block) { file.write(i0 / rows, j0 / rows, block); },
      [&](Index i0, Index j0) { return !file.has(i0 / rows, j0 / rows); });
}

template std::uint64_t ntk_fingerprint(const Network<float>&, const Variables<float>&, const Tensor<float>&, const NtkOptions&);
template std::uint64_t ntk_fingerprint(const Network<double>&, const Variables<double>&, const Tensor<double>&, const NtkOptions&);
template void complete(kernels::TileFile<float>&, const Network<float>&, const Variables<float>&, const Tensor<float>&, NtkOptions);
template void complete(kernels::TileFile<double>&, const Network<double>&, const Variables<double>&, const Tensor<double>&, NtkOptions);

}  // namespace tangentplane
