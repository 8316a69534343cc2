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

/// A quantity measured under several seeds.
struct Estimate {
  double mean = 0;
  double spread = 0;  ///< standard deviation over the seeds, with n - 1; 0 for one seed
  double error = 0;   ///< standard error of the mean
  std::size_t count = 0;
  /// No closer than its standard error below: the one rule by which a mean is held against a threshold.
  bool reaches(double threshold) const { return mean - error >= threshold; }
  /// More than that many standard errors above zero.
  bool exceeds_zero_by(double errors) const { return mean > errors * error; }
};
/// Of the values that are not NaN. `measurement` is the standard error that each value has by itself; seeds may share its cause, such as
/// the same test images, so it is not divided by their number: error² = spread² / count + measurement². Throws std::invalid_argument
/// where no value is left.
Estimate estimate(const std::vector<double>& values, double measurement = 0);

/// Standard error of an accuracy measured on n examples: sqrt(p (1 - p) / n), with p moved away from 0 and 1 by Agresti and Coull's two
/// successes and two failures, so that a perfect score on few examples is not taken for certain.
double accuracy_error(double accuracy, double n);

}  // namespace tangentplane::experiments
