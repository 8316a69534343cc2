// Claim 2 in numbers: how far the network leads its linearization, on eigenfunctions and on the classes.
#pragma once

#include "experiments/claims/numbers/measured.h"

namespace tangentplane::experiments {

/// On the eigenfunctions that count.
struct EigenfunctionLeads {
  PairRepeats pairs = {};
  std::vector<RepeatedTask> tasks = {};  ///< those that count
  std::vector<Estimate> leads = {};      ///< of the linearization, one for each task
};
std::vector<EigenfunctionLeads> eigenfunction_leads(const std::vector<PairRepeats>& groups);

/// On the classes, for training sets of growing size.
struct ClassLeads {
  PairRepeats pairs = {};
  std::vector<RepeatedTask> tasks = {};                       ///< by size
  std::vector<Estimate> leads = {};                           ///< of the network, one for each task
  std::optional<Estimate> growth = {};                        ///< of that lead from the smallest size to the largest
  std::vector<std::pair<std::string, double>> left_out = {};  ///< sizes that do not count
};
std::vector<ClassLeads> class_leads(const std::vector<PairRepeats>& groups);

}  // namespace tangentplane::experiments
