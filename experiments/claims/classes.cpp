// Claim 2.
#include <cmath>

#include "experiments/claims/claim.h"

namespace tangentplane::experiments {
namespace {

constexpr double errors_of_one = 2;   // standard errors for one comparison
constexpr double errors_of_many = 3;  // and where the best of many tasks is looked for

void eigenfunctions(Section& s, const PairRepeats& pairs) {
  const auto all = learnable(tasks(pairs));
  if (all.empty()) return;
  std::size_t wins = 0;
  Estimate best{.mean = -1};
  Index best_task = 0;
  for (const RepeatedTask& t : all) {
    Estimate lead = lead_estimate(t, pairs.front().network->test_images());
    lead.mean = -lead.mean;
    if (lead.exceeds_zero_by(errors_of_many)) ++wins;
    if (lead.mean > best.mean) best = lead, best_task = t.name;
  }
  s.findings.push_back({fmt::format("{}: the linearization wins on {} of {} eigenfunctions; its largest lead is {} (index {})",
                                    setting(pairs), wins, all.size(), points_and_error(best), best_task),
                        wins > 0});
  add_runs(s, pairs);
}

void classes(Section& s, const PairRepeats& pairs) {
  const auto all = tasks(pairs);
  if (all.empty()) return;
  const double n = pairs.front().network->test_images();
  Table table{setting(pairs), {"training images", "network", "linearization", "gap", "standard error"}, {}};
  for (const RepeatedTask& t : all) {
    const Estimate gap = lead_estimate(t, n);
    table.rows.push_back({fmt::format("{}", t.name), percent(estimate(t.values(&Task::network))),
                          percent(estimate(t.values(&Task::linear))), points(gap), fmt::format("{:.1f}", 100 * gap.error)});
  }
  const RepeatedTask &least = all.front(), &most = all.back();
  const Estimate gap = lead_estimate(most, n);
  s.findings.push_back(
      {fmt::format("{}: on the classes, with {} images, the network leads by {}", setting(pairs), most.name, points_and_error(gap)),
       gap.exceeds_zero_by(errors_of_one)});
  if (all.size() > 1) {
    std::vector<double> growths = most.leads();
    const auto before = least.leads();
    for (std::size_t i = 0; i < growths.size(); ++i) growths[i] -= before[i];
    const Estimate growth = estimate(growths, std::hypot(measurement_error(most, n), measurement_error(least, n)));
    s.findings.push_back(
        {fmt::format("{}: from {} to {} images that gap changes by {}", setting(pairs), least.name, most.name, points_and_error(growth)),
         growth.exceeds_zero_by(errors_of_one)});
  }
  s.figures.emplace_back("classes-" + file_name(pairs.front().network->name()),
                         Figure{.title = fmt::format("The classes: {}, {}", pairs.front().network->data(), model(pairs)),
                                .x_label = "training images",
                                .y_label = "test accuracy (%)",
                                .log_x = true,
                                .samples = seed_columns(pairs),
                                .series = {accuracy_series("network", all, &Task::network, 0, n),
                                           accuracy_series("linearization", all, &Task::linear, 0, n)}});
  s.tables.push_back(std::move(table));
  add_runs(s, pairs);
}

}  // namespace

Section claim_classes(const Study& study) {
  Section s{
      .id = "classes",
      .title = "Linear models can win on eigenfunctions; on the classes the network wins",
      .claim =
          "Linearized networks do not always generalise worse: on some eigenfunctions they beat the network. On the classes of the "
          "images (classes 0 to 4 against the rest) the network wins, by more the more training images there are.",
      .threshold = fmt::format("a lead of more than {} standard errors on at least one eigenfunction; on the classes a gap, and a growth "
                               "of the gap, of more than {} standard errors",
                               errors_of_many, errors_of_one)};
  for (const PairRepeats& seeds : repeated(study, pairs(study, "train_ntk"))) eigenfunctions(s, seeds);
  const std::size_t before = s.findings.size();
  for (const PairRepeats& seeds : repeated(study, pairs(study, "train_cifar"))) classes(s, seeds);
  s.missing = "no network and linearization trained on the classes: reproduce --only 'classes-*'";
  // Half of the claim is not the claim.
  if (s.findings.size() == before) s.findings.clear(), s.runs.clear();
  return s;
}

}  // namespace tangentplane::experiments
