// Networks from ONNX files in the experiments: kernels are PyTorch's, weights go in and out under the file's names.
#include "nn/onnx/load.h"
#include "tests/check.h"
#include "tests/experiments/trainings.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;
using Catch::Matchers::ContainsSubstring;

namespace {

fs::path golden(const std::string& name) { return fs::path(places::golden()) / "onnx" / name; }

/// A golden case as G.
struct Case {
  Sandbox box;
  nlohmann::json about;
  data::NamedTensors<double> expected;

  explicit Case(const std::string& name)
      : about(nlohmann::json::parse(bytes_of(golden(name) / "case.json"))),
        expected(data::load_npz<double>(golden(name) / "expected.npz")) {
    fs::create_directory_symlink(golden(name), box / "G");
  }
  const Tensor<double>& operator[](const std::string& name) const {
    REQUIRE(data::find(expected, name));
    return *data::find(expected, name);
  }
  std::vector<std::string> names(const char* list) const {
    std::vector<std::string> all;
    for (const auto& entry : about.at(list))
      all.push_back(entry.is_string() ? entry.get<std::string>() : entry.at("name").get<std::string>());
    return all;
  }
};

const std::string on_golden = " --model G/model.onnx --data G/images.npy --dtype float64 --quiet";

void close(const Tensor<double>& a, const Tensor<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0, worst = 0;
  for (Index i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(b[i])), worst = std::max(worst, std::abs(a[i] - b[i]));
  CHECK(worst <= 1e-7 * largest);
}

}  // namespace

TEST_CASE("onnx: compute_ntk of a file is PyTorch's kernel in each layout, and names what it was made of") {
  for (const std::string name : {"vgg", "mlp_vectors", "vit_small", "one_logit"}) {
    INFO(name);
    const Case c(name);
    const Index outputs = c.about.at("O").get<Index>(), n = c.about.at("N").get<Index>();
    for (const std::string layout : {"full", "trace", "sum"}) {
      INFO(layout);
      const std::string said = c.box.good("compute_ntk --save-ntk --eigen 3 --outputs " + layout + " --out " + layout + on_golden);
      close(c.box.array(layout + "/ntk.npy"), c["ntk_" + layout]);
      const Index side = layout == "full" ? outputs : 1;
      CHECK(c.box.array(layout + "/eigvecs.npy").shape() == (Shape{3, n * side}));
      for (const auto& parameter : c.names("trainable")) CHECK_THAT(said, ContainsSubstring(parameter));
      CHECK_THAT(said, ContainsSubstring(fmt::format("{} parameters", c.about.at("parameters").get<Index>())));
    }
    const auto record = c.box.record("trace");
    CHECK(record.at("trainable").size() == c.about.at("trainable").size());
    CHECK(record.at("parameters") == c.about.at("parameters"));
    CHECK(record.at("fingerprints").contains("graph"));
    CHECK_THAT(record.at("inputs").dump(), ContainsSubstring("/G/model.onnx"));
    CHECK_THAT(bytes_of(c.box / "trace/config.toml"), ContainsSubstring("model = \"/"));
    // Weights stand under the file's own names.
    const auto start = data::load_npz<double>(c.box / "trace/init.npz");
    CHECK(start.size() == c.about.at("trainable").size() + c.about.at("statistics").size());
    for (const auto& parameter : c.names("trainable")) CHECK(data::find(start, parameter));
  }
}

