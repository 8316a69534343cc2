// A user's own tasks in words.
#include <algorithm>
#include <cmath>

#include "experiments/claims/markup/words.h"
#include "experiments/claims/markup/write.h"
#include "experiments/claims/verdicts/rules.h"

namespace tangentplane::experiments {
namespace {

// "labels.npy, lenet on ..."
std::string described(const Run& run, const std::string& setting) { return fmt::format("{}, {}", labels_of(run), setting); }

/// A learner's trainings, one a seed.
using Learner = std::pair<std::string, std::vector<const History*>>;

// Accuracies against epochs, means over seeds: of test images as lines, of training images as points.
Figure curves_of(const std::string& title, const std::vector<Learner>& learners, const Repeats& runs) {
  Figure f{.title = title, .x_label = "epoch", .y_label = "accuracy (%)", .samples = seed_columns(runs)};
  for (const auto& [part, of] : {std::pair{" (test)", &EpochRecord::test_accuracy}, std::pair{" (train)", &EpochRecord::train_accuracy}})
    for (std::size_t i = 0; i < learners.size(); ++i) {
      Series s = curve(learners[i].first + part, learners[i].second, of, 100, of == &EpochRecord::test_accuracy);
      if (of == &EpochRecord::train_accuracy) s.mark = Mark::points;
      s.like = i;
      if (std::any_of(s.y.begin(), s.y.end(), [](double v) { return std::isfinite(v); })) f.series.push_back(std::move(s));
    }
  return f;
}

// Its curves, in a figure named for the run and, of several sizes of the training set, for the size.
void add_curves(Section& s, const Run& run, const std::string& size, const std::string& of, const std::vector<Learner>& learners,
                const Repeats& runs) {
  s.figures.emplace_back(
      "own-" + file_name(run.name()) + (size.empty() ? "" : "-" + size),
      curves_of(fmt::format("{}: {}{}", labels_of(run), of, size.empty() ? "" : ", " + size + " images"), learners, runs));
}

const std::vector<std::string> columns{"labels",         "run",           "training images", "share of the rarer class, training",
                                       "the same, test", "test accuracy", "test AUC",        "training accuracy",
                                       "epochs"};

std::vector<std::string> row_of(const Run& run, const Training& t) {
  const bool tested = !t.correct.empty();
  return {labels_of(run),
          run.name() + (run.linearized() ? " (linearization)" : ""),
          std::to_string(t.num_train()),
          percent(t.rarer_train()),
          tested ? percent(t.rarer_test()) : "",
          tested ? percent(t.test_accuracy()) : "",
          std::isnan(t.auc) ? "" : fmt::format("{:.3f}", t.auc),
          percent(t.train_accuracy()),
          fmt::format("{}{}", t.epochs(), t.finished() ? "" : " (unfinished)")};
}

void write(Section& s, const OwnComparison& n, Table& table) {
  const Run& first = *n.pairs.front().network;
  const std::string size = first.experiment == "train_cifar" ? n.task.name : "";
  const Judgement judgement = judge(n);
  std::string text =
      fmt::format("{}{}: the network {}, its linearization {} on the test images (AUC {} and {}); the network leads by {}, {}",
                  described(first, setting(n.pairs)), size.empty() ? "" : ", after " + size + " images",
                  percent(over_seeds(n.task, &Task::network, &Training::test_accuracy)),
                  percent(over_seeds(n.task, &Task::linear, &Training::test_accuracy)), area_cell(n.task, &Task::network),
                  area_cell(n.task, &Task::linear), points_and_interval(n.lead), epochs_of({n.task}));
  if (!n.task.finished()) text += fmt::format("; not trained to the end: {}", unfinished_of(n.pairs, n.task));
  s.findings.push_back(finding(std::move(text), judgement, &first));
  Learner network{"network", {}}, linear{"linearization", {}};
  Repeats runs;
  for (std::size_t seed = 0; seed < n.pairs.size(); ++seed)
    if (const auto& task = n.task.under[seed]) {
      network.second.push_back(&task->network.history), linear.second.push_back(&task->linear.history);
      runs.push_back(n.pairs[seed].network);
    }
  add_curves(s, first, size, model(n.pairs), {network, linear}, runs);
  for (std::size_t seed = 0; seed < n.pairs.size(); ++seed)
    if (n.task.under[seed]) {
      table.rows.push_back(row_of(*n.pairs[seed].network, n.task.under[seed]->network));
      table.rows.push_back(row_of(*n.pairs[seed].linear, n.task.under[seed]->linear));
    }
  add_runs(s, n.pairs);
}

}  // namespace

Section own_tasks_section(const Study& study) {
  Section s{
      .id = "own",
      .title = "Your own tasks",
      .claim =
          "Labels of your own (--labels), learnt by a network and by its linearization. No claim of the paper: what is judged is "
          "whether one of the two leads and, where the linearizations at the initial and at the trained weights are compared, "
          "whether the latter takes fewer epochs.",
      .threshold = fmt::format("a lead of either in test accuracy, or fewer epochs at the trained weights, with its whole 95 % interval, "
                               "all trained to the end; {}",
                               rule_of_the_end)};
  const auto append = [](auto& to, const auto& more) { to.insert(to.end(), more.begin(), more.end()); };
  OwnTasks own;
  std::vector<NotCounted> not_counted;
  for (const char* experiment : {"train_ntk", "train_cifar"}) {
    const auto found = matched_pairs(study, experiment, true);
    const OwnTasks its = own_tasks(found);
    append(own.compared, its.compared), append(own.alone, its.alone), append(not_counted, found.not_counted);
  }
  Table table{"own labels", columns, {}};
  for (const OwnComparison& n : own.compared) write(s, n, table);
  for (const OwnTraining& one : own.alone) {
    const Training& t = one.training;
    s.findings.push_back({fmt::format("{}: the {} alone{}, after {} epochs; there is no {} to compare it with",
                                      described(*one.run, setting(*one.run)), one.run->linearized() ? "linearization" : "network",
                                      t.correct.empty() ? "" : fmt::format(" {} on the test images", percent(t.test_accuracy())),
                                      t.epochs(), one.run->linearized() ? "network" : "linearization"),
                          Verdict::undecided});
    table.rows.push_back(row_of(*one.run, one.training));
    const std::string size = one.run->experiment == "train_cifar" ? std::to_string(one.training.num_train()) : "";
    add_curves(s, *one.run, size, title_of(*one.run), {{one.run->linearized() ? "linearization" : "network", {&t.history}}}, {one.run});
    s.runs.push_back(one.run);
  }
  if (!table.rows.empty()) s.tables.push_back(std::move(table));
  std::vector<const Run*> comparisons = study.of("pretrained_ntk_comparison");
  std::erase_if(comparisons, [](const Run* run) { return !run->own_labels(); });
  const auto of_points = matched_runs(study, comparisons);
  for (const TrainedNumbers& n : trained_numbers(of_points.groups)) write(s, n);
  append(not_counted, of_points.not_counted);
  if (!s.tables.empty()) remark_not_counted(s, not_counted);
  s.missing = why_missing(not_counted, "no training on labels of your own: train_ntk --labels FILE.npy");
  return s;
}

}  // namespace tangentplane::experiments
