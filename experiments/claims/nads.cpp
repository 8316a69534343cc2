// Claim 3.
#include <algorithm>
#include <cmath>

#include "data/npy.h"
#include "experiments/claims/claim.h"
#include "experiments/common/figures.h"
#include "experiments/common/statistics.h"

namespace tangentplane::experiments {
namespace {

constexpr double errors = 2;
constexpr Index most_pictures = 32;

/// Mean accuracy over the first third of the directions minus that over the last, and its standard error.
struct Drop {
  double early = 0, late = 0, error = 0;
};
Drop drop(const std::vector<Task>& all, double Task::*accuracy, double images) {
  const std::size_t third = std::max<std::size_t>(1, all.size() / 3);
  Drop d;
  double variance = 0;
  for (std::size_t i = 0; i < third; ++i) {
    const double early = all[i].*accuracy, late = all[all.size() - 1 - i].*accuracy;
    d.early += early / static_cast<double>(third);
    d.late += late / static_cast<double>(third);
    variance += std::pow(error_of_difference(early, late, images) / static_cast<double>(third), 2);
  }
  d.error = std::sqrt(variance);
  return d;
}

void add_pictures(Section& s, const Run& nads) {
  const auto shape = parse_list<Index>(nads.name() + ": shape", nads.get("shape"), 1);
  require(shape.size() == 3, "{}: shape {} is not height, width, channels", nads.name(), nads.get("shape"));
  const auto path = nads.folder / "nads.npy";
  const Index directions = data::npy_info(path).shape[0], count = std::min(most_pictures, directions), size = shape[0] * shape[1];
  const auto rows = data::load_npy_rows<double>(path, 0, count);
  require(rows.size() == count * size * shape[2], "{}: {} numbers a direction, expected {} x {} x {}", path.string(), rows.size() / count,
          shape[0], shape[1], shape[2]);
  Pictures p{.title = fmt::format("First {} directions of {}", count, nads.model()), .height = shape[0], .width = shape[1]};
  for (Index i = 0; i < count; ++i) {
    std::vector<double> pixels(static_cast<std::size_t>(size));
    for (Index at = 0; at < size; ++at)
      for (Index c = 0; c < shape[2]; ++c) pixels[static_cast<std::size_t>(at)] += rows[(i * size + at) * shape[2] + c];
    p.pixels.push_back(std::move(pixels));
  }
  s.pictures.emplace_back("nads-" + file_name(nads.name()), std::move(p));
  s.runs.push_back(&nads);
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
  for (const Pair& pair : pairs(study, "train_nads")) {
    const auto all = tasks(pair);
    if (all.size() < 2) continue;
    const double n = pair.network->test_images();
    const Drop network = drop(all, &Task::network, n), linear = drop(all, &Task::linear, n);
    const std::string model = pair.network->model();
    for (const auto& [name, d] : {std::pair{"network", network}, std::pair{"linearization", linear}})
      s.findings.push_back(
          {fmt::format("{}, {}: {} on early directions, {} on late ones: a drop of {} ± {:.1f} points over {} directions", model, name,
                       percent(d.early), percent(d.late), points(d.early - d.late), 100 * d.error, all.size()),
           d.early - d.late > errors * d.error});
    Series a{.label = "network"}, b{.label = "linearization"};
    Table table{fmt::format("{}, {} training and {} test samples", model, pair.network->get("num-train"), pair.network->get("num-test")),
                {"direction", "network", "linearization", "difference"},
                {}};
    std::vector<double> of_network, of_linear;
    for (const Task& t : all) {
      const double x = static_cast<double>(t.name) + 1;
      a.x.push_back(x), a.y.push_back(100 * t.network), a.error.push_back(100 * accuracy_error(t.network, n));
      b.x.push_back(x), b.y.push_back(100 * t.linear), b.error.push_back(100 * accuracy_error(t.linear, n));
      of_network.push_back(t.network), of_linear.push_back(t.linear);
      table.rows.push_back({fmt::format("{}", t.name), percent(t.network), percent(t.linear), points(t.network - t.linear)});
    }
    if (const auto correlation = rank_correlation(of_network, of_linear))
      s.remarks.push_back(fmt::format("{}: rank correlation of network and linearization {:.2f}.", model, *correlation));
    s.figures.emplace_back("nads-" + file_name(pair.network->name()), Figure{.title = "Anisotropy directions: " + model,
                                                                             .x_label = "direction (index + 1)",
                                                                             .y_label = "test accuracy (%)",
                                                                             .log_x = true,
                                                                             .series = {a, b},
                                                                             .lines = {{"guessing", 50}}});
    s.tables.push_back(std::move(table));
    s.runs.insert(s.runs.end(), {pair.network, pair.linear});
    const Run* nads = study.source(*pair.network, "nads");
    if (nads && std::find(s.runs.begin(), s.runs.end(), nads) == s.runs.end()) add_pictures(s, *nads);
  }
  s.missing = "no network and linearization trained along the same directions: reproduce --only 'nads-*'";
  return s;
}

}  // namespace tangentplane::experiments
