// The few statistics that the study's numbers are made of.
#pragma once

#include <optional>
#include <vector>

namespace tangentplane::experiments {

/// Throws std::invalid_argument for no values.
double mean(const std::vector<double>& values);
/// The middle value; of an even count the mean of the two middle ones. Throws std::invalid_argument for no values.
double median(std::vector<double> values);
/// Root of the mean of the squares. Throws std::invalid_argument for no values.
double root_mean_square(const std::vector<double>& values);

/// 1 for the smallest; values that are equal share the mean of their ranks.
std::vector<double> ranks(const std::vector<double>& values);

/// Spearman's rank correlation, ties included: Pearson's correlation of ranks(x) and ranks(y). Nothing for fewer than two points or where
/// x or y is constant: then there is no order to compare. Throws std::invalid_argument for lengths that differ or values that are NaN.
std::optional<double> rank_correlation(const std::vector<double>& x, const std::vector<double>& y);

/// Standard error of an accuracy measured on n examples: sqrt(p (1 - p) / n), with p moved away from 0 and 1 by Agresti and Coull's two
/// successes and two failures, so that a perfect score on few examples is not taken for certain.
double accuracy_error(double accuracy, double n);

/// Standard error of the mean of `values`, a number for each test image, each from -reach to reach: their deviation over the root of their
/// count, with two more images, one at either end (Bonett and Price), so that no difference seen is not taken for certain. With 1 where the
/// network alone is right, -1 where its linearization alone is, and 0 elsewhere, that is McNemar's error of their difference.
double paired_error(const std::vector<double>& values, double reach);

}  // namespace tangentplane::experiments
