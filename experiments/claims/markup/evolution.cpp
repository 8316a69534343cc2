// Claim 4 in words.
#include <algorithm>
#include <cmath>

#include "experiments/claims/markup/words.h"
#include "experiments/claims/statistics/statistics.h"
#include "experiments/claims/verdicts/rules.h"
#include "experiments/common/figures/figures.h"

namespace tangentplane::experiments {
namespace {

// The deciding numbers: spikes against targets.
Figure spikes_figure(const EvolutionNumbers& n) {
  Figure f{.title = fmt::format("Growth at the target over that of its neighbours: {}", model(n.runs)),
           .x_label = "target eigenfunction (index + 1)",
           .y_label = "growth over its neighbours'",
           .log_x = true,
           .log_y = true,
           .samples = seed_columns(n.runs),
           .lines = {{fmt::format("threshold {}", least_spike), least_spike}}};
  for (const auto& [label, part] : {std::pair{"training images", &Evolution::training}, std::pair{"test images", &Evolution::test}}) {
    Series s{.label = label};
    for (Index target : n.targets())
      add_point(s, static_cast<double>(target) + 1, n.of_target(target, [which = part](const Evolution& e) { return (e.*which).spike; }));
    f.series.push_back(std::move(s));
  }
  return f;
}

// As the paper shows it: the alignment with all eigenfunctions, before training and after.
Figure alignments_figure(const Run& run, const Evolution& e, const Alignments& a, const Spike& at, const std::string& images,
                         const std::string& seed) {
  const double x = static_cast<double>(e.target) + 1;
  return {.title = fmt::format("Alignment on {} images: {}, target {}{}", images, title_of(run), e.target, seed),
          .x_label = "eigenfunction (index + 1)",
          .y_label = "alignment",
          .log_x = true,
          .log_y = true,
          .series = {{.label = "before training", .x = one_based(a.before.size()), .y = a.before, .mark = Mark::points},
                     {.label = "after training", .x = one_based(a.after.size()), .y = a.after, .mark = Mark::points},
                     {.label = fmt::format("target {}", e.target), .x = {x, x}, .y = {at.before, at.after}, .mark = Mark::highlight}}};
}

Table table_of(const EvolutionNumbers& n) {
  Table table{setting(n.runs),
              {"target", "before, train", "after, train", "growth, train", "spike, train", "rank of growth, train", "before, test",
               "after, test", "growth, test", "spike, test", "rank of growth, test", "rank of alignment, test", "among"},
              {}};
  for (Index target : n.targets()) {
    const auto cell = [&](const auto& number) {
      const Estimate e = estimate(n.of_target(target, number));
      return with_spread(e, e.mean >= 100 ? 0 : e.mean >= 10 ? 1 : e.mean >= 0.1 ? 2 : 4);
    };
    const auto rank = [&](const auto& number) { return with_spread(estimate(n.of_target(target, number)), 0); };
    std::vector<std::string> row{std::to_string(target)};
    for (Spike Evolution::*part : {&Evolution::training, &Evolution::test}) {
      for (double Spike::*number : {&Spike::before, &Spike::after, &Spike::growth, &Spike::spike})
        row.push_back(cell([=](const Evolution& e) { return (e.*part).*number; }));
      row.push_back(rank([=](const Evolution& e) { return (e.*part).rank; }));
    }
    row.push_back(rank([](const Evolution& e) { return e.test.rank_of_alignment; }));
    row.push_back(rank([](const Evolution& e) { return e.test.among; }));
    table.rows.push_back(std::move(row));
  }
  return table;
}

// "by its growth the target is the 1st to 37th of all 300 (median 4)"
std::string ranks_text(const EvolutionNumbers& n, Spike Evolution::*part) {
  std::vector<double> ranks;
  std::size_t among = 0;
  for (const auto& seed : n.seeds)
    for (const Evolution& e : seed) ranks.push_back(static_cast<double>((e.*part).rank)), among = std::max(among, (e.*part).among);
  const auto [least, most] = std::minmax_element(ranks.begin(), ranks.end());
  return fmt::format(
      "among all {} its growth has rank {}", among,
      *least == *most ? fmt::format("{:.0f}", *least) : fmt::format("{:.0f} to {:.0f}, median {:.3g}", *least, *most, median(ranks)));
}

// Which targets do not count, and why.
void remark_targets(Section& s, const Repeats& runs, const EvolutionNumbers& n) {
  remark_left_out(s, model(runs), n.left_out, "target");
  if (n.without_neighbours.empty()) return;
  std::vector<std::string> names;
  for (Index target : n.without_neighbours) names.push_back(std::to_string(target));
  const bool tested = runs.front()->test_images() > 0;
  s.remarks.push_back(fmt::format("{}: target{} {} left out, {}.", model(runs), names.size() == 1 ? "" : "s", listed(names),
                                  tested ? fmt::format("whose growth, or that of {} neighbours, is not known", neighbours)
                                         : std::string("for there are no test images")));
}

void write(Section& s, EvolutionNumbers n) {
  const std::size_t count = n.targets().size();
  for (const auto& [where, logarithm, part, judgement] : {std::tuple{"training", &n.log_training, &Evolution::training, judge_training(n)},
                                                          std::tuple{"test", &n.log_test, &Evolution::test, judge_test(n)}})
    s.findings.push_back(
        finding(fmt::format("{}: on {} images the alignment with the target grew {} times as much as with its {} "
                            "neighbours (median of {}); {}",
                            setting(n.runs), where, factor(*logarithm), neighbours, counted(count, "target"), ranks_text(n, part)),
                judgement, n.runs.front()));
  remark_targets(s, n.runs, n);
  if (!n.draws)
    s.remarks.push_back(fmt::format(
        "{}: the interval on test images is without their error: alignment_init_parts.npy or an alignment_parts.npy is missing (a "
        "train_ntk of an older version left none).",
        model(n.runs)));
  const std::string name = file_name(n.runs.front()->name());
  s.figures.emplace_back("spikes-" + name, spikes_figure(n));
  s.tables.push_back(table_of(n));
  s.runs.insert(s.runs.end(), n.runs.begin(), n.runs.end());
  // The other pictures show a target like most: of the first seed the one in the middle by its growth.
  auto& first = n.seeds.front();
  std::sort(first.begin(), first.end(), [](const Evolution& a, const Evolution& b) { return a.test.spike < b.test.spike; });
  const Evolution& middle = first[first.size() / 2];
  const Run& run = *n.runs.front();
  const std::string seed = n.runs.size() > 1 ? ", seed " + seeds_of(n.runs).front() : "";
  s.figures.emplace_back("evolution-train-" + name, alignments_figure(run, middle, middle.on_training, middle.training, "training", seed));
  s.figures.emplace_back("evolution-" + name, alignments_figure(run, middle, middle.on_test, middle.test, "test", seed));
}

}  // namespace

Section claim_evolution(const Study& study) {
  Section s{
      .id = "evolution",
      .title = "Training aligns the kernel with its target",
      .claim =
          "While a network learns an eigenfunction its kernel changes, and its alignment with that eigenfunction grows more than that "
          "with the eigenfunctions beside it, on training and on test images.",
      .threshold = fmt::format(
          "growth of the alignment with the target (after training over before, on the same images) at least {} times the median "
          "growth of the {} eigenfunctions nearest by index: the median over targets, and over seeds its whole 95 % interval, on a "
          "logarithmic scale. That is a spike among neighbours; the rank among all eigenfunctions is told beside it",
          least_spike, neighbours)};
  std::vector<const Run*> networks;
  for (const Run* run : study.of("train_ntk"))
    if (!run->linearized() && !run->own_labels()) networks.push_back(run);
  const auto groups = matched_runs(study, networks);
  auto found = evolution_numbers(groups.groups);
  for (EvolutionNumbers& n : found.all) write(s, std::move(n));
  for (const auto& [runs, n] : found.without_targets) remark_targets(s, runs, n);
  if (!found.without_initial.empty())
    s.remarks.push_back(
        fmt::format("{}: alignment_init.npy, the alignment before training, is missing (a train_ntk of an older version left none): "
                    "run it again.",
                    listed(found.without_initial)));
  if (!found.without_alignment.empty()) s.remarks.push_back(listed(found.without_alignment) + ": has no alignment.npy.");
  if (!s.findings.empty()) {
    remark_not_counted(s, groups.not_counted);
    s.remarks.push_back(
        fmt::format("In the table: alignment before and after training; growth, after over before; spike, growth over the "
                    "median growth of {} neighbours; rank, 1 for the largest among all eigenfunctions.",
                    neighbours));
  }
  s.missing = networks.empty()
                  ? "no network trained on eigenfunctions: " + study.how_to_run("eigenfunctions-*", "compute_ntk, then train_ntk --ntk")
                  : fmt::format("{}", fmt::join(s.remarks, " "));
  if (s.missing.ends_with('.')) s.missing.pop_back();
  return s;
}

}  // namespace tangentplane::experiments
