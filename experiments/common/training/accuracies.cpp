#include "experiments/common/training/accuracies.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

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

namespace {

/// The columns of logits [M, O] and the classes that have images.
std::vector<int> classes_there(const Tensor<double>& logits, std::span<const int> classes) {
  require(logits.shape().rank() == 2 && logits.rows() == static_cast<Index>(classes.size()), "accuracies: logits {} for {} labels",
          logits.shape(), classes.size());
  const std::set<int> there(classes.begin(), classes.end());
  for (int c : there)
    require(0 <= c && c < logits.shape()[1], "accuracies: the label {} is none of the classes of {} logits", c, logits.shape()[1]);
  return {there.begin(), there.end()};
}

}  // namespace

double balanced_accuracy(const Tensor<double>& logits, std::span<const int> classes) {
  const auto there = classes_there(logits, classes);
  const Index outputs = logits.shape()[1];
  std::map<int, double> images, right;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const double* z = logits.data() + static_cast<Index>(i) * outputs;
    images[classes[i]] += 1;
    right[classes[i]] += std::max_element(z, z + outputs) - z == classes[i];
  }
  double sum = 0;
  for (int c : there) sum += right[c] / images[c];
  return sum / static_cast<double>(there.size());
}

double area_under_curve(const Tensor<double>& logits, std::span<const int> classes) {
  const auto there = classes_there(logits, classes);
  double sum = 0;
  for (int c : there) {
    std::vector<double> own;
    std::vector<int> is;
    for (std::size_t i = 0; i < classes.size(); ++i) {
      own.push_back(logits[static_cast<Index>(i) * logits.shape()[1] + c]);
      is.push_back(classes[i] == c);
    }
    sum += area_under_curve(std::span<const double>(own), std::span<const int>(is));
  }
  return sum / static_cast<double>(there.size());
}

Tensor<double> load_test_logits(const fs::path& folder, std::optional<Index> num_test, Index outputs) {
  const fs::path path = folder / "test_logits.npy";
  return with_remedy(fmt::format("delete {} to train this target anew", (folder / "final.npz").string()), [&] {
    const Shape shape = data::npy_info(path).shape;
    const bool several = outputs > 1;
    require(shape.rank() == (several ? 2 : 1) && shape[0] == num_test.value_or(shape[0]) && (!several || shape[1] == outputs),
            "{}: has shape {}, expected [{}{}]", path.string(), shape, num_test ? std::to_string(*num_test) : "num_test",
            several ? fmt::format(",{}", outputs) : "");
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
    const Index outputs = target.classes ? data::npy_info(folder / "test_logits.npy").shape[-1] : 1;
    const auto logits = load_test_logits(folder, {}, outputs);
    const auto count = static_cast<std::size_t>(logits.rows());
    require(count <= target.labels.size(), "{}: {} test logits for {} images", folder.string(), count, target.labels.size());
    const auto labels = std::span(target.labels).last(count);
    balanced = target.classes ? balanced_accuracy(logits, labels) : balanced_accuracy(logits.span(), labels);
    area = target.classes ? area_under_curve(logits, labels) : area_under_curve(logits.span(), labels);
  }
  for (double v : {balance(target), last.train_accuracy, last.test_accuracy, balanced, area}) first.push_back(cell(v));
  return first;
}

void save_accuracies(const fs::path& path, const std::string& first, const std::vector<Target>& targets,
                     const std::vector<History>& histories, const std::vector<fs::path>& folders) {
  Csv csv(accuracy_columns({first}));
  for (std::size_t t = 0; t < targets.size(); ++t) csv.add_row(accuracy_row({targets[t].name}, targets[t], histories[t], folders[t]));
  csv.save(path);
}

}  // namespace tangentplane::experiments
