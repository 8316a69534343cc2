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

}  // namespace

Context loss_curves(const Study& study) {
  Context c{
      .id = "losses",
      .title = "Losses of the models of claim 5",
      .paragraphs = {"The loss is what training makes smaller: the binary cross-entropy, which counts how wrong and how sure a model is "
                     "on each image. Accuracies of the same trainings stand at claim 5. Lines are means over seeds."},
      .missing = "trainings of the three models: pretrained_ntk_comparison"};
  for (const Repeats& runs : matched_runs(study, study.of("pretrained_ntk_comparison")).groups) {
    const auto all = targets(*runs.front());
    if (all.empty()) continue;
    const Index target = all[all.size() / 2];
    std::map<std::string, std::vector<History>> histories;
    for (const auto& [folder, label] : models)
      for (const Run* run : runs) {
        const fs::path path = target_folder(*run, target) / folder / "history.csv";
        const History& history = histories[folder].emplace_back(load_history(path));
        require(!history.empty(), "{}: holds no epoch", path.string());
      }
    for (const auto& [loss, where] : {std::pair{&EpochRecord::train_loss, "training"}, std::pair{&EpochRecord::test_loss, "test"}}) {
      Figure f{.title = fmt::format("Loss on {} images: {}, target {}", where, model(runs), target),
               .x_label = "epoch",
               .y_label = fmt::format("{} loss", where),
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
  return c;
}

}  // namespace tangentplane::experiments
