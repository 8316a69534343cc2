#include "experiments/common/cluster/cluster_options.h"

#include <CLI/CLI.hpp>

#include "autodiff/cpu/ranks.h"

namespace tangentplane::experiments {
namespace {

constexpr const char* group = "Several processes";

std::pair<Index, Index> part(const std::string& text) {
  const std::size_t slash = text.find('/');
  require(slash != std::string::npos, "--shard {}: give I/P, part I of P, e.g. 0/8 for the first of eight", text);
  const auto of = parse_number<Index>("--shard: P", text.substr(slash + 1), 1, 100'000);
  return {parse_number<Index>("--shard: I", text.substr(0, slash), 0, of - 1), of};
}

}  // namespace

void add_cluster_options(CommandLine& line, ClusterOptions& o) {
  line.add("--shard", [&o](const std::string& text) { o.shard = part(text); },
           {"Compute part I of P of the kernel alone, as a job of an array; without it the parts are put together", "I/P", "", group});
  line.add("--scratch", [&o](const std::string& text) { o.scratch = text; },
           {"Folder on each rank's own disk, for tiles of the kernel that do not fit into memory (default: --out)", "DIR", "", group});
  add_number<Index>(line, "--ranks", o.ranks, "With --plan: for so many ranks, each a node", 1, 100'000, group);
  add_number<double>(line, "--node-gflops", o.node_gflops, "With --plan: GFLOP/s of a rank's matrix products (default: measured here)",
                     1e-3, 1e9, group);
  add_number<double>(line, "--network-gbits", o.network_gbits, "Gbit/s that a rank sends and receives", 1e-3, 1e6, group);
  line.add("--node-memory", [&o](const std::string& text) { o.node_memory = parse_size("--node-memory", text); },
           {"With --plan: memory of a rank (default: --memory)", "SIZE", "", group});
  for (const char* name : {"--shard", "--scratch", "--ranks", "--node-gflops", "--network-gbits", "--node-memory"})
    line.app().get_option(name)->configurable(false);
}

void check_cluster_options(const ClusterOptions& o, const CommonOptions& common) {
  require(!o.ranks || common.plan, "--ranks: only --plan takes it; mpirun says how many ranks run");
  require(!o.node_gflops || common.plan, "--node-gflops: only --plan takes it");
  require(o.node_memory == 0 || common.plan, "--node-memory: only --plan takes it; a run stays within --memory");
  require(!o.shard || !cpu::Ranks::world().several(), "--shard: is for jobs without mpirun; leave one of them out");
  require(!o.shard || !o.ranks, "--shard: a part is one process; leave out --ranks");
}

}  // namespace tangentplane::experiments
