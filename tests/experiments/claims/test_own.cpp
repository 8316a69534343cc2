// A user's own tasks.
#include "experiments/claims/verdicts/rules.h"
#include "tests/catch.h"
#include "tests/experiments/written_runs.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

namespace {

void write_own(const TemporaryFolder& study, const std::string& name, bool linearize, double accuracy, int seed = 0, bool finished = true,
               double balance = 0.5) {
  write_run(study, name, "train_ntk",
            fmt::format("num-train = 1000\nlabels = \"/mine/cats.npy\"\nseed = {}\nlinearize = {}\n", seed, linearize));
  const Row row{.balance = balance, .accuracy = accuracy, .train = finished ? 1 : 0.8};
  Csv csv({"target", "class_balance", "train_accuracy", "test_accuracy"});
  csv.add("labels", 0.5, row.train, write_training(study, name, row, 1000));
  csv.save(study / (name + "/accuracy.csv"));
}
const Section* own(const std::vector<Section>& sections) {
  for (const Section& s : sections)
    if (s.id == "own") return &s;
  return nullptr;
}

}  // namespace

TEST_CASE("own tasks: network and linearization on the user's labels, with their areas and curves") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) {
    write_own(study, "mine" + suffix_of(seed), false, 0.9, seed);
    write_own(study, "mine-lin" + suffix_of(seed), true, 0.7 + 0.01 * seed, seed);
  }
  const Study read = read_study(study.path());
  const OwnTasks found = own_tasks(matched_pairs(read, "train_ntk", true));
  REQUIRE(found.compared.size() == 1);
  CHECK(found.alone.empty());
  CHECK(found.compared[0].lead.mean == Approx(0.19));
  CHECK(found.compared[0].task.under.at(0)->network.auc == Approx(0.9));
  CHECK(judge(found.compared[0]).verdict == Verdict::shown);
  const auto sections = all_claims(read);
  REQUIRE(sections.size() == 6);
  const Section* s = own(sections);
  REQUIRE(s);
  CHECK(mentions(s->findings.at(0).text, "cats.npy"));
  CHECK(s->tables.at(0).rows.size() == 6);
  const Figure& curves = s->figures.at(0).second;
  CHECK(curves.title == "cats.npy: lenet on dead-leaves, 3 seeds");
  REQUIRE(curves.series.size() == 4);
  CHECK(curves.series[1].label == "linearization (test)");
  CHECK(curves.series[1].y.back() == Approx(71));  // of 70, 71 and 72 %
  CHECK(curves.series[1].error.back() == Approx(1));
  CHECK(curves.series[1].samples.at(2).back() == Approx(72));
  CHECK(curves.samples == std::vector<std::string>{"seed_0", "seed_1", "seed_2"});
  // They are no eigenfunctions, and decide no claim.
  for (std::size_t i = 0; i < 5; ++i) CHECK(sections[i].verdict() == Verdict::missing);
}

TEST_CASE("own tasks: a lead of either is a difference, one seed, or unfinished training, does not show it") {
  const TemporaryFolder study;
  write_own(study, "mine", false, 0.6), write_own(study, "mine-lin", true, 0.9);
  const auto verdict = [&] {
    const Study read = read_study(study.path());
    return judge(own_tasks(matched_pairs(read, "train_ntk", true)).compared.at(0));
  };
  CHECK(verdict().verdict == Verdict::seen_once);
  CHECK(verdict().interval.high < 0);
  write_own(study, "mine", false, 0.6, 0, false);
  CHECK(verdict().why == Why::unfinished);
}

TEST_CASE("own tasks: one of the two alone is shown, and the other said to be missing") {
  const TemporaryFolder study;
  write_own(study, "mine", false, 0.9);
  const auto sections = all_claims(read_study(study.path()));
  const Section* s = own(sections);
  REQUIRE(s);
  CHECK(mentions(s->findings.at(0).text, "there is no linearization to compare it with"));
  CHECK(s->verdict() == Verdict::undecided);
  CHECK(s->tables.at(0).rows.size() == 1);
}

TEST_CASE("own tasks: of a rarer class of one in a hundred images nothing is shown") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 3; ++seed) {
    write_own(study, "mine" + suffix_of(seed), false, 0.9, seed, true, 0.01);
    write_own(study, "mine-lin" + suffix_of(seed), true, 0.7 + 0.01 * seed, seed, true, 0.01);
  }
  const Study read = read_study(study.path());
  const auto found = own_tasks(matched_pairs(read, "train_ntk", true)).compared.at(0);
  CHECK(judge(found).verdict == Verdict::undecided);
  CHECK(judge(found).why == Why::skewed);
  CHECK(mentions(own_tasks_section(read).findings.at(0).text, "its rarer class has less than 5 % of the images"));
}

TEST_CASE("own tasks: the two points of linearization on a user's labels decide no claim either") {
  const TemporaryFolder study;
  const History slow = history({0.5, 0.6, 0.7, 1}, 0.8), fast = history({1, 1, 1, 1}, 0.8);
  for (int seed = 0; seed < 3; ++seed) {
    const std::string name = "points" + suffix_of(seed);
    write_run(study, name, "pretrained_ntk_comparison", fmt::format("num-train = 1000\nseed = {}\nlabels = \"/mine/cats.npy\"\n", seed));
    for (const auto& [part, h] : {std::pair{"network", &slow}, std::pair{"linear_init", &slow}, std::pair{"linear_trained", &fast}})
      write_training(study, name + "/" + part, {.accuracy = 0.8}, 1000, h);
  }
  const auto sections = all_claims(read_study(study.path()));
  CHECK(sections.at(4).verdict() == Verdict::missing);
  const Section* s = own(sections);
  REQUIRE(s);
  CHECK(s->verdict() == Verdict::shown);
  CHECK(mentions(s->findings.at(0).text, "cats.npy: linearized at the trained weights it takes 4 "));
}
