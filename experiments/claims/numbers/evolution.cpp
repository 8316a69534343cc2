#include "experiments/claims/numbers/evolution.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "data/npy.h"
#include "experiments/claims/statistics/statistics.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

constexpr const char* initial_name = "alignment_init.npy";

Tensor<double> load_alignment(const fs::path& path) {
  auto alignment = data::load_npy<double>(path);
  require(alignment.shape().rank() == 2 && alignment.shape()[0] == 3, "{}: has shape {}, expected [3,k]", path.string(), alignment.shape());
  return alignment;
}

Alignments part(const Tensor<double>& before, const Tensor<double>& after, Index row) {
  const auto row_of = [&](const Tensor<double>& t) {
    const double* begin = t.data() + row * t.shape()[1];
    return std::vector<double>(begin, begin + t.shape()[1]);
  };
  return {row_of(before), row_of(after)};
}

std::size_t rank_in(const std::vector<double>& values, std::size_t at) {
  return 1 + static_cast<std::size_t>(std::count_if(values.begin(), values.end(), [&](double v) { return v > values[at]; }));
}

/// The nearest of the others by index whose growth is known; fewer than `neighbours` if there are no more.
std::vector<std::size_t> nearest(const std::vector<double>& growth, std::size_t target) {
  std::vector<std::size_t> others;
  for (std::size_t j = 0; j < growth.size(); ++j)
    if (j != target && !std::isnan(growth[j])) others.push_back(j);
  const auto distance = [target](std::size_t j) { return j < target ? target - j : j - target; };
  std::stable_sort(others.begin(), others.end(), [&](std::size_t a, std::size_t b) { return distance(a) < distance(b); });
  others.resize(std::min(others.size(), neighbours));
  return others;
}

/// Nothing where one of the two files is not there.
std::optional<Draws> draws_of(const fs::path& before, const fs::path& after, const std::vector<double>& growth, std::size_t target) {
  if (!fs::exists(before) || !fs::exists(after)) return {};
  const auto first = data::load_npy<double>(before), last = data::load_npy<double>(after);
  const auto k = static_cast<Index>(growth.size());
  require(first.shape() == last.shape() && first.shape().rank() == 2 && first.shape()[1] == k,
          "{}: has shape {}, {} {}, of {} eigenfunctions", after.string(), last.shape(), before.string(), first.shape(), k);
  auto of = nearest(growth, target);
  of.insert(of.begin(), target);
  Draws draws;
  for (std::size_t j : of) draws.growths.push_back(growth[j]);
  for (Index g = 0; g < first.shape()[0]; ++g) {
    auto& piece = draws.pieces.emplace_back();
    for (std::size_t j : of) piece.push_back(2 * (last[g * k + static_cast<Index>(j)] - first[g * k + static_cast<Index>(j)]));
  }
  return draws;
}

/// The targets of one run; those that have nothing to say are noted in `n`.
std::vector<Evolution> evolutions(const Run& run, const Tensor<double>& before, EvolutionNumbers& n) {
  std::vector<Evolution> found;
  for (Index target : targets(run)) {
    const fs::path folder = target_folder(run, std::to_string(target));
    if (!fs::exists(folder / "alignment.npy")) continue;
    const Training training = load_training(folder);
    if (training.correct.empty()) {
      n.without_neighbours.push_back(target);
      continue;
    }
    const double rarer = training.rarer();
    if (rarer < least_share_of_rarer_class) {
      n.left_out.emplace_back(std::to_string(target), rarer);
      continue;
    }
    const auto after = load_alignment(folder / "alignment.npy");
    require(after.shape() == before.shape() && target < after.shape()[1], "{}: has shape {}, {} in {} has {}",
            (folder / "alignment.npy").string(), after.shape(), initial_name, run.folder.string(), before.shape());
    Evolution e{.target = target, .on_training = part(before, after, 0), .on_test = part(before, after, 1)};
    const auto at = static_cast<std::size_t>(target);
    const auto on_training = spike_at(e.on_training, at), on_test = spike_at(e.on_test, at);
    if (!on_training || !on_test) {
      n.without_neighbours.push_back(target);
      continue;
    }
    e.training = *on_training, e.test = *on_test;
    e.draws = draws_of(run.folder / "alignment_init_parts.npy", folder / "alignment_parts.npy", e.on_test.growth(), at);
    found.push_back(std::move(e));
  }
  return found;
}

/// What each seed left out, by target.
void join_seeds(EvolutionNumbers& n) {
  n.left_out = join_left_out(n.left_out, [&](const std::string& target) {
    const auto of = n.of_target(parse_number<Index>("target", target, 0), [](const Evolution&) { return 0; });
    return static_cast<std::size_t>(std::count_if(of.begin(), of.end(), [](double v) { return !std::isnan(v); }));
  });
  std::sort(n.without_neighbours.begin(), n.without_neighbours.end());
  n.without_neighbours.erase(std::unique(n.without_neighbours.begin(), n.without_neighbours.end()), n.without_neighbours.end());
}

