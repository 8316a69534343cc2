// How a kernel is contracted and its eigenpairs are found: compute_ntk's own options.
#pragma once

#include "experiments/common/options/task_options.h"
#include "kernels/eigen.h"
#include "kernels/features.h"

namespace tangentplane::experiments {

struct KernelOptions {
  std::optional<Index> eigen;  ///< check_kernel_options fills it in
  std::optional<Index> nystrom_points;
  std::string method = "auto", contraction = "auto";
  bool save_ntk = false;
  std::optional<Outputs> outputs;  ///< check_kernel_options fills it in
  Index side = 1;                  ///< and this: rows of the kernel that belong to an image

  bool nystrom() const { return method == "nystrom"; }
  /// Lanczos can do with the kernel on disk.
  bool may_be_on_disk() const { return method == "auto" || method == "lanczos"; }
  /// How a kernel of n rows in memory is solved.
  kernels::EigenMethod method_in_memory(Index n) const;
  Contraction way() const;
};

/// Adds --outputs, --eigen, --method, --nystrom-points, --contraction and --save-ntk.
void add_kernel_options(CommandLine& line, KernelOptions& options);
/// Sets outputs, and the number of eigenpairs, if they were not given. Throws std::invalid_argument naming the option for what does not go
/// together or is too much for n images and a network with so many logits.
void check_kernel_options(const CommonOptions& o, KernelOptions& options, Index n, Index logits);

}  // namespace tangentplane::experiments
