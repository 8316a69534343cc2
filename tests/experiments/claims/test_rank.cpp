// Claim 1 on results whose answer is known.
#include <cmath>

#include "experiments/claims/verdicts/rules.h"
#include "tests/catch.h"
#include "tests/experiments/written_runs.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

namespace {

const std::vector<double> network{0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55};
const std::vector<double> same_order{0.99, 0.95, 0.91, 0.87, 0.83, 0.79, 0.75, 0.71};
const std::vector<double> reversed{0.71, 0.75, 0.79, 0.83, 0.87, 0.91, 0.95, 0.99};

RankNumbers only(const TemporaryFolder& study) {
  auto all = rank_numbers(matched_pairs(read_study(study.path()), "train_ntk").groups);
  REQUIRE(all.size() == 1);
  all[0].pairs.resize(all[0].pairs.size(), {nullptr, nullptr});  // the study is gone
  return std::move(all[0]);
}

}  // namespace

TEST_CASE("claim 1 is shown: three seeds in the same order") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) write_eigenfunctions(study, network, same_order, seed);
  const RankNumbers n = only(study);
  CHECK(n.counts == std::vector<std::size_t>{8, 8, 8});
  for (double c : n.correlations) CHECK(c == Approx(1));
  CHECK(n.correlation->spread == Approx(0).margin(1e-12));
  CHECK(n.correlation->measurement.shared);     // one set of images
  CHECK(n.correlation->measurement.error > 0);  // that might have been others
  CHECK(n.correlation->measurement.error < 0.1);
  CHECK(n.by_accuracy->mean == Approx(1));
  CHECK(judge(n).verdict == Verdict::shown);
}

TEST_CASE("claim 1 is not shown: the other order") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) write_eigenfunctions(study, network, reversed, seed);
  CHECK(only(study).correlation->mean == Approx(-1));
  CHECK(judge(only(study)).verdict == Verdict::not_shown);
}

TEST_CASE("claim 1 is undecided: seeds that disagree, though their mean less its standard error is above the threshold") {
  const TemporaryFolder study;
  // Two places of eight exchanged: 1 - 6 * 2 * d² / (8 * 63), here d = 2, 3 and 1: 0.905, 0.786 and 0.976.
  const auto exchanged = [](std::size_t a, std::size_t b) {
    auto order = same_order;
    std::swap(order[a], order[b]);
    return order;
  };
  write_eigenfunctions(study, network, exchanged(1, 3), 0);
  write_eigenfunctions(study, network, exchanged(2, 5), 1);
  write_eigenfunctions(study, network, exchanged(6, 7), 2);
  const RankNumbers n = only(study);
  const double expected[] = {1 - 48. / 504, 1 - 108. / 504, 1 - 12. / 504};
  for (int seed = 0; seed < 3; ++seed) CHECK(n.correlations[static_cast<std::size_t>(seed)] == Approx(expected[seed]));
  CHECK(n.correlation->mean - n.correlation->spread / std::sqrt(3) > least_correlation);
  const Judgement j = judge(n);
  CHECK(j.verdict == Verdict::undecided);
  CHECK(j.why == Why::interval);
  CHECK(j.interval.low < least_correlation);
  CHECK(j.needed.seeds > 3u);
}

TEST_CASE("claim 1 is seen once: one seed") {
  const TemporaryFolder study;
  write_eigenfunctions(study, network, same_order);
  CHECK(judge(only(study)).verdict == Verdict::seen_once);
  const Section s = claim_rank(read_study(study.path()));
  CHECK(s.verdict() == Verdict::seen_once);
  CHECK(s.findings.at(0).verdict != Verdict::shown);
  write_eigenfunctions(study, network, reversed);
  CHECK(judge(only(study)).verdict == Verdict::undecided);
}

TEST_CASE("claim 1 is undecided over seven tasks, and tasks of one class are none") {
  const TemporaryFolder study;
  const auto first = [](std::vector<double> values) {
    values.pop_back();
    return values;
  };
  for (int seed = 0; seed < 3; ++seed) write_eigenfunctions(study, first(network), first(same_order), seed);
  const RankNumbers n = only(study);
  CHECK(n.tasks.size() == 8);
  CHECK(n.counted.size() == 7);
  CHECK(judge(n).why == Why::few_tasks);
}

TEST_CASE("claim 1 ranks by the area under the ROC curve: where accuracy measures skew it would say the opposite") {
  const TemporaryFolder study;
  // Balanced tasks in one order; the answers of the linearization are shifted so that the easier a task, the more of them are wrong.
  for (int seed = 0; seed < 3; ++seed) {
    std::vector<Row> a, b;
    for (std::size_t i = 0; i < network.size(); ++i) {
      a.push_back({.task = static_cast<Index>(i), .accuracy = network[i]});
      b.push_back({.task = static_cast<Index>(i), .accuracy = same_order[i], .shift = i < 4 ? 2.0 : 0.0});
    }
    write_pair(study, a, b, seed);
  }
  const RankNumbers n = only(study);
  CHECK(n.correlation->mean == Approx(1));
  CHECK(n.by_accuracy->mean < 0.3);
  CHECK(judge(n).verdict == Verdict::shown);
}

