// What a training's steps take, measured: the share of the gemm rate that they reach is a tenth for some networks and all of it for others.
#pragma once

#include "experiments/common/plans/training_plan.h"

namespace tangentplane::experiments {

/// Seconds of one image, on average over a batch.
struct StepCost {
  double once = 0;  ///< to keep its Jacobian
  double step = 0;  ///< of a training image: logits, gradients, and the weights moved
  double test = 0;  ///< of a test image's logits
};

/// Of steps of so many images as the task makes them, at these weights, in function space excepted, on images of zeros, which cost what
/// others do, each for `least` seconds; `keeps`: the linearization's Jacobian is kept. Throws std::invalid_argument for an optimizer with
/// which that learner cannot be trained.
template <class S>
StepCost measure_step(const Subject<S>& subject, const Variables<S>& weights, const TrainingTask& task, bool keeps, Index batch,
                      double least);

}  // namespace tangentplane::experiments
