// Claim 5 in words.
#include <algorithm>
#include <cmath>

#include "experiments/claims/markup/words.h"
#include "experiments/claims/markup/write.h"
#include "experiments/claims/verdicts/rules.h"

namespace tangentplane::experiments {
namespace {

using Part = Training Comparison::*;

Series curve_of(const std::string& label, const std::vector<const Comparison*>& seeds, Part part, double EpochRecord::*accuracy) {
  std::vector<const History*> histories;
  for (const Comparison* c : seeds) histories.push_back(&(c->*part).history);
  return curve(label, histories, accuracy, 100, true);
}

// "target 3", "labels.npy"
std::string target_in_words(const Run& run, const std::string& target) { return run.own_labels() ? labels_of(run) : "target " + target; }

Figure figure_of(const TrainedNumbers& n, const std::vector<const Comparison*>& seeds, double EpochRecord::*accuracy, const char* what) {
  Repeats runs;  // that have this target
  for (std::size_t seed = 0; seed < n.runs.size(); ++seed)
    for (const Comparison& c : n.seeds[seed])
      if (c.target == seeds.front()->target) runs.push_back(n.runs[seed]);
  return {
      .title =
          fmt::format("Linearized at init and trained: {}, {}", model(n.runs), target_in_words(*n.runs.front(), seeds.front()->target)),
      .x_label = "epoch",
      .y_label = fmt::format("{} accuracy (%)", what),
      .samples = seed_columns(runs),
      .series = {curve_of("network", seeds, &Comparison::network, accuracy), curve_of("linear at init", seeds, &Comparison::init, accuracy),
                 curve_of("linear at trained", seeds, &Comparison::trained, accuracy)}};
}

std::string accuracy_cell(const std::vector<const Comparison*>& seeds, Part part) {
  std::vector<double> values;
  for (const Comparison* c : seeds) values.push_back((c->*part).test_accuracy());
  return std::isnan(values.front()) ? "" : percent(estimate(values));
}
std::string training_cell(const std::vector<const Comparison*>& seeds, Part part) {
  std::vector<double> values;
  for (const Comparison* c : seeds) values.push_back((c->*part).train_accuracy());
  return percent(estimate(values));
}

std::string epochs_cell(const std::vector<const Comparison*>& seeds, Index Comparison::*epochs) {
  std::vector<double> values;
  for (const Comparison* c : seeds)
    if (c->*epochs > 0) values.push_back(static_cast<double>(c->*epochs));
  if (values.empty()) return "not reached";
  const std::size_t never = seeds.size() - values.size();
  return with_spread(estimate(values), values.size() > 1 ? 1 : 0) + (never > 0 ? fmt::format(", not reached under {}", never) : "");
}

// One target under the seeds that have it.
std::vector<const Comparison*> of_target(const TrainedNumbers& n, const std::string& target) {
  std::vector<const Comparison*> all;
  for (const auto& seed : n.seeds)
    for (const Comparison& c : seed)
      if (c.target == target) all.push_back(&c);
  return all;
}

Table table_of(const TrainedNumbers& n) {
  Table table{setting(n.runs),
              {"target", "test, network", "test, linear at init", "test, linear at trained", "training, network",
               "training, linear at init", "training, linear at trained", "epochs to that, linear at init", "epochs, linear at trained"},
              {}};
  for (const std::string& target : n.targets()) {
    const auto seeds = of_target(n, target);
    table.rows.push_back({target, accuracy_cell(seeds, &Comparison::network), accuracy_cell(seeds, &Comparison::init),
                          accuracy_cell(seeds, &Comparison::trained), training_cell(seeds, &Comparison::network),
                          training_cell(seeds, &Comparison::init), training_cell(seeds, &Comparison::trained),
                          epochs_cell(seeds, &Comparison::epochs_init), epochs_cell(seeds, &Comparison::epochs_trained)});
  }
  return table;
}

// Targets on which some training has not gone to its end, or not as far as it is compared.
std::vector<std::string> unfinished_of(const TrainedNumbers& n) {
  std::vector<std::string> names;
  for (const std::string& target : n.targets()) {
    const auto seeds = of_target(n, target);
    if (std::any_of(seeds.begin(), seeds.end(), [](const Comparison* c) { return !c->finished() || !c->reached(); }))
      names.push_back(target);
  }
  return names;
}

}  // namespace

void write(Section& s, const TrainedNumbers& n) {
  const Run& first = *n.runs.front();
  s.findings.push_back(finding(
      fmt::format(
          "{}: linearized at the trained weights it takes {} times fewer epochs (median of {}) to the best training accuracy of the "
          "one linearized at initialisation; fewer in {} of {} trainings, of all targets and seeds{}",
          setting(n.runs) + (first.own_labels() ? ", " + labels_of(first) : ""), factor(n.log_speedup),
          counted(n.targets().size(), "target"), n.faster, n.compared, not_finished_on(unfinished_of(n))),
      judge(n), &first));
  remark_left_out(s, model(n.runs), n.left_out, "target");
  if (n.difference) {
    const Interval i = n.difference->interval();
    s.remarks.push_back(fmt::format("{}: test accuracy linearized at the trained weights minus at initialisation {}: {}{}.", model(n.runs),
                                    points_and_interval(*n.difference),
                                    i.low > 0    ? "better"
                                    : i.high < 0 ? "worse"
                                                 : "no difference to be seen",
                                    n.runs.size() > 1 ? "" : ", of one seed"));
  }
  const auto& of_first = n.seeds.front();
  const auto middle = of_target(n, of_first[of_first.size() / 2].target);
  const std::string name = file_name(first.name());
  s.figures.emplace_back("trained-train-" + name, figure_of(n, middle, &EpochRecord::train_accuracy, "training"));
  if (n.difference) s.figures.emplace_back("trained-test-" + name, figure_of(n, middle, &EpochRecord::test_accuracy, "test"));
  s.tables.push_back(table_of(n));
  s.runs.insert(s.runs.end(), n.runs.begin(), n.runs.end());
}

Section claim_trained(const Study& study) {
  Section s{
      .id = "trained",
      .title = "Linearized at the trained weights, the model learns its task faster",
      .claim =
          "The kernel of the trained network suits the task better than the one at initialisation: the model linearized there "
          "fits the training set in fewer epochs. What that does to its test accuracy is told beside it.",
      .threshold = fmt::format(
          "the epochs until the best training accuracy of the model linearized at initialisation is reached, there over at the "
          "trained weights, are more than {}: the median over targets, and over seeds its whole 95 % interval, on a logarithmic scale. "
          "All are trained to the end; where that accuracy is never reached at the trained weights, that counts as one epoch after the "
          "last and can speak against the claim alone; {}",
          least_speedup, rule_of_the_end)};
  std::vector<const Run*> on_eigenfunctions = study.of("pretrained_ntk_comparison");
  std::erase_if(on_eigenfunctions, [](const Run* run) { return run->own_labels(); });
  const auto found = matched_runs(study, on_eigenfunctions);
  for (const TrainedNumbers& n : trained_numbers(found.groups)) write(s, n);
  if (!s.findings.empty()) {
    remark_not_counted(s, found.not_counted);
    s.remarks.push_back("In the table: epochs until the best training accuracy of the model linearized at initialisation is reached.");
  }
  s.missing = found.groups.empty()
                  ? "no comparison of the two points of linearization: " + study.how_to_run("trained-*", "pretrained_ntk_comparison")
                  : "in no comparison of the two points of linearization a target counts: the rarer class has too few images";
  return s;
}

}  // namespace tangentplane::experiments
