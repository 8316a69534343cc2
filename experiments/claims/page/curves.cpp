// Loss against epochs of the three models that claim 5 compares.
#include <algorithm>
#include <cmath>
#include <map>

#include "experiments/claims/markup/words.h"
#include "experiments/claims/page/context.h"
#include "experiments/common/training/target.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

constexpr std::pair<const char*, const char*> models[] = {
    {"network", "network"}, {"linear_init", "linear at init"}, {"linear_trained", "linear at trained"}};

bool any_finite(const Figure& f) {
  return std::any_of(f.series.begin(), f.series.end(), [](const Series& s) {
    return std::any_of(s.y.begin(), s.y.end(), [](double v) { return std::isfinite(v) && v > 0; });
  });
}

/// The targets as claim 5 names them: indices, or "labels".
std::vector<std::string> targets_of(const Run& run) {
  if (run.own_labels()) return {"labels"};
  std::vector<std::string> names;
  for (Index target : targets(run)) names.push_back(std::to_string(target));
  return names;
}

/// The target in the middle of the first run's, and the runs that have it.
std::pair<std::string, Repeats> shown_of(const Repeats& runs) {
  const auto all = targets_of(*runs.front());
  if (all.empty()) return {};
  const std::string target = all[all.size() / 2];
  Repeats with;
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(with), [&](const Run* run) {
    const auto its = targets_of(*run);
    return std::find(its.begin(), its.end(), target) != its.end();
  });
  return {target, with};
}

// Losses of another kind are no numbers to compare.
std::string kind_of_loss(const Run& run) { return run.get("loss") == "squared" ? "squared error" : "cross-entropy"; }

std::string explained(const std::string& kind) {
  return kind == "cross-entropy" ? "the cross-entropy, which counts how wrong and how sure a model is on each image"
                                 : "half the squared error, how far a model's outputs are from the labels as numbers";
}

}  // namespace

Context loss_curves(const Study& study) {
  Context c{
      .id = "losses", .title = "Losses of the models of claim 5", .missing = "trainings of the three models: pretrained_ntk_comparison"};
  std::vector<std::string> kinds;
  for (const Repeats& repeats : matched_runs(study, study.of("pretrained_ntk_comparison")).groups) {
    const auto& [target, runs] = shown_of(repeats);
    if (runs.empty()) continue;
    const std::string kind = kind_of_loss(*runs.front()), of = runs.front()->own_labels() ? labels_of(*runs.front()) : "target " + target;
    if (std::find(kinds.begin(), kinds.end(), explained(kind)) == kinds.end()) kinds.push_back(explained(kind));
    std::map<std::string, std::vector<History>> histories;
    for (const auto& [folder, label] : models)
      for (const Run* run : runs) {
        const fs::path path = target_folder(*run, target) / folder / "history.csv";
        const History& history = histories[folder].emplace_back(load_history(path));
        require(!history.empty(), "{}: holds no epoch", path.string());
      }
    for (const auto& [loss, where] : {std::pair{&EpochRecord::train_loss, "training"}, std::pair{&EpochRecord::test_loss, "test"}}) {
      Figure f{.title = fmt::format("Loss on {} images: {}, {}", where, model(runs), of),
               .x_label = "epoch",
               .y_label = fmt::format("{} loss ({})", where, kind),
               .log_y = true,
               .samples = seed_columns(runs),
               .caption = loss == &EpochRecord::train_loss
                              ? "See which of the two linear models comes down faster, and whether the network comes down further."
                              : "A line that turns up again while the training loss falls learns its images by heart."};
      for (const auto& [folder, label] : models) {
        std::vector<const History*> seeds;
        for (const History& history : histories.at(folder)) seeds.push_back(&history);
        f.series.push_back(curve(label, seeds, loss, 1, false));
      }
      if (any_finite(f)) c.figures.emplace_back(fmt::format("losses-{}", c.figures.size()), std::move(f));
    }
    c.runs.insert(c.runs.end(), runs.begin(), runs.end());
  }
  if (!kinds.empty())
    c.paragraphs.push_back(
        fmt::format("The loss is what training makes smaller: {}. Lines are means over the seeds that there are. Accuracies "
                    "of the same trainings stand where they are judged.",
                    fmt::join(kinds, "; of some, ")));
  return c;
}

}  // namespace tangentplane::experiments