/// The error that another draw of the test images would give the seeds' medians of log spikes.
Measurement error_of(const EvolutionNumbers& n) {
  const auto of_seed = [](const std::vector<Evolution>& seed, std::span<const double> times) {
    std::vector<double> spikes;
    for (const Evolution& e : seed) spikes.push_back(e.draws->log_spike(times));
    return median(spikes);
  };
  const auto pieces = [](const auto& seed) { return seed.front().draws->pieces.size(); };
  const TestImages relation = test_images(n.runs, std::vector<std::string>(n.runs.size()));
  if (relation == TestImages::same &&
      std::all_of(n.seeds.begin(), n.seeds.end(), [&](const auto& seed) { return pieces(seed) == pieces(n.seeds[0]); })) {
    const double error = bootstrap_error(pieces(n.seeds[0]), [&](std::span<const double> times) -> std::optional<double> {
      double sum = 0;
      for (const auto& seed : n.seeds) sum += of_seed(seed, times);
      return sum / static_cast<double>(n.seeds.size());
    });
    return {error, true};
  }
  std::vector<double> errors;
  for (const auto& seed : n.seeds)
    errors.push_back(
        bootstrap_error(pieces(seed), [&](std::span<const double> times) -> std::optional<double> { return of_seed(seed, times); }));
  return {root_mean_square(errors), relation != TestImages::own};
}

}  // namespace

double Draws::log_spike(std::span<const double> times) const {
  std::vector<double> logarithms;
  for (double g : growths) logarithms.push_back(std::log(g));
  for (std::size_t g = 0; g < pieces.size(); ++g)
    for (std::size_t j = 0; j < growths.size(); ++j) logarithms[j] += (times[g] - 1) * pieces[g][j];
  std::vector<double> near;
  for (std::size_t j = 1; j < growths.size(); ++j) near.push_back(std::exp(logarithms[j]));
  return logarithms[0] - std::log(median(near));
}

std::vector<double> Alignments::growth() const {
  std::vector<double> growths;
  for (std::size_t j = 0; j < before.size(); ++j) {
    const double g = before[j] > 0 ? after[j] / before[j] : std::numeric_limits<double>::quiet_NaN();
    growths.push_back(std::isfinite(g) && g > 0 ? g : std::numeric_limits<double>::quiet_NaN());
  }
  return growths;
}

std::optional<Spike> spike_at(const Alignments& alignments, std::size_t target) {
  const auto growth = alignments.growth();
  const auto others = nearest(growth, target);
  if (others.size() < neighbours || std::isnan(growth[target])) return {};
  std::vector<double> near;
  for (std::size_t j : others) near.push_back(growth[j]);
  return Spike{.before = alignments.before[target],
               .after = alignments.after[target],
               .growth = growth[target],
               .spike = growth[target] / median(near),
               .rank = rank_in(growth, target),
               .rank_of_alignment = rank_in(alignments.after, target),
               .among = static_cast<std::size_t>(std::count_if(growth.begin(), growth.end(), [](double g) { return !std::isnan(g); }))};
}

std::vector<Index> EvolutionNumbers::targets() const {
  std::set<Index> all;
  for (const auto& seed : seeds)
    for (const Evolution& e : seed) all.insert(e.target);
  return {all.begin(), all.end()};
}

EvolutionsFound evolution_numbers(const std::vector<Repeats>& groups) {
  EvolutionsFound found;
  for (const Repeats& runs : groups) {
    EvolutionNumbers n;
    std::vector<double> training, test;  // the seeds' medians
    for (const Run* run : runs) {
      const auto indices = targets(*run);
      const bool aligned = std::any_of(indices.begin(), indices.end(), [&](Index target) {
        return fs::exists(target_folder(*run, std::to_string(target)) / "alignment.npy");
      });
      if (!aligned) {
        found.without_alignment.push_back(run->name());
        continue;
      }
      if (!fs::exists(run->folder / initial_name)) {
        found.without_initial.push_back(run->name());
        continue;
      }
      auto seed = evolutions(*run, load_alignment(run->folder / initial_name), n);
      if (seed.empty()) continue;
      std::vector<double> spikes[2];
      for (const Evolution& e : seed) spikes[0].push_back(std::log(e.training.spike)), spikes[1].push_back(std::log(e.test.spike));
      training.push_back(median(spikes[0])), test.push_back(median(spikes[1]));
      n.runs.push_back(run), n.seeds.push_back(std::move(seed));
    }
    join_seeds(n);
    if (n.runs.empty()) {
      if (!n.left_out.empty() || !n.without_neighbours.empty()) found.without_targets.emplace_back(runs, std::move(n));
      continue;
    }
    n.draws = std::all_of(n.seeds.begin(), n.seeds.end(), [](const auto& seed) {
      return std::all_of(seed.begin(), seed.end(), [](const Evolution& e) { return e.draws.has_value(); });
    });
    n.log_training = estimate(training), n.log_test = estimate(test, n.draws ? error_of(n) : Measurement{});
    found.all.push_back(std::move(n));
  }
  return found;
}

}  // namespace tangentplane::experiments
