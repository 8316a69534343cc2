// Which runs belong together: a network and its linearization, and repeats under several seeds.
#include "experiments/claims/markup/words.h"
#include "experiments/claims/study/tasks.h"
#include "tests/catch.h"
#include "tests/experiments/captured.h"
#include "tests/experiments/written_runs.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;
using Reason = NotCounted::Why;

namespace {

/// Kernel, network and linearization under one seed; `letter` is that of their fingerprints, none without.
struct Made {
  std::string name;
  int seed = 0;
  std::string letter = {};
  std::string kernel_options = {}, options = {}, linear_options = {};
  int own_seed = -1;  ///< of the trainings, if it is another
};
void write(const TemporaryFolder& study, const Made& m) {
  write_run(study, "kernel" + m.name, "compute_ntk", fmt::format("num-train = 1000\nseed = {}\n{}", m.seed, m.kernel_options));
  for (const bool linear : {false, true})
    write_run(study, (linear ? "lin" : "net") + m.name, "train_ntk",
              fmt::format("seed = {}\nnum-train = 1000\nntk = \"/moved/kernel{}\"\nlinearize = {}\n{}",
                          m.own_seed < 0 ? m.seed : m.own_seed, m.name, linear, m.options) +
                  (linear ? m.linear_options : ""),
              {{.task = 1, .accuracy = 0.8}});
  if (!m.letter.empty())
    for (const char* what : {"kernel", "net", "lin"})
      write_fingerprints(study, what + m.name, {{"images", m.letter}, {"weights", m.letter}});
}
std::vector<std::size_t> sizes(const TemporaryFolder& study) {
  std::vector<std::size_t> all;
  for (const PairRepeats& group : matched_pairs(read_study(study.path()), "train_ntk").groups) all.push_back(group.size());
  return all;
}
using Sizes = std::vector<std::size_t>;

}  // namespace

TEST_CASE("seeds: runs that differ in nothing else are one comparison, wherever the kernel of each lies") {
  const TemporaryFolder study;
  write(study, {.name = "", .seed = 0, .kernel_options = "data-seed = 0\n", .options = "data-seed = 0\n"});
  const Made second{.name = "-seed1", .seed = 1, .kernel_options = "data-seed = 1\n", .options = "data-seed = 1\n"};
  write(study, second);
  CHECK(sizes(study) == Sizes{2});
  const Study read = read_study(study.path());
  const auto group = matched_pairs(read, "train_ntk").groups.at(0);
  CHECK(setting(group) == "lenet on dead-leaves, 1000 training and 400 test images, 2 seeds");
  CHECK(model(group) == "lenet on dead-leaves, 2 seeds");
  CHECK(seed_columns(group) == std::vector<std::string>{"seed_0", "seed_1"});

  SECTION("another seed of the images alone has a name of its own") {
    write(study, {.name = "-seed1", .seed = 1, .kernel_options = "data-seed = 5\n", .options = "data-seed = 5\n"});
    const Study again = read_study(study.path());
    CHECK(seed_columns(matched_pairs(again, "train_ntk").groups.at(0)) == std::vector<std::string>{"seed_0", "seed_1_data_5"});
  }
  SECTION("the same seed twice is no second sample") {
    Made copy = second;
    copy.name = "-copy";
    write(study, copy);
    CHECK(sizes(study) == Sizes{2});
    const auto not_counted = matched_pairs(read_study(study.path()), "train_ntk").not_counted;
    REQUIRE(not_counted.size() == 2);
    CHECK(not_counted[0].why == Reason::same_start);
  }
  SECTION("another recipe is another comparison") {
    write(study, {.name = "-seed1", .seed = 1, .kernel_options = "data-seed = 1\n", .options = "data-seed = 1\nepochs = 3\n"});
    CHECK(sizes(study) == Sizes{1, 1});
  }
  SECTION("another kernel is another comparison") {
    write(study, {.name = "-seed1", .seed = 1, .kernel_options = "data-seed = 1\nmethod = \"nystrom\"\n", .options = "data-seed = 1\n"});
    CHECK(sizes(study) == Sizes{1, 1});
  }
  SECTION("without fingerprints the linearization of another seed is not the network's") {
    std::filesystem::remove_all(study / "lin");
    std::filesystem::remove_all(study / "net-seed1");
    CHECK(sizes(study).empty());
    CHECK(matched_pairs(read_study(study.path()), "train_ntk").not_counted.size() == 2);
  }
}

