// Claim 4 in numbers: how training changes the alignment of the kernel with its target.
#pragma once

#include <span>

#include "experiments/claims/statistics/estimate.h"
#include "experiments/claims/study/tasks.h"

namespace tangentplane::experiments {

/// So many other eigenfunctions, the nearest by index, are the neighbours of a target.
inline constexpr std::size_t neighbours = 20;

/// Alignments with all eigenfunctions on one part of the images, before training and after.
struct Alignments {
  std::vector<double> before = {}, after = {};  ///< [k]
  std::vector<double> growth() const;           ///< after / before; NaN where before is not positive or one of them is NaN
};
/// What they say of one of the eigenfunctions, the target of the training. Training changes the whole kernel, and small eigenvalues by
/// another factor than large ones, so that a spike is judged against its neighbours; its rank is among all.
struct Spike {
  double before = 0, after = 0;       ///< alignment with the target
  double growth = 0;                  ///< after / before
  double spike = 0;                   ///< growth over the median growth of the neighbours
  std::size_t rank = 0;               ///< of its growth among all, 1 the largest
  std::size_t rank_of_alignment = 0;  ///< of `after`
  std::size_t among = 0;              ///< eigenfunctions whose growth is known
};
/// Nothing where the growth of the target, or that of as many neighbours, is not known.
std::optional<Spike> spike_at(const Alignments& alignments, std::size_t target);

/// What another draw of the test images would make of a spike on them. They are cut into pieces, and a piece's share in an alignment
/// v^T K v / v^T v is the sum over its images of v_i (K v)_i / v^T K v. If piece g comes 1 + w_g times, sum over g of w_g = 0, the
/// logarithm of the alignment's growth changes by the sum over g of w_g 2 (share after - share before), to first order: v^T v changes alike
/// in both.
struct Draws {
  std::vector<double> growths = {};              ///< of the target, then of its neighbours
  std::vector<std::vector<double>> pieces = {};  ///< for each piece, of these: 2 (share after - share before)

  /// The logarithm of the spike where piece g comes times[g] times.
  double log_spike(std::span<const double> times) const;
};

struct Evolution {
  Index target = 0;
  Alignments on_training = {}, on_test = {};
  Spike training = {}, test = {};
  std::optional<Draws> draws = {};  ///< nothing where a train_ntk of an older version left no alignment_parts.npy
};
/// A network's trainings on eigenfunctions, under every seed.
struct EvolutionNumbers {
  Repeats runs = {};                                          ///< those that have something to say
  std::vector<std::vector<Evolution>> seeds = {};             ///< for each run: its targets that count
  std::vector<std::pair<std::string, double>> left_out = {};  ///< targets that do not count
  std::vector<Index> without_neighbours = {};  ///< targets without growth, as without test images, or with too few neighbours
  /// Natural logarithm of the spike, the median over targets, over seeds: factors are compared as ratios. That of test images has their
  /// error (bootstrap over pieces), if all alignments tell it.
  Estimate log_training = {}, log_test = {};
  bool draws = false;  ///< they do

  std::vector<Index> targets() const;  ///< of all seeds
  /// One number of a target under each seed, NaN where a seed has none.
  template <class F>
  std::vector<double> of_target(Index target, const F& number_of) const {
    std::vector<double> values(seeds.size(), std::numeric_limits<double>::quiet_NaN());
    for (std::size_t seed = 0; seed < seeds.size(); ++seed)
      for (const Evolution& e : seeds[seed])
        if (e.target == target) values[seed] = static_cast<double>(number_of(e));
    return values;
  }
};

struct EvolutionsFound {
  std::vector<EvolutionNumbers> all = {};
  std::vector<std::pair<Repeats, EvolutionNumbers>> without_targets = {};  ///< runs of which no target counts, with why
  std::vector<std::string> without_alignment = {};                         ///< runs without any alignment.npy
  std::vector<std::string> without_initial = {};  ///< runs whose alignment_init.npy is not there, though alignment.npy is
};
/// Throws std::invalid_argument naming the file where alignments are not [3, k] of one k.
EvolutionsFound evolution_numbers(const std::vector<Repeats>& groups);

}  // namespace tangentplane::experiments
