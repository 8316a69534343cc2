// The stages of a plan that compute a kernel: the features of its images, their time and memory measured on one pass over images of zeros,
// which cost what others do, and its pairs.
#pragma once

#include "experiments/common/plans/plan.h"
#include "kernels/ntk.h"
#include "nn/network.h"

namespace tangentplane::experiments {

/// What a forward and reverse pass into features takes, measured.
struct PassCost {
  double bytes = 0;    ///< of one pass, besides the features
  double seconds = 0;  ///< of one image
};
/// Of the plan's own passes at these weights, of the plan's outputs; `image` is [H, W, C].
template <class S>
PassCost measure_pass(const Network<S>& network, const Variables<S>& variables, const Shape& image, const NtkPlan& plan,
                      const std::optional<Outputs>& outputs);

/// Share of the gemm rate that the products of pairs reach.
inline constexpr double pair_efficiency = 0.75;
/// Share of their flops that are products large enough to be split.
inline constexpr double pair_split_share = 0.9;
/// Share of the gemm rate that the eigenpairs of n rows reach: the Ritz problem, hardly parallel, weighs less the larger n is.
inline double eigen_efficiency(double n) { return n / (n + 12'000); }

/// The features, their time as measured, and the pairs; rows and stage as named in `features` and `pairs`, whose memory and disk are kept.
std::vector<PlanStage> kernel_stages(const NtkPlan& plan, const PassCost& pass, PlanStage features, PlanStage pairs);

/// Weights at which all layers take part, as in training: BatchNorm's scales that start at 0 would cut branches off.
template <class S>
Variables<S> all_active(Variables<S> variables);

}  // namespace tangentplane::experiments
