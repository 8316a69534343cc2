// A run of several ranks: that all were asked for the same, and how its trainings are dealt to them.
#pragma once

#include <string>
#include <vector>

#include "autodiff/cpu/ranks.h"
#include "experiments/common/run/config.h"
#include "experiments/common/run/fingerprints.h"
#include "experiments/common/run/run_record.h"

namespace tangentplane::experiments {

/// Throws std::invalid_argument on a rank whose program, options (but for --threads and --memory) or inputs are not those of the first.
void require_same_on_ranks(const Config& config, const Fingerprints& inputs);

/// What a rank has sent so far, on average, in run.json beside the bytes that were planned, and how long the first has waited for others.
/// Of several ranks all call it.
void record_traffic(RunRecord& record, double planned);

/// Throws std::invalid_argument naming the program where there are several ranks.
inline void require_alone(const std::string& program) {
  require(!cpu::Ranks::world().several(), "{}: is one process; start it without mpirun", program);
}

/// f(i) for i in [0, count), each by one rank, whose results go to a folder of their own; then by the first rank once more for what others
/// did, which it only reads. All results on the first rank, on others their own.
template <class F>
auto dealt_results(std::size_t count, const F& f) {
  cpu::Ranks& ranks = cpu::Ranks::world();
  std::vector<decltype(f(std::size_t()))> results(count);
  const auto mine = [&](std::size_t i) { return i % static_cast<std::size_t>(ranks.count()) == static_cast<std::size_t>(ranks.rank()); };
  for (std::size_t i = 0; i < count; ++i)
    if (mine(i)) results[i] = f(i);
  ranks.barrier();
  for (std::size_t i = 0; i < count && ranks.first(); ++i)
    if (!mine(i)) results[i] = f(i);
  return results;
}

}  // namespace tangentplane::experiments
