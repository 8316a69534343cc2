// The few statistics that the study's numbers are judged by.
#pragma once

#include <optional>
#include <vector>

namespace tangentplane::experiments {

/// Throws std::invalid_argument for no values.
double mean(const std::vector<double>& values);
/// The middle value; of an even count the mean of the two middle ones. Throws std::invalid_argument for no values.
double median(std::vector<double> values);

/// 1 for the smallest; values that are equal share the mean of their ranks.
std::vector<double> ranks(const std::vector<double>& values);

/// Spearman's rank correlation, ties included: Pearson's correlation of ranks(x) and ranks(y). Nothing for fewer than two points or where
/// x or y is constant: then there is no order to compare. Throws std::invalid_argument for lengths that differ or values that are NaN.
std::optional<double> rank_correlation(const std::vector<double>& x, const std::vector<double>& y);

/// Standard error of an accuracy measured on n examples: sqrt(p (1 - p) / n), with p moved away from 0 and 1 by Agresti and Coull's two
/// successes and two failures, so that a perfect score on few examples is not taken for certain.
double accuracy_error(double accuracy, double n);

}  // namespace tangentplane::experiments
