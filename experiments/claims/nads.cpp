// Claim 3.
#include <algorithm>
#include <cmath>

#include "data/npy.h"
#include "experiments/claims/claim.h"

namespace tangentplane::experiments {
namespace {

constexpr double errors = 2;
constexpr Index most_pictures = 32;

/// Mean accuracy over the first third of the directions, over the last, and the first minus the last.
struct Drop {
  Estimate early, late, drop;
};
Drop drop(const std::vector<RepeatedTask>& all, double Task::*accuracy, double images) {
  const std::size_t third = std::max<std::size_t>(1, all.size() / 3), seeds = all.front().under.size();
  const double count = static_cast<double>(third);
  std::vector<double> early(seeds), late(seeds), drops(seeds);
  double variance = 0;
  for (std::size_t i = 0; i < third; ++i) {
    const auto first = all[i].values(accuracy), last = all[all.size() - 1 - i].values(accuracy);
    for (std::size_t seed = 0; seed < seeds; ++seed) early[seed] += first[seed] / count, late[seed] += last[seed] / count;
    variance += std::pow(error_of_difference(estimate(first).mean, estimate(last).mean, images) / count, 2);
  }
  for (std::size_t seed = 0; seed < seeds; ++seed) drops[seed] = early[seed] - late[seed];
  return {estimate(early), estimate(late), estimate(drops, std::sqrt(variance))};
}

void add_pictures(Section& s, const Run& nads, const std::string& of_which) {
  const auto shape = parse_list<Index>(nads.name() + ": shape", nads.get("shape"), 1);
  require(shape.size() == 3, "{}: shape {} is not height, width, channels", nads.name(), nads.get("shape"));
  const auto path = nads.folder / "nads.npy";
  const Index directions = data::npy_info(path).shape[0], count = std::min(most_pictures, directions), size = shape[0] * shape[1];
  const auto rows = data::load_npy_rows<double>(path, 0, count);
  require(rows.size() == count * size * shape[2], "{}: {} numbers a direction, expected {} x {} x {}", path.string(), rows.size() / count,
          shape[0], shape[1], shape[2]);
  Pictures p{.title = fmt::format("First {} directions of {}{}", count, nads.model(), of_which), .height = shape[0], .width = shape[1]};
  for (Index i = 0; i < count; ++i) {
    std::vector<double> pixels(static_cast<std::size_t>(size));
    for (Index at = 0; at < size; ++at)
      for (Index c = 0; c < shape[2]; ++c) pixels[static_cast<std::size_t>(at)] += rows[(i * size + at) * shape[2] + c];
    p.pixels.push_back(std::move(pixels));
  }
  s.pictures.emplace_back("nads-" + file_name(nads.name()), std::move(p));
}

void judge(Section& s, const Study& study, const PairRepeats& pairs) {
  const auto all = tasks(pairs);
  if (all.size() < 2) return;
  const Run& first = *pairs.front().network;
  const double n = first.test_images();
  for (const auto& [name, d] :
       {std::pair{"network", drop(all, &Task::network, n)}, std::pair{"linearization", drop(all, &Task::linear, n)}})
    s.findings.push_back({fmt::format("{}, {}: {} on early directions, {} on late ones: a drop of {} over {} directions", model(pairs),
                                      name, percent(d.early), percent(d.late), points_and_error(d.drop), all.size()),
                          d.drop.exceeds_zero_by(errors)});
  Table table{fmt::format("{}, {} training and {} test samples", model(pairs), first.get("num-train"), first.get("num-test")),
              {"direction", "network", "linearization", "difference"},
              {}};
  std::vector<double> of_network, of_linear;
  for (const RepeatedTask& t : all) {
    const Estimate network = estimate(t.values(&Task::network)), linear = estimate(t.values(&Task::linear));
    of_network.push_back(network.mean), of_linear.push_back(linear.mean);
    table.rows.push_back({fmt::format("{}", t.name), percent(network), percent(linear), points(estimate(t.leads()))});
  }
  if (const auto correlation = rank_correlation(of_network, of_linear))
    s.remarks.push_back(fmt::format("{}: rank correlation of network and linearization {:.2f}{}.", first.model(), *correlation,
                                    pairs.size() > 1 ? ", of the means over seeds" : ""));
  s.figures.emplace_back("nads-" + file_name(first.name()), Figure{.title = "Anisotropy directions: " + model(pairs),
                                                                   .x_label = "direction (index + 1)",
                                                                   .y_label = "test accuracy (%)",
                                                                   .log_x = true,
                                                                   .samples = seed_columns(pairs),
                                                                   .series = {accuracy_series("network", all, &Task::network, 1, n),
                                                                              accuracy_series("linearization", all, &Task::linear, 1, n)},
                                                                   .lines = {{"guessing", 50}}});
  s.tables.push_back(std::move(table));
  for (const Pair& pair : pairs) {
    s.runs.insert(s.runs.end(), {pair.network, pair.linear});
    const Run* nads = study.source(*pair.network, "nads");
    if (!nads || std::find(s.runs.begin(), s.runs.end(), nads) != s.runs.end()) continue;
    if (&pair == &pairs.front()) add_pictures(s, *nads, pairs.size() > 1 ? ", seed " + nads->seed() : "");
    s.runs.push_back(nads);
  }
}

}  // namespace

Section claim_nads(const Study& study) {
  Section s{
      .id = "nads",
      .title = "Both learn early anisotropy directions more easily",
      .claim =
          "Where two classes differ along one direction only, a network generalises better the earlier this direction comes among "
          "its neural anisotropy directions, and so does its linearization.",
      .threshold = fmt::format("mean test accuracy over the first third of the directions tried above that over the last third by more "
                               "than {} standard errors, for the network and for the linearization",
                               errors)};
  for (const PairRepeats& seeds : repeated(study, pairs(study, "train_nads"))) judge(s, study, seeds);
  s.missing = "no network and linearization trained along the same directions: reproduce --only 'directions-*'";
  return s;
}

}  // namespace tangentplane::experiments