TEST_CASE("claim 1 leaves out tasks with few images of one class, which would decide it, and names them") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) {
    std::vector<Row> a, b;
    for (std::size_t i = 0; i < network.size(); ++i) {
      a.push_back({.task = static_cast<Index>(i), .accuracy = network[i]});
      b.push_back({.task = static_cast<Index>(i), .accuracy = same_order[i]});
    }
    for (Index i = 8; i < 12; ++i) {  // the linearization finds these the easiest, the network the hardest
      a.push_back({.task = i, .balance = 0.02, .accuracy = 0.5 - 0.02 * static_cast<double>(i - 8)});
      b.push_back({.task = i, .balance = 0.02, .accuracy = 1 - 0.0025 * static_cast<double>(11 - i)});
    }
    write_pair(study, a, b, seed);
  }
  RankNumbers n = only(study);
  CHECK(n.tasks.size() == 12);
  CHECK(judge(n).verdict == Verdict::shown);
  const Section s = claim_rank(read_study(study.path()));
  const auto named = std::find_if(s.remarks.begin(), s.remarks.end(), [](const auto& r) { return mentions(r, "left out"); });
  REQUIRE(named != s.remarks.end());
  CHECK(mentions(*named, "8 (2.0 %), 9 (2.0 %), 10 (2.0 %) and 11 (2.0 %)"));
  CHECK(s.tables.at(0).rows.size() == 12);
}

TEST_CASE("claim 1: seeds with images of their own have their error in the spread") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) {
    write_eigenfunctions(study, network, same_order, seed);
    for (const char* run : {"net", "lin"}) {
      const std::string letter = std::to_string(seed);
      write_fingerprints(study, run + suffix_of(seed), {{"images", letter}, {"weights", letter}});
    }
  }
  const RankNumbers n = only(study);
  CHECK_FALSE(n.correlation->measurement.shared);
  CHECK(n.correlation->error == Approx(n.correlation->measurement.error / std::sqrt(3)));
}

TEST_CASE("claim 1: training accuracy and epochs stand in the table, the classes in the figure") {
  const TemporaryFolder study;
  std::vector<Row> a{{.task = 1, .accuracy = 0.9}, {.task = 2, .accuracy = 0.8}}, b = a;
  b[1].train = 0.83, b[1].epochs = 30;
  write_pair(study, a, b);
  write_run(study, "classes", "train_cifar", "num-train = \"100,1000\"\nseed = 0\nlinearize = false\n",
            {{.task = 100, .accuracy = 0.6}, {.task = 1000, .accuracy = 0.7}});
  const Section s = claim_rank(read_study(study.path()));
  const auto& row = s.tables.at(0).rows.at(1);
  const auto cell = [&](const std::string& column) {
    const auto& header = s.tables[0].header;
    return row.at(static_cast<std::size_t>(std::find(header.begin(), header.end(), column) - header.begin()));
  };
  CHECK(cell("training, network") == "100.0 %");
  CHECK(cell("training, linearization") == "83.0 %");
  CHECK(cell("epochs") == "20 and 30 (unfinished)");
  CHECK(cell("counts") == "yes");
  const Figure& figure = s.figures.at(0).second;
  CHECK(s.figures[0].first == "rank-net");
  CHECK(figure.series.at(0).y == std::vector<double>{90, 80});
  REQUIRE(figure.lines.size() == 1);
  CHECK(figure.lines[0].y == Approx(70));
}

TEST_CASE("claim 1 is missing, and says what: nothing, a linearization, or agreement") {
  const TemporaryFolder study;
  write_run(study, "kernel", "compute_ntk", "");
  CHECK(mentions(claim_rank(read_study(study.path())).missing, "compute_ntk, then train_ntk --ntk with and without --linearize"));
  write_run(study, "net", "train_ntk", eigen_options + "seed = 0\nlinearize = false\n", {{.task = 1, .accuracy = 0.8}});
  Section s = claim_rank(read_study(study.path()));
  CHECK(s.verdict() == Verdict::missing);
  CHECK(mentions(s.missing, "net has no linearization"));
  CHECK_FALSE(mentions(s.missing, "reproduce"));
  write_run(study, "lin", "train_ntk", eigen_options + "seed = 0\nlinearize = true\n", {{.task = 1, .accuracy = 0.8, .labels = 1}});
  s = claim_rank(read_study(study.path()));
  CHECK(s.verdict() == Verdict::missing);
  CHECK(mentions(s.missing, "other labels"));
}
