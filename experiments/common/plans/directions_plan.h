// The plan of neural anisotropy directions.
#pragma once

#include "experiments/common/plans/plan.h"
#include "experiments/common/subject/subject.h"
#include "kernels/nads.h"

namespace tangentplane::experiments {

struct DirectionsPlan : Plan {
  NadsOptions options;  ///< the memory that tangents and passes may take
  double flops = 0;     ///< of all
};

/// From the options alone, before anything is allocated: throws std::invalid_argument naming --shape or --memory where the eigenproblem of
/// images [H, W, C], the weights and so many points do not fit.
template <class S>
void require_room_for_directions(const CommonOptions& o, const Shape& image, Index points);

/// Of the mean over the points, for the subject's network at its weights. Measures the rate of matrix products. Throws as plan_nads does.
template <class S>
DirectionsPlan plan_directions(const CommonOptions& o, const Subject<S>& subject, const Tensor<S>& points);

}  // namespace tangentplane::experiments
