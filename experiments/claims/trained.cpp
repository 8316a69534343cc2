// Claim 5.
#include <algorithm>
#include <cmath>

#include "experiments/claims/claim.h"
#include "experiments/common/training/target.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

constexpr double errors = 2;
constexpr double least_share = 2.0 / 3 - 1e-9;  // of targets; thirds are not exact

/// One target under one seed.
struct Comparison {
  Index target = 0;
  History network, init, trained;
};

/// The first epoch after which the training accuracy had reached `level`; 0: never.
Index epochs_to(const History& history, double level) {
  for (const EpochRecord& r : history)
    if (r.train_accuracy >= level) return r.epoch;
  return 0;
}
double best_training_accuracy(const History& history) {
  double best = 0;
  for (const EpochRecord& r : history) best = std::max(best, r.train_accuracy);
  return best;
}

std::vector<Comparison> comparisons(const Run& run) {
  std::vector<Comparison> all;
  for (Index target : targets(run)) {
    const fs::path folder = target_folder(run, target);
    const auto history = [&](const char* name) {
      auto h = load_history(folder / name / "history.csv");
      require(!h.empty(), "{}: holds no epoch", (folder / name / "history.csv").string());
      return h;
    };
    all.push_back({target, history("network"), history("linear_init"), history("linear_trained")});
  }
  return all;
}

// Means over seeds, as far as every seed has trained.
Series curve(const std::string& label, const std::vector<const History*>& histories, double EpochRecord::*accuracy) {
  std::size_t epochs = histories.front()->size();
  for (const History* h : histories) epochs = std::min(epochs, h->size());
  Series s{.label = label, .mark = epochs > 1 ? Mark::line : Mark::points};
  for (std::size_t e = 0; e < epochs; ++e) {
    std::vector<double> values;
    for (const History* h : histories) values.push_back(100 * (*h)[e].*accuracy);
    add_point(s, static_cast<double>((*histories.front())[e].epoch), values);
  }
  return s;
}

Figure figure_of(const Repeats& runs, const std::vector<const Comparison*>& seeds, double EpochRecord::*accuracy, const char* what) {
  Figure f{.title = fmt::format("Linearized at init and trained: {}, target {}", model(runs), seeds.front()->target),
           .x_label = "epoch",
           .y_label = fmt::format("{} accuracy (%)", what),
           .samples = seed_columns(runs)};
  for (const auto& [label, history] : {std::pair{"network", &Comparison::network}, std::pair{"linear at init", &Comparison::init},
                                       std::pair{"linear at trained", &Comparison::trained}}) {
    std::vector<const History*> histories;
    for (const Comparison* c : seeds) histories.push_back(&(c->*history));
    f.series.push_back(curve(label, histories, accuracy));
  }
  return f;
}

// Numbers of one target, a value a seed.
struct Numbers {
  std::vector<double> network, init, trained;       ///< test accuracies
  std::vector<double> epochs_init, epochs_trained;  ///< until the best training accuracy of the model linearized at init; NaN: never
  std::vector<double> faster;                       ///< 1 or 0
};
Numbers numbers_of(const std::vector<const Comparison*>& seeds) {
  Numbers n;
  for (const Comparison* c : seeds) {
    const double level = best_training_accuracy(c->init);
    const Index init = epochs_to(c->init, level), trained = epochs_to(c->trained, level);
    n.faster.push_back(trained > 0 && trained < init ? 1 : 0);
    n.epochs_init.push_back(static_cast<double>(init));
    n.epochs_trained.push_back(trained > 0 ? static_cast<double>(trained) : NAN);
    n.network.push_back(c->network.back().test_accuracy);
    n.init.push_back(c->init.back().test_accuracy);
    n.trained.push_back(c->trained.back().test_accuracy);
  }
  return n;
}

