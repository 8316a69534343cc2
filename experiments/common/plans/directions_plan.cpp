#include "experiments/common/plans/directions_plan.h"

#include "data/images.h"

namespace tangentplane::experiments {
namespace {

/// Bytes.
struct Needs {
  double weights, points;
  double matrices;  ///< the eigenproblem's

  double held() const { return program_bytes + 2 * (weights + points); }
};

template <class S>
Needs needs_of(const NetworkSize& size, const Shape& image, Index points) {
  const double d = numbers_of(image);
  return {(size.parameters + size.statistics) * sizeof(S), static_cast<double>(points) * d * sizeof(S), 4 * d * d * sizeof(double)};
}

}  // namespace

template <class S>
void require_room_for_directions(const CommonOptions& o, const Shape& image, Index points) {
  const Needs needs = needs_of<S>(size_of_network<S>(o, image), image, points);
  const double d = numbers_of(image), allowed = static_cast<double>(o.memory), held = needs.held();
  require(held + 2 * needs.matrices < allowed || needs.matrices < held,
          "--shape {}: the eigenproblem of {} directions takes {}, --memory allows {}; give more, or a smaller shape",
          join(extents_of(image)), d, format_size(held + 2 * needs.matrices), format_size(allowed));
  require_room(fmt::format("directions at {} points take", points),
               {{"the program", program_bytes},
                {"matrices", 2 * needs.matrices, "a smaller --shape"},
                {"the weights", 2 * needs.weights, smaller_network(o)},
                {"the points", 2 * needs.points, "fewer --samples"}},
               o.memory);
}

template <class S>
DirectionsPlan plan_directions(const CommonOptions& o, const Subject<S>& subject, const Tensor<S>& points) {
  const auto& network = subject.network;
  const auto& variables = subject.init;
  const Shape image = data::example_shape(points.shape());
  const Needs needs = needs_of<S>(subject.size, image, points.rows());
  const double held = needs.held(), d = static_cast<double>(image.size());
  DirectionsPlan plan;
  plan.options.memory =
      (static_cast<double>(o.memory) - held - needs.matrices) / 2;  // for tangents, and for a pass, beside the Gram matrix
  const NadsPlan nads = plan_nads(network, variables, points, plan.options);
  const double passes = held + nads.pass_bytes, eigen = held + nads.eigen_bytes;
  const char* stage = "directions";
  plan.stages = {
      {.name = "passes", .stage = stage, .flops = nads.pass_flops, .efficiency = 0.25, .memory = passes},
      {.name = "products", .stage = stage, .flops = nads.gram_flops, .efficiency = 0.4, .memory = passes},
      {.name = "eigenvectors", .stage = stage, .flops = nads.eigen_flops, .efficiency = 0.1, .memory = eigen, .disk = d * d * sizeof(S)}};
  plan.flops = nads.pass_flops + nads.gram_flops + nads.eigen_flops;
  if (nads.turns > 1) plan.remarks.push_back(fmt::format("tangents of all layers do not fit: the passes are run {} times", nads.turns));
  plan.choices = {{"passes", fmt::format("run {} times", nads.turns)}};
  measure_rate<S>(plan, o);
  return plan;
}

#define INSTANTIATE(S)                                                                     \
  template void require_room_for_directions<S>(const CommonOptions&, const Shape&, Index); \
  template DirectionsPlan plan_directions(const CommonOptions&, const Subject<S>&, const Tensor<S>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::experiments
