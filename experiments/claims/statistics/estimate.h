// A quantity measured under several seeds, its 95 % interval, and what would make that smaller.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace tangentplane::experiments {

inline constexpr double usual_level = 0.95;

struct Interval {
  double low = 0, high = 0;
};

/// The part of an error that comes from the finite number of test images.
struct Measurement {
  double error = 0;    ///< standard error: of the mean over the seeds if they share the images, else of each seed's value
  bool shared = true;  ///< the seeds share the images, so that more seeds do not make it smaller
};

struct Estimate {
  double mean = 0;
  double spread = 0;  ///< standard deviation over the seeds, with n - 1; 0 for one seed
  std::size_t count = 0;
  Measurement measurement = {};
  double error = 0;  ///< standard error of the mean

  /// Of one seed it tells of the test images alone.
  Interval interval(double level = usual_level) const;
};

/// Of the values that are not NaN, n of them with spread s; m is measurement.error.
///   shared: the spread over seeds does not hold the images' error. error² = s²/n + m², and the interval's half is
///           sqrt(t² s²/n + z² m²), t Student's of n - 1 degrees and z the normal distribution's. Each part has its own quantile: with
///           Welch and Satterthwaite's degrees for the whole, the interval of two or three seeds holds the truth too rarely (drawn: in
///           87 % and 92 % of studies; so: in 95 to 98 %).
///   else:   it does. error = max(s, m) / sqrt(n), for a spread below the images' error is luck; half = t error.
/// One seed: error = m, half = z m. Throws std::invalid_argument where no value is left.
Estimate estimate(const std::vector<double>& values, Measurement measurement = {});

/// Student's t below which lies the share `p`; of infinitely many degrees the normal distribution's.
double student_quantile(double p, double degrees);

/// What would bring the interval's half below the distance from mean to threshold if mean, spread and error stayed as they are.
struct Needed {
  std::optional<std::size_t> seeds;     ///< in all, with these test images; nothing if no number below 1000 would
  std::optional<double> times_as_many;  ///< test images with these seeds, if they share them; nothing if not even any number would
};
Needed needed(const Estimate& e, double threshold, double level = usual_level);

/// Standard deviation of a number over draws of as many test images, with replacement (the bootstrap; 200 draws, the same every time).
/// `number` gets how often each image is in the draw; a draw for which it has no value is left out. 0 where it has none at all.
double bootstrap_error(std::size_t images, const std::function<std::optional<double>(std::span<const double>)>& number);

}  // namespace tangentplane::experiments
