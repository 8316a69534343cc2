#include "experiments/claims/verdicts/verdict.h"

#include <fmt/format.h>

#include <algorithm>

namespace tangentplane::experiments {
namespace {

std::size_t count(const std::vector<Verdict>& verdicts, Verdict of) {
  return static_cast<std::size_t>(std::count(verdicts.begin(), verdicts.end(), of));
}

}  // namespace

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::shown:
      return "shown";
    case Verdict::partly:
      return "shown in part";
    case Verdict::not_shown:
      return "not shown";
    case Verdict::undecided:
      return "undecided";
    case Verdict::seen_once:
      return "seen once";
    case Verdict::missing:
      break;
  }
  return "missing";
}

Judgement judge(const Estimate& e, Threshold threshold, double level) {
  Judgement j{.interval = e.interval(level)};
  const bool at_least = threshold.kind == Threshold::Kind::at_least;
  const bool meets = at_least ? j.interval.low >= threshold.value : j.interval.low > threshold.value;
  const bool fails = at_least ? j.interval.high < threshold.value : j.interval.high <= threshold.value;
  if (e.count < 2) {
    j.verdict = meets ? Verdict::seen_once : Verdict::undecided;
    j.why = Why::one_seed;
  } else {
    j.verdict = meets ? Verdict::shown : fails ? Verdict::not_shown : Verdict::undecided;
    if (j.verdict == Verdict::undecided) j.needed = needed(e, threshold.value, level);
  }
  return j;
}

Judgement if_only(bool holds, Why otherwise, Judgement judgement) {
  if (holds) return judgement;
  judgement.verdict = Verdict::undecided, judgement.why = otherwise, judgement.needed = {};
  return judgement;
}

Verdict together(const std::vector<Verdict>& verdicts) {
  if (verdicts.empty() || count(verdicts, Verdict::missing) > 0) return Verdict::missing;
  if (count(verdicts, Verdict::shown) == verdicts.size()) return Verdict::shown;
  if (count(verdicts, Verdict::shown) > 0) return Verdict::partly;
  for (Verdict verdict : {Verdict::seen_once, Verdict::undecided})
    if (count(verdicts, verdict) > 0) return verdict;
  return Verdict::not_shown;
}

std::string words(const std::vector<Verdict>& verdicts) {
  const Verdict verdict = together(verdicts);
  if (verdict == Verdict::missing) return "results missing";
  const std::size_t all = verdicts.size(), such = count(verdicts, verdict == Verdict::partly ? Verdict::shown : verdict);
  const std::string one = word(verdict == Verdict::partly ? Verdict::shown : verdict);
  const bool some = such < all && verdict != Verdict::undecided;
  return some ? fmt::format("{} in {} of {}", one, such, all) : one;
}

}  // namespace tangentplane::experiments
