// A kernel that does not fit into --memory: kept as tiles in a file of the results folder, its eigenpairs found by passes over that.
#pragma once

#include <filesystem>

#include "experiments/common/run/run_record.h"
#include "experiments/common/subject/subject.h"
#include "kernels/eigen.h"
#include "kernels/ntk.h"

namespace tangentplane::experiments {

/// The file's name in the results folder; it is there only while a run is not finished.
inline constexpr const char* tiles_name = "kernel.tiles";

/// How the memory that a run may take is shared out when K is on disk, and what it costs.
struct DiskKernelPlan {
  NtkPlan ntk;
  Index tile = 0;              ///< images a side of a tile
  Index batch = 0;             ///< vectors multiplied in one pass in the end
  Index max_basis = 0;         ///< vectors that Lanczos may hold
  double file_bytes = 0;       ///< on disk
  double eigenpair_bytes = 0;  ///< expected of Lanczos and its reads
  double passes = 0;           ///< over the file, expected
};
/// For k eigenpairs within `memory` bytes beside program and images, `pass` of them for a forward and reverse pass. A file that stands
/// already sets the tile, if `standing_tile` is not 0. Throws std::invalid_argument naming --memory if that is too little.
template <class S>
DiskKernelPlan plan_kernel_on_disk(const Subject<S>& subject, Index k, NtkOptions options, double memory, double pass,
                                   Index standing_tile = 0);

/// Whether the folder's ntk.npy was written by its own run, of which run.json has a fingerprint of the kernel, and is a finite [n, n]
/// matrix.
bool has_own_kernel(const std::filesystem::path& folder, Index n);

/// Bytes that a run into the folder may take: free there, or where it would be made, and those of tiles that are there already.
double free_space(const std::filesystem::path& folder);
/// Throws std::invalid_argument naming --out unless `bytes` are free there.
void require_space(const std::filesystem::path& folder, double bytes, double free);

/// Computes the tiles that the file lacks, then the k leading eigenpairs; with `save`, also ntk.npy. The file stays.
template <class S>
kernels::Eigenpairs<S> eigenpairs_on_disk(const Subject<S>& subject, Index k, const DiskKernelPlan& plan, NtkOptions options, bool save,
                                          RunRecord& record, const std::filesystem::path& folder);

}  // namespace tangentplane::experiments
