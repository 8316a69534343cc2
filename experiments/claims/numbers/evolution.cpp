#include "experiments/claims/numbers/evolution.h"

#include <algorithm>
#include <cmath>
#include <map>
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
    found.push_back(std::move(e));
  }
  return found;
}

/// What each seed left out, by target.
void join_seeds(EvolutionNumbers& n) {
  std::map<Index, std::pair<std::size_t, double>> left_out;  // seeds, least share
  for (const auto& [name, share] : n.left_out) {
    auto& [seeds, least] = left_out.try_emplace(parse_number<Index>("target", name, 0), 0, 1.0).first->second;
    ++seeds, least = std::min(least, share);
  }
  n.left_out.clear();
  for (const auto& [target, of] : left_out) {
    const auto counting = n.of_target(target, [](const Evolution&) { return 0; });
    const auto others = std::count_if(counting.begin(), counting.end(), [](double v) { return !std::isnan(v); });
    n.left_out.emplace_back(under_some(std::to_string(target), of.first, of.first + static_cast<std::size_t>(others)), of.second);
  }
  std::sort(n.without_neighbours.begin(), n.without_neighbours.end());
  n.without_neighbours.erase(std::unique(n.without_neighbours.begin(), n.without_neighbours.end()), n.without_neighbours.end());
}

}  // namespace

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
  std::vector<std::pair<std::size_t, double>> others;  // by distance from the target
  for (std::size_t j = 0; j < growth.size(); ++j)
    if (j != target && !std::isnan(growth[j])) others.emplace_back(j < target ? target - j : j - target, growth[j]);
  if (others.size() < neighbours || std::isnan(growth[target])) return {};
  std::stable_sort(others.begin(), others.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<double> near;
  for (std::size_t i = 0; i < neighbours; ++i) near.push_back(others[i].second);
  return Spike{.before = alignments.before[target],
               .after = alignments.after[target],
               .growth = growth[target],
               .spike = growth[target] / median(near),
               .rank = rank_in(growth, target),
               .rank_of_alignment = rank_in(alignments.after, target),
               .among = others.size() + 1};
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
    n.log_training = estimate(training), n.log_test = estimate(test);
    found.all.push_back(std::move(n));
  }
  return found;
}

}  // namespace tangentplane::experiments
