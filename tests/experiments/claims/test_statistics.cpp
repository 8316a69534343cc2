// Medians, ranks with ties and their correlation, against the definitions.
#include <cmath>

#include "autodiff/random.h"
#include "experiments/claims/statistics/estimate.h"
#include "experiments/claims/statistics/statistics.h"
#include "experiments/common/training/roc.h"
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

TEST_CASE("the area under the ROC curve counts the pairs in the right order, ties half") {
  // Of the pairs (1, 0): 0.35 beats 0.1 and not 0.4, 0.8 beats both.
  CHECK(Roc({0.1, 0.4, 0.35, 0.8}, {0, 0, 1, 1}).area() == 0.75);
  CHECK(Roc({1, 1, 2, 0}, {0, 1, 1, 0}).area() == (0.5 + 1 + 1 + 1) / 4);
  CHECK(Roc({3, 3, 3}, {0, 1, 1}).area() == 0.5);
  CHECK_FALSE(Roc({1, 2}, {1, 1}).area());
  CHECK_FALSE(Roc({1, 2}, {0, 0}).area());
  CHECK(thrown([] { Roc({1, 2}, {1}); }) == "roc: 2 logits for 1 labels");
  // Weights: as if the images were there so many times.
  const std::vector<double> weights{2, 0, 1, 3};
  CHECK(*Roc({0.1, 0.4, 0.35, 0.8}, {0, 1, 1, 0}).area(weights) == *Roc({0.1, 0.1, 0.35, 0.8, 0.8, 0.8}, {0, 0, 1, 0, 0, 0}).area());
  CHECK_FALSE(Roc({1, 2}, {0, 1}).area(std::vector<double>{1, 0}));
}

TEST_CASE("a paired error is McNemar's, with one more image either way") {
  // 100 images: on 12 the one alone is right, on 4 the other.
  std::vector<double> difference(100, 0);
  for (int i = 0; i < 12; ++i) difference[i] = 1;
  for (int i = 12; i < 16; ++i) difference[i] = -1;
  CHECK(paired_error(difference, 1) == Approx(std::sqrt((18. / 102 - std::pow(8. / 102, 2)) / 102)).epsilon(1e-14));
  CHECK(paired_error(std::vector<double>(100, 0), 1) == Approx(std::sqrt(2. / 102 / 102)).epsilon(1e-14));  // never zero
  // As large as independent errors where the two are right independently, p = q = 1/2: variance 1/2.
  std::vector<double> independent;
  for (int i = 0; i < 4000; ++i) independent.push_back(i % 4 == 0 ? 1 : i % 4 == 1 ? -1 : 0);
  CHECK(paired_error(independent, 1) == Approx(std::sqrt(0.5 / 4000)).epsilon(1e-3));
  CHECK(thrown([] { paired_error({}, 1); }) == "paired_error: no values");
}

TEST_CASE("Student's t as in the tables") {
  const std::pair<double, double> table[] = {{1, 12.706}, {2, 4.303}, {3, 3.182}, {4, 2.776}, {10, 2.228}, {30, 2.042}, {120, 1.980}};
  for (const auto& [degrees, t] : table) CHECK(student_quantile(0.975, degrees) == Approx(t).epsilon(2e-4));
  CHECK(student_quantile(0.995, 2) == Approx(9.925).epsilon(1e-4));
  CHECK(student_quantile(0.975, std::numeric_limits<double>::infinity()) == Approx(1.95996).epsilon(1e-5));
}

TEST_CASE("an estimate: mean, deviation with n - 1, and Student's interval") {
  const Estimate e = estimate({1, 2, 6});  // squares of the deviations: 4 + 1 + 9
  CHECK(e.mean == Approx(3).epsilon(1e-14));
  CHECK(e.spread == Approx(std::sqrt(7)).epsilon(1e-14));
  CHECK(e.error == Approx(std::sqrt(7. / 3)).epsilon(1e-14));
  CHECK(e.count == 3);
  CHECK(e.interval().high == Approx(3 + 4.30265 * std::sqrt(7. / 3)).epsilon(1e-5));
  CHECK(e.interval().low == Approx(3 - 4.30265 * std::sqrt(7. / 3)).epsilon(1e-5));
  CHECK(e.interval(0.99).high == Approx(3 + 9.92484 * std::sqrt(7. / 3)).epsilon(1e-5));
  CHECK(estimate({NAN, 1, 2, 6}).spread == e.spread);
  CHECK(thrown([] { estimate({NAN, NAN}); }) == "estimate: none of 2 values is a number");
  CHECK(thrown([] { estimate({}); }) == "estimate: none of 0 values is a number");
}

