// What a trained target is worth, after its last epoch: accuracy.csv, and the measures in it that do not reward a skewed task for its skew.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "experiments/common/text/csv.h"
#include "experiments/common/training/target.h"

namespace tangentplane::experiments {

/// The mean of the two classes' accuracies, class 1 where the logit is > 0. NaN where a class has no image. Throws std::invalid_argument
/// unless there is a label in {0, 1} for each logit.
double balanced_accuracy(std::span<const double> logits, std::span<const int> labels);
/// Area under the ROC curve (roc.h): the probability that the logit of an image of class 1 exceeds that of one of class 0, ties counting
/// half (the U of Mann and Whitney, divided by the number of pairs). NaN and throws as balanced_accuracy.
double area_under_curve(std::span<const double> logits, std::span<const int> labels);

/// The same of classes, each with its column of logits [M, O]: the class is that of the largest logit, the first one of equal ones. Means
/// over the classes that have images: of their accuracies, and of the areas of each against all others by its own logit (NaN where there
/// is but one class).
double balanced_accuracy(const Tensor<double>& logits, std::span<const int> classes);
double area_under_curve(const Tensor<double>& logits, std::span<const int> classes);

/// test_logits.npy of a finished target, [num_test] if that is given, or [num_test, O]. Throws std::invalid_argument naming the file, and
/// what to do about it, where it is damaged or holds another number of logits.
Tensor<double> load_test_logits(const std::filesystem::path& folder, std::optional<Index> num_test = {}, Index outputs = 1);

/// The columns of accuracy.csv: `first` ones, then those that `accuracy_cells` fills.
std::vector<std::string> accuracy_columns(std::vector<std::string> first);
/// A row of accuracy.csv: `first` cells, then class balance, training and test accuracy of the last epoch, and balanced accuracy and area
/// under the curve by test_logits.npy in the target's folder. Test cells are empty without test images, the last two also where these are
/// of one class.
std::vector<std::string> accuracy_row(std::vector<std::string> first, const Target& target, const History& history,
                                      const std::filesystem::path& folder);

/// accuracy.csv of these targets; `first` names the first column.
void save_accuracies(const std::filesystem::path& path, const std::string& first, const std::vector<Target>& targets,
                     const std::vector<History>& histories, const std::vector<std::filesystem::path>& folders);

}  // namespace tangentplane::experiments
