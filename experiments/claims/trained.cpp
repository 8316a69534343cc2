// Claim 5.
#include <algorithm>
#include <cmath>

#include "experiments/claims/claim.h"
#include "experiments/common/figures.h"
#include "experiments/common/statistics.h"
#include "experiments/common/target.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

constexpr double errors = 2;

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

Figure figure_of(const Run& run, const Comparison& c, double EpochRecord::*accuracy, const char* what) {
  Figure f{.title = fmt::format("Linearized at init and trained: {}, target {}", run.model(), c.target),
           .x_label = "epoch",
           .y_label = fmt::format("{} accuracy (%)", what)};
  for (const auto& [label, history] :
       {std::pair{"network", &c.network}, std::pair{"linear at init", &c.init}, std::pair{"linear at trained", &c.trained}}) {
    Series s{.label = label, .mark = history->size() > 1 ? Mark::line : Mark::points};
    for (const EpochRecord& r : *history) s.x.push_back(static_cast<double>(r.epoch)), s.y.push_back(100 * r.*accuracy);
    f.series.push_back(std::move(s));
  }
  return f;
}

}  // namespace

Section claim_trained(const Study& study) {
  Section s{.id = "trained",
            .title = "Linearized at the trained weights, the model learns its task faster",
            .claim =
                "The kernel of the trained network suits the task better than the one at initialisation: the model linearized there "
                "fits the training set in fewer epochs. What that does to its test accuracy is told beside it.",
            .threshold =
                "in at least two of three targets, the training accuracy that the model linearized at initialisation reaches at best "
                "is reached in fewer epochs"};
  for (const Run* run : study.of("pretrained_ntk_comparison")) {
    const auto all = comparisons(*run);
    if (all.empty()) continue;
    const double n = run->test_images();
    Table table{run->setting(),
                {"target", "network, test", "linear at init, test", "linear at trained, test", "epochs, linear at init",
                 "epochs, linear at trained"},
                {}};
    std::size_t faster = 0;
    double difference = 0, variance = 0;
    for (const Comparison& c : all) {
      const double level = best_training_accuracy(c.init), count = static_cast<double>(all.size());
      const Index init = epochs_to(c.init, level), trained = epochs_to(c.trained, level);
      if (trained > 0 && trained < init) ++faster;
      const double at_init = std::min(c.init.back().test_accuracy, 1.0), at_trained = std::min(c.trained.back().test_accuracy, 1.0);
      if (n > 0) {
        difference += (at_trained - at_init) / count;
        variance += std::pow(error_of_difference(at_trained, at_init, n) / count, 2);
      }
      const auto shown = [&](double v) { return std::isfinite(v) ? percent(v) : ""; };
      table.rows.push_back({fmt::format("{}", c.target), shown(c.network.back().test_accuracy), shown(at_init), shown(at_trained),
                            fmt::format("{}", init), trained > 0 ? fmt::format("{}", trained) : "not reached"});
    }
    s.findings.push_back({fmt::format("{}: faster on the training images for {} of {} targets", run->setting(), faster, all.size()),
                          3 * faster >= 2 * all.size()});
    if (n > 0) {
      const double error = std::sqrt(variance);
      s.remarks.push_back(fmt::format("{}: test accuracy linearized at the trained weights minus at initialisation {} ± {:.1f} points: {}.",
                                      run->model(), points(difference), 100 * error,
                                      difference > errors * error    ? "better"
                                      : difference < -errors * error ? "worse"
                                                                     : "no difference to be seen"));
    }
    const Comparison& middle = all[all.size() / 2];
    s.figures.emplace_back("trained-train-" + file_name(run->name()), figure_of(*run, middle, &EpochRecord::train_accuracy, "training"));
    if (n > 0)
      s.figures.emplace_back("trained-test-" + file_name(run->name()), figure_of(*run, middle, &EpochRecord::test_accuracy, "test"));
    s.tables.push_back(std::move(table));
    s.runs.push_back(run);
  }
  s.remarks.push_back("In the table: epochs until the best training accuracy of the model linearized at initialisation is reached.");
  s.missing = "no comparison of the two points of linearization: reproduce --only 'trained-*'";
  return s;
}

}  // namespace tangentplane::experiments
