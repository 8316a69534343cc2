// Where each claim's verdict changes: results just above and just below every threshold. Test accuracies are of 400 images, in whole ones.
#include <cmath>

#include "data/npy.h"
#include "tests/catch.h"
#include "tests/experiments/written_runs.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

namespace {

/// Accuracies that fall by their rank, 0 the highest.
std::vector<double> by_rank(const std::vector<int>& ranks) {
  std::vector<double> accuracies;
  for (int r : ranks) accuracies.push_back(0.95 - 0.02 * r);
  return accuracies;
}
double of_400(int images) { return images / 400.0; }

/// With e(p) the standard error of an accuracy p on 400 images, sqrt(q (1 - q) / 404) for q = (400 p + 2) / 404 (Agresti and Coull), a lead
/// of so many images above 1/2 is that many times sqrt(e(1/2)² + e(p)²): 28 images 1.9994, 29 images 2.07; 41 images 2.94, 42 images 3.02.
constexpr int half = 200;

}  // namespace

TEST_CASE("threshold of claim 1: a rank correlation of 0.7 over eight tasks") {
  const TemporaryFolder study;
  const auto shown = [&](const std::vector<int>& network, const std::vector<int>& linear) {
    write_eigenfunctions(study, by_rank(network), by_rank(linear));
    const Section s = claim_rank(read_study(study.path()));
    REQUIRE(s.findings.size() == 1);
    return s.findings[0].shown;
  };
  // Nine tasks: 1 - 6 D / (9 * 80) with D the sum of the squared differences of ranks.
  const std::vector<int> nine{0, 1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(shown(nine, {3, 1, 2, 0, 7, 5, 6, 4, 8}));        // D = 36: exactly 0.7
  CHECK_FALSE(shown(nine, {3, 2, 1, 0, 7, 5, 6, 4, 8}));  // D = 38: 0.683
  const std::vector<int> eight{0, 1, 2, 3, 4, 5, 6, 7}, seven{0, 1, 2, 3, 4, 5, 6};
  CHECK(shown(eight, eight));
  CHECK_FALSE(shown(seven, seven));
}

TEST_CASE("threshold of claim 1: tasks of one class do not count among the eight") {
  const TemporaryFolder study;
  std::vector<Row> rows{{8, 0.0, 1.0}, {9, 1.0, 1.0}};
  for (Index i = 0; i < 7; ++i) rows.emplace_back(i, 0.5, 0.9 - 0.02 * static_cast<double>(i));
  for (const bool linear : {false, true})
    write_run(study, linear ? "lin" : "net", "train_ntk", eigen_options + fmt::format("seed = 0\nlinearize = {}\n", linear), rows);
  const Section s = claim_rank(read_study(study.path()));
  CHECK(mentions(s.findings.at(0).text, "over 7 tasks"));
  CHECK_FALSE(s.findings[0].shown);
}

TEST_CASE("threshold of claim 2: three standard errors on the best eigenfunction and two on the classes") {
  const TemporaryFolder study;
  const auto findings = [&](int eigenfunction, int first, int last) {
    write_eigenfunctions(study, {0.5, 0.9}, {of_400(half + eigenfunction), 0.9});
    const std::string options = "num-train = \"100,1000\"\nseed = 0\n";
    write_run(study, "classes", "train_cifar", options + "linearize = false\n",
              {{100, 0.5, of_400(half + first)}, {1000, 0.5, of_400(half + last)}});
    write_run(study, "classes-lin", "train_cifar", options + "linearize = true\n", {{100, 0.5, 0.5}, {1000, 0.5, 0.5}});
    const Section s = claim_classes(read_study(study.path()));
    REQUIRE(s.findings.size() == 3);
    std::vector<bool> shown;
    for (const Finding& f : s.findings) shown.push_back(f.shown);
    return shown;
  };
  // A growth from nothing has the errors of four accuracies: 39 images are 1.97 of it, 40 images 2.02.
  CHECK(findings(42, 0, 40) == std::vector<bool>{true, true, true});
  CHECK(findings(41, 0, 39) == std::vector<bool>{false, true, false});
  CHECK(findings(42, 29, 29) == std::vector<bool>{true, true, false});
  CHECK(findings(42, 0, 28) == std::vector<bool>{true, false, false});
  CHECK(findings(-42, 0, 40) == std::vector<bool>{false, true, true});  // a lead of the network is none of the linearization
}

TEST_CASE("threshold of claim 3: a drop by two standard errors from the first third of the directions to the last") {
  const TemporaryFolder study;
  const auto shown = [&](int network, int linear) {
    const std::string options = "num-train = 1000\nnads = \"/elsewhere\"\nindex = \"0,1,2\"\nseed = 0\n";
    write_run(study, "dir", "train_nads", options + "linearize = false\n",
              {{0, 0.5, of_400(half + network)}, {1, 0.5, 1.0}, {2, 0.5, 0.5}});
    write_run(study, "dir-lin", "train_nads", options + "linearize = true\n",
              {{0, 0.5, of_400(half + linear)}, {1, 0.5, 0.0}, {2, 0.5, 0.5}});
    const Section s = claim_nads(read_study(study.path()));
    REQUIRE(s.findings.size() == 2);
    return std::vector<bool>{s.findings[0].shown, s.findings[1].shown};
  };
  CHECK(shown(29, 28) == std::vector<bool>{true, false});
  CHECK(shown(28, 29) == std::vector<bool>{false, true});
}

TEST_CASE("threshold of claim 4: twice the growth of the twenty nearest eigenfunctions") {
  const TemporaryFolder study;
  const Index k = 60, target = 30;
  const std::vector<double> accuracies(32, 0.9);
  write_eigenfunctions(study, accuracies, accuracies);
  write_run(study, "kernel", "compute_ntk", "num-train = 1000\n");
  const std::string options = "num-train = 1000\nntk = \"/elsewhere/kernel\"\nindex = \"30\"\nseed = 0\nlinearize = false\n";
  write_run(study, "net", "train_ntk", options, {{target, 0.5, 0.9}});
  data::save_npy(study / "kernel/eigvals.npy", Tensor<double>::full({k}, 4));
  const auto shown = [&](double on_training, double on_test) {
    // Ten neighbours on either side did not grow; the many beyond grew fourfold and are no neighbours.
    Tensor<double> alignment({3, k});
    for (Index row = 0; row < 3; ++row)
      for (Index j = 0; j < k; ++j) alignment[row * k + j] = std::abs(j - target) <= 10 ? 4 : 16;
    alignment[target] = 4 * on_training, alignment[k + target] = 4 * on_test;
    data::save_npy(study / "net/alignment.npy", alignment);
    const Section s = claim_evolution(read_study(study.path()));
    REQUIRE(s.findings.size() == 2);
    return std::vector<bool>{s.findings[0].shown, s.findings[1].shown};
  };
  CHECK(shown(2, 1.99) == std::vector<bool>{true, false});
  CHECK(shown(1.99, 2) == std::vector<bool>{false, true});
}

TEST_CASE("threshold of claim 5: two targets of three are learnt in fewer epochs") {
  const TemporaryFolder study;
  // Faster is: in an earlier epoch, not in the same and not never.
  const History slow = history({0.6, 0.7, 0.9}, 0.6), fast = history({0.6, 0.9, 0.9}, 0.6), never = history({0.6, 0.7, 0.8}, 0.6);
  const auto shown = [&](const std::vector<const History*>& trained) {
    const auto n = static_cast<Index>(trained.size());
    for (Index t = 0; t < n; ++t)
      write_comparison(study, "trained", fmt::format("0:{}", n), fmt::format("/{}", t), slow, *trained[static_cast<std::size_t>(t)]);
    const Section s = claim_trained(read_study(study.path()));
    REQUIRE(s.findings.size() == 1);
    return s.findings[0].shown;
  };
  CHECK(shown({&fast, &slow, &fast}));
  CHECK_FALSE(shown({&fast, &slow, &never}));
  CHECK_FALSE(shown({&fast, &fast, &slow, &fast, &never}));  // three of five
  CHECK(shown({&fast, &fast, &slow, &fast}));
}
