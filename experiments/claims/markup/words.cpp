#include "experiments/claims/markup/words.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "experiments/claims/statistics/statistics.h"

namespace tangentplane::experiments {
namespace {

std::string share_of_level(double level) {
  const double percent = 100 * level;
  return fmt::format("{:.{}f} %", percent, std::abs(percent - std::round(percent)) < 1e-9 ? 0 : 2);
}

// What keeps a finding undecided, and what would decide it.
std::string obstacle(const Judgement& j, const Run* of) {
  switch (j.why) {
    case Why::one_seed:
      return "one seed: more would decide" + (of ? " (" + of->more_seeds + ")" : "");
    case Why::unfinished:
      return "undecided because a training is unfinished";
    case Why::skewed:
      return fmt::format("undecided because its rarer class has less than {:.0f} % of the images: accuracy measures the skew",
                         100 * least_share_of_rarer_class);
    case Why::few_tasks:
      return "too few tasks to decide";
    case Why::no_order:
      return "undefined: under some seed nothing varies";
    case Why::interval:
      break;
  }
  std::vector<std::string> ways;
  if (j.needed.seeds) ways.push_back(fmt::format("about {} seeds", *j.needed.seeds));
  if (j.needed.times_as_many) ways.push_back(fmt::format("{:.2g} times as many test images", *j.needed.times_as_many));
  return "the interval holds the threshold; it takes " +
         (ways.empty() ? std::string("1000 seeds or more") : fmt::format("{}", fmt::join(ways, " or "))) +
         " to decide, if mean and spread stay";
}

// With how much it still learnt in the second half: an end of the epochs is not one of the training.
std::string unfinished(const Run& run, const Training& training) {
  const EndOfTraining end = end_of_training(training.history);
  return fmt::format("{} (training accuracy {} after {} epochs{})", run.name(), percent(end.train_accuracy), training.epochs(),
                     end.late_fall ? fmt::format("; in the second half the loss fell by {:.0f} %", 100 * *end.late_fall) : "");
}

// How many epochs the trainings of these tasks took: "24", "24, 30".
struct Epochs {
  std::string network, linear;

  explicit Epochs(const std::vector<RepeatedTask>& tasks) {
    std::set<Index> of_network, of_linear;
    for (const RepeatedTask& task : tasks)
      for (const auto& one : task.under)
        if (one) of_network.insert(one->network.epochs()), of_linear.insert(one->linear.epochs());
    network = fmt::format("{}", fmt::join(of_network, ", ")), linear = fmt::format("{}", fmt::join(of_linear, ", "));
  }
  bool same() const { return network == linear; }
};

}  // namespace

const char* const rule_of_the_end = "a training has gone to its end if at least 99 % of its training images are right in the last epoch";

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }
std::string points(double share) { return fmt::format("{:+.1f}", 100 * share); }

std::string with_spread(const Estimate& e, int digits) {
  return fmt::format("{:.{}f}", e.mean, digits) + (e.count > 1 ? fmt::format(" ± {:.{}f}", e.spread, digits) : "");
}
std::string percent(const Estimate& e) {
  return e.count > 1 ? fmt::format("{:.1f} ± {:.1f} %", 100 * e.mean, 100 * e.spread) : percent(e.mean);
}
std::string points(const Estimate& e) { return points(e.mean) + (e.count > 1 ? fmt::format(" ± {:.1f}", 100 * e.spread) : ""); }

Interval within(Interval i, double reach) { return {std::max(i.low, -reach), std::min(i.high, reach)}; }

std::string points(Interval i, double reach) {
  const Interval possible = within(i, reach);
  return points(possible.low) + " to " + points(possible.high);
}

std::string percent_interval(double level) { return share_of_level(level) + " interval"; }

std::string points_and_interval(const Estimate& e, double level, double reach) {
  return fmt::format("{} points ({} {})", points(e), percent_interval(level), points(e.interval(level), reach));
}

