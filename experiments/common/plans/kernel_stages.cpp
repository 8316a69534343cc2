#include "experiments/common/plans/kernel_stages.h"

#include <chrono>
#include <limits>

#include "data/images.h"
#include "experiments/common/process/memory.h"

namespace tangentplane::experiments {

template <class S>
PassCost measure_pass(const Network<S>& network, const Variables<S>& variables, const Shape& image, const NtkPlan& plan,
                      const std::optional<Outputs>& outputs) {
  const auto images = Tensor<S>::zeros(data::batch_shape(plan.pass, image));
  const auto pass = [&] { Features<S>(plan.features, plan.pass).fill(0, OutputPasses<S>(network, variables, images, outputs)); };
  PassCost cost;
  cost.bytes = bytes_taken(pass) - static_cast<double>(plan.pass * plan.features.image_numbers) * sizeof(S);
  const auto start = std::chrono::steady_clock::now();  // the pages have been touched
  pass();
  cost.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(plan.pass);
  cpu::trim_memory();
  return cost;
}

std::vector<PlanStage> kernel_stages(const NtkPlan& plan, const PassCost& pass, PlanStage features, PlanStage pairs) {
  features.flops = plan.feature_flops, features.efficiency = std::numeric_limits<double>::infinity();
  features.seconds = plan.feature_images * pass.seconds;
  pairs.flops = plan.pair_flops, pairs.efficiency = pair_efficiency, pairs.split = pair_split_share;
  return {std::move(features), std::move(pairs)};
}

template <class S>
Variables<S> all_active(Variables<S> variables) {
  for (std::size_t p = 0; p < variables.paths.size(); ++p)
    if (auto& scale = variables.parameters[p]; variables.paths[p].ends_with("/scale")) scale = Tensor<S>::full(scale.shape(), S(1));
  return variables;
}

#define INSTANTIATE(S)                                                                                                                 \
  template PassCost measure_pass(const Network<S>&, const Variables<S>&, const Shape&, const NtkPlan&, const std::optional<Outputs>&); \
  template Variables<S> all_active(Variables<S>);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::experiments
