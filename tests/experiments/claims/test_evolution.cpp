// Claim 4 on results whose answer is known.
#include <algorithm>
#include <cmath>

#include "experiments/claims/verdicts/rules.h"
#include "experiments/common/text/files.h"
#include "tests/catch.h"
#include "tests/experiments/captured.h"
#include "tests/experiments/written_runs.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

namespace {

constexpr Index k = 60, target = 30;

/// A network trained on the one target, with the alignments [3, k] that `before` and `after` give for row and eigenfunction.
void write_network(const TemporaryFolder& study, const std::function<double(Index, Index)>& before,
                   const std::function<double(Index, Index)>& after, int seed = 0, double balance = 0.5) {
  const std::string name = "net" + suffix_of(seed);
  write_run(study, name, "train_ntk",
            fmt::format("num-train = 1000\nntk = \"/elsewhere/kernel\"\nindex = \"{}\"\nseed = {}\nlinearize = false\n", target, seed),
            {{.task = target, .balance = balance, .accuracy = 0.9}});
  Tensor<double> first({3, k}), last({3, k});
  for (Index row = 0; row < 3; ++row)
    for (Index j = 0; j < k; ++j) first[row * k + j] = before(row, j), last[row * k + j] = after(row, j);
  data::save_npy(study / (name + "/alignment_init.npy"), first);
  data::save_npy(study / (name + "/alignment.npy"), last);
}
double eigenvalue(Index j) { return 100.0 / static_cast<double>((j + 1) * (j + 1)); }
double initial(Index, Index j) { return eigenvalue(j); }
/// All grew threefold, the target so many times as much.
auto grown(double spike) {
  return [spike](Index row, Index j) { return 3 * initial(row, j) * (j == target ? spike : 1); };
}
EvolutionNumbers only(const TemporaryFolder& study) {
  const Study read = read_study(study.path());
  auto found = evolution_numbers(matched_runs(read, read.of("train_ntk")).groups);
  REQUIRE(found.all.size() == 1);
  return std::move(found.all[0]);
}

}  // namespace

TEST_CASE("claim 4 is shown: three seeds with a spike") {
  const TemporaryFolder study;
  const double spikes[] = {4, 5, 6};
  for (int seed = 0; seed < 3; ++seed) write_network(study, initial, grown(spikes[seed]), seed);
  const EvolutionNumbers n = only(study);
  REQUIRE(n.seeds.size() == 3);
  const Spike& first = n.seeds[0].at(0).test;
  CHECK(first.before == Approx(eigenvalue(target)));
  CHECK(first.after == Approx(12 * eigenvalue(target)));
  CHECK(first.growth == Approx(12));
  CHECK(first.spike == Approx(4));
  CHECK(first.rank == 1);
  CHECK(first.among == 60);
  CHECK(std::exp(n.log_test.mean) == Approx(std::cbrt(120.)));  // the geometric mean
  CHECK(judge_training(n).verdict == Verdict::shown);
  CHECK(judge_test(n).verdict == Verdict::shown);
}

TEST_CASE("claim 4 is not shown: what grew was the whole kernel") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) write_network(study, initial, grown(1.1 + 0.1 * seed), seed);
  const EvolutionNumbers n = only(study);
  CHECK(judge_training(n).verdict == Verdict::not_shown);
  CHECK(judge_test(n).verdict == Verdict::not_shown);
}

TEST_CASE("claim 4 is undecided: a mean above the threshold by more than its standard error") {
  const TemporaryFolder study;
  const double spikes[] = {2, 4, 8};
  for (int seed = 0; seed < 3; ++seed) write_network(study, initial, grown(spikes[seed]), seed);
  const EvolutionNumbers n = only(study);
  CHECK(n.log_test.mean - n.log_test.error > std::log(least_spike));
  CHECK(judge_test(n).verdict == Verdict::undecided);
  CHECK(judge_test(n).needed.seeds > 3u);
}

TEST_CASE("claim 4 is seen once: one seed") {
  const TemporaryFolder study;
  write_network(study, initial, grown(5));
  CHECK(judge_training(only(study)).verdict == Verdict::seen_once);
  write_network(study, initial, grown(1));
  CHECK(judge_training(only(study)).verdict == Verdict::undecided);
}