TEST_CASE("seeds: a training of the default seed on the kernel of seed 1 is a repeat by its weights") {
  const TemporaryFolder study;
  write(study, {.name = "", .seed = 0, .letter = "a"});
  write(study, {.name = "-seed1", .seed = 1, .letter = "b", .own_seed = 0});
  const Study read = read_study(study.path());
  const auto found = matched_pairs(read, "train_ntk");
  REQUIRE(found.groups.size() == 1);
  CHECK(found.groups[0].size() == 2);
  CHECK(found.not_counted.empty());
  CHECK(seeds_of(found.groups[0]) == std::vector<std::string>{"0", "1"});  // of the weights
  // And another order of batches from the same weights is none.
  write(study, {.name = "-batches", .seed = 0, .letter = "a", .own_seed = 7});
  const Study with_batches = read_study(study.path());
  const auto again = matched_pairs(with_batches, "train_ntk");
  CHECK(sizes(study) == Sizes{2});
  REQUIRE(again.not_counted.size() == 2);
  CHECK(again.not_counted[0].run->name() == "net-batches");
  CHECK(again.not_counted[0].why == Reason::same_start);
  CHECK(again.not_counted[0].counted->name() == "net");
}

TEST_CASE("seeds: where the kernel of one is gone, its weights tell it apart") {
  const TemporaryFolder study;
  write(study, {.name = "", .seed = 0, .letter = "a"});
  write(study, {.name = "-seed1", .seed = 1, .letter = "b", .own_seed = 0});
  std::filesystem::remove_all(study / "kernel");
  std::filesystem::remove_all(study / "kernel-seed1");
  const Study read = read_study(study.path());
  CHECK(sizes(study) == Sizes{2});
  CHECK(seed_columns(matched_pairs(read, "train_ntk").groups.at(0)) == std::vector<std::string>{"seed_0_net", "seed_0_net-seed1"});
}

TEST_CASE("pairs: a linearization trained in both spaces counts once") {
  const TemporaryFolder study;
  write(study, {.name = "", .letter = "a"});
  write_run(study, "lin-function", "train_ntk",
            "seed = 0\nnum-train = 1000\nntk = \"/moved/kernel\"\nlinearize = true\nspace = \"function\"\n",
            {{.task = 1, .accuracy = 0.8}});
  write_fingerprints(study, "lin-function", {{"images", "a"}, {"weights", "a"}});
  const Study read = read_study(study.path());
  const auto found = matched_pairs(read, "train_ntk");
  REQUIRE(found.groups.size() == 1);
  CHECK(found.groups[0].size() == 1);
  REQUIRE(found.not_counted.size() == 1);
  CHECK(found.not_counted[0].why == Reason::second_form);
  CHECK(found.not_counted[0].run->name() == "lin-function");
  CHECK(found.not_counted[0].counted->name() == "lin");
  CHECK(claim_rank(read).findings.size() == 1);
}

