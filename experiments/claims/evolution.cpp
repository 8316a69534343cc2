// Claim 4.
#include <algorithm>
#include <cmath>
#include <set>

#include "data/npy.h"
#include "experiments/claims/claim.h"
#include "experiments/common/figures/figures.h"

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

Figure figure_of(const Run& run, const Evolution& e, const std::string& seed) {
  Figure f{.title = fmt::format("Growth of alignment: {}, target {}{}", run.model(), e.target, seed),
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

// One number of every seed's evolution with a target; NaN where a seed has none.
std::vector<double> of_target(const std::vector<std::vector<Evolution>>& seeds, Index target, const auto& number) {
  std::vector<double> values;
  for (const auto& all : seeds) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const Evolution& e) { return e.target == target; });
    values.push_back(found == all.end() ? NAN : number(*found));
  }
  return values;
}

// The deciding numbers: spikes against targets.
Figure spikes_figure(const std::string& model, const std::vector<std::string>& samples, const std::vector<std::vector<Evolution>>& seeds,
                     const std::set<Index>& all_targets) {
  Figure f{.title = fmt::format("Spikes at the target: {}", model),
           .x_label = "target eigenfunction (index + 1)",
           .y_label = "growth over its neighbours'",
           .log_x = true,
           .log_y = true,
           .samples = samples,
           .lines = {{fmt::format("threshold {}", least_spike), least_spike}}};
  for (const auto& [label, gains] : {std::pair{"training images", &Evolution::train}, std::pair{"test images", &Evolution::test}}) {
    Series s{.label = label};
    for (Index target : all_targets)
      add_point(s, static_cast<double>(target) + 1,
                of_target(seeds, target, [which = gains](const Evolution& e) { return (e.*which).spike; }));
    f.series.push_back(std::move(s));
  }
  return f;
}

Table table_of(const std::string& caption, const std::vector<std::vector<Evolution>>& seeds, const std::set<Index>& all_targets) {
  Table table{caption, {"target", "alignment, train", "alignment, test", "spike, train", "rank, train", "spike, test", "rank, test"}, {}};
  for (Index target : all_targets) {
    const auto cell = [&](const auto& number) {
      const Estimate e = estimate(of_target(seeds, target, number));
      return with_spread(e, e.mean >= 100 ? 0 : e.mean >= 10 ? 1 : 2);
    };
    const auto rank_of = [&](Gains Evolution::*gains) {
      return with_spread(estimate(of_target(seeds, target, [&](const Evolution& e) { return static_cast<double>((e.*gains).rank); })), 0);
    };
    table.rows.push_back({fmt::format("{}", target), cell([](const Evolution& e) { return e.train.raw; }),
                          cell([](const Evolution& e) { return e.test.raw; }), cell([](const Evolution& e) { return e.train.spike; }),
                          rank_of(&Evolution::train), cell([](const Evolution& e) { return e.test.spike; }), rank_of(&Evolution::test)});
  }
  return table;
}

void judge(Section& s, const Study& study, const Repeats& runs) {
  std::vector<std::vector<Evolution>> seeds;
  std::set<Index> all_targets;
  std::vector<double> train, test;  // the medians of the seeds
  for (const Run* run : runs) {
    const Run* kernel = study.source(*run, "ntk");
    seeds.push_back(kernel ? evolutions(*run, *kernel) : std::vector<Evolution>{});
    if (seeds.back().empty()) continue;
    std::vector<double> spikes[2];
    for (const Evolution& e : seeds.back()) {
      all_targets.insert(e.target);
      spikes[0].push_back(e.train.spike), spikes[1].push_back(e.test.spike);
    }
    train.push_back(median(spikes[0])), test.push_back(median(spikes[1]));
    s.runs.insert(s.runs.end(), {kernel, run});
  }
  if (all_targets.empty()) return;
  for (const auto& [where, medians] : {std::pair{"training", &train}, std::pair{"test", &test}})
    s.findings.push_back(
        {fmt::format("{}: on {} images the alignment with the target grew {} times as much as with its neighbours (median of {} target{})",
                     setting(runs), where, with_spread(estimate(*medians), 2), all_targets.size(), all_targets.size() == 1 ? "" : "s"),
         estimate(*medians).reaches(least_spike)});
  const std::string name = file_name(runs.front()->name());
  s.figures.emplace_back("spikes-" + name, spikes_figure(model(runs), seed_columns(runs), seeds, all_targets));
  // The other picture shows a target like most: of the first seed the one in the middle by its growth.
  auto& first = *std::find_if(seeds.begin(), seeds.end(), [](const auto& all) { return !all.empty(); });
  std::sort(first.begin(), first.end(), [](const Evolution& a, const Evolution& b) { return a.test.spike < b.test.spike; });
  const Run& of_first = *runs[static_cast<std::size_t>(&first - seeds.data())];
  s.figures.emplace_back("evolution-" + name,
                         figure_of(of_first, first[first.size() / 2], runs.size() > 1 ? ", seed " + of_first.seed() : ""));
  s.tables.push_back(table_of(setting(runs), seeds, all_targets));
}

}  // namespace

Section claim_evolution(const Study& study) {
  Section s{.id = "evolution",
            .title = "Training aligns the kernel with its target",
            .claim =
                "While a network learns an eigenfunction its kernel changes, and the alignment of the new kernel with all eigenfunctions "
                "spikes at the target, on training and on test images.",
            .threshold = fmt::format(
                "growth of the alignment with the target (over the eigenvalue, its value before training) at least {} "
                "times the median growth of the {} nearest eigenfunctions: the median over targets, less its standard error over seeds",
                least_spike, neighbours)};
  std::vector<const Run*> networks;
  for (const Run* run : study.of("train_ntk"))
    if (!run->linearized()) networks.push_back(run);
  for (const Repeats& runs : repeated(study, networks)) judge(s, study, runs);
  s.remarks.push_back(
      fmt::format("In the table: alignment, that with the target over the median of the others; spike, the growth with the target "
                  "over that with its {} neighbours; rank, 1 where no other eigenfunction's alignment grew as much.",
                  neighbours));
  s.missing = "no network trained on eigenfunctions whose kernel was computed again: reproduce --only 'eigenfunctions-*'";
  return s;
}

}  // namespace tangentplane::experiments