TEST_CASE("onnx: a run of a file goes on, builds on another and takes weights by their names") {
  const Case c("vgg");
  const Sandbox& box = c.box;
  box.good("compute_ntk --outputs sum --save-ntk --eigen 4 --out K" + on_golden);
  CHECK_THAT(box.good("compute_ntk --outputs sum --save-ntk --eigen 4 --out K" + on_golden), ContainsSubstring("finished"));
  box.good("train_ntk --ntk K --index 1 --num-train 3 --num-test 2 --force --epochs 2 --batch 3 --quiet --out T");
  CHECK(box.record("T").at("outputs") == "sum");
  // Twice the last bias: the same kernel, other logits; names and shapes are checked.
  auto weights = data::load_npz<double>(box / "K/init.npz");
  data::save_npz(box / "same.npz", weights);
  box.good("compute_ntk --outputs sum --save-ntk --eigen 4 --init same.npz --out I" + on_golden);
  CHECK(bytes_of(box / "I/ntk.npy") == bytes_of(box / "K/ntk.npy"));
  auto fewer = weights;
  fewer.pop_back();
  data::save_npz(box / "fewer.npz", fewer);
  CHECK_THAT(box.refused("compute_ntk --init fewer.npz --out X" + on_golden), ContainsSubstring("is missing"));
  for (const std::string option : {"--features 1", "--filters 1", "--blocks 1", "--activation tanh"})
    CHECK_THAT(box.refused("compute_ntk " + option + " --out X" + on_golden), ContainsSubstring("only the built-in networks have it"));
  CHECK_THAT(box.refused("compute_ntk --out X --model G/model.onnx"), ContainsSubstring("takes images of shape"));
  CHECK_THAT(box.refused("compute_ntk --out X --model none.onnx"), ContainsSubstring("--model none.onnx: no such file"));
  CHECK_THAT(box.refused("compute_nads --out X --model G/model.onnx"), ContainsSubstring("of one logit alone"));
  CHECK_THAT(box.refused("compute_ntk --out X --model mlp --freeze a"), ContainsSubstring("--freeze: only a FILE.onnx has initialisers"));
  // What is frozen is no parameter.
  const auto names = c.names("trainable");
  box.good("compute_ntk --outputs sum --save-ntk --eigen 2 --freeze " + names[0] + "," + names[1] + " --out Z" + on_golden);
  CHECK(box.record("Z").at("trainable").size() == names.size() - 2);
  const auto loaded = onnx::load_onnx<double>(box / "G/model.onnx", {.train = {}, .freeze = {names[0], names[1]}});
  CHECK(box.record("Z").at("parameters") == loaded.variables.size());
  CHECK_THAT(box.refused("compute_ntk --freeze nothing.weight --out X" + on_golden), ContainsSubstring("nothing.weight"));
}

TEST_CASE("onnx: training on classes, in every space, and back into the graph") {
  const Case c("vgg");
  const Sandbox& box = c.box;
  data::save_npy(box / "classes.npy", std::vector<int>{0, 2, 1, 2, 0});
  const std::string train = "train_ntk --labels classes.npy --num-train 3 --batch 3" + on_golden;
  // Nothing moves: the logits are the file's.
  box.good(train + " --epochs 1 --learning-rate 0 --linearize --out Z");
  const auto logits = box.array("Z/test_logits.npy");
  REQUIRE(logits.shape() == (Shape{2, 3}));
  close(logits, c["logits"].slice(3, 5).clone());

  box.good(train + " --epochs 4 --linearize --out L");
  box.good(train + " --epochs 4 --linearize --space function --out F");
  same_weights(data::load_npz<double>(box / "F/final.npz"), data::load_npz<double>(box / "L/final.npz"), 1e-9);

  box.good(train + " --epochs 2 --learning-rate 0.01 --save-onnx --out N");
  for (const auto& name : c.names("trainable")) CHECK(data::find(data::load_npz<double>(box / "N/final.npz"), name));
  const auto trained = onnx::load_onnx<double>(box / "N/final.onnx");
  const auto images = box.array("G/images.npy");
  const auto again = evaluate(trained.network, trained.variables, images.slice(3, 5));
  const auto left = box.array("N/test_logits.npy");
  for (Index i = 0; i < left.size(); ++i) check::same(again[i], left[i], 1e-5);  // the file holds float32
  // What the plan says that it leaves: weights in float64, and the graph again.
  const auto file_size = static_cast<double>(fs::file_size(golden("vgg") / "model.onnx"));
  CHECK(box.record("N")["plan"]["stages"][0]["disk"] == 8 * c.about.at("parameters").get<double>() + file_size);
  box.good(train + " --epochs 2 --learning-rate 0.01 --save-onnx again.onnx --out M");
  CHECK(bytes_of(box / "again.onnx") == bytes_of(box / "N/final.onnx"));
  CHECK_THAT(box.refused(train + " --save-onnx nowhere/again.onnx --out X"), ContainsSubstring("/nowhere/again.onnx: there is no folder"));
  CHECK_THAT(box.refused(train + " --save-onnx again.npz --out X"), ContainsSubstring("--save-onnx again.npz: give a .onnx file"));
}

