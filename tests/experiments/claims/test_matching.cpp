// Which runs belong together: a network and its linearization, and repeats under several seeds.
#include "experiments/claims/markup/words.h"
#include "experiments/claims/study/tasks.h"
#include "experiments/common/run/files_of_run.h"
#include "experiments/common/text/files.h"
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

namespace {

/// Network and linearization on images of a file, on labels of a file or on eigenfunctions, with the letters of their fingerprints.
struct Given {
  std::string name, data = "/a/images.npy", images = "1", weights = "1", labels = {}, options = {};
  int seed = 0;
};
void write(const TemporaryFolder& study, const Given& g) {
  for (const bool linear : {false, true}) {
    const std::string folder = (linear ? "lin" : "net") + g.name;
    write_run(
        study, folder, "train_ntk",
        fmt::format("num-train = 1000\nseed = {}\nlinearize = {}\nlabels = \"/{}/labels.npy\"\n{}", g.seed, linear, g.name, g.options),
        {{.task = 1, .accuracy = 0.8}});
    std::string config = read_text(study / (folder + "/config.toml"));
    study.write(folder + "/config.toml", config.replace(config.find("dead-leaves"), 11, g.data));
    std::map<std::string, std::string> made{{"images", g.images}, {"weights", g.weights}};
    if (!g.labels.empty()) made["labels"] = g.labels;
    write_fingerprints(study, folder, made);
  }
}
std::vector<std::size_t> own_sizes(const TemporaryFolder& study) {
  std::vector<std::size_t> all;
  for (const PairRepeats& group : matched_pairs(read_study(study.path()), "train_ntk", true).groups) all.push_back(group.size());
  return all;
}

}  // namespace

TEST_CASE("seeds: labels and images that a user gave are the same under all of them by what they hold, not by their files' names") {
  const TemporaryFolder study;
  write(study, Given{.name = "A", .labels = "1"});
  SECTION("the same labels in another folder") {
    write(study, Given{.name = "B", .weights = "2", .labels = "1", .seed = 1});
    CHECK(own_sizes(study) == Sizes{2});
  }
  SECTION("other labels, each compared with its own linearization") {
    write(study, Given{.name = "B", .weights = "2", .labels = "2", .seed = 1});
    CHECK(own_sizes(study) == Sizes{1, 1});
    write(study, Given{.name = "C", .weights = "1", .labels = "3"});  // from the weights of A
    CHECK(own_sizes(study) == Sizes{1, 1, 1});
    const Study read = read_study(study.path());
    for (const PairRepeats& group : matched_pairs(read, "train_ntk", true).groups)
      CHECK(group[0].network->name().substr(3) == group[0].linear->name().substr(3));
  }
  SECTION("other images of that name, under another seed or the same") {
    write(study, Given{.name = "B", .data = "/b/images.npy", .images = "2", .weights = "2", .labels = "1", .seed = 1});
    write(study, Given{.name = "C", .data = "/c/images.npy", .images = "3", .labels = "1"});
    CHECK(own_sizes(study) == Sizes{1, 1, 1});
    write(study, Given{.name = "B", .data = "/b/others.npy", .images = "1", .weights = "2", .labels = "1", .seed = 1});
    CHECK(own_sizes(study) == Sizes{2, 1});  // the same by another name
  }
  SECTION("weights that were given to one and not to the other") {
    write(study, Given{.name = "B", .weights = "2", .labels = "1", .options = "init = \"/x/final.npz\"\n", .seed = 1});
    CHECK(own_sizes(study) == Sizes{1, 1});
  }
  SECTION("weights given to both under one seed, and under two") {
    write(study, Given{.name = "A", .labels = "1", .options = "init = \"/x/final.npz\"\n"});
    write(study, Given{.name = "B", .weights = "2", .labels = "1", .options = "init = \"/y/final.npz\"\n"});
    CHECK(own_sizes(study) == Sizes{1, 1});
    write(study, Given{.name = "B", .weights = "2", .labels = "1", .options = "init = \"/y/final.npz\"\n", .seed = 1});
    CHECK(own_sizes(study) == Sizes{2});
  }
  SECTION("weights given to both, which runs of this study left: these must be repeats") {
    const auto init = [&](const std::string& run) { return fmt::format("init = \"{}/1/final.npz\"\n", (study / run).string()); };
    for (int seed = 0; seed < 2; ++seed)
      write_run(study, fmt::format("start{}", seed), "train_cifar", fmt::format("num-train = \"1\"\nseed = {}\nepochs = 3\n", seed));
    write(study, Given{.name = "A", .labels = "1", .options = init("start0")});
    write(study, Given{.name = "B", .weights = "2", .labels = "1", .options = init("start1"), .seed = 1});
    CHECK(own_sizes(study) == Sizes{2});
    write_run(study, "start1", "train_cifar", "num-train = \"1\"\nseed = 1\nepochs = 4\n");
    CHECK(own_sizes(study) == Sizes{1, 1});
  }
  SECTION("one seed is no two, whatever else is another") {
    write(study, Given{.name = "B", .weights = "2", .labels = "1"});
    CHECK(own_sizes(study) == Sizes{1, 1});
    write(study, Given{.name = "B", .weights = "2", .labels = "1", .seed = 1});
    write(study, Given{.name = "C", .weights = "3", .labels = "1", .seed = 1});  // that of the second
    CHECK(own_sizes(study) == Sizes{2, 1});
  }
}

