// The thresholds, and for each claim what is held against them.
#pragma once

#include "experiments/claims/numbers/drops.h"
#include "experiments/claims/numbers/evolution.h"
#include "experiments/claims/numbers/leads.h"
#include "experiments/claims/numbers/own.h"
#include "experiments/claims/numbers/rank.h"
#include "experiments/claims/numbers/trained.h"
#include "experiments/claims/verdicts/verdict.h"

namespace tangentplane::experiments {

inline constexpr double least_correlation = 0.7;
inline constexpr std::size_t least_tasks = 8;  ///< in every seed
inline constexpr double least_lead = 0;        ///< to be exceeded
inline constexpr double least_drop = 0;        ///< to be exceeded
inline constexpr double least_spike = 2;
inline constexpr double least_speedup = 1;  ///< to be exceeded

// A training that is compared and has not gone to its end leaves a claim undecided, in all but 4, which compares none.

/// 1. The mean over seeds of the rank correlations.
Judgement judge(const RankNumbers& n);

/// 2. On eigenfunctions. The linearization wins on some if it does in the mean over them, or on one by itself. Each of these two ways is
/// held to half of the 5 %, and in the second that is shared by the tasks (Bonferroni), so that the verdict is wrong in 5 % at most.
struct Wins {
  double mean_level = 0;    ///< of the interval of the mean lead
  double task_level = 0;    ///< of each task's interval
  std::size_t leads = 0;    ///< tasks on which its mean accuracy over seeds is higher
  std::size_t certain = 0;  ///< of these, those whose interval is above zero
  std::size_t once = 0;     ///< of these, those that one seed alone has
  std::size_t counted = 0;  ///< of those that are certain, those on which all were trained to the end
  std::size_t best = 0;  ///< the task of its largest lead, of those that are counted, or certain, if there are any; of several seeds first
  Judgement of_mean = {};
  Judgement judgement = {};  ///< shown by either way; not shown if no task's interval reaches above zero
};
Wins judge(const EigenfunctionLeads& n);
/// 2. On the classes: the network's lead at the largest size, and its growth.
Judgement judge_lead(const ClassLeads& n);
Judgement judge_growth(const ClassLeads& n);

/// 3.
Judgement judge(const Drop& d);

/// 4. On training images, and on test images.
Judgement judge_training(const EvolutionNumbers& n);
Judgement judge_test(const EvolutionNumbers& n);

/// 5. Where the model linearized at the trained weights does not get there, its epochs are more than are counted: that speaks against the
/// claim, never for it.
Judgement judge(const TrainedNumbers& n);

/// A user's own task: shown if either leads. A skewed one decides nothing.
Judgement judge(const OwnComparison& n);

}  // namespace tangentplane::experiments
