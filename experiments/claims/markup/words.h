// Numbers and verdicts in words, for the sections of all claims. Numbers are the mean over seeds and, of several, their standard deviation.
#pragma once

#include "experiments/claims/claim.h"
#include "experiments/claims/study/names.h"
#include "experiments/claims/study/tasks.h"

namespace tangentplane::experiments {

std::string percent(double share);                       ///< "96.2 %"
std::string points(double share);                        ///< a difference of shares: "+3.1"
std::string with_spread(const Estimate& e, int digits);  ///< "0.86 ± 0.03"
std::string percent(const Estimate& share);              ///< "96.2 ± 0.4 %"
std::string points(const Estimate& share);               ///< "+3.1 ± 0.4"
/// What lies within -reach and reach can't be elsewhere: an interval that a few seeds give may go beyond.
Interval within(Interval i, double reach);
std::string points(Interval i, double reach = 1);  ///< "+1.2 to +5.0", within `reach`
/// "+3.1 ± 0.4 points (95 % interval +1.2 to +5.0)"
std::string points_and_interval(const Estimate& share, double level = usual_level, double reach = 1);
std::string number_interval(Interval i, int digits);  ///< "95 % interval 0.77 to 0.93"
std::string factor(const Estimate& logarithm);        ///< a ratio by its natural logarithm: "4.1 (95 % interval 2.2 to 7.6)"
std::string percent_interval(double level);           ///< "95 % interval"

/// "3 tasks", "1 task"
std::string counted(std::size_t count, const std::string& what);
/// "both after 30 epochs", "the network after 30 epochs, its linearization after 60"
std::string epochs_of(const std::vector<RepeatedTask>& tasks);

/// The names of those that were not trained to the end.
std::vector<std::string> unfinished_of(const std::vector<RepeatedTask>& tasks);

/// "; not trained to the end on 2 and 8 (training accuracies stand in the table)"; empty for none.
std::string not_finished_on(const std::vector<std::string>& names);

/// A finding and what keeps it from being decided; `of`: the first of the runs that it is of, by which it says what more would take.
Finding finding(std::string text, const Judgement& judgement, const Run* of = nullptr);
/// Who of a task's trainings has not gone to its end: "classes-lenet-linearized (training accuracy 83.0 % after 30 epochs)".
std::string unfinished_of(const PairRepeats& pairs, const RepeatedTask& task);
/// When a training has gone to its end, for a section's threshold.
extern const char* const rule_of_the_end;

/// A remark on the tasks that do not count, if there are some; `what` is one of them ("eigenfunction").
void remark_left_out(Section& section, const std::string& of, const std::vector<std::pair<std::string, double>>& tasks,
                     const std::string& what);
/// Remarks on the runs that are not counted because another one is.
void remark_not_counted(Section& section, const std::vector<NotCounted>& runs);
/// Remarks on tasks of which network and linearization learnt other labels.
void remark_other_labels(Section& section, const PairRepeats& pairs, const std::vector<RepeatedTask>& tasks);
/// Why there is no comparison: runs that stand alone, by name, or `otherwise` where there are none.
std::string why_missing(const std::vector<NotCounted>& runs, const std::string& otherwise);

/// A series of test accuracies in percent, or of another share, at x = the tasks' numbers + `offset`. Error bars: the standard deviation
/// over seeds or, of a single one, the standard error of the test images. With several seeds each one's values go along as samples.
Series accuracy_series(const std::string& label, const std::vector<RepeatedTask>& tasks, Training Task::*of, double offset);
Series area_series(const std::string& label, const std::vector<RepeatedTask>& tasks, Training Task::*of, double offset);
/// Appends the point (x, mean of `values`, one a seed, NaN for none); of several, their standard deviation as its error bar (NaN where
/// there is but one value) and each as a sample. All of them times `scale`.
void add_point(Series& series, double x, const std::vector<double>& values, double scale = 1);
/// `value` against epochs, the mean over trainings under several seeds, each as a sample, as far as all have trained; times `scale`. With
/// error bars: the standard deviation over the seeds.
Series curve(const std::string& label, const std::vector<const History*>& seeds, double EpochRecord::*value, double scale, bool error_bars);
/// A cell of a table: one number of a task's trainings, over seeds; empty where there is none.
Estimate over_seeds(const RepeatedTask& task, Training Task::*of, double (Training::*number)() const);
std::string area_cell(const RepeatedTask& task, Training Task::*of);  ///< "0.981 ± 0.004"
std::string epochs_cell(const RepeatedTask& task);                    ///< "30", "30 and 60"; with a mark where one is unfinished

/// Notes the runs of all pairs as read.
void add_runs(Section& section, const PairRepeats& pairs);
std::string file_name(std::string text);  ///< lower case letters, digits and hyphens

}  // namespace tangentplane::experiments
