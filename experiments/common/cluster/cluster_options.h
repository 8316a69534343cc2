// How compute_ntk is shared out: the options that only matter for more than one process.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "experiments/common/options/options.h"

namespace tangentplane::experiments {

struct ClusterOptions {
  std::optional<std::pair<Index, Index>> shard;  ///< part I of P
  std::optional<Index> ranks;                    ///< for --plan: of a cluster that is not here
  std::optional<double> node_gflops;             ///< of matrix products; none: as measured here
  double network_gbits = 10;                     ///< a rank's link
  std::uint64_t node_memory = 0;                 ///< bytes of a rank; 0: --memory
  std::string scratch;                           ///< folder on a rank's own disk for tiles; empty: the results folder
};

/// Adds --shard, --scratch, --ranks, --node-gflops, --network-gbits and --node-memory, none of which is part of a run's configuration.
void add_cluster_options(CommandLine& line, ClusterOptions& options);
/// Throws std::invalid_argument naming the option for what does not go together.
void check_cluster_options(const ClusterOptions& options, const CommonOptions& common);

}  // namespace tangentplane::experiments
