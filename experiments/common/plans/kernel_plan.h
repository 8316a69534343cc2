// The plan of a kernel and its eigenpairs: where the kernel is held, how its features are cut to fit, how it is solved, and what that
// takes.
#pragma once

#include <filesystem>
#include <optional>

#include "experiments/common/options/kernel_options.h"
#include "experiments/common/plans/plan.h"
#include "experiments/common/subject/subject.h"
#include "kernels/ntk.h"

namespace tangentplane::experiments {

/// A kernel kept as tiles in a file of the results folder, and how the memory beside it is shared out.
struct DiskKernel {
  Index tile = 0;              ///< rows a side of a tile, whole images
  Index batch = 0;             ///< vectors multiplied in one pass in the end
  Index max_basis = 0;         ///< vectors that Lanczos may hold
  double file_bytes = 0;       ///< on disk
  double eigenpair_bytes = 0;  ///< expected of Lanczos and its reads
  double passes = 0;           ///< over the file, expected
};

struct KernelPlan : Plan {
  Index images = 0, eigen = 0;
  Index side = 1;        ///< rows of the kernel that belong to an image: O in the layout full
  Outputs outputs = {};  ///< of the network, and the kernel's layout
  Index points = 0;      ///< images whose columns Nystrom takes; else 0
  kernels::EigenMethod method = kernels::EigenMethod::full;
  Contraction contraction = Contraction::automatic;
  Index size() const { return images * side; }  ///< rows of the kernel
  bool save = false;                            ///< ntk.npy is written
  NtkPlan ntk;                                  ///< of the kernel, or of those columns
  std::optional<DiskKernel> disk;               ///< none: the kernel is held in memory
};

/// From the options and what the headers of the data say, before anything is allocated: throws std::invalid_argument naming --memory where
/// images, while they are read, and kernel do not fit. `goes_on` says that tiles of an interrupted run stand, with which it is gone on.
template <class S>
void require_room_for_kernel(const CommonOptions& o, const KernelOptions& kernel, const data::Layout& layout, bool goes_on);

/// From the options and the counts, shapes and weights of a subject whose images need not have been read yet: in memory if the kernel fits
/// there within --memory and its features need not be computed many times over, else on the disk of `folder`. `goes_on` says that tiles of
/// an interrupted run stand there, with which it is gone on. Measures a pass and the rate of matrix products. Throws std::invalid_argument
/// naming --memory where it does not fit either way, and --out where the disk is too small.
template <class S>
KernelPlan plan_kernel(const CommonOptions& o, const KernelOptions& kernel, const Subject<S>& subject, const std::filesystem::path& folder,
                       bool goes_on);

}  // namespace tangentplane::experiments