TEST_CASE("seeds: of kernels too") {
  const TemporaryFolder study;
  for (const char* name : {"a", "b"}) {
    write_run(study, name, "compute_ntk", "num-train = 1000\nseed = 0\n");
    std::string config = read_text(study / (name + std::string("/config.toml")));
    study.write(name + std::string("/config.toml"), config.replace(config.find("dead-leaves"), 11, "/" + std::string(name) + "/img.npy"));
    write_fingerprints(study, name, {{"images", name}, {"weights", "1"}});
  }
  const Study read = read_study(study.path());
  CHECK(repeated(read, read.of("compute_ntk")).size() == 2);
}

TEST_CASE("pairs: a linearization that was trained to its end goes before one of as many epochs as the network that was not") {
  const TemporaryFolder study;
  const auto write_one = [&](const std::string& name, bool linear, Index epochs, double train) {
    write_run(
        study, name, "train_ntk",
        fmt::format("seed = 0\nnum-train = 1000\nntk = \"/moved/kernel\"\nlinearize = {}\nepochs = {}\nindex = \"1,2\"\n", linear, epochs),
        {{.task = 1, .accuracy = 0.8, .train = 1}, {.task = 2, .accuracy = 0.8, .train = train}});
    write_fingerprints(study, name, {{"images", "1"}, {"weights", "1"}});
  };
  write_one("net", false, 60, 1);
  write_one("a-short", true, 60, 0.83);
  write_one("long", true, 1000, 1);
  const Study read = read_study(study.path());
  const auto found = matched_pairs(read, "train_ntk");
  CHECK(found.groups.at(0).at(0).linear->name() == "long");
  CHECK(found.not_counted.at(0).run->name() == "a-short");
  write_one("a-short", true, 60, 1);
  CHECK(matched_pairs(read, "train_ntk").groups.at(0).at(0).linear->name() == "a-short");
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

TEST_CASE("tasks: what is said of the test images is from the logits alone, and other files must agree") {
  const TemporaryFolder study;
  // Of 200 images of either class 10 are wrong: 0.95; a shift by 2 leaves the area and makes every answer 1.
  write_run(study, "net", "train_ntk", eigen_options, {{.task = 1, .accuracy = 0.95, .shift = 2}});
  Study read = read_study(study.path());
  auto trained = load_trainings(read.runs.at(0));
  REQUIRE(trained.size() == 1);
  CHECK(trained[0].second.auc == Approx(0.95));
  CHECK(trained[0].second.test_accuracy() == 0.5);
  CHECK(trained[0].second.num_train() == 1000);
  const auto error = [&] { return thrown([&] { load_trainings(read.runs.at(0)); }); };
  const auto csv = [&](const std::string& numbers) {
    study.write("net/accuracy.csv",
                "target,class_balance,train_accuracy,test_accuracy,test_balanced_accuracy,test_auc\n1,0.5,1," + numbers);
  };
  csv("0.502,0.5,0.99\n");  // an image by rounding; the area is not read
  CHECK(load_trainings(read.runs.at(0))[0].second.auc == Approx(0.95));
  CHECK(load_trainings(read.runs.at(0))[0].second.test_accuracy() == 0.5);
  csv("0.95,0.5,0.95\n");
  CHECK(mentions(error(), "net/accuracy.csv: has test accuracy 0.95, the test_logits.npy of this training 0.5"));
  csv("0.5,0.5,0.95\n");
  save_history(study / "net/history.csv", history({1}, 0.95));
  CHECK(mentions(error(), "net/history.csv: has test accuracy 0.95"));
  save_history(study / "net/history.csv", history({1}, 0.502));
  CHECK(load_trainings(read.runs.at(0))[0].second.test_accuracy() == 0.5);
  data::save_npy(study / "net/test_logits.npy", Tensor<double>::zeros({1400}));
  CHECK(mentions(error(), "test_logits.npy: has shape [1400]"));
  std::filesystem::remove(study / "net/labels.npy");
  CHECK(mentions(error(), "labels.npy"));
}

TEST_CASE("a finished run whose files are not as it left them is left out by name, but for weights and kernels, which are not read") {
  const TemporaryFolder study;
  write_run(study, "net", "train_ntk", eigen_options, {{.task = 1, .accuracy = 0.8}});
  write_run(study, "other", "train_ntk", eigen_options, {{.task = 1, .accuracy = 0.8}});
  study.write("net/final.npz", "weights"), study.write("net/ntk.npy", "kernel"), study.write("net/notes.txt", "mine");
  std::string bytes, contents;
  for (const auto& [name, file] : files_of_run(study / "net")) {
    bytes += fmt::format("{}\"{}\": {}", bytes.empty() ? "" : ", ", name, file.bytes);
    contents += fmt::format("{}\"{}\": \"{}\"", contents.empty() ? "" : ", ", name, file.content);
  }
  study.write("net/run.json", fmt::format("{{\"finished\": true, \"files\": {{{}}}, \"contents\": {{{}}}}}", bytes, contents));
  study.write("net/final.npz", "changed"), std::filesystem::remove(study / "net/ntk.npy"), study.write("net/notes.txt", "others");
  CHECK(read_study(study.path()).changed.empty());
  CHECK(read_study(study.path()).runs.size() == 2);
  std::string history = read_text(study / "net/history.csv");
  study.write("net/history.csv", history.replace(history.rfind("0.8"), 3, "0.9"));
  Study read = read_study(study.path());
  REQUIRE(read.runs.size() == 1);
  CHECK(read.runs[0].name() == "other");
  CHECK(read.changed == std::vector<std::string>{"net/history.csv has other contents than the run left there"});
  std::filesystem::remove(study / "net/history.csv");
  CHECK(read_study(study.path()).changed == std::vector<std::string>{"net/history.csv is missing"});
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
