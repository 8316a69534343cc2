// A kernel and its leading eigenpairs, as planned: in memory, from tiles on disk, or from Nystrom's columns; stages of a run, with
// progress.
#pragma once

#include <filesystem>

#include "experiments/common/plans/kernel_plan.h"
#include "experiments/common/run/run_record.h"
#include "experiments/common/subject/subject.h"

namespace tangentplane::experiments {

/// The plan's eigenpairs for the subject's images and weights. Writes ntk.npy into the folder if the plan says so, with its fingerprint; on
/// disk it goes on from the tiles that stand there, and leaves them. The seed is that of Nystrom's points.
template <class S>
kernels::Eigenpairs<S> planned_eigenpairs(const Subject<S>& subject, const KernelPlan& plan, std::uint64_t seed, RunRecord& record,
                                          const std::filesystem::path& folder);

}  // namespace tangentplane::experiments
