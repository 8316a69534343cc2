// Verdicts over several seeds: which runs count as repeats of one another, and that their spread decides.
#include <cmath>

#include "data/npy.h"
#include "tests/catch.h"
#include "tests/experiments/written_runs.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

TEST_CASE("seeds: runs that differ in nothing else are one comparison, wherever the kernel of each lies") {
  const TemporaryFolder study;
  const auto write = [&](int seed, const std::string& name, const std::string& kernel_options, const std::string& options) {
    const std::string own = fmt::format("seed = {}\n", seed);
    write_run(study, "kernel" + name, "compute_ntk", "num-train = 1000\n" + own + kernel_options);
    for (const bool linear : {false, true})
      write_run(study, (linear ? "lin" : "net") + name, "train_ntk",
                own + options + fmt::format("num-train = 1000\nntk = \"/moved/kernel{}\"\nlinearize = {}\n", name, linear),
                {{1, 0.5, 0.8}});
  };
  const auto sizes = [&] {
    std::vector<std::size_t> all;
    const Study read = read_study(study.path());
    for (const PairRepeats& group : repeated(read, pairs(read, "train_ntk"))) all.push_back(group.size());
    return all;
  };
  write(0, "", "data-seed = 0\n", "data-seed = 0\n");
  write(1, "-seed1", "data-seed = 1\n", "data-seed = 1\n");
  CHECK(sizes() == std::vector<std::size_t>{2});
  const Study read = read_study(study.path());
  const auto group = repeated(read, pairs(read, "train_ntk")).at(0);
  CHECK(setting(group) == "lenet on dead-leaves, 1000 training and 400 test images, 2 seeds");
  CHECK(model(group) == "lenet, 2 seeds");
  CHECK(seed_columns(group) == std::vector<std::string>{"seed_0", "seed_1"});

  SECTION("another seed of the images alone has a name of its own") {
    write(1, "-seed1", "data-seed = 5\n", "data-seed = 5\n");
    const Study again = read_study(study.path());
    CHECK(seed_columns(repeated(again, pairs(again, "train_ntk")).at(0)) == std::vector<std::string>{"seed_0", "seed_1_data_5"});
  }
  SECTION("the same seed twice is no second sample") {
    write(1, "-copy", "data-seed = 1\n", "data-seed = 1\n");
    CHECK(sizes() == std::vector<std::size_t>{2});
  }
  SECTION("another recipe is another comparison") {
    write(1, "-seed1", "data-seed = 1\n", "data-seed = 1\nepochs = 3\n");
    CHECK(sizes() == std::vector<std::size_t>{1, 1});
  }
  SECTION("another kernel is another comparison") {
    write(1, "-seed1", "data-seed = 1\nfloor = 1\n", "data-seed = 1\n");
    CHECK(sizes() == std::vector<std::size_t>{1, 1});
  }
}

TEST_CASE("seeds, claim 1: the mean of the seeds' rank correlations, less its standard error, decides") {
  const TemporaryFolder study;
  const std::vector<double> network{0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55};
  const std::vector<double> same{0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92};
  const std::vector<double> neighbours{0.98, 0.99, 0.96, 0.97, 0.94, 0.95, 0.92, 0.93};  // 1 - 6 * 8 / (8 * 63) = 0.905
  const std::vector<double> ends{0.92, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.99};        // -1/6
  write_eigenfunctions(study, network, same, 0);
  write_eigenfunctions(study, network, neighbours, 1);
  Section s = claim_rank(read_study(study.path()));
  REQUIRE(s.findings.size() == 1);
  CHECK(mentions(s.findings[0].text, "2 seeds: rank correlation 0.95 ± 0.07 over 8 tasks"));
  CHECK(s.findings[0].shown);
  CHECK(mentions(s.remarks.at(0), "2 eigenfunctions of one sign left out"));
  CHECK(s.tables.at(0).rows.at(1) == std::vector<std::string>{"1", "0.500 ± 0.000", "90.0 ± 0.0 %", "98.5 ± 0.7 %", "-8.5 ± 0.7"});
  const Figure& figure = s.figures.at(0).second;
  CHECK(s.figures.at(0).first == "rank-net");
  CHECK(figure.samples == std::vector<std::string>{"seed_0", "seed_1"});
  CHECK(figure.series.at(1).y.at(0) == Approx(98.5));
  CHECK(figure.series.at(1).error.at(0) == Approx(std::sqrt(0.5)));
  CHECK(figure.series.at(1).samples.at(1).at(0) == Approx(98));

  write_eigenfunctions(study, network, ends, 2);  // the mean 0.58 is below
  s = claim_rank(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "3 seeds: rank correlation 0.58 ± 0.65 over 8 tasks"));
  CHECK_FALSE(s.findings[0].shown);
  for (int seed = 3; seed < 6; ++seed) write_eigenfunctions(study, network, same, seed);  // 0.79 is above, by less than its error
  s = claim_rank(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "6 seeds: rank correlation 0.79 ± 0.47 over 8 tasks"));
  CHECK_FALSE(s.findings[0].shown);
}

