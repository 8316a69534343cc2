// Medians, ranks with ties and their correlation, against the definitions.
#include <cmath>

#include "experiments/claims/statistics.h"
#include "tests/catch.h"
#include "tests/experiments/captured.h"

using namespace tangentplane::experiments;
using test::thrown;

TEST_CASE("mean and median of odd and even counts") {
  CHECK(mean({1, 2, 6}) == 3);
  CHECK(median({5, 1, 3}) == 3);
  CHECK(median({5, 1, 3, 4}) == 3.5);
  CHECK(median({7}) == 7);
  CHECK(thrown([] { median({}); }) == "median: no values");
  CHECK(thrown([] { mean({}); }) == "mean: no values");
}

TEST_CASE("ranks share the mean of the places that equal values take") {
  CHECK(ranks({30, 10, 20}) == std::vector<double>{3, 1, 2});
  CHECK(ranks({2, 1, 2, 2, 5}) == std::vector<double>{3, 1, 3, 3, 5});
  CHECK(ranks({4, 4}) == std::vector<double>{1.5, 1.5});
  CHECK(ranks({}).empty());
}

TEST_CASE("rank correlation is 1 for any growing relation, -1 for any falling one, and follows the textbook's formula without ties") {
  const std::vector<double> x{1, 2, 3, 4, 5, 6};
  std::vector<double> grows, falls;
  for (double v : x) grows.push_back(std::exp(v)), falls.push_back(-v * v * v);
  CHECK(*rank_correlation(x, grows) == Approx(1).epsilon(1e-14));
  CHECK(*rank_correlation(x, falls) == Approx(-1).epsilon(1e-14));
  const std::vector<double> y{3, 1, 2, 6, 5, 4};  // already ranks
  double d2 = 0;
  for (std::size_t i = 0; i < x.size(); ++i) d2 += (x[i] - y[i]) * (x[i] - y[i]);
  CHECK(*rank_correlation(x, y) == Approx(1 - 6 * d2 / (6. * 35)).epsilon(1e-14));
}

TEST_CASE("rank correlation with ties is Pearson's correlation of the mean ranks") {
  // Worked by hand: ranks of x 1.5 1.5 3 4, of y 1 2.5 2.5 4.
  const double expected = (1. * 1.5 + 0 + 0 + 1.5 * 1.5) / std::sqrt((1 + 1 + 0.25 + 2.25) * (2.25 + 0 + 0 + 2.25));
  CHECK(*rank_correlation({1, 1, 2, 3}, {0, 5, 5, 9}) == Approx(expected).epsilon(1e-14));
}

TEST_CASE("rank correlation has no value where there is no order, and refuses what is not comparable") {
  CHECK_FALSE(rank_correlation({1, 2, 3}, {4, 4, 4}));
  CHECK_FALSE(rank_correlation({1}, {2}));
  CHECK_FALSE(rank_correlation({}, {}));
  CHECK(thrown([] { rank_correlation({1, 2}, {1}); }) == "rank_correlation: 2 x and 1 y");
  CHECK(thrown([] { rank_correlation({1, NAN}, {1, 2}); }) == "rank_correlation: a value is NaN");
}

TEST_CASE("an accuracy's error falls like one over the root of the number of images and is never zero") {
  CHECK(accuracy_error(0.5, 396) == Approx(0.5 / 20));
  CHECK(accuracy_error(0.7, 4000) == Approx(accuracy_error(0.7, 1000) / 2).epsilon(0.01));
  CHECK(accuracy_error(1, 100) > 0.005);
  CHECK(accuracy_error(0.2, 50) == Approx(accuracy_error(0.8, 50)));
  CHECK(thrown([] { accuracy_error(1.5, 10); }).starts_with("accuracy_error: accuracy 1.5"));
  CHECK(thrown([] { accuracy_error(0.5, 0); }).starts_with("accuracy_error"));
}

TEST_CASE("an estimate: mean, deviation with n - 1, and an error in which only the spread falls with the number of seeds") {
  const Estimate e = estimate({1, 2, 6});  // squares of the deviations: 4 + 1 + 9
  CHECK(e.mean == Approx(3).epsilon(1e-14));
  CHECK(e.spread == Approx(std::sqrt(7)).epsilon(1e-14));
  CHECK(e.error == Approx(std::sqrt(7. / 3)).epsilon(1e-14));
  CHECK(e.count == 3);
  CHECK(estimate({1, 2, 6}, 1.5).error == Approx(std::sqrt(7. / 3 + 2.25)).epsilon(1e-14));
  CHECK(estimate({4}, 0.5).spread == 0);
  CHECK(estimate({4}, 0.5).error == 0.5);
  CHECK(estimate({NAN, 1, 2, 6}).spread == e.spread);
  CHECK(thrown([] { estimate({NAN, NAN}); }) == "estimate: none of 2 values is a number");
  CHECK(thrown([] { estimate({}); }) == "estimate: none of 0 values is a number");
}

TEST_CASE("a mean is held against a threshold by its standard error") {
  const Estimate e = estimate({1, 2, 6});  // 3, error 1.5275...
  CHECK(e.reaches(1.47));
  CHECK_FALSE(e.reaches(1.48));
  CHECK(estimate({2}).reaches(2));  // one seed: the number itself
  CHECK(e.exceeds_zero_by(1.9));
  CHECK_FALSE(e.exceeds_zero_by(2));
}
