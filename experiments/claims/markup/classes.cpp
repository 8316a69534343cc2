// Claim 2 in words.
#include <algorithm>
#include <map>
#include <set>

#include "experiments/claims/markup/words.h"
#include "experiments/claims/verdicts/rules.h"

namespace tangentplane::experiments {
namespace {

void write(Section& s, const EigenfunctionLeads& n) {
  const Wins w = judge(n);
  const RepeatedTask& best = n.tasks[w.best];
  std::string text = setting(n.pairs) + ": ";
  if (n.mean_lead) {
    std::string which = n.finished > 0 ? " on which both were trained to the end" : "";
    if (n.averaged < n.tasks.size() && n.pairs.size() > 1)
      which += n.finished > 0 ? " under every seed" : n.averaged == 1 ? " that counts under every seed" : " that count under every seed";
    text += fmt::format("in the mean over the {}{} the linearization leads by {}; ", counted(n.averaged, "eigenfunction"), which,
                        points_and_interval(*n.mean_lead, w.mean_level));
  }
  text += fmt::format("it leads on {} of {}", w.leads, counted(n.tasks.size(), "eigenfunction"));
  text += n.pairs.size() > 1 ? " in the mean over seeds" : "";
  text += fmt::format(", on {} of them with the whole of an interval that is wide enough for all together", w.certain);
  if (w.once > 0 && n.pairs.size() > 1) text += fmt::format(" ({} under one seed alone)", w.once);
  if (w.counted < w.certain) text += fmt::format(", and on {} of those both were trained to the end", w.counted);
  text += fmt::format("; its largest lead{} is {} (index {})", w.counted > 0 && w.counted < w.leads ? " among these" : "",
                      points_and_interval(n.leads[w.best], w.task_level), best.name);
  text += not_finished_on(unfinished_of(n.tasks));
  s.findings.push_back(finding(std::move(text), w.judgement, n.pairs.front().network));
  remark_left_out(s, model(n.pairs), n.left_out, "eigenfunction");
  Table table{setting(n.pairs),
              {"eigenfunction", "lead of the linearization", percent_interval(w.task_level), "training, network", "training, linearization",
               "epochs"},
              {}};
  for (std::size_t i = 0; i < n.tasks.size(); ++i) {
    table.rows.push_back({n.tasks[i].name, points(n.leads[i]), points(n.leads[i].interval(w.task_level)),
                          percent(over_seeds(n.tasks[i], &Task::network, &Training::train_accuracy)),
                          percent(over_seeds(n.tasks[i], &Task::linear, &Training::train_accuracy)), epochs_cell(n.tasks[i])});
  }
  s.tables.push_back(std::move(table));
  add_runs(s, n.pairs);
}

// The largest class's share of a task's images.
double largest_share(const Task& task) {
  std::map<int, double> counts;
  for (int label : task.network.labels) counts[label] += 1 / static_cast<double>(task.network.labels.size());
  double largest = 0;
  for (const auto& [label, share] : counts) largest = std::max(largest, share);
  return largest;
}

// Whether there is more than 0 and 1, of which the share of ones says nothing.
bool has_classes(const std::vector<RepeatedTask>& tasks) {
  return std::any_of(tasks.begin(), tasks.end(), [](const RepeatedTask& t) {
    return std::any_of(t.under.begin(), t.under.end(), [](const auto& one) {
      return one && std::any_of(one->network.labels.begin(), one->network.labels.end(), [](int label) { return label > 1; });
    });
  });
}

Table table_of(const ClassLeads& n, const std::string& labels) {
  const bool classes = has_classes(n.tasks);
  Table table{setting(n.pairs) + ": " + labels,
              {"training images", classes ? "share of the largest class" : "share of ones", "test, network", "test, linearization",
               "lead of the network", "95 % interval", "AUC, network", "AUC, linearization", "training, network", "training, linearization",
               "epochs"},
              {}};
  for (std::size_t i = 0; i < n.tasks.size(); ++i) {
    const RepeatedTask& t = n.tasks[i];
    table.rows.push_back(
        {t.name, with_spread(estimate(t.values([&](const Task& one) { return classes ? largest_share(one) : one.balance; })), 3),
         percent(over_seeds(t, &Task::network, &Training::test_accuracy)), percent(over_seeds(t, &Task::linear, &Training::test_accuracy)),
         points(n.leads[i]), points(n.leads[i].interval()), area_cell(t, &Task::network), area_cell(t, &Task::linear),
         percent(over_seeds(t, &Task::network, &Training::train_accuracy)),
         percent(over_seeds(t, &Task::linear, &Training::train_accuracy)), epochs_cell(t)});
  }
  return table;
}

std::string not_finished(const ClassLeads& n, const std::set<std::size_t>& which) {
  std::vector<std::string> names;
  for (std::size_t i : which)
    if (const std::string of = unfinished_of(n.pairs, n.tasks[i]); !of.empty())
      names.push_back(fmt::format("with {} images {}", n.tasks[i].name, of));
  return names.empty() ? "" : "; not trained to the end: " + fmt::format("{}", fmt::join(names, "; "));
}

void write(Section& s, const ClassLeads& n) {
  const Run& first = *n.pairs.front().network;
  const std::string labels = labels_of(first);
  const RepeatedTask &least = n.tasks.front(), &most = n.tasks.back();
  const std::size_t last = n.tasks.size() - 1;
  s.findings.push_back(finding(fmt::format("{}, {}: with {} images the network leads by {}, {}{}", setting(n.pairs), labels, most.name,
                                           points_and_interval(n.leads.back()), epochs_of({most}), not_finished(n, {last})),
                               judge_lead(n), &first));
  if (n.growth)
    s.findings.push_back(finding(fmt::format("{}, {}: from {} to {} images that lead changes by {}{}", setting(n.pairs), labels, least.name,
                                             most.name, points_and_interval(*n.growth, usual_level, 2), not_finished(n, {0, last})),
                                 judge_growth(n), &first));
  s.figures.emplace_back("classes-" + file_name(first.name()),
                         Figure{.title = fmt::format("{}: {}", labels, model(n.pairs)),
                                .x_label = "training images",
                                .y_label = "test accuracy (%)",
                                .log_x = true,
                                .samples = seed_columns(n.pairs),
                                .series = {accuracy_series("network", n.tasks, &Task::network, 0),
                                           accuracy_series("linearization", n.tasks, &Task::linear, 0)}});
  remark_left_out(s, model(n.pairs), n.left_out, "training set");
  s.tables.push_back(table_of(n, labels));
  add_runs(s, n.pairs);
}

// What is on the page called the classes: of all that were learnt.
std::string classes_of(const std::vector<ClassLeads>& all) {
  std::vector<std::string> names;
  for (const ClassLeads& n : all)
    if (const std::string labels = labels_of(*n.pairs.front().network); std::find(names.begin(), names.end(), labels) == names.end())
      names.push_back(labels);
  return names.empty() ? "" : fmt::format(" ({})", fmt::join(names, "; "));
}

// Images from a file have no classes of their own.
std::string how_to_get_classes(const Study& study) {
  const bool of_files = !study.runs.empty() && std::all_of(study.runs.begin(), study.runs.end(), [](const Run& run) {
    return run.get("data").ends_with(".npy") || run.get("data").empty();
  });
  return study.how_to_run("classes-*", of_files ? "images from a file have none; it takes others, such as --data cifar10"
                                                : "train_cifar with and without --linearize");
}

}  // namespace

Section claim_classes(const Study& study) {
  const auto eigenfunctions = matched_pairs(study, "train_ntk"), classes = matched_pairs(study, "train_cifar");
  const auto of_eigenfunctions = eigenfunction_leads(eigenfunctions.groups);
  const auto of_classes = class_leads(classes.groups);
  Section s{
      .id = "classes",
      .title = "Linear models can win on eigenfunctions; on the classes the network wins",
      .claim = fmt::format("Linearized networks do not always generalise worse: on some eigenfunctions they beat the network. On the "
                           "classes of the images{} the network wins, by more the more training images there are.",
                           classes_of(of_classes)),
      .threshold = fmt::format("a lead in test accuracy of more than {0} with its whole 95 % interval, and both trained to the end. On "
                               "eigenfunctions: of the linearization, in the mean over them (97.5 % interval) or on one by itself "
                               "(intervals that hold together with 97.5 %, after Bonferroni). On the classes: the "
                               "network's lead at the largest size, and its growth from the smallest. Network and linearization see the "
                               "same test images, so that their difference is paired; {1}",
                               least_lead, rule_of_the_end)};
  const std::string not_compared =
      "network and linearization have no test accuracy, learnt other labels, or their rarer class has too few images";
  const std::string no_eigenfunctions =
      why_missing(eigenfunctions.not_counted,
                  eigenfunctions.groups.empty()
                      ? "no network and linearization trained on eigenfunctions: " +
                            study.how_to_run("eigenfunctions-*", "compute_ntk, then train_ntk --ntk with and without --linearize")
                      : not_compared);
  const std::string no_classes = why_missing(
      classes.not_counted,
      classes.groups.empty() ? "no network and linearization trained on the classes: " + how_to_get_classes(study) : not_compared);
  std::vector<std::string> missing;
  if (of_eigenfunctions.empty()) missing.push_back("on eigenfunctions " + no_eigenfunctions);
  if (of_classes.empty()) missing.push_back("on the classes " + no_classes);
  s.missing = fmt::format("{}", fmt::join(missing, "; "));
  if (of_eigenfunctions.empty() && of_classes.empty()) return s;
  // A part of the claim is not the claim.
  const auto add_missing = [&](const std::string& part, const std::string& why) {
    s.findings.push_back({fmt::format("{}: {}", part, why), Verdict::missing});
  };
  for (const EigenfunctionLeads& n : of_eigenfunctions) write(s, n);
  if (of_eigenfunctions.empty()) add_missing("On eigenfunctions", no_eigenfunctions);
  for (const ClassLeads& n : of_classes) write(s, n);
  if (of_classes.empty())
    add_missing("On the classes", no_classes);
  else if (std::none_of(of_classes.begin(), of_classes.end(), [](const ClassLeads& n) { return n.growth.has_value(); }))
    add_missing("The lead's growth with the training images", "it takes two sizes under one seed: train_cifar --num-train 100,1000");
  remark_not_counted(s, classes.not_counted);
  return s;
}

}  // namespace tangentplane::experiments
