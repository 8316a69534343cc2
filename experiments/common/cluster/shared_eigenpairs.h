// A kernel and its eigenpairs that ranks share, or that is put together from parts: stages of a run, with progress, and their files.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "experiments/common/cluster/shared_plan.h"
#include "experiments/common/run/run_record.h"
#include "kernels/eigen.h"

namespace tangentplane::experiments {

/// Tiles of this rank, one part or several.
template <class S>
using OwnTiles = std::vector<std::unique_ptr<kernels::Tiles<S>>>;

/// Where a rank keeps its tiles if they do not fit into memory: `name` in the folder.
std::filesystem::path rank_tiles(const std::filesystem::path& folder, Index part, Index parts);

/// Computes the part of the plan: this rank's, or this job's, in memory or in the file `path`, where it goes on from tiles that stand
/// there.
template <class S>
OwnTiles<S> compute_tiles(const Subject<S>& subject, const SharedPlan& plan, const std::filesystem::path& path, RunRecord& record);

/// Opens the parts that jobs have left in the results folder: of P, those that are dealt to this rank.
template <class S>
OwnTiles<S> open_parts(const Subject<S>& subject, const SharedPlan& plan, const std::filesystem::path& results, Index parts);

/// The eigenpairs of the tiles of all ranks, without their vectors, which the first rank writes to eigvecs.npy; before, if the plan says
/// so, ntk.npy. With their fingerprints.
template <class S>
kernels::Eigenpairs<S> shared_eigenpairs(const OwnTiles<S>& tiles, const SharedPlan& plan, const std::filesystem::path& results,
                                         RunRecord& record);

}  // namespace tangentplane::experiments
