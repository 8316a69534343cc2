// Claim 1.
#include <algorithm>

#include "experiments/claims/claim.h"
#include "experiments/claims/statistics.h"

namespace tangentplane::experiments {
namespace {

constexpr double least_correlation = 0.7;
constexpr std::size_t least_tasks = 8;

// The network's accuracy on the data's own classes after training on as many images, under the same seed, if it was measured.
std::optional<double> on_classes(const Study& study, const Run& network) {
  for (const Run* run : study.of("train_cifar")) {
    if (run->linearized() || run->model() != network.model() || run->get("data") != network.get("data") || run->seed() != network.seed())
      continue;
    const auto all = accuracies(*run);
    const auto found = all.find(parse_number<Index>(network.name() + ": num-train", network.get("num-train")));
    if (found != all.end()) return found->second.test;
  }
  return {};
}

Figure figure_of(const Study& study, const PairRepeats& pairs, const std::vector<RepeatedTask>& tasks) {
  const Run& first = *pairs.front().network;
  const double n = first.test_images();
  Figure f{
      .title = fmt::format("Eigenfunctions: {}, {}", first.data(), model(pairs)),
      .x_label = "eigenfunction (index + 1)",
      .y_label = "test accuracy (%)",
      .log_x = true,
      .samples = seed_columns(pairs),
      .series = {accuracy_series("network", tasks, &Task::network, 1, n), accuracy_series("linearization", tasks, &Task::linear, 1, n)}};
  std::vector<double> classes;
  for (const Pair& pair : pairs)
    if (const auto accuracy = on_classes(study, *pair.network)) classes.push_back(*accuracy);
  if (!classes.empty()) f.lines.push_back({"network on the classes", 100 * mean(classes)});
  return f;
}

// The accuracies of one seed's tasks, those that it has.
std::vector<double> of_seed(const std::vector<RepeatedTask>& tasks, std::size_t seed, double Task::*accuracy) {
  std::vector<double> values;
  for (const RepeatedTask& task : tasks)
    if (task.under[seed]) values.push_back(*task.under[seed].*accuracy);
  return values;
}

Table table_of(const PairRepeats& pairs, const std::vector<RepeatedTask>& tasks) {
  Table table{setting(pairs), {"eigenfunction", "class balance", "network", "linearization", "difference"}, {}};
  for (const RepeatedTask& t : tasks)
    table.rows.push_back({fmt::format("{}", t.name), with_spread(estimate(t.values(&Task::balance)), 3),
                          percent(estimate(t.values(&Task::network))), percent(estimate(t.values(&Task::linear))),
                          points(estimate(t.leads()))});
  return table;
}

void judge(Section& s, const Study& study, const PairRepeats& pairs) {
  const auto all = tasks(pairs), used = learnable(all);
  if (used.empty()) return;
  std::vector<double> correlations;
  std::size_t fewest = used.size(), most = 0;
  Index skipped = 0;
  for (std::size_t seed = 0; seed < pairs.size(); ++seed) {
    const auto network = of_seed(used, seed, &Task::network), linear = of_seed(used, seed, &Task::linear);
    fewest = std::min(fewest, network.size()), most = std::max(most, network.size());
    skipped += static_cast<Index>(of_seed(all, seed, &Task::network).size() - network.size());
    if (const auto correlation = rank_correlation(network, linear)) correlations.push_back(*correlation);
  }
  const bool defined = correlations.size() == pairs.size();
  const std::string count = fewest == most ? fmt::format("{}", most) : fmt::format("{} to {}", fewest, most);
  s.findings.push_back(
      {fmt::format("{}: rank correlation {} over {} task{}", setting(pairs),
                   defined ? with_spread(estimate(correlations), 2) : "undefined (no variation)", count, most == 1 ? "" : "s"),
       defined && estimate(correlations).reaches(least_correlation) && fewest >= least_tasks});
  if (skipped > 0)
    s.remarks.push_back(fmt::format("{}: {} eigenfunction{} of one sign left out: a task of one class has nothing to learn.", model(pairs),
                                    skipped, skipped == 1 ? "" : "s"));
  s.figures.emplace_back("rank-" + file_name(pairs.front().network->name()), figure_of(study, pairs, used));
  s.tables.push_back(table_of(pairs, all));
  add_runs(s, pairs);
}

}  // namespace

Section claim_rank(const Study& study) {
  Section s{
      .id = "rank",
      .title = "The linear model ranks the difficulty of tasks",
      .claim =
          "A task that the linearized network learns better is also easier for the network, even where their accuracies differ "
          "much: over eigenfunctions of the kernel, the two test accuracies rise and fall together.",
      .threshold = fmt::format("Spearman's rank correlation, less its standard error over seeds, of at least {} over at least {} tasks",
                               least_correlation, least_tasks)};
  for (const PairRepeats& seeds : repeated(study, pairs(study, "train_ntk"))) judge(s, study, seeds);
  s.missing = "no network and linearization trained on the same eigenfunctions: reproduce --only 'eigenfunctions-*'";
  return s;
}

}  // namespace tangentplane::experiments