TEST_CASE("pairs: of linearizations that were trained for other epochs the one of as many as the network counts") {
  const TemporaryFolder study;
  write(study, {.name = "", .letter = "a", .options = "epochs = 20\n"});
  const auto add = [&](const std::string& name, const std::string& options) {
    write_run(study, name, "train_ntk", "seed = 0\nnum-train = 1000\nntk = \"/moved/kernel\"\nlinearize = true\n" + options,
              {{.task = 1, .accuracy = 0.8, .epochs = 60}});
    write_fingerprints(study, name, {{"images", "a"}, {"weights", "a"}});
  };
  const auto linear = [&] { return matched_pairs(read_study(study.path()), "train_ntk").groups.at(0).at(0).linear->name(); };
  add("a-longer", "epochs = 60\n");
  add("a-without", "epochs = 20\nwithout-f0 = true\n");
  CHECK(linear() == "lin");
  std::filesystem::remove_all(study / "lin");
  CHECK(linear() == "a-without");
  std::filesystem::remove_all(study / "a-without");
  CHECK(linear() == "a-longer");
  const Study read = read_study(study.path());
  const auto group = matched_pairs(read, "train_ntk").groups.at(0);
  CHECK(epochs_of(tasks(group)) == "the network after 20 epochs, its linearization after 60");
  // Another learning rate is another recipe.
  write_run(study, "net", "train_ntk", "seed = 0\nnum-train = 1000\nntk = \"/moved/kernel\"\nlinearize = false\nlearning-rate = 0.1\n",
            {{.task = 1, .accuracy = 0.8}});
  CHECK(sizes(study).empty());
}

TEST_CASE("seeds: other tasks from the same start are another comparison, of another start a repeat") {
  const TemporaryFolder study;
  write(study, {.name = "", .seed = 0, .letter = "a", .options = "index = \"1\"\n"});
  write(study, {.name = "-more", .seed = 0, .letter = "a", .options = "index = \"1,2\"\n"});
  CHECK(sizes(study) == Sizes{1, 1});
  write(study, {.name = "-seed1", .seed = 1, .letter = "b", .options = "index = \"1,2,3\"\n"});
  CHECK(sizes(study) == Sizes{2, 1});
  CHECK(matched_pairs(read_study(study.path()), "train_ntk").not_counted.empty());
}

TEST_CASE("pairs: the fingerprints decide, and not where images and kernel were taken from") {
  const TemporaryFolder study;
  write(study, {.name = "", .letter = "a"});
  std::filesystem::remove(study / "lin/run.json");
  write_run(study, "lin", "train_ntk", "seed = 0\nnum-train = 1000\nntk = \"/another/place\"\nlinearize = true\n",
            {{.task = 1, .accuracy = 0.8}});
  CHECK(sizes(study).empty());  // an older linearization, without fingerprints
  write_fingerprints(study, "lin", {{"images", "a"}, {"weights", "a"}});
  CHECK(sizes(study) == Sizes{1});
  write_fingerprints(study, "lin", {{"images", "a"}, {"weights", "b"}});
  CHECK(sizes(study).empty());
  write_run(study, "lin", "train_ntk", "seed = 0\nnum-train = 1000\nntk = \"/moved/kernel\"\nlinearize = true\n",
            {{.task = 1, .accuracy = 0.8}});
  CHECK(sizes(study).empty());  // the same options, other weights
}

TEST_CASE("a source is not the folder of that name if that holds another kernel by now") {
  const TemporaryFolder study, elsewhere;
  write(study, {.name = "", .letter = "a"});
  const auto kernel = [&] {
    static Study read;  // the run that is found lies in it
    read = read_study(study.path());
    const Run* found = read.source(*read.of("train_ntk").at(1), "ntk");
    return found ? found->folder : std::filesystem::path();
  };
  CHECK(kernel() == study / "kernel");
  write_fingerprints(study, "kernel", {{"images", "a"}, {"weights", "b"}});
  CHECK(kernel().empty());
  write_run(study, "another", "compute_ntk", "num-train = 1000\nseed = 0\n");
  write_fingerprints(study, "another", {{"images", "a"}, {"weights", "a"}});
  CHECK(kernel() == study / "another");
  // Outside of the study it is found where the option says.
  write_run(elsewhere, "kernel", "compute_ntk", "num-train = 1000\nseed = 0\n");
  write_fingerprints(elsewhere, "kernel", {{"images", "a"}, {"weights", "a"}});
  write_run(study, "net", "train_ntk",
            "seed = 0\nnum-train = 1000\nntk = \"" + (elsewhere / "kernel").string() + "\"\nlinearize = false\n");
  write_fingerprints(study, "net", {{"images", "a"}, {"weights", "a"}});
  CHECK(kernel() == elsewhere / "kernel");
}

