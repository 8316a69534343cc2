// Claim 4.
#include <algorithm>
#include <cmath>

#include "data/npy.h"
#include "experiments/claims/claim.h"
#include "experiments/common/figures.h"
#include "experiments/common/statistics.h"

namespace tangentplane::experiments {
namespace {

constexpr double least_spike = 2;
constexpr std::size_t neighbours = 20;

/// How much the alignment grew in training: over the eigenvalue, its value before (up to a constant on a part of the images). Training
/// changes the whole kernel, and small eigenvalues by another factor than large ones, so a spike is judged against its neighbours.
struct Gains {
  std::vector<double> growth;  ///< alignment / eigenvalue over the median of all others'; NaN where the eigenvalue is not positive
  double spike = 0;            ///< growth at the target over the median growth of its neighbours
  double raw = 0;              ///< alignment at the target over the median of the others'
  std::size_t rank = 0;        ///< 1: no other eigenfunction grew as much
};
Gains gains(const Tensor<double>& alignment, Index row, const std::vector<double>& eigenvalues, std::size_t target) {
  const Index k = alignment.shape()[1];
  Gains g;
  std::vector<std::pair<std::size_t, double>> others;  // by distance from the target
  std::vector<double> all, other_alignments;
  for (Index j = 0; j < k; ++j) {
    const auto at = static_cast<std::size_t>(j);
    const double a = alignment[row * k + j], growth = eigenvalues[at] > 0 ? a / eigenvalues[at] : NAN;
    g.growth.push_back(growth);
    if (at == target || !std::isfinite(growth)) continue;
    others.emplace_back(at < target ? target - at : at - target, growth);
    all.push_back(growth), other_alignments.push_back(a);
  }
  if (others.size() < neighbours || !std::isfinite(g.growth[target])) return g;
  std::stable_sort(others.begin(), others.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<double> near;
  for (std::size_t i = 0; i < neighbours; ++i) near.push_back(others[i].second);
  g.spike = g.growth[target] / median(near);
  g.raw = alignment[row * k + static_cast<Index>(target)] / median(other_alignments);
  const double middle = median(all), own = g.growth[target];
  g.rank = 1 + static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](double v) { return v > own; }));
  for (double& v : g.growth) v /= middle;
  return g;
}

struct Evolution {
  Index target;
  Gains train, test;
};

Figure figure_of(const Run& run, const Evolution& e) {
  Figure f{.title = fmt::format("Growth of alignment: {}, target {}", run.model(), e.target),
           .x_label = "eigenfunction (index + 1)",
           .y_label = "growth over the median growth",
           .log_x = true,
           .log_y = true};
  Series mark{.label = fmt::format("target {}", e.target), .mark = Mark::highlight};
  for (const auto& [label, g] : {std::pair{"training images", &e.train}, std::pair{"test images", &e.test}}) {
    f.series.push_back({.label = label, .x = one_based(g->growth.size()), .y = g->growth, .mark = Mark::points});
    mark.x.push_back(static_cast<double>(e.target) + 1), mark.y.push_back(g->growth[static_cast<std::size_t>(e.target)]);
  }
  f.series.push_back(std::move(mark));
  return f;
}

std::vector<Evolution> evolutions(const Run& run, const Run& kernel) {
  const auto values = data::load_npy<double>(kernel.folder / "eigvals.npy");
  const std::vector<double> eigenvalues(values.span().begin(), values.span().end());
  const auto all = accuracies(run);
  std::vector<Evolution> found;
  for (Index target : targets(run)) {
    const auto path = target_folder(run, target) / "alignment.npy";
    const auto task = all.find(target);
    if (!std::filesystem::exists(path) || task == all.end() || task->second.balance == 0 || task->second.balance == 1) continue;
    const auto alignment = data::load_npy<double>(path);
    require(alignment.shape() == (Shape{3, static_cast<Index>(eigenvalues.size())}) && target < static_cast<Index>(eigenvalues.size()),
            "{}: has shape {}, expected [3,{}] as in {}", path.string(), alignment.shape(), eigenvalues.size(), kernel.folder.string());
    const auto at = static_cast<std::size_t>(target);
    Evolution e{target, gains(alignment, 0, eigenvalues, at), gains(alignment, 1, eigenvalues, at)};
    if (e.train.rank > 0 && e.test.rank > 0) found.push_back(std::move(e));
  }
  return found;
}

}  // namespace

Section claim_evolution(const Study& study) {
  Section s{.id = "evolution",
            .title = "Training aligns the kernel with its target",
            .claim =
                "While a network learns an eigenfunction its kernel changes, and the alignment of the new kernel with all eigenfunctions "
                "spikes at the target, on training and on test images.",
            .threshold = fmt::format("growth of the alignment with the target (over the eigenvalue, its value before training) at least {} "
                                     "times the median growth of the {} nearest eigenfunctions, in the median over targets",
                                     least_spike, neighbours)};
  for (const Run* run : study.of("train_ntk")) {
    const Run* kernel = study.source(*run, "ntk");
    if (run->linearized() || !kernel) continue;
    auto all = evolutions(*run, *kernel);
    if (all.empty()) continue;
    std::vector<double> train, test;
    Table table{
        run->setting(), {"target", "alignment, train", "alignment, test", "spike, train", "rank, train", "spike, test", "rank, test"}, {}};
    for (const Evolution& e : all) {
      train.push_back(e.train.spike), test.push_back(e.test.spike);
      table.rows.push_back({fmt::format("{}", e.target), fmt::format("{:.3g}", e.train.raw), fmt::format("{:.3g}", e.test.raw),
                            fmt::format("{:.3g}", e.train.spike), fmt::format("{}", e.train.rank), fmt::format("{:.3g}", e.test.spike),
                            fmt::format("{}", e.test.rank)});
    }
    const double on_train = median(train), on_test = median(test);
    for (const auto& [where, value] : {std::pair{"training", on_train}, std::pair{"test", on_test}})
      s.findings.push_back(
          {fmt::format(
               "{}: on {} images the alignment with the target grew {:.2f} times as much as with its neighbours (median of {} target{})",
               run->setting(), where, value, all.size(), all.size() == 1 ? "" : "s"),
           value >= least_spike});
    // The picture shows a target like most: the one in the middle by its growth.
    std::sort(all.begin(), all.end(), [](const Evolution& a, const Evolution& b) { return a.test.spike < b.test.spike; });
    s.figures.emplace_back("evolution-" + file_name(run->name()), figure_of(*run, all[all.size() / 2]));
    s.tables.push_back(std::move(table));
    s.runs.insert(s.runs.end(), {kernel, run});
  }
  s.remarks.push_back(
      fmt::format("In the table: alignment, that with the target over the median of the others; spike, the growth with the target "
                  "over that with its {} neighbours; rank, 1 where no other eigenfunction's alignment grew as much.",
                  neighbours));
  s.missing = "no network trained on eigenfunctions whose kernel was computed again: reproduce --only '*ntk-*' and 'eigenfunctions-*'";
  return s;
}

}  // namespace tangentplane::experiments