std::string number_interval(Interval i, int digits) {
  return fmt::format("{} {:.{}f} to {:.{}f}", percent_interval(usual_level), i.low, digits, i.high, digits);
}

std::string factor(const Estimate& logarithm) {
  const Interval i = logarithm.interval();
  const std::string middle = fmt::format("{:.3g}", std::exp(logarithm.mean));
  return logarithm.count < 2 && logarithm.measurement.error == 0
             ? middle
             : fmt::format("{} ({} {:.3g} to {:.3g})", middle, percent_interval(usual_level), std::exp(i.low), std::exp(i.high));
}

std::string counted(std::size_t count, const std::string& what) { return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s"); }

std::string epochs_of(const std::vector<RepeatedTask>& tasks) {
  const Epochs epochs(tasks);
  return epochs.same() ? fmt::format("both after {} epochs", epochs.network)
                       : fmt::format("the network after {} epochs, its linearization after {}", epochs.network, epochs.linear);
}

std::vector<std::string> unfinished_of(const std::vector<RepeatedTask>& tasks) {
  std::vector<std::string> names;
  for (const RepeatedTask& task : tasks)
    if (!task.finished()) names.push_back(task.name);
  return names;
}

std::string not_finished_on(const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format("; not trained to the end on {} (training accuracies stand in the table)", listed(names));
}

Finding finding(std::string text, const Judgement& j, const Run* of) {
  if (j.verdict == Verdict::undecided) text += "; " + obstacle(j, of);
  return {std::move(text), j.verdict};
}

std::string unfinished_of(const PairRepeats& pairs, const RepeatedTask& task) {
  std::vector<std::string> names;
  for (std::size_t seed = 0; seed < pairs.size(); ++seed) {
    if (!task.under[seed]) continue;
    const Task& one = *task.under[seed];
    for (const auto& [run, training] : {std::pair{pairs[seed].network, &one.network}, std::pair{pairs[seed].linear, &one.linear}})
      if (!training->finished()) names.push_back(unfinished(*run, *training));
  }
  return listed(names);
}

void remark_left_out(Section& section, const std::string& of, const std::vector<std::pair<std::string, double>>& tasks,
                     const std::string& what) {
  if (tasks.empty()) return;
  std::vector<std::string> names;
  for (const auto& [name, share] : tasks) names.push_back(fmt::format("{} ({:.1f} %)", name, 100 * share));
  section.remarks.push_back(
      fmt::format("{}: {} {} left out where the rarer class has less than {:.0f} % of the training or of the test "
                  "images (in brackets its least share).",
                  of, what + (names.size() == 1 ? "" : "s"), listed(names), 100 * least_share_of_rarer_class));
}

void remark_not_counted(Section& section, const std::vector<NotCounted>& runs) {
  for (const NotCounted& one : runs)
    if (one.why == NotCounted::Why::second_form)
      section.remarks.push_back(fmt::format("{} is another training of the linearization that {} is, and is not counted again.",
                                            one.run->name(), one.counted->name()));
    else if (one.why == NotCounted::Why::same_start)
      section.remarks.push_back(fmt::format("{} starts from the weights and has the images of {}: it is no second sample, and not counted.",
                                            one.run->name(), one.counted->name()));
    else
      section.remarks.push_back(fmt::format("{} is not compared: no {} of the same recipe, weights and images.", one.run->name(),
                                            one.run->linearized() ? "network" : "linearization"));
}

void remark_other_labels(Section& section, const PairRepeats& pairs, const std::vector<RepeatedTask>& tasks) {
  std::vector<std::string> names;
  for (const RepeatedTask& task : tasks)
    if (task.other_labels > 0) names.push_back(task.name);
  if (!names.empty())
    section.remarks.push_back(fmt::format("{} and {}: not compared on {}, for they learnt other labels there.",
                                          pairs.front().network->name(), pairs.front().linear->name(), listed(names)));
}

std::string why_missing(const std::vector<NotCounted>& runs, const std::string& otherwise) {
  std::vector<std::string> alone;
  for (const NotCounted& one : runs)
    if (one.why == NotCounted::Why::alone)
      alone.push_back(fmt::format("{} has no {} of the same recipe, weights and images", one.run->name(),
                                  one.run->linearized() ? "network" : "linearization"));
  return alone.empty() ? otherwise : fmt::format("{}", fmt::join(alone, "; "));
}

Series accuracy_series(const std::string& label, const std::vector<RepeatedTask>& tasks, Training Task::*of, double offset) {
  Series s{.label = label};
  for (const RepeatedTask& task : tasks) {
    const auto values = task.values([of](const Task& t) { return (t.*of).test_accuracy(); });
    add_point(s, static_cast<double>(task.number()) + offset, values, 100);
    if (values.size() == 1) s.error.push_back(100 * accuracy_error(values[0], static_cast<double>(((*task.under[0]).*of).correct.size())));
  }
  return s;
}

Series area_series(const std::string& label, const std::vector<RepeatedTask>& tasks, Training Task::*of, double offset) {
  Series s{.label = label};
  for (const RepeatedTask& task : tasks)
    add_point(s, static_cast<double>(task.number()) + offset, task.values([of](const Task& t) { return (t.*of).auc; }));
  return s;
}

void add_point(Series& series, double x, const std::vector<double>& values, double scale) {
  const auto count = std::count_if(values.begin(), values.end(), [](double v) { return !std::isnan(v); });
  const Estimate e = count > 0 ? estimate(values) : Estimate{.mean = NAN};
  series.x.push_back(x), series.y.push_back(scale * e.mean);
  if (values.size() == 1) return;
  series.error.push_back(count > 1 ? scale * e.spread : NAN);  // one value has no spread
  series.samples.resize(values.size());
  for (std::size_t seed = 0; seed < values.size(); ++seed) series.samples[seed].push_back(scale * values[seed]);
}

Series curve(const std::string& label, const std::vector<const History*>& seeds, double EpochRecord::*value, double scale,
             bool error_bars) {
  std::size_t epochs = seeds.front()->size();
  for (const History* h : seeds) epochs = std::min(epochs, h->size());
  Series s{.label = label, .mark = epochs > 1 ? Mark::line : Mark::points};
  if (seeds.size() > 1) s.samples.resize(seeds.size());
  for (std::size_t e = 0; e < epochs; ++e) {
    std::vector<double> values;
    for (const History* h : seeds) values.push_back(scale * (*h)[e].*value);
    s.x.push_back(static_cast<double>((*seeds.front())[e].epoch)), s.y.push_back(mean(values));
    if (seeds.size() == 1) continue;
    if (error_bars) s.error.push_back(estimate(values).spread);
    for (std::size_t seed = 0; seed < seeds.size(); ++seed) s.samples[seed].push_back(values[seed]);
  }
  return s;
}

Estimate over_seeds(const RepeatedTask& task, Training Task::*of, double (Training::*number)() const) {
  return estimate(task.values([=](const Task& t) { return ((t.*of).*number)(); }));
}

std::string area_cell(const RepeatedTask& task, Training Task::*of) {
  const auto values = task.values([of](const Task& t) { return (t.*of).auc; });
  const bool any = std::any_of(values.begin(), values.end(), [](double v) { return !std::isnan(v); });
  return any ? with_spread(estimate(values), 3) : "";
}

std::string epochs_cell(const RepeatedTask& task) {
  const Epochs epochs({task});
  return (epochs.same() ? epochs.network : epochs.network + " and " + epochs.linear) + (task.finished() ? "" : " (unfinished)");
}

void add_runs(Section& section, const PairRepeats& pairs) {
  for (const Pair& pair : pairs) section.runs.insert(section.runs.end(), {pair.network, pair.linear});
}

std::string file_name(std::string text) {
  for (char& c : text)
    c = std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : '-';
  return text;
}

}  // namespace tangentplane::experiments
