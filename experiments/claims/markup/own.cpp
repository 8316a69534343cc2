// A user's own tasks in words.
#include <algorithm>
#include <cmath>

#include "experiments/claims/markup/words.h"
#include "experiments/claims/markup/write.h"
#include "experiments/claims/verdicts/rules.h"
#include "experiments/common/figures/figures.h"

namespace tangentplane::experiments {
namespace {

// "labels.npy, 0.31 of ones, lenet on ..."
std::string described(const Run& run, const std::string& setting) { return fmt::format("{}, {}", run.labels_file(), setting); }

const std::vector<std::string> columns{"labels",         "run",           "training images", "share of the rarer class, training",
                                       "the same, test", "test accuracy", "test AUC",        "training accuracy",
                                       "epochs"};

std::vector<std::string> row_of(const Run& run, const Training& t) {
  const bool tested = !t.correct.empty();
  return {run.labels_file(),
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
  s.findings.push_back(finding(std::move(text), judgement));
  std::size_t first_seed = 0;
  while (!n.task.under[first_seed]) ++first_seed;
  const Task& shown = *n.task.under[first_seed];
  s.figures.emplace_back(
      "own-" + file_name(first.name()) + (size.empty() ? "" : "-" + size),
      curves_figure(fmt::format("{}: {}{}", first.labels_file(), first.model(), size.empty() ? "" : ", " + size + " images"),
                    {{"network", shown.network.history}, {"linearization", shown.linear.history}}));
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
  auto found = matched_pairs(study, "train_ntk", true);
  OwnTasks own = own_tasks(found);
  const auto of_sizes = matched_pairs(study, "train_cifar", true);
  OwnTasks with_sizes = own_tasks(of_sizes);
  std::move(with_sizes.compared.begin(), with_sizes.compared.end(), std::back_inserter(own.compared));
  std::move(with_sizes.alone.begin(), with_sizes.alone.end(), std::back_inserter(own.alone));
  found.not_counted.insert(found.not_counted.end(), of_sizes.not_counted.begin(), of_sizes.not_counted.end());
  Table table{"own labels", columns, {}};
  for (const OwnComparison& n : own.compared) write(s, n, table);
  for (const OwnTraining& one : own.alone) {
    const Training& t = one.training;
    s.findings.push_back({fmt::format("{}: the {} alone{}, after {} epochs; there is no {} to compare it with",
                                      described(*one.run, one.run->setting()), one.run->linearized() ? "linearization" : "network",
                                      t.correct.empty() ? "" : fmt::format(" {} on the test images", percent(t.test_accuracy())),
                                      t.epochs(), one.run->linearized() ? "network" : "linearization"),
                          Verdict::undecided});
    table.rows.push_back(row_of(*one.run, one.training));
    s.figures.emplace_back(
        "own-" + file_name(one.run->name()) + (one.run->experiment == "train_cifar" ? fmt::format("-{}", one.training.num_train()) : ""),
        curves_figure(fmt::format("{}: {}", one.run->labels_file(), one.run->model()),
                      {{one.run->linearized() ? "linearization" : "network", one.training.history}}));
    s.runs.push_back(one.run);
  }
  if (!table.rows.empty()) s.tables.push_back(std::move(table));
  std::vector<const Run*> comparisons = study.of("pretrained_ntk_comparison");
  std::erase_if(comparisons, [](const Run* run) { return !run->own_labels(); });
  const auto of_points = matched_runs(study, comparisons);
  for (const TrainedNumbers& n : trained_numbers(of_points.groups)) write(s, n);
  found.not_counted.insert(found.not_counted.end(), of_points.not_counted.begin(), of_points.not_counted.end());
  if (!s.tables.empty()) remark_not_counted(s, found.not_counted);
  s.missing = why_missing(found.not_counted, "no training on labels of your own: train_ntk --labels FILE.npy");
  return s;
}

}  // namespace tangentplane::experiments
