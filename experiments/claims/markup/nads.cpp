// Claim 3 in words.
#include <algorithm>

#include "data/npy.h"
#include "experiments/claims/markup/words.h"
#include "experiments/claims/verdicts/rules.h"

namespace tangentplane::experiments {
namespace {

constexpr Index most_pictures = 32;

void add_pictures(Section& s, const Run& nads, const std::string& of_which) {
  const auto shape = parse_list<Index>(nads.name() + ": shape", nads.get("shape"), 1);
  require(shape.size() == 3, "{}: shape {} is not height, width, channels", nads.name(), nads.get("shape"));
  const auto path = nads.folder / "nads.npy";
  const Index directions = data::npy_info(path).shape[0], count = std::min(most_pictures, directions), size = shape[0] * shape[1];
  const auto rows = data::load_npy_rows<double>(path, 0, count);
  require(rows.size() == count * size * shape[2], "{}: {} numbers a direction, expected {} x {} x {}", path.string(), rows.size() / count,
          shape[0], shape[1], shape[2]);
  Pictures p{.title = fmt::format("First {} directions of {}{}", count, title_of(nads), of_which), .height = shape[0], .width = shape[1]};
  for (Index i = 0; i < count; ++i) {
    std::vector<double> pixels(static_cast<std::size_t>(size));
    for (Index at = 0; at < size; ++at)
      for (Index c = 0; c < shape[2]; ++c) pixels[static_cast<std::size_t>(at)] += rows[(i * size + at) * shape[2] + c];
    p.pixels.push_back(std::move(pixels));
  }
  s.pictures.emplace_back("nads-" + file_name(nads.name()), std::move(p));
}

// The directions themselves, of the first seed as pictures.
void add_directions(Section& s, const Study& study, const PairRepeats& pairs) {
  for (const Pair& pair : pairs) {
    const Run* nads = study.source(*pair.network, "nads");
    if (!nads) {
      s.remarks.push_back(fmt::format("{}: its directions are not in {} any more, so that they are not shown.", pair.network->name(),
                                      pair.network->get("nads")));
      continue;
    }
    if (std::find(s.runs.begin(), s.runs.end(), nads) != s.runs.end()) continue;
    if (&pair == &pairs.front()) add_pictures(s, *nads, pairs.size() > 1 ? ", seed " + nads->seed() : "");
    s.runs.push_back(nads);
  }
}

Table table_of(const DropNumbers& n) {
  Table table{setting(n.pairs),
              {"direction", "test, network", "test, linearization", "difference", "training, network", "training, linearization", "epochs"},
              {}};
  for (const RepeatedTask& t : n.tasks)
    table.rows.push_back({t.name, percent(over_seeds(t, &Task::network, &Training::test_accuracy)),
                          percent(over_seeds(t, &Task::linear, &Training::test_accuracy)),
                          points(estimate(t.values([](const Task& one) { return one.lead(); }))),
                          percent(over_seeds(t, &Task::network, &Training::train_accuracy)),
                          percent(over_seeds(t, &Task::linear, &Training::train_accuracy)), epochs_cell(t)});
  return table;
}

void write(Section& s, const Study& study, const DropNumbers& n) {
  const auto unfinished = unfinished_of(n.tasks);
  for (const auto& [name, d] : {std::pair{"network", &n.network}, std::pair{"linearization", &n.linear}}) {
    std::string text =
        fmt::format("{}, {}: {} on early directions, {} on late ones: a drop of {} over {}, {}", setting(n.pairs), name, percent(d->early),
                    percent(d->late), points_and_interval(d->drop), counted(n.tasks.size(), "direction"), epochs_of(n.tasks));
    if (!d->finished) text += "; part of the drop may be training that was cut short (training accuracies stand in the table)";
    s.findings.push_back(finding(std::move(text), judge(*d), n.pairs.front().network));
  }
  const Run& first = *n.pairs.front().network;
  if (n.correlation)
    s.remarks.push_back(fmt::format("{}: rank correlation of network and linearization {:.2f}{}.", model(n.pairs), *n.correlation,
                                    n.pairs.size() > 1 ? ", of the means over seeds" : ""));
  if (!unfinished.empty())
    s.remarks.push_back(fmt::format("{}: on direction{} {} not all were trained to the end.", model(n.pairs),
                                    unfinished.size() == 1 ? "" : "s", listed(unfinished)));
  remark_left_out(s, model(n.pairs), n.left_out, "direction");
  s.figures.emplace_back("nads-" + file_name(first.name()), Figure{.title = "Anisotropy directions: " + model(n.pairs),
                                                                   .x_label = "direction (index + 1)",
                                                                   .y_label = "test accuracy (%)",
                                                                   .log_x = true,
                                                                   .samples = seed_columns(n.pairs),
                                                                   .series = {accuracy_series("network", n.tasks, &Task::network, 1),
                                                                              accuracy_series("linearization", n.tasks, &Task::linear, 1)},
                                                                   .lines = {{"guessing", 50}}});
  s.tables.push_back(table_of(n));
  add_runs(s, n.pairs);
  add_directions(s, study, n.pairs);
}

}  // namespace

Section claim_nads(const Study& study) {
  Section s{.id = "nads",
            .title = "Both learn early anisotropy directions more easily",
            .claim =
                "Where two classes differ along one direction only, a network generalises better the earlier this direction comes among "
                "its neural anisotropy directions, and so does its linearization.",
            .threshold =
                fmt::format("mean test accuracy over the first third of the directions minus that over the last of more than {}, with its "
                            "whole 95 % interval, for the network and for the linearization, each trained to the end on these; {}",
                            least_drop, rule_of_the_end)};
  const auto found = matched_pairs(study, "train_nads");
  for (const DropNumbers& n : drop_numbers(found.groups)) write(s, study, n);
  if (!s.findings.empty()) remark_not_counted(s, found.not_counted);
  s.missing = why_missing(found.not_counted,
                          found.groups.empty()
                              ? "no network and linearization trained along the same directions: " +
                                    study.how_to_run("directions-*", "compute_nads, then train_nads --nads with and without --linearize")
                              : "network and linearization share fewer than two directions");
  return s;
}

}  // namespace tangentplane::experiments