TEST_CASE("tasks: a rarer class of 5 % of the training and of the test images") {
  CHECK(rarest_share({1, 0, 0, 0}, 0, 4) == 0.25);
  CHECK(rarest_share({1, 0, 0, 0}, 1, 4) == 0);
  CHECK(rarest_share({1, 1}, 0, 2) == 0);
  CHECK(rarest_share({0, 1, 2, 2}, 0, 4) == 0.25);
  CHECK(rarest_share({0, 1}, 2, 2) == 0);
  const TemporaryFolder study;
  const std::vector<Row> rows{{.task = 1, .balance = 0.05, .accuracy = 0.9},
                              {.task = 2, .balance = 0.048, .accuracy = 0.9},
                              {.task = 3, .balance = 0.95, .accuracy = 0.9},
                              {.task = 4, .balance = 0.98, .accuracy = 0.9}};
  write_pair(study, rows, rows);
  const Study read = read_study(study.path());
  const auto all = tasks(matched_pairs(read, "train_ntk").groups.at(0));
  REQUIRE(all.size() == 4);
  std::vector<std::string> names;
  for (const RepeatedTask& task : counting(all)) names.push_back(task.name);
  CHECK(names == std::vector<std::string>{"1", "3"});
  const auto out = left_out(all);
  REQUIRE(out.size() == 2);
  CHECK(out[0].first == "2");
  CHECK(out[0].second == Approx(0.0475));  // of 400 test images 19
  CHECK(out[1].second == Approx(0.02));
}

TEST_CASE("tasks: one that counts under some seeds is left out under the others") {
  const TemporaryFolder study;
  const std::vector<Row> balanced{{.task = 1, .accuracy = 0.9}, {.task = 2, .accuracy = 0.9}},
      skewed{{.task = 1, .balance = 0.02, .accuracy = 0.9}, {.task = 2, .accuracy = 0.9}};
  write_pair(study, balanced, balanced);
  write_pair(study, skewed, skewed, 1);
  write_pair(study, skewed, skewed, 2);
  const Study read = read_study(study.path());
  const auto out = left_out(tasks(matched_pairs(read, "train_ntk").groups.at(0)));
  REQUIRE(out.size() == 1);
  CHECK(out[0].first == "1 under 2 of 3 seeds");
  CHECK(out[0].second == Approx(0.02));
}

TEST_CASE("tasks: labels that differ are not compared") {
  const TemporaryFolder study;
  write_pair(study, {{.task = 1, .accuracy = 0.9}, {.task = 2, .accuracy = 0.9}},
             {{.task = 1, .accuracy = 0.9, .labels = 1}, {.task = 2, .accuracy = 0.8}});
  const Study read = read_study(study.path());
  const auto all = tasks(matched_pairs(read, "train_ntk").groups.at(0));
  REQUIRE(all.size() == 2);
  CHECK(all[0].other_labels == 1);
  CHECK_FALSE(all[0].under[0]);
  CHECK(all[1].under[0]->lead() == Approx(0.1));
  CHECK(counting(all).size() == 1);
}

