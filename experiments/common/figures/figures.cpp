#include "experiments/common/figures/figures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tangentplane::experiments {

double number_or_nan(const std::string& cell) {
  return cell.empty() ? std::numeric_limits<double>::quiet_NaN() : parse_number<double>("csv", cell);
}

std::vector<double> one_based(std::size_t count) {
  std::vector<double> x(count);
  std::iota(x.begin(), x.end(), 1.0);
  return x;
}

Figure spectrum_figure(const std::string& title, const std::vector<double>& eigenvalues, const std::vector<double>& residuals) {
  Figure f{.title = title, .x_label = "eigenvalue (index + 1)", .y_label = "eigenvalue", .log_x = true, .log_y = true};
  const Mark mark = eigenvalues.size() > 1 ? Mark::line : Mark::points;
  f.series.push_back({.label = "eigenvalue", .x = one_based(eigenvalues.size()), .y = eigenvalues, .mark = mark});
  if (std::any_of(residuals.begin(), residuals.end(), [](double r) { return r > 0; })) {
    f.y_label = "eigenvalue or residual";
    f.series.push_back({.label = "residual ‖Ku - θu‖", .x = one_based(residuals.size()), .y = residuals, .mark = Mark::points});
  }
  return f;
}

Figure accuracy_figure(const std::string& title, const Csv& accuracies, const std::string& learner, const std::string& x_label,
                       bool classes) {
  require(accuracies.columns().size() >= 4 && !accuracies.rows().empty(), "{}: accuracies have four columns or more and at least one row",
          title);
  const bool sizes = accuracies.columns()[0] == "num_train";
  Figure f{.title = title, .x_label = x_label};
  Series train{.label = learner + " (training images)"}, test{.label = learner}, majority{.label = "larger class"};
  for (const auto& row : accuracies.rows()) {
    const bool numbered = is_whole_number(row[0]);
    if (!numbered) f.categories.push_back(row[0]);
    const double x = numbered ? parse_number<double>("csv", row[0]) + (sizes ? 0 : 1) : static_cast<double>(f.categories.size()) - 1;
    const double balance = number_or_nan(row[1]);
    for (Series* s : {&train, &test, &majority}) s->x.push_back(x);
    majority.y.push_back(100 * (classes ? balance : std::max(balance, 1 - balance)));
    train.y.push_back(100 * number_or_nan(row[2]));
    test.y.push_back(100 * number_or_nan(row[3]));
  }
  f.log_x = f.categories.empty();
  const bool tested = std::any_of(test.y.begin(), test.y.end(), [](double v) { return std::isfinite(v); });
  f.y_label = tested ? "test accuracy (%)" : "training accuracy (%)";
  f.series = {tested ? test : train, majority};
  if (!f.categories.empty())
    for (Series& s : f.series) s.mark = Mark::bars;
  return f;
}

Figure alignment_figure(const std::string& title, const Tensor<double>& alignment, std::optional<Index> target) {
  require(alignment.shape().rank() == 2 && alignment.shape()[0] == 3, "{}: the alignment has shape {}, expected [3,k]", title,
          alignment.shape());
  const Index k = alignment.shape()[1];
  Figure f{.title = title, .x_label = "eigenfunction (index + 1)", .y_label = "alignment", .log_x = true, .log_y = true};
  for (Index row : {0, 1}) {
    Series s{.label = row == 0 ? "training images" : "test images", .x = one_based(static_cast<std::size_t>(k)), .mark = Mark::points};
    for (Index j = 0; j < k; ++j) s.y.push_back(alignment[row * k + j]);
    const bool any = std::any_of(s.y.begin(), s.y.end(), [](double v) { return std::isfinite(v) && v > 0; });
    if (any) f.series.push_back(std::move(s));
  }
  if (target) {
    require(0 <= *target && *target < k, "{}: target {} of {} eigenfunctions", title, *target, k);
    Series s{.label = fmt::format("target {}", *target), .mark = Mark::highlight};
    for (const Series& of : f.series)
      s.x.push_back(static_cast<double>(*target) + 1), s.y.push_back(of.y[static_cast<std::size_t>(*target)]);
    f.series.push_back(std::move(s));
  }
  return f;
}

Figure curves_figure(const std::string& title, const std::vector<std::pair<std::string, History>>& trainings) {
  Figure f{.title = title, .x_label = "epoch", .y_label = "accuracy (%)"};
  for (const bool tested : {true, false})
    for (std::size_t t = 0; t < trainings.size(); ++t) {
      const auto& [label, history] = trainings[t];
      Series s{
          .label = label + (tested ? " (test)" : " (train)"), .mark = tested && history.size() > 1 ? Mark::line : Mark::points, .like = t};
      for (const EpochRecord& r : history) {
        s.x.push_back(static_cast<double>(r.epoch));
        s.y.push_back(100 * (tested ? r.test_accuracy : r.train_accuracy));
      }
      if (std::any_of(s.y.begin(), s.y.end(), [](double v) { return std::isfinite(v); })) f.series.push_back(std::move(s));
    }
  return f;
}

}  // namespace tangentplane::experiments
