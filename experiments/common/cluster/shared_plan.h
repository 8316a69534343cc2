// The plan of a kernel and its eigenpairs that ranks, or jobs of an array, share: what each of them computes, sends and holds. The model is
// stated in kernels/CLUSTER.md.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "experiments/common/cluster/cluster_options.h"
#include "experiments/common/options/kernel_options.h"
#include "experiments/common/plans/plan.h"
#include "experiments/common/subject/subject.h"
#include "kernels/tiles/part_ntk.h"

namespace tangentplane::experiments {

/// A stage of one rank, that with the most to do.
struct SharedStage {
  std::string name;
  double flops = 0;
  double seconds = 0;  ///< computing
  double sent = 0;     ///< bytes, and as many received
  double memory = 0, disk = 0;
};

struct SharedPlan {
  Index images = 0, eigen = 0;
  Index parts = 1;        ///< ranks, or jobs
  bool in_memory = true;  ///< this rank's tiles
  bool save = false;      ///< ntk.npy is written
  Contraction contraction = Contraction::automatic;
  std::optional<Outputs> outputs;  ///< of the network, and the kernel's layout
  PartPlan part;
  Index batch = 256;  ///< vectors multiplied at a time in the end
  Index max_basis = 0;
  std::vector<SharedStage> stages;
  double rate = 0;     ///< flop/s of a rank's matrix products
  double network = 0;  ///< bytes/s of a rank's link
  std::vector<std::string> remarks;

  /// Of all stages.
  double sent() const {
    double bytes = 0;
    for (const SharedStage& s : stages) bytes += s.sent;
    return bytes;
  }
  /// Of a stage: computing, then sending.
  double seconds_of(const SharedStage& stage) const { return stage.seconds + stage.sent / network; }
  /// As other plans are, for run.json: stages of this rank.
  Plan plan() const;
};

/// Rows and columns of a tile, in images: so many tiles that they can be dealt evenly.
Index shared_tile(const FeaturePlan& features, Index images, Index parts);

/// Bytes that a rank sends, on average, while block Lanczos finds k pairs with a basis of so many vectors in blocks of `block`, solves the
/// projected problem `checks` times, and the vectors go to the first rank.
template <class S>
double lanczos_sent_bytes(const kernels::Deal& rows, Index k, Index basis, Index block, Index checks);

/// For part `part` of `parts`, within o.memory bytes of each rank. With `ranks` all of them call it. Throws std::invalid_argument naming
/// --memory where the images, features or eigenpairs do not fit.
template <class S>
SharedPlan plan_shared(const CommonOptions& o, const KernelOptions& kernel, const ClusterOptions& cluster, const Subject<S>& subject,
                       Index parts, Index part, bool eigenpairs);

/// A line for each stage of a rank, with the time that `seconds` tells, and one for all.
std::string format_stages(const std::vector<SharedStage>& stages, const std::function<double(const SharedStage&)>& seconds);
/// The same of a plan; then whose numbers they are, and the remarks.
std::string format_shared_plan(const SharedPlan& plan);

}  // namespace tangentplane::experiments