TEST_CASE("an estimate's error of shared test images does not fall with the seeds, either part has its own quantile") {
  const Estimate e = estimate({1, 2, 6}, {1.5, true});
  CHECK(e.error == Approx(std::sqrt(7. / 3 + 2.25)).epsilon(1e-14));
  CHECK(e.interval().high == Approx(3 + std::sqrt(4.30265 * 4.30265 * 7 / 3 + 1.95996 * 1.95996 * 2.25)).epsilon(1e-5));
  CHECK(estimate({4}, {0.5, true}).spread == 0);
  CHECK(estimate({4}, {0.5, true}).interval().high == Approx(4 + 0.5 * 1.95996).epsilon(1e-5));  // one seed: the test images alone
  CHECK(estimate({4, 4}, {0.5, true}).error == 0.5);
  CHECK(estimate({4, 4}, {0.5, true}).interval().low == Approx(4 - 0.5 * 1.95996).epsilon(1e-5));
}

TEST_CASE("an estimate's error of test images that each seed has for itself is in the spread, which it bounds from below") {
  const Estimate e = estimate({1, 2, 6}, {1.5, false});
  CHECK(e.error == estimate({1, 2, 6}).error);
  CHECK(estimate({2, 2, 2}, {1.5, false}).error == Approx(1.5 / std::sqrt(3)).epsilon(1e-14));
  CHECK(estimate({2, 2, 2}, {1.5, false}).interval().high == Approx(2 + 4.30265 * 1.5 / std::sqrt(3)).epsilon(1e-5));
  CHECK(estimate({2}, {1.5, false}).error == 1.5);
}

TEST_CASE("an estimate's interval holds the truth in at least 95 of 100 studies, whichever of the two errors is larger") {
  for (const int seeds : {2, 3, 5})
    for (const double images : {0.0, 0.3, 1.0, 4.0}) {  // error of the shared test images over that of the mean over seeds
      INFO(seeds << " seeds, " << images);
      const double m = images / std::sqrt(seeds);
      int held = 0;
      const int studies = 4000;
      tangentplane::RandomStream random(0, "studies", static_cast<std::uint64_t>(seeds));
      for (int s = 0; s < studies; ++s) {
        const double common = m * random.normal();
        std::vector<double> values;
        for (int i = 0; i < seeds; ++i) values.push_back(random.normal() + common);
        const Interval interval = estimate(values, {m, true}).interval();
        held += interval.low < 0 && 0 < interval.high;
      }
      CHECK(held > 0.94 * studies);  // three deviations of 4000 draws below 95 %
      CHECK(held < 0.99 * studies);
    }
}

TEST_CASE("what it would take to decide: seeds, and test images") {
  // A spread of 1 and a distance of 1: t / sqrt(n) is 2.571 / 2.449 for six seeds and 2.447 / 2.646 for seven.
  const Estimate e = estimate({0, 1, 2});
  CHECK(needed(e, 0).seeds == 7u);
  CHECK_FALSE(needed(e, 0).times_as_many);  // nothing was measured on images
  CHECK_FALSE(needed(e, 1).seeds);          // no distance
  // The images alone are astride: no seeds help, four times the images and a bit do.
  const Estimate by_images = estimate({1, 1, 1}, {1.02, true});
  CHECK_FALSE(needed(by_images, 0).seeds);
  CHECK(*needed(by_images, 0).times_as_many >= std::pow(1.02 * 1.95996, 2));
  CHECK(*needed(by_images, 0).times_as_many < 1.25 * std::pow(1.02 * 1.95996, 2));
  const Needed once = needed(estimate({1}, {2, true}), 0);
  CHECK_FALSE(once.seeds);
}

TEST_CASE("the bootstrap's error of a mean is the deviation over the root of the number of images") {
  std::vector<double> values;
  for (int i = 0; i < 500; ++i) values.push_back(i % 5 == 0 ? 1 : 0);
  const auto mean_of = [&](std::span<const double> weights) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += weights[i] * values[i];
    return std::optional(sum / static_cast<double>(values.size()));
  };
  CHECK(bootstrap_error(500, mean_of) == Approx(std::sqrt(0.2 * 0.8 / 500)).epsilon(0.15));
  CHECK(bootstrap_error(500, mean_of) == bootstrap_error(500, mean_of));
  CHECK(bootstrap_error(500, [](std::span<const double>) { return std::optional<double>(); }) == 0);
}