TEST_CASE("claim 4 divides by the alignment before training, on the same images: the eigenvalue would show a spike") {
  const TemporaryFolder study;
  // On test images the alignment at the target was three times its eigenvalue before any training, and nothing has grown since.
  const auto before = [](Index row, Index j) { return eigenvalue(j) * (row == 1 && j == target ? 3 : 1); };
  for (int seed = 0; seed < 3; ++seed)
    write_network(
        study, before, [&](Index row, Index j) { return (2 + 0.1 * seed) * before(row, j); }, seed);
  const EvolutionNumbers n = only(study);
  for (const auto& seed : n.seeds) {
    const Spike& test = seed.at(0).test;
    CHECK(test.spike == Approx(1));
    Alignments by_eigenvalue = seed[0].on_test;
    for (Index j = 0; j < k; ++j) by_eigenvalue.before[static_cast<std::size_t>(j)] = eigenvalue(j);
    CHECK(spike_at(by_eigenvalue, target)->spike == Approx(3));  // above the threshold
  }
  CHECK(judge_test(n).verdict == Verdict::not_shown);
}

TEST_CASE("claim 4: a spike among its neighbours may be far down among all, and both are told") {
  const TemporaryFolder study;
  // Ten neighbours on either side did not grow; the many beyond grew fourfold and are no neighbours.
  const auto after = [](Index row, Index j) { return initial(row, j) * (j == target ? 2.5 : std::abs(j - target) <= 10 ? 1 : 4); };
  for (int seed = 0; seed < 3; ++seed) write_network(study, initial, after, seed);
  const EvolutionNumbers n = only(study);
  const Spike& spike = n.seeds[0].at(0).training;
  CHECK(spike.spike == Approx(2.5));
  CHECK(spike.rank == 60 - 20);
  CHECK(spike.rank_of_alignment > 20);
  const Section s = claim_evolution(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "as much as with its 20 neighbours"));
  CHECK(mentions(s.findings.at(0).text, "among all 60 its growth has rank 40"));
  CHECK(s.verdict() == Verdict::shown);
  // And the raw alignment before and after, as the paper shows it.
  const auto figure = std::find_if(s.figures.begin(), s.figures.end(), [](const auto& f) { return f.first == "evolution-net"; });
  REQUIRE(figure != s.figures.end());
  CHECK(figure->second.series.at(0).y.at(target) == Approx(eigenvalue(target)));
  CHECK(figure->second.series.at(1).y.at(target) == Approx(2.5 * eigenvalue(target)));
}

TEST_CASE("claim 4 on test images has their error: what other draws of their pieces would give") {
  const TemporaryFolder study;
  constexpr Index pieces = 50;
  // Before training every piece has as much of each alignment; after it, of the target, pieces have `more` and less in turn, and of all
  // alike `common` more and less.
  const auto write_parts = [&](int seed, double more, double common) {
    Tensor<double> first({pieces, k}), last({pieces, k});
    for (Index g = 0; g < pieces; ++g)
      for (Index j = 0; j < k; ++j) {
        const double sign = g % 2 == 0 ? 1 : -1;
        first[g * k + j] = 1. / pieces, last[g * k + j] = 1. / pieces + sign * (common + (j == target ? more : 0));
      }
    data::save_npy(study / ("net" + suffix_of(seed) + "/alignment_init_parts.npy"), first);
    data::save_npy(study / ("net" + suffix_of(seed) + "/alignment_parts.npy"), last);
  };
  write_network(study, initial, grown(4));
  EvolutionNumbers n = only(study);
  CHECK_FALSE(n.draws);
  CHECK(n.log_test.measurement.error == 0);
  const Section s = claim_evolution(read_study(study.path()));
  CHECK(std::any_of(s.remarks.begin(), s.remarks.end(),
                    [](const std::string& r) { return mentions(r, "the interval on test images is without their error"); }));

  // A piece that comes w + 1 times changes the logarithm by w times 2 (share after - before): of 50 that are plus or minus 0.02 the
  // deviation is 0.02 sqrt(50). What all alignments have in common is no error of the spike.
  const double deviation = 0.02 * std::sqrt(50.);
  write_parts(0, 0.01, 0.005);
  n = only(study);
  CHECK(n.draws);
  CHECK(n.log_test.measurement.error == Approx(deviation).epsilon(0.1));
  CHECK(n.log_training.measurement.error == 0);
  CHECK(judge_test(n).verdict == Verdict::seen_once);
  CHECK(judge_test(n).interval.low == Approx(std::log(4) - 1.96 * deviation).epsilon(0.05));
  CHECK(mentions(claim_evolution(read_study(study.path())).findings.at(1).text, "4 (95 % interval"));
  write_parts(0, 0.05, 0);  // 0.7: the threshold is one standard error away
  CHECK(judge_test(only(study)).verdict == Verdict::undecided);
  write_parts(0, 0, 0.05);
  CHECK(only(study).log_test.measurement.error == Approx(0).margin(1e-9));

  // Seeds that share the images share the error; where each has its own it is in their spread.
  for (int seed = 0; seed < 3; ++seed) write_network(study, initial, grown(4), seed), write_parts(seed, 0.01, 0);
  n = only(study);
  CHECK(n.log_test.measurement.shared);
  CHECK(n.log_test.error == Approx(deviation).epsilon(0.1));
  for (int seed = 0; seed < 3; ++seed)
    write_fingerprints(study, "net" + suffix_of(seed), {{"images", std::to_string(seed)}, {"weights", std::to_string(seed)}});
  n = only(study);
  CHECK_FALSE(n.log_test.measurement.shared);
  CHECK(n.log_test.error == Approx(deviation / std::sqrt(3.)).epsilon(0.1));
  data::save_npy(study / "net/alignment_parts.npy", Tensor<double>::zeros({pieces, 3}));
  CHECK(mentions(thrown([&] { claim_evolution(read_study(study.path())); }), "net/alignment_parts.npy: has shape [50,3]"));
}