TEST_CASE("tasks: the area is that of accuracy.csv or, of an older version's results, of the logits") {
  const TemporaryFolder study;
  // Of 200 images of either class 10 are wrong: 0.95; a shift by 2 leaves the area and makes every answer 1.
  write_run(study, "net", "train_ntk", eigen_options, {{.task = 1, .accuracy = 0.95, .shift = 2}});
  Study read = read_study(study.path());
  auto trained = load_trainings(read.runs.at(0));
  REQUIRE(trained.size() == 1);
  CHECK(trained[0].second.auc == Approx(0.95));
  CHECK(trained[0].second.test_accuracy() == 0.5);
  CHECK(trained[0].second.num_train() == 1000);
  study.write("net/accuracy.csv",
              "target,class_balance,train_accuracy,test_accuracy,test_balanced_accuracy,test_auc\n1,0.5,1,0.5,0.5,0.951\n");
  CHECK(load_trainings(read.runs.at(0))[0].second.auc == 0.951);
  study.write("net/accuracy.csv", "target,class_balance,train_accuracy,test_accuracy,test_balanced_accuracy,test_auc\n1,0.5,1,0.5,0.5,\n");
  CHECK(load_trainings(read.runs.at(0))[0].second.auc == Approx(0.95));
  data::save_npy(study / "net/test_logits.npy", Tensor<double>::zeros({1400}));
  CHECK(mentions(thrown([&] { load_trainings(read.runs.at(0)); }), "test_logits.npy: has shape [1400]"));
  std::filesystem::remove(study / "net/labels.npy");
  CHECK(mentions(thrown([&] { load_trainings(read.runs.at(0)); }), "labels.npy"));
}

TEST_CASE("tasks of several classes: an answer is the largest logit") {
  const TemporaryFolder study;
  std::filesystem::create_directories(study / "three");
  data::save_npy(study / "three/labels.npy", std::vector<int>{0, 1, 2, 0, 1, 2});
  data::save_npy(study / "three/test_logits.npy", Tensor<double>::from({3, 3}, std::vector<double>{5, 1, 2, 5, 1, 2, -3, -2, -1}));
  save_history(study / "three/history.csv", history({0.5}, 2. / 3));
  const Training t = load_training(study / "three");
  CHECK(t.correct == std::vector<double>{1, 0, 1});
  CHECK(t.logits.empty());
  CHECK(std::isnan(t.auc));
}

TEST_CASE("test images: the same, each seed's own, or other choices from one set") {
  const TemporaryFolder study;
  for (const char* name : {"a", "b", "c"}) write_run(study, name, "train_cifar", "num-train = 100\nseed = 0\n");
  const auto relation = [&](const char* first, const char* second, const std::vector<std::string>& rows) {
    write_fingerprints(study, "a", {{"images", first}});
    write_fingerprints(study, "b", {{"images", second}});
    const Study read = read_study(study.path());
    return test_images({&read.runs[0], &read.runs[1]}, rows);
  };
  CHECK(relation("1", "1", {"", ""}) == TestImages::same);
  CHECK(relation("1", "1", {"x", "x"}) == TestImages::same);
  CHECK(relation("1", "1", {"x", "y"}) == TestImages::overlapping);
  CHECK(relation("1", "2", {"x", "x"}) == TestImages::own);
  // Without fingerprints: the seed of the images, or of a direction's samples.
  write_run(study, "c", "train_cifar", "num-train = 100\nseed = 1\ndata-seed = 1\n");
  write_run(study, "d", "train_cifar", "num-train = 100\nseed = 2\ndata-seed = 2\n");
  write_run(study, "e", "train_nads", "num-train = 100\nseed = 1\n");
  write_run(study, "f", "train_nads", "num-train = 100\nseed = 2\n");
  const Study read = read_study(study.path());
  CHECK(test_images({&read.runs[2], &read.runs[3]}, {"", ""}) == TestImages::own);
  CHECK(test_images({&read.runs[2], &read.runs[2]}, {"", ""}) == TestImages::same);
  CHECK(test_images({&read.runs[4], &read.runs[5]}, {"", ""}) == TestImages::own);
}

TEST_CASE("what the labels are is said by the configuration") {
  const auto said = [](const std::string& key, const std::string& value) {
    Run run{"/x", "train_cifar", {}};
    run.config.set(key, value);
    return labels_of(run);
  };
  CHECK(said("positive", "0,1,2,3,4") == "classes 0 to 4 against the rest");
  CHECK(said("positive", "3") == "class 3 against the rest");
  CHECK(said("positive", "5,3") == "classes 3 and 5 against the rest");
  CHECK(said("positive", "0,1,2,7,8") == "classes 0 to 2, 7 and 8 against the rest");
  CHECK(said("labels", "/home/me/cats.npy") == "cats.npy");
}
