// Claim 2.
#include <cmath>

#include "experiments/claims/claim.h"
#include "experiments/common/figures.h"
#include "experiments/common/statistics.h"

namespace tangentplane::experiments {
namespace {

constexpr double errors_of_one = 2;   // standard errors for one comparison
constexpr double errors_of_many = 3;  // and where the best of many tasks is looked for

void eigenfunctions(Section& s, const Pair& pair) {
  Index wins = 0, count = 0;
  double best = -1, best_error = 0;
  Index best_task = 0;
  for (const Task& t : tasks(pair)) {
    if (t.one_class()) continue;
    const double lead = t.linear - t.network, error = error_of_difference(t.linear, t.network, pair.network->test_images());
    ++count;
    if (lead > errors_of_many * error) ++wins;
    if (lead > best) best = lead, best_error = error, best_task = t.name;
  }
  if (count == 0) return;
  s.findings.push_back(
      {fmt::format("{}: the linearization wins on {} of {} eigenfunctions; its largest lead is {} ± {:.1f} points (index {})",
                   pair.network->setting(), wins, count, points(best), 100 * best_error, best_task),
       wins > 0});
  s.runs.insert(s.runs.end(), {pair.network, pair.linear});
}

void classes(Section& s, const Pair& pair) {
  const auto all = tasks(pair);
  if (all.empty()) return;
  const double n = pair.network->test_images();
  Table table{pair.network->setting(), {"training images", "network", "linearization", "gap", "standard error"}, {}};
  Series network{.label = "network"}, linear{.label = "linearization"};
  for (const Task& t : all) {
    const double x = static_cast<double>(t.name);
    table.rows.push_back({fmt::format("{}", t.name), percent(t.network), percent(t.linear), points(t.network - t.linear),
                          fmt::format("{:.1f}", 100 * error_of_difference(t.network, t.linear, n))});
    network.x.push_back(x), network.y.push_back(100 * t.network), network.error.push_back(100 * accuracy_error(t.network, n));
    linear.x.push_back(x), linear.y.push_back(100 * t.linear), linear.error.push_back(100 * accuracy_error(t.linear, n));
  }
  const Task &least = all.front(), &most = all.back();
  const double gap = most.network - most.linear, error = error_of_difference(most.network, most.linear, n);
  s.findings.push_back({fmt::format("{}: on the classes, with {} images, the network leads by {} ± {:.1f} points", pair.network->setting(),
                                    most.name, points(gap), 100 * error),
                        gap > errors_of_one * error});
  if (all.size() > 1) {
    const double growth = gap - (least.network - least.linear);
    const double growth_error = std::hypot(error, error_of_difference(least.network, least.linear, n));
    s.findings.push_back({fmt::format("{}: from {} to {} images that gap changes by {} ± {:.1f} points", pair.network->setting(),
                                      least.name, most.name, points(growth), 100 * growth_error),
                          growth > errors_of_one * growth_error});
  }
  s.figures.emplace_back("classes-" + file_name(pair.network->name()),
                         Figure{.title = fmt::format("The classes: {}, {}", pair.network->model(), pair.network->data()),
                                .x_label = "training images",
                                .y_label = "test accuracy (%)",
                                .log_x = true,
                                .series = {network, linear}});
  s.tables.push_back(std::move(table));
  s.runs.insert(s.runs.end(), {pair.network, pair.linear});
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
  for (const Pair& pair : pairs(study, "train_ntk")) eigenfunctions(s, pair);
  const std::size_t before = s.findings.size();
  for (const Pair& pair : pairs(study, "train_cifar")) classes(s, pair);
  s.missing = "no network and linearization trained on the classes: reproduce --only 'classes-*'";
  // Half of the claim is not the claim.
  if (s.findings.size() == before) s.findings.clear(), s.runs.clear();
  return s;
}

}  // namespace tangentplane::experiments
