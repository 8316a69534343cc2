// What tells two runs of a page apart stands in their names.
#include <array>
#include <cmath>

#include "experiments/claims/markup/words.h"
#include "experiments/claims/study/names.h"
#include "experiments/common/text/files.h"
#include "tests/catch.h"
#include "tests/experiments/captured.h"
#include "tests/experiments/written_runs.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

namespace {

/// A network and its linearization, of a seed's weights.
void write(const TemporaryFolder& study, const std::string& name, const std::string& options, const std::string& of_linear = "",
           int seed = 0) {
  for (const bool linear : {false, true}) {
    const std::string folder = (linear ? "lin-" : "net-") + name;
    write_run(study, folder, "train_ntk",
              fmt::format("seed = {}\n", seed) + "num-train = 1000\nindex = \"1\"\n" + options +
                  (linear ? "linearize = true\n" + of_linear : "linearize = false\n"),
              {{.task = 1, .accuracy = 0.8}});
  }
}

struct Words {
  std::vector<std::string> titles = {}, sentences = {};
};
Words words(const TemporaryFolder& study) {
  const Study read = read_study(study.path());
  Words all;
  for (const PairRepeats& group : matched_pairs(read, "train_ntk").groups)
    all.titles.push_back(model(group)), all.sentences.push_back(setting(group));
  return all;
}

}  // namespace

TEST_CASE("names: one option in which two comparisons differ stands in the titles and sentences of both, whichever it is") {
  // As the programs write them, and what the page makes of each.
  const std::vector<std::array<std::string, 3>> options{{"features", "\"16,1\"", "features 16,1"},
                                                        {"activation", "\"gelu\"", "gelu"},
                                                        {"blocks", "\"1,1,1,1\"", "blocks 1,1,1,1"},
                                                        {"filters", "8", "lenet of 8 filters"},
                                                        {"train", "\"a,b\"", "train a,b"},
                                                        {"freeze", "\"a\"", "freeze a"},
                                                        {"dtype", "\"float64\"", "dtype float64"},
                                                        {"products", "\"split\"", "products split"},
                                                        {"outputs", "2", "outputs 2"},
                                                        {"batch", "32", "batch 32"},
                                                        {"epochs", "7", "epochs 7"},
                                                        {"learning-rate", "0.5", "learning rate 0.5"},
                                                        {"momentum", "0", "momentum 0"},
                                                        {"no-shuffle", "true", "no shuffle"},
                                                        {"loss", "\"squared\"", "loss squared"},
                                                        {"optimizer", "\"adam\"", "optimizer adam"},
                                                        {"weight-decay", "0.1", "weight decay 0.1"}};
  for (const auto& [key, value, said] : options) {
    INFO(key);
    const TemporaryFolder study;
    write(study, "a", "");
    write(study, "b", key + " = " + value + "\n");
    const Words both = words(study);
    REQUIRE(both.titles.size() == 2);
    CHECK(both.titles[0] == "lenet on dead-leaves");
    CHECK(mentions(both.titles[1], said));
    CHECK(both.sentences[0] == "lenet on dead-leaves, 1000 training and 400 test images");
    CHECK(mentions(both.sentences[1], said));
    // What all have is not worth a word, but which output was learnt and how wide the network is.
    const bool always = key == "outputs" || key == "filters";
    write(study, "a", key + " = " + value + "\n");
    for (const std::string& title : words(study).titles) CHECK(mentions(title, said) == always);
  }
}

TEST_CASE("names: sizes, data, and what the linearization alone or another network has") {
  const TemporaryFolder study;
  write(study, "a", "batch = 128\n");
  write(study, "b", "batch = 128\n", "without-f0 = true\n", 1);
  Words now = words(study);
  REQUIRE(now.titles.size() == 2);
  CHECK(now.titles[0] == "lenet on dead-leaves");
  CHECK(now.titles[1] == "lenet on dead-leaves, linearization: without f0");
  write(study, "b", "batch = 128\nepochs = 3\n", "without-f0 = true\n", 1);  // both of its trainings
  CHECK(words(study).titles[1] == "lenet on dead-leaves, epochs 3, linearization: without f0");
  // A sentence names what any others have otherwise, a title what those of the same network do.
  study.write("net-b/config.toml", "# train_ntk: x\nmodel = \"mlp\"\ndata = \"cifar10\"\nnum-train = 5\nnum-test = 4\nbatch = 8\n");
  std::filesystem::remove_all(study / "lin-b");
  const Study read = read_study(study.path());
  const auto runs = matched_runs(read, {read.of("train_ntk")[1], read.of("train_ntk")[2]}).groups;
  REQUIRE(runs.size() == 2);
  CHECK(model(runs[0]) == "lenet on dead-leaves");
  CHECK(model(runs[1]) == "mlp on cifar10");
  CHECK(setting(runs[0]) == "lenet on dead-leaves, 1000 training and 400 test images, batch 128");
  CHECK(setting(runs[1]) == "mlp on cifar10, 5 training and 4 test images, batch 8");
  CHECK(title_of(*runs[1].front(), false) == "mlp");
}

