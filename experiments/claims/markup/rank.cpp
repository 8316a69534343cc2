// Claim 1 in words.
#include <algorithm>
#include <cmath>

#include "experiments/claims/markup/words.h"
#include "experiments/claims/statistics/statistics.h"
#include "experiments/claims/verdicts/rules.h"

namespace tangentplane::experiments {
namespace {

// The network's accuracy on the data's own classes after training on as many images, from the same weights, if it was measured.
std::optional<double> on_classes(const Study& study, const Run& network) {
  for (const Run* run : study.of("train_cifar")) {
    const bool same_seed = run->fingerprints.contains("weights") && network.fingerprints.contains("weights")
                               ? same(*run, network, "weights")
                               : run->seed() == network.seed();
    const bool same_network = run->model() == network.model() && run->get("features") == network.get("features") &&
                              run->get("blocks") == network.get("blocks") && run->get("activation") == network.get("activation");
    if (run->linearized() || run->own_labels() || !same_network || run->get("data") != network.get("data") || !same_seed) continue;
    for (const auto& [size, training] : load_trainings(*run))
      if (size == network.get("num-train")) return training.test_accuracy();
  }
  return {};
}

Figure accuracy_figure(const Study& study, const RankNumbers& n) {
  Figure f{
      .title = "Eigenfunctions: " + model(n.pairs),
      .x_label = "eigenfunction (index + 1)",
      .y_label = "test accuracy (%)",
      .log_x = true,
      .samples = seed_columns(n.pairs),
      .series = {accuracy_series("network", n.counted, &Task::network, 1), accuracy_series("linearization", n.counted, &Task::linear, 1)}};
  std::vector<double> classes;
  for (const Pair& pair : n.pairs)
    if (const auto accuracy = on_classes(study, *pair.network)) classes.push_back(*accuracy);
  if (!classes.empty()) f.lines.push_back({"network on the classes", 100 * mean(classes)});
  return f;
}

Figure area_figure(const RankNumbers& n) {
  return {.title = "Eigenfunctions, by AUC: " + model(n.pairs),
          .x_label = "eigenfunction (index + 1)",
          .y_label = "area under the ROC curve",
          .log_x = true,
          .samples = seed_columns(n.pairs),
          .series = {area_series("network", n.counted, &Task::network, 1), area_series("linearization", n.counted, &Task::linear, 1)}};
}

Table table_of(const RankNumbers& n) {
  Table table{setting(n.pairs),
              {"eigenfunction", "share of ones", "AUC, network", "AUC, linearization", "test, network", "test, linearization", "difference",
               "training, network", "training, linearization", "epochs", "counts"},
              {}};
  for (const RepeatedTask& t : n.tasks) {
    if (!t.under_some_seed()) continue;
    const auto counts = std::count_if(t.under.begin(), t.under.end(), [](const auto& one) { return one && one->counts(); });
    const auto all = static_cast<std::ptrdiff_t>(t.under.size());
    table.rows.push_back({t.name, with_spread(estimate(t.values([](const Task& one) { return one.balance; })), 3),
                          area_cell(t, &Task::network), area_cell(t, &Task::linear),
                          percent(over_seeds(t, &Task::network, &Training::test_accuracy)),
                          percent(over_seeds(t, &Task::linear, &Training::test_accuracy)),
                          points(estimate(t.values([](const Task& one) { return one.lead(); }))),
                          percent(over_seeds(t, &Task::network, &Training::train_accuracy)),
                          percent(over_seeds(t, &Task::linear, &Training::train_accuracy)), epochs_cell(t),
                          counts == all ? "yes"
                          : counts == 0 ? "no"
                                        : fmt::format("{} of {} seeds", counts, all)});
  }
  return table;
}

std::string correlation_text(const RankNumbers& n, const Judgement& judgement) {
  if (!n.correlation) return "undefined";
  return fmt::format("{} ({})", with_spread(*n.correlation, 2), number_interval(within(judgement.interval, 1), 2));
}

void write(Section& s, const Study& study, const RankNumbers& n) {
  const Judgement judgement = judge(n);
  const auto [fewest, most] = std::minmax_element(n.counts.begin(), n.counts.end());
  const std::string tasks = *fewest == *most ? counted(*most, "task") : fmt::format("{} to {} tasks", *fewest, *most);
  std::string text = fmt::format("{}: rank correlation of the areas under the ROC curves {} over {}, {}", setting(n.pairs),
                                 correlation_text(n, judgement), tasks, epochs_of(n.counted));
  text += not_finished_on(unfinished_of(n.counted));
  s.findings.push_back(finding(std::move(text), judgement, n.pairs.front().network));
  if (n.by_accuracy)
    s.remarks.push_back(fmt::format("{}: by test accuracy in place of the area the rank correlation is {}.", model(n.pairs),
                                    with_spread(*n.by_accuracy, 2)));
  remark_left_out(s, model(n.pairs), left_out(n.tasks), "eigenfunction");
  remark_other_labels(s, n.pairs, n.tasks);
  const std::string name = file_name(n.pairs.front().network->name());
  if (!n.counted.empty()) {
    s.figures.emplace_back("rank-" + name, accuracy_figure(study, n));
    s.figures.emplace_back("auc-" + name, area_figure(n));
  }
  s.tables.push_back(table_of(n));
  add_runs(s, n.pairs);
  for (const Pair& pair : n.pairs)
    if (!pair.network->get("ntk").empty() && !study.source(*pair.network, "ntk"))
      s.remarks.push_back(fmt::format("{}: its kernel is not in {} any more; that all seeds' kernels were made alike is not checked.",
                                      pair.network->name(), pair.network->get("ntk")));
}

}  // namespace

Section claim_rank(const Study& study) {
  Section s{
      .id = "rank",
      .title = "The linear model ranks the difficulty of tasks",
      .claim =
          "A task that the linearized network learns better is also easier for the network, even where their accuracies differ "
          "much: over eigenfunctions of the kernel, the test results of the two rise and fall together.",
      .threshold = fmt::format("Spearman's rank correlation of the areas under the ROC curves of the test logits of at least {} over at "
                               "least {} tasks: its whole 95 % interval, and both trained to the end on each. A task counts if its rarer "
                               "class has at least {:.0f} % of the training and of the test images; {}",
                               least_correlation, least_tasks, 100 * least_share_of_rarer_class, rule_of_the_end)};
  const auto found = matched_pairs(study, "train_ntk");
  for (const RankNumbers& n : rank_numbers(found.groups)) write(s, study, n);
  if (!s.findings.empty()) remark_not_counted(s, found.not_counted);
  s.missing = why_missing(found.not_counted,
                          found.groups.empty()
                              ? "no network and linearization trained on the same eigenfunctions: " +
                                    study.how_to_run("eigenfunctions-*", "compute_ntk, then train_ntk --ntk with and without --linearize")
                              : "network and linearization have no test accuracy, or learnt other labels");
  return s;
}

}  // namespace tangentplane::experiments
