#include "experiments/common/training/accuracies.h"

#include <cmath>
#include <limits>

#include "data/dataset.h"
#include "data/images.h"
#include "data/npy.h"
#include "experiments/common/text/files.h"
#include "experiments/common/training/roc.h"
#include "nn/loss.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

void require_pairs(std::span<const double> logits, std::span<const int> labels) {
  require(logits.size() == labels.size(), "accuracies: {} logits for {} labels", logits.size(), labels.size());
  for (int y : labels) require(y == 0 || y == 1, "accuracies: the label {} is not 0 or 1", y);
}

std::string cell(double v) { return std::isnan(v) ? "" : fmt::format("{}", v); }

}  // namespace

double balanced_accuracy(std::span<const double> logits, std::span<const int> labels) {
  require_pairs(logits, labels);
  double images[2] = {0, 0}, right[2] = {0, 0};
  for (std::size_t i = 0; i < logits.size(); ++i) {
    images[labels[i]] += 1;
    right[labels[i]] += correct(logits[i], labels[i]);
  }
  return (right[0] / images[0] + right[1] / images[1]) / 2;  // 0 / 0 is NaN
}

double area_under_curve(std::span<const double> logits, std::span<const int> labels) {
  require_pairs(logits, labels);
  const auto area = Roc({logits.begin(), logits.end()}, {labels.begin(), labels.end()}).area();
  return area.value_or(std::numeric_limits<double>::quiet_NaN());
}

Tensor<double> load_test_logits(const fs::path& folder, std::optional<Index> num_test) {
  const fs::path path = folder / "test_logits.npy";
  return with_remedy(fmt::format("delete {} to train this target anew", (folder / "final.npz").string()), [&] {
    const Shape shape = data::npy_info(path).shape;
    require(shape.rank() == 1 && shape[0] == num_test.value_or(shape[0]), "{}: has shape {}, expected [{}]", path.string(), shape,
            num_test ? std::to_string(*num_test) : "num_test");
    auto logits = data::load_npy<double>(path);
    data::require_finite(path.string(), logits, "logit");
    return logits;
  });
}

std::vector<std::string> accuracy_columns(std::vector<std::string> first) {
  for (const char* name : {"class_balance", "train_accuracy", "test_accuracy", "test_balanced_accuracy", "test_auc"})
    first.emplace_back(name);
  return first;
}

std::vector<std::string> accuracy_row(std::vector<std::string> first, const Target& target, const History& history,
                                      const fs::path& folder) {
  double balanced = std::numeric_limits<double>::quiet_NaN(), area = balanced;
  const EpochRecord& last = history.back();
  if (!std::isnan(last.test_accuracy)) {
    const auto logits = load_test_logits(folder);
    require(logits.span().size() <= target.labels.size(), "{}: {} test logits for {} images", folder.string(), logits.size(),
            target.labels.size());
    const auto labels = std::span(target.labels).last(logits.span().size());
    balanced = balanced_accuracy(logits.span(), labels);
    area = area_under_curve(logits.span(), labels);
  }
  for (double v : {data::class_balance(target.labels), last.train_accuracy, last.test_accuracy, balanced, area}) first.push_back(cell(v));
  return first;
}

void save_accuracies(const fs::path& path, const std::string& first, const std::vector<Target>& targets,
                     const std::vector<History>& histories, const std::vector<fs::path>& folders) {
  Csv csv(accuracy_columns({first}));
  for (std::size_t t = 0; t < targets.size(); ++t) csv.add_row(accuracy_row({targets[t].name}, targets[t], histories[t], folders[t]));
  csv.save(path);
}

}  // namespace tangentplane::experiments
