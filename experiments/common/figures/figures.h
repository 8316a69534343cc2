// The figures that several experiments leave in their results folders.
#pragma once

#include "autodiff/tensor.h"
#include "experiments/common/figures/figure.h"
#include "nn/train.h"

namespace tangentplane::experiments {

/// Eigenvalues against their number on logarithmic axes and, in the same unit, the residuals ‖Ku - θu‖ below them (may be empty).
Figure spectrum_figure(const std::string& title, const std::vector<double>& eigenvalues, const std::vector<double>& residuals);

/// accuracy.csv as a figure: test accuracy of `learner` (of training where there were no test images) and the share of the larger class.
/// (Of `classes` class_balance is that share itself.) Against index + 1, or num_train, on a logarithmic axis; targets without a number
/// stand side by side.
Figure accuracy_figure(const std::string& title, const Csv& accuracies, const std::string& learner, const std::string& x_label,
                       bool classes = false);

/// Alignment [3, k] (train, test, all) with every eigenfunction, on train and test images, the target marked.
Figure alignment_figure(const std::string& title, const Tensor<double>& alignment, std::optional<Index> target);

/// Accuracies against epochs of several trainings: of test images as lines, of training images as points.
Figure curves_figure(const std::string& title, const std::vector<std::pair<std::string, History>>& trainings);

/// An empty cell as NaN, which figures leave out.
double number_or_nan(const std::string& cell);

/// index + 1 as an axis: the first eigenfunction has a place on a logarithmic one.
std::vector<double> one_based(std::size_t count);

}  // namespace tangentplane::experiments
