#include "experiments/common/cluster/ranks_of_run.h"

#include <sstream>

#include "experiments/common/run/provenance.h"

namespace tangentplane::experiments {

void require_same_on_ranks(const Config& config, const Fingerprints& inputs) {
  cpu::Ranks& ranks = cpu::Ranks::world();
  if (!ranks.several()) return;
  std::string own = fmt::format("version {} {}\n", version(), commit());
  for (const auto& [key, value] : config.entries())
    if (key != "threads" && key != "memory") own += fmt::format("--{} {}\n", key, value);
  for (const Fingerprint& f : inputs.all()) own += fmt::format("{} {} ({})\n", f.name, f.text, f.source);
  std::istringstream first(ranks.agreed(own)), here(own);
  for (std::string there, mine;; there.clear(), mine.clear()) {
    const bool more_there = static_cast<bool>(std::getline(first, there)), more_here = static_cast<bool>(std::getline(here, mine));
    if (!more_there && !more_here) return;
    require(there == mine, "rank {}: its {} is not that of rank 0, {}; start all ranks with the same program, options and files",
            ranks.rank(), mine.empty() ? "nothing" : mine, there.empty() ? "nothing" : there);
  }
}

void record_traffic(RunRecord& record, double planned) {
  cpu::Ranks& ranks = cpu::Ranks::world();
  if (!ranks.several()) return;
  std::vector<double> sent{ranks.traffic().sent};
  ranks.sum(sent);
  record.set("sent_bytes", sent[0] / ranks.count());
  record.set("planned_sent_bytes", planned);
  record.set("seconds_of_waiting_for_ranks", ranks.traffic().seconds);
}

}  // namespace tangentplane::experiments