TEST_CASE("onnx: who gives no images is told that they are generated") {
  const Case c("resnet_small");
  const Sandbox& box = c.box;
  // The generated images are of 32 x 32 pixels; this network takes any size once its input's dims say so.
  std::string file = bytes_of(golden("resnet_small") / "model.onnx");
  const std::string dims("\x0a\x02\x08\x03\x0a\x02\x08\x10\x0a\x02\x08\x10", 12),
      larger("\x0a\x02\x08\x03\x0a\x02\x08\x20\x0a\x02\x08\x20", 12);
  const auto at = file.find(dims);
  REQUIRE(at != std::string::npos);
  box.write("larger.onnx", file.replace(at, dims.size(), larger));
  const std::string compute = "compute_ntk --model larger.onnx --num-train 5 --num-test 2 --eigen 2 --quiet",
                    said = "images: dead-leaves, which are generated";
  CHECK_THAT(box.good(compute + " --plan --out K"), ContainsSubstring(said));
  CHECK_THAT(box.good(compute + " --out K"), ContainsSubstring(said));
  CHECK_THAT(box.good(compute + " --data dead-leaves --out D"), !ContainsSubstring(said));
  CHECK_THAT(box.good("compute_ntk --model mlp --num-train 5 --num-test 2 --eigen 2 --quiet --out B"), !ContainsSubstring(said));
}

TEST_CASE("onnx: each of the three networks of a comparison goes back into the graph") {
  const Case c("vgg");
  const Sandbox& box = c.box;
  data::save_npy(box / "classes.npy", std::vector<int>{0, 2, 1, 2, 0});
  const std::string compare =
      "pretrained_ntk_comparison --labels classes.npy --num-train 3 --batch 3 --epochs 2 --optimizer adam" + on_golden;
  CHECK_THAT(box.refused(compare + " --save-onnx one.onnx --out P"),
             ContainsSubstring("one.onnx: there are 3 trainings; give --save-onnx alone"));
  box.good(compare + " --save-onnx --out P");
  for (const std::string model : {"network", "linear_init", "linear_trained"}) {
    INFO(model);
    const auto saved = onnx::load_onnx<double>(box / "P" / model / "final.onnx");
    const auto weights = data::load_npz<double>(box / "P" / model / "final.npz");
    for (std::size_t i = 0; i < saved.variables.paths.size(); ++i) {
      const auto* trained = data::find(weights, saved.variables.paths[i]);
      REQUIRE(trained);
      check::same(saved.variables.parameters[i], *trained, 1e-6);  // the file holds float32
    }
  }
}

TEST_CASE("onnx: bad files are refused in one line before any work") {
  const Sandbox box;
  fs::create_directory_symlink(golden("bad"), box / "bad");
  data::save_npy(box / "x.npy", eight_images());
  for (const auto& entry : fs::directory_iterator(golden("bad"))) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".onnx") || name == "external_data.onnx") continue;
    INFO(name);
    const std::string line = box.refused("compute_ntk --data x.npy --out K --model bad/" + name);
    CHECK_THAT(line, ContainsSubstring(name));
  }
}