std::string accuracy_cell(const std::vector<double>& values) { return std::isnan(values.front()) ? "" : percent(estimate(values)); }
std::string epochs_cell(const std::vector<double>& values) {
  const auto never = std::count_if(values.begin(), values.end(), [](double v) { return std::isnan(v); });
  if (never == static_cast<std::ptrdiff_t>(values.size())) return "not reached";
  return with_spread(estimate(values), values.size() > 1 ? 1 : 0) + (never > 0 ? fmt::format(", not reached under {}", never) : "");
}

void judge(Section& s, const Repeats& runs) {
  std::vector<std::vector<Comparison>> seeds;
  for (const Run* run : runs) seeds.push_back(comparisons(*run));
  const std::size_t count = seeds.front().size();  // of targets: --index is the same for all
  if (count == 0) return;
  const auto of_target = [&](std::size_t i) {
    std::vector<const Comparison*> all;
    for (const auto& seed : seeds) all.push_back(&seed[i]);
    return all;
  };
  const double n = runs.front()->test_images(), targets = static_cast<double>(count);
  Table table{
      setting(runs),
      {"target", "network, test", "linear at init, test", "linear at trained, test", "epochs, linear at init", "epochs, linear at trained"},
      {}};
  std::vector<double> share(seeds.size()), differences(seeds.size());
  double variance = 0, faster = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Numbers of = numbers_of(of_target(i));
    for (std::size_t seed = 0; seed < seeds.size(); ++seed) {
      faster += of.faster[seed], share[seed] += of.faster[seed] / targets;
      differences[seed] += (of.trained[seed] - of.init[seed]) / targets;
    }
    if (n > 0) variance += std::pow(error_of_difference(estimate(of.trained).mean, estimate(of.init).mean, n) / targets, 2);
    table.rows.push_back({fmt::format("{}", of_target(i).front()->target), accuracy_cell(of.network), accuracy_cell(of.init),
                          accuracy_cell(of.trained), epochs_cell(of.epochs_init), epochs_cell(of.epochs_trained)});
  }
  s.findings.push_back({fmt::format("{}: faster on the training images for {} of {} targets{}", setting(runs), faster, count * seeds.size(),
                                    seeds.size() > 1 ? fmt::format(" ({} a seed)", percent(estimate(share))) : ""),
                        estimate(share).reaches(least_share)});
  if (n > 0) {
    const Estimate difference = estimate(differences, std::sqrt(variance));
    s.remarks.push_back(fmt::format("{}: test accuracy linearized at the trained weights minus at initialisation {}: {}.", model(runs),
                                    points_and_error(difference),
                                    difference.exceeds_zero_by(errors)             ? "better"
                                    : difference.mean < -errors * difference.error ? "worse"
                                                                                   : "no difference to be seen"));
  }
  const auto middle = of_target(count / 2);
  const std::string name = file_name(runs.front()->name());
  s.figures.emplace_back("trained-train-" + name, figure_of(runs, middle, &EpochRecord::train_accuracy, "training"));
  if (n > 0) s.figures.emplace_back("trained-test-" + name, figure_of(runs, middle, &EpochRecord::test_accuracy, "test"));
  s.tables.push_back(std::move(table));
  s.runs.insert(s.runs.end(), runs.begin(), runs.end());
}

}  // namespace

Section claim_trained(const Study& study) {
  Section s{.id = "trained",
            .title = "Linearized at the trained weights, the model learns its task faster",
            .claim =
                "The kernel of the trained network suits the task better than the one at initialisation: the model linearized there "
                "fits the training set in fewer epochs. What that does to its test accuracy is told beside it.",
            .threshold =
                "in at least two of three targets (the mean share over seeds, less its standard error), the best training accuracy of the "
                "model linearized at initialisation is reached in fewer epochs"};
  for (const Repeats& runs : repeated(study, study.of("pretrained_ntk_comparison"))) judge(s, runs);
  s.remarks.push_back("In the table: epochs until the best training accuracy of the model linearized at initialisation is reached.");
  s.missing = "no comparison of the two points of linearization: reproduce --only 'trained-*'";
  return s;
}

}  // namespace tangentplane::experiments
