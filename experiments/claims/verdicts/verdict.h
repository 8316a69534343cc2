// From a number with its interval and a threshold to a verdict.
#pragma once

#include <string>
#include <vector>

#include "experiments/claims/statistics/estimate.h"

namespace tangentplane::experiments {

enum class Verdict {
  shown,      ///< the whole interval is on the claim's side of the threshold
  partly,     ///< of several comparisons: some are shown
  not_shown,  ///< the whole interval is on the other side
  undecided,  ///< it is on both, or something else stands in the way (Why)
  seen_once,  ///< it is on the claim's side, but there is one seed
  missing     ///< nothing to judge
};
/// "shown", "not shown", "undecided", "seen once", "missing"
const char* word(Verdict verdict);

/// What a number has to be: at least `value`, or more than that.
struct Threshold {
  double value = 0;
  enum class Kind { at_least, more_than } kind = Kind::more_than;
};

/// What a verdict rests on.
enum class Why {
  interval,    ///< the interval and the threshold
  one_seed,    ///< below the threshold or astride of it, under one seed: that decides nothing
  unfinished,  ///< a training that is compared has not gone to its end
  skewed,      ///< the rarer class has too few images
  few_tasks,   ///< there are fewer tasks than the rule asks for
  no_order     ///< there is no number: under some seed nothing varies
};

struct Judgement {
  Verdict verdict = Verdict::missing;
  Why why = Why::interval;
  Interval interval = {};
  Needed needed = {};  ///< where the interval is on both sides
};

Judgement judge(const Estimate& e, Threshold threshold, double level = usual_level);
/// Undecided, for that reason, whatever the numbers say, unless `holds`.
Judgement if_only(bool holds, Why otherwise, Judgement judgement);

/// What several findings come to: missing if one is, or there are none; shown if all are, partly if some are; else seen once, undecided or
/// not shown, the first that some are.
Verdict together(const std::vector<Verdict>& verdicts);
/// "shown", "shown in 3 of 7", "seen once in 1 of 2", "undecided", "not shown", "results missing"
std::string words(const std::vector<Verdict>& verdicts);

}  // namespace tangentplane::experiments