TEST_CASE("claim 4: neighbours are the nearest whose growth is known, without enough of them nothing is judged") {
  Alignments a;
  for (Index j = 0; j < 30; ++j) a.before.push_back(1), a.after.push_back(j < 5 ? 100 : 2);
  a.before[7] = NAN, a.after[8] = 0, a.before[9] = 0;  // known of 27 alone
  a.after[25] = 10;
  const auto spike = spike_at(a, 25);
  REQUIRE(spike);
  CHECK(spike->spike == Approx(5));
  CHECK(spike->rank == 6);
  CHECK(spike->among == 27);
  CHECK_FALSE(spike_at(a, 7));
  a.before.resize(20), a.after.resize(20);
  CHECK_FALSE(spike_at(a, 10));
}

TEST_CASE("claim 4: without test images, or without alignments, that is the reason") {
  const TemporaryFolder study;
  write_network(study, initial, grown(5));
  History h = history({0.9, 1}, NAN);
  for (EpochRecord& epoch : h) epoch.test_loss = NAN;
  save_history(study / "net/history.csv", h);
  const std::string config = read_text(study / "net/config.toml");
  study.write("net/config.toml", config.substr(0, config.find("num-test")) + "num-test = 0\n" + config.substr(config.find("num-train")));
  Section s = claim_evolution(read_study(study.path()));
  CHECK(s.missing == "lenet on dead-leaves: target 30 left out, for there are no test images");
  std::filesystem::remove(study / "net/alignment.npy");
  CHECK(claim_evolution(read_study(study.path())).missing == "net: has no alignment.npy");
}

TEST_CASE("claim 4: results without the alignment before training, and targets with few images of one class, are named") {
  const TemporaryFolder study;
  write_network(study, initial, grown(5));
  std::filesystem::remove(study / "net/alignment_init.npy");
  Section s = claim_evolution(read_study(study.path()));
  CHECK(s.verdict() == Verdict::missing);
  CHECK(mentions(s.missing, "net: alignment_init.npy"));
  write_network(study, initial, grown(5), 1);
  s = claim_evolution(read_study(study.path()));
  CHECK(s.findings.size() == 2);
  CHECK(std::any_of(s.remarks.begin(), s.remarks.end(), [](const auto& r) { return mentions(r, "net: alignment_init.npy"); }));
  write_network(study, initial, grown(5), 0, 0.02);
  write_network(study, initial, grown(5), 1, 0.02);
  s = claim_evolution(read_study(study.path()));
  CHECK(s.verdict() == Verdict::missing);
  CHECK(s.missing.starts_with("lenet on dead-leaves, 2 seeds: target 30 (2.0 %) left out where"));
  write_network(study, initial, grown(5));
  s = claim_evolution(read_study(study.path()));
  CHECK(mentions(s.remarks.at(0), ": target 30 under 1 of 2 seeds (2.0 %) left out where"));
  data::save_npy(study / "net/alignment.npy", Tensor<double>::zeros({3, 2}));
  CHECK(mentions(thrown([&] { claim_evolution(read_study(study.path())); }), "alignment.npy: has shape [3,2], alignment_init.npy in"));
}
