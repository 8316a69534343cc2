// How a kernel is contracted and its eigenpairs are found: compute_ntk's own options.
#pragma once

#include "experiments/common/options/options.h"
#include "kernels/eigen.h"
#include "kernels/features.h"

namespace tangentplane::experiments {

struct KernelOptions {
  std::optional<Index> eigen;  ///< check_kernel_options fills it in
  std::optional<Index> nystrom_points;
  std::string method = "auto", contraction = "auto";
  bool save_ntk = false;

  bool nystrom() const { return method == "nystrom"; }
  /// Lanczos can do with the kernel on disk.
  bool may_be_on_disk() const { return method == "auto" || method == "lanczos"; }
  /// How a kernel of n images in memory is solved.
  kernels::EigenMethod method_in_memory(Index n) const;
  Contraction way() const;
};

/// Adds --eigen, --method, --nystrom-points, --contraction and --save-ntk.
void add_kernel_options(CommandLine& line, KernelOptions& options);
/// Sets the number of eigenpairs if it was not given. Throws std::invalid_argument naming the option for what does not go together or is
/// too much for n images.
void check_kernel_options(KernelOptions& options, Index n);

}  // namespace tangentplane::experiments
