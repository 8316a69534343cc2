// Claim 2 in numbers: how far the network leads its linearization, on eigenfunctions and on the classes.
#pragma once

#include "experiments/claims/numbers/measured.h"

namespace tangentplane::experiments {

/// On the eigenfunctions that count.
struct EigenfunctionLeads {
  PairRepeats pairs = {};
  std::vector<RepeatedTask> tasks = {};  ///< those that count
  std::vector<Estimate> leads = {};      ///< of the linearization, one for each task
  /// The mean over the tasks that every seed has and on which all were trained to the end; of all tasks where there is none such.
  std::optional<Estimate> mean_lead = {};
  std::size_t finished = 0;                                   ///< of these, if any, it is taken over
  std::size_t averaged = 0;                                   ///< tasks that it is taken over
  std::vector<std::pair<std::string, double>> left_out = {};  ///< tasks that do not count
};
std::vector<EigenfunctionLeads> eigenfunction_leads(const std::vector<PairRepeats>& groups);

/// On the classes, for training sets of growing size.
struct ClassLeads {
  PairRepeats pairs = {};
  std::vector<RepeatedTask> tasks = {};                       ///< by size
  std::vector<Estimate> leads = {};                           ///< of the network, one for each task
  std::optional<Estimate> growth = {};                        ///< of that lead from the smallest size to the largest, if a seed has both
  std::vector<std::pair<std::string, double>> left_out = {};  ///< sizes that do not count
};
std::vector<ClassLeads> class_leads(const std::vector<PairRepeats>& groups);

}  // namespace tangentplane::experiments