TEST_CASE("seeds, claims 2, 3 and 5: spread counts against a lead that the test images alone would show") {
  const TemporaryFolder study;
  const auto write = [&](int seed, double gap) {
    const std::string own = fmt::format("num-train = \"100,1000\"\nseed = {}\n", seed), name = std::to_string(seed);
    write_run(study, "classes" + name, "train_cifar", own + "linearize = false\n", {{100, 0.5, 0.60}, {1000, 0.5, 0.6 + gap}});
    write_run(study, "classes-lin" + name, "train_cifar", own + "linearize = true\n", {{100, 0.5, 0.60}, {1000, 0.5, 0.6}});
    const std::string directions = fmt::format("num-train = 1000\nnads = \"/elsewhere\"\nindex = \"0,1\"\nseed = {}\n", seed);
    write_run(study, "dir" + name, "train_nads", directions + "linearize = false\n", {{0, 0.5, 0.6 + gap}, {1, 0.5, 0.6}});
    write_run(study, "dir-lin" + name, "train_nads", directions + "linearize = true\n", {{0, 0.5, 0.6}, {1, 0.5, 0.6}});
    const History slow = history({0.6, 0.7, 0.8, 0.9}, 0.6), fast = history({0.8, 0.95, 1, 1}, 0.6 + gap);
    write_comparison(study, "trained" + name, "3", "", slow, gap > 0.15 ? fast : slow, seed);
  };
  write(0, 0.20), write(1, 0.22), write(2, 0.18);
  write_eigenfunctions(study, {0.9}, {0.9});
  Section s = claim_classes(read_study(study.path()));
  REQUIRE(s.findings.size() == 3);
  CHECK(mentions(s.findings[1].text,
                 "3 seeds: on the classes, with 1000 images, the network leads by +20.0 ± 2.0 points (standard error 3.4)"));
  CHECK(s.findings[1].shown);
  CHECK(mentions(s.findings[2].text, "changes by +20.0 ± 2.0 points"));
  CHECK(s.tables.at(0).rows.at(1) == std::vector<std::string>{"1000", "80.0 ± 2.0 %", "60.0 ± 0.0 %", "+20.0 ± 2.0", "3.4"});
  s = claim_nads(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "80.0 ± 2.0 % on early directions, 60.0 ± 0.0 % on late ones: a drop of +20.0 ± 2.0 points"));
  CHECK(s.findings[0].shown);
  s = claim_trained(read_study(study.path()));
  REQUIRE(s.findings.size() == 1);
  CHECK(mentions(s.findings[0].text, "faster on the training images for 3 of 3 targets (100.0 ± 0.0 % a seed)"));
  CHECK(s.findings[0].shown);
  CHECK(s.tables.at(0).rows.at(0) ==
        std::vector<std::string>{"3", "60.0 ± 0.0 %", "60.0 ± 0.0 %", "80.0 ± 2.0 %", "4.0 ± 0.0", "2.0 ± 0.0"});

  write(0, 0.20), write(1, 0.40), write(2, 0.00);  // the same mean, but the seeds do not agree
  s = claim_classes(read_study(study.path()));
  CHECK(mentions(s.findings.at(1).text, "the network leads by +20.0 ± 20.0 points (standard error 12.0)"));
  CHECK_FALSE(s.findings[1].shown);
  CHECK_FALSE(s.findings[2].shown);
  s = claim_nads(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "a drop of +20.0 ± 20.0 points (standard error 12.0)"));
  CHECK_FALSE(s.findings[0].shown);
  s = claim_trained(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "for 2 of 3 targets (66.7 ± 57.7 % a seed)"));
  CHECK_FALSE(s.findings[0].shown);
}

TEST_CASE("seeds, claim 4: the medians of the seeds, less their standard error, against the threshold") {
  const TemporaryFolder study;
  const Index k = 40, target = 7;
  const std::vector<double> accuracies(8, 0.9);
  const auto write = [&](int seed, double spike) {
    write_eigenfunctions(study, accuracies, accuracies, seed);
    write_run(study, "kernel", "compute_ntk", "num-train = 1000\n");
    std::vector<double> eigenvalues, alignment(3 * k);
    for (Index j = 0; j < k; ++j) eigenvalues.push_back(100.0 / static_cast<double>((j + 1) * (j + 1)));
    for (Index row = 0; row < 3; ++row)
      for (Index j = 0; j < k; ++j) alignment[row * k + j] = (j == target ? spike : 1) * eigenvalues[j];
    const std::string net = seed > 0 ? fmt::format("net-seed{}", seed) : "net";
    data::save_npy(study / "kernel/eigvals.npy", Tensor<double>::from({k}, eigenvalues));
    std::filesystem::create_directories(study / (net + "/7"));
    data::save_npy(study / (net + "/7/alignment.npy"), Tensor<double>::from({3, k}, alignment));
  };
  write(0, 5), write(1, 3);
  Section s = claim_evolution(read_study(study.path()));
  REQUIRE(s.findings.size() == 2);
  CHECK(mentions(s.findings[0].text, "2 seeds: on training images the alignment with the target grew 4.00 ± 1.41 times"));
  CHECK(s.findings[0].shown);
  CHECK(s.tables.at(0).rows.at(0) ==
        std::vector<std::string>{"7", "27.6 ± 9.7", "27.6 ± 9.7", "4.00 ± 1.41", "1 ± 0", "4.00 ± 1.41", "1 ± 0"});
  const Series& spikes = s.figures.at(0).second.series.at(0);
  CHECK(spikes.y == std::vector<double>{4});
  CHECK(spikes.error.at(0) == Approx(std::sqrt(2)));
  CHECK(spikes.samples == std::vector<std::vector<double>>{{5}, {3}});
  CHECK(s.figures.at(1).second.title == "Growth of alignment: lenet, target 7, seed 0");

  write(1, 1);  // a mean of 3 with an error of 2
  s = claim_evolution(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "grew 3.00 ± 2.83 times"));
  CHECK_FALSE(s.findings[0].shown);
}