TEST_CASE("names: what a run builds on tells it from others") {
  const TemporaryFolder study;
  for (const std::string name : {"a", "b"}) {
    write_run(study, "kernel-" + name, "compute_ntk",
              fmt::format("seed = 0\nnum-train = 1000\nmethod = \"{}\"\n", name == "a" ? "full" : "nystrom"));
    write(study, name, fmt::format("ntk = \"/moved/kernel-{}\"\n", name));
  }
  CHECK(words(study).titles ==
        std::vector<std::string>{"lenet on dead-leaves, kernel's method full", "lenet on dead-leaves, kernel's method nystrom"});
}

TEST_CASE("names: a file is called by its name, with as much of its path as tells it from another") {
  const TemporaryFolder study;
  const auto own = [&](const std::string& name, const std::string& options, const char* letter) {
    write_run(study, name, "train_ntk", "num-train = 1000\n" + options, {{.task = 1, .accuracy = 0.8}});
    write_fingerprints(study, name, {{"images", "1"}, {"weights", letter}, {"labels", letter}});
  };
  own("a", "model = \"/x/A/net.onnx\"\ndata = \"/d/images.npy\"\nlabels = \"/x/A/l.npy\"\npositive = 0\n", "a");
  study.write(
      "a/config.toml",
      "# train_ntk: x\nmodel = \"/x/A/net.onnx\"\ndata = \"/d/images.npy\"\nlabels = \"/x/A/l.npy\"\npositive = 0\nnum-train = 9\n");
  own("b", "labels = \"/x/B/l.npy\"\n", "b");
  own("c", "labels = \"/y/B/other.npy\"\n", "c");
  Study read = read_study(study.path());
  CHECK(labels_of(read.runs[0]) == "A/l.npy, class 0 against the rest");
  CHECK(labels_of(read.runs[1]) == "B/l.npy");
  CHECK(labels_of(read.runs[2]) == "other.npy");
  CHECK(title_of(read.runs[0]) == "net.onnx on images.npy");
  own("b", "labels = \"/x/B/l.npy\"\n", "a");  // the same labels, elsewhere
  read = read_study(study.path());
  CHECK(labels_of(read.runs[1]) == "l.npy");
}

TEST_CASE("names: other tasks from the same start are told apart by their folders") {
  const TemporaryFolder study;
  write(study, "a", "");
  write(study, "b", "");
  for (const char* folder : {"net-b", "lin-b"}) {
    std::string config = read_text(study / folder / "config.toml");
    config.replace(config.find("index = \"1\""), 11, "index = \"2\"");
    study.write(std::string(folder) + "/config.toml", config);
  }
  const Words both = words(study);
  REQUIRE(both.titles.size() == 2);
  CHECK(both.titles[0] == "lenet on dead-leaves, in net-a, linearization: in lin-a");
  CHECK(both.titles[1] == "lenet on dead-leaves, in net-b, linearization: in lin-b");
}

TEST_CASE("names: weights that were given, and classes that are all, are said") {
  const TemporaryFolder study;
  write(study, "a", "init = \"/w/trained.npz\"\n");
  CHECK(words(study).titles.at(0) == "lenet (weights of trained.npz) on dead-leaves");
  Run run{"/x", "train_cifar", {}};
  run.config.set("classes", "all");
  CHECK(labels_of(run) == "all classes");
}

TEST_CASE("words: no interval reaches where its number cannot be") {
  CHECK(points(Interval{-1.7, 0.25}) == "-100.0 to +25.0");
  CHECK(points(Interval{-1.7, 2.25}, 2) == "-170.0 to +200.0");
  CHECK(within({-9.8, 3}, 1).low == -1);
  CHECK(within({-9.8, 3}, 1).high == 1);
  // Three percent more and three less under two seeds: t = 12.7.
  CHECK(points_and_interval(estimate({0.5, 0.9})) == "+70.0 ± 28.3 points (95 % interval -100.0 to +100.0)");
}

TEST_CASE("words: a point of one seed among several has no error bar, a point of none no height") {
  Series s;
  add_point(s, 1, {0.25, NAN, 0.75}, 100);
  add_point(s, 2, {NAN, 0.5, NAN}, 100);
  add_point(s, 3, {NAN, NAN, NAN}, 100);
  CHECK(s.y[0] == 50);
  CHECK(s.error[0] == Approx(100 * std::sqrt(0.125)));
  CHECK(s.y[1] == 50);
  CHECK(std::isnan(s.error[1]));
  CHECK(std::isnan(s.y[2]));
  const Csv csv = numbers({.title = "t", .x_label = "x", .y_label = "y", .samples = {"a", "b", "c"}, .series = {s}});
  CHECK(csv.rows()[1] == std::vector<std::string>{"", "2", "50", "", "", "50", ""});
}
