// A network of one's own in every experiment: the mlp as a stranger's struct leaves, number by number, what the built-in one leaves.
#include "tests/experiments/trainings.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string own = "own_networks ", built_in = " --model mlp --features 5,1 --quiet", on_images = " --data images.npy --num-train 6";

/// Files of one run as those of another, but for what names the network.
void same_files(const Sandbox& box, const std::string& a, const std::string& b) {
  auto left = box.listing(a), right = box.listing(b);
  for (const char* name : {"run.json", "config.toml", ".lock"}) left.erase(name), right.erase(name);
  for (auto* files : {&left, &right}) std::erase_if(*files, [](const auto& file) { return file.first.ends_with(".svg"); });  // titles
  CHECK(left.size() >= 2);
  CHECK(differing(left, right) == "");
}

}  // namespace

TEST_CASE("own network: kernel and training are those of the built-in network of the same layers") {
  const Sandbox box;
  data::save_npy(box / "images.npy", eight_images());
  const std::string kernel = " --eigen 5 --save-ntk --dtype float64" + on_images;
  box.good("compute_ntk --out K" + built_in + kernel);
  CHECK_THAT(box.good(own + "compute_ntk --out L --quiet" + kernel), ContainsSubstring("5 eigenpairs of 8 images"));
  same_files(box, "K", "L");
  const std::string config = bytes_of(box / "L/config.toml");
  CHECK_THAT(config, ContainsSubstring("model = \"mine\"\n"));
  for (const char* key : {"features", "filters", "blocks", "activation"}) CHECK(config.find(key) == std::string::npos);
  CHECK(box.record("L").at("parameters") == 16 * 5 + 5 + 5 + 1);
  CHECK(box.record("L").at("fingerprints") == box.record("K").at("fingerprints"));

  const std::string training = " --index 0,2 --epochs 3 --batch 2 --quiet";
  for (const std::string how : {"", " --linearize", " --linearize --space function"}) {
    INFO(how);
    box.good("train_ntk --ntk K --out A" + training + how);
    box.good(own + "train_ntk --ntk L --out B" + training + how);
    same_files(box, "A", "B");
    CHECK_THAT(box.good(own + "train_ntk --ntk L --out B" + training + how), ContainsSubstring("finished"));  // goes on
    fs::remove_all(box / "A");
    fs::remove_all(box / "B");
  }
  CHECK_THAT(box.good(own + "compute_ntk --out P --plan" + kernel), ContainsSubstring("eigenpairs"));
  CHECK(!fs::exists(box / "P"));
  box.good(own + "compute_ntk --config L/config.toml --out M --quiet");
  same_files(box, "L", "M");
}

TEST_CASE("own network: every other experiment takes one") {
  const Sandbox box;
  data::save_npy(box / "images.npy", eight_images());
  std::vector<int> labels{0, 1, 1, 0, 1, 0, 1, 0};
  data::save_npy(box / "labels.npy", labels);
  const std::string quick = " --epochs 2 --quiet --dtype float64", labelled = on_images + " --labels labels.npy" + quick,
                    shape = " --shape 2,3,2 --dtype float64";
  box.good("pretrained_ntk_comparison --out A --batch 3" + built_in + labelled);
  box.good(own + "pretrained_ntk_comparison --out B --batch 3" + labelled);
  same_files(box, "A", "B");
  box.good("train_cifar --out C --model mlp --features 5,1 --data images.npy --num-train 2,6 --labels labels.npy" + quick);
  box.good(own + "train_cifar --out D --data images.npy --num-train 2,6 --labels labels.npy" + quick);
  same_files(box, "C", "D");
  box.good("compute_nads --out E" + built_in + shape);
  box.good(own + "compute_nads --model smooth --quiet --out F" + shape);
  same_files(box, "E", "F");
  const std::string along = " --index 0,3 --num-train 6 --num-test 4 --batch 3" + quick;
  box.good("train_nads --nads E --out G" + along);
  box.good(own + "train_nads --nads F --out H" + along);
  for (const std::string direction : {"0", "3"}) {  // up to rounding: a struct of one's own is compiled by other flags
    same_histories(experiments::load_history(box / "G" / direction / "history.csv"),
                   experiments::load_history(box / "H" / direction / "history.csv"), 1e-12);
    same_weights(data::load_npz<double>(box / "G" / direction / "final.npz"), data::load_npz<double>(box / "H" / direction / "final.npz"),
                 1e-12);
  }
}

TEST_CASE("own network: images may be rows of numbers") {
  const Sandbox box;
  const auto images = eight_images();
  data::save_npy(box / "images.npy", images);
  data::save_npy(box / "rows.npy", images.reshaped({8, 16}));
  box.good(own + "compute_ntk --out K --eigen 5 --quiet --data images.npy --num-train 6");
  box.good(own + "compute_ntk --out L --eigen 5 --quiet --data rows.npy --num-train 6");
  CHECK(bytes_of(box / "K/eigvecs.npy") == bytes_of(box / "L/eigvecs.npy"));
  CHECK(bytes_of(box / "K/eigvals.npy") == bytes_of(box / "L/eigvals.npy"));
  box.good(own + "train_ntk --ntk L --index 1 --epochs 2 --batch 3 --quiet --linearize --out T");
  const std::string smooth = own + "compute_nads --model smooth --quiet --dtype float64 --out ";
  box.good(smooth + "E --shape 2,3,2");
  box.good(smooth + "F --shape 12");
  CHECK(bytes_of(box / "E/nads.npy") == bytes_of(box / "F/nads.npy"));
  const std::string along = " --index 2 --num-train 6 --num-test 4 --batch 3 --epochs 2 --quiet --out ";
  box.good(own + "train_nads --nads E" + along + "G");
  box.good(own + "train_nads --nads F" + along + "H");
  CHECK(bytes_of(box / "G/final.npz") == bytes_of(box / "H/final.npz"));
  CHECK_THAT(box.refused("compute_ntk --out N" + built_in + " --data rows.npy"), ContainsSubstring("images are [N,H,W,C]"));
  data::save_npy(box / "numbers.npy", images.reshaped({images.size()}));
  CHECK_THAT(box.refused(own + "compute_ntk --out N --data numbers.npy"), ContainsSubstring("images are [N,H,W,C] or [N,D]"));
}

TEST_CASE("own network: it may start from weights that are given") {
  const Sandbox box;
  data::save_npy(box / "rows.npy", eight_images().reshaped({8, 16}).clone());
  Tensor<double> twelve({8, 12});
  for (Index i = 0; i < twelve.size(); ++i) twelve[i] = std::cos(static_cast<double>(i));
  data::save_npy(box / "twelve.npy", twelve);
  box.good(own + "compute_ntk --model given --out K --eigen 3 --quiet --dtype float64 --seed 4 --data twelve.npy");
  const auto start = data::load_npz<double>(box / "K/init.npz");
  REQUIRE(start.size() == 4);
  for (const auto& [name, t] : start)
    for (Index i = 0; i < t.size(); ++i) CHECK(t[i] == 0.3 * std::sin(static_cast<double>(1 + i * i)));
  CHECK_THAT(box.refused(own + "compute_ntk --model given --out L --data rows.npy"),
             ContainsSubstring("--model given: on images of shape [16]: own_network: Dense_0/kernel is given as [12,5], the network takes "
                               "[16,5]"));
}

TEST_CASE("own network: one with computed weights trains and is linearized in parameter space, and has no kernel") {
  const Sandbox box;
  Tensor<double> images({8, 12});
  for (Index i = 0; i < images.size(); ++i) images[i] = std::cos(static_cast<double>(i));
  data::save_npy(box / "images.npy", images);
  data::save_npy(box / "labels.npy", std::vector<int>{0, 1, 1, 0, 1, 0, 1, 0});
  const std::string train = own + "train_ntk --model computed --labels labels.npy --dtype float64 --batch 6" + on_images;
  box.good(train + " --epochs 3 --quiet --out T");
  CHECK(box.record("T").at("parameters") == 24);
  // One step of all training images: the network and its linearization take the same.
  for (const std::string how : {"", " --linearize"}) box.good(train + " --epochs 1 --quiet --out S" + (how.empty() ? "" : "L") + how);
  same_weights(data::load_npz<double>(box / "S/final.npz"), data::load_npz<double>(box / "SL/final.npz"), 1e-12);
  box.good(train + " --epochs 3 --quiet --linearize --out L");
  for (const std::string plan : {"", " --linearize"}) CHECK_THAT(box.good(train + plan + " --plan --out P"), ContainsSubstring("training"));
  const std::string sentence = "--model computed: matmul hands every example a value computed from parameters";
  CHECK_THAT(box.refused(train + " --linearize --space function --out F"), ContainsSubstring(sentence));
  for (const std::string more : {"", " --plan"})
    CHECK_THAT(box.refused(own + "compute_ntk --model computed --out K" + more + on_images), ContainsSubstring(sentence));
}

TEST_CASE("own network: a slope that is not finite is called that, and not a weight that is too large") {
  const Sandbox box;
  Tensor<double> images({8, 12});
  for (Index i = 0; i < images.size(); ++i) images[i] = std::cos(static_cast<double>(i));
  data::save_npy(box / "images.npy", images);
  const std::string compute = own + "compute_ntk --model root --out K" + on_images;
  CHECK_THAT(box.refused(compute), ContainsSubstring("--seed 0: an output or a slope of the network is not finite at image 0") &&
                                       ContainsSubstring("so there is no kernel"));
}

TEST_CASE("own network: what is wrong is refused in one line") {
  const Sandbox box;
  data::save_npy(box / "images.npy", eight_images());
  const auto refused = [&](const std::string& options) { return box.refused(own + "compute_ntk --out K" + on_images + options); };
  CHECK(refused(" --features 5,1") == "--features: only the built-in networks have it, mine is none; leave it out");
  CHECK(refused(" --activation tanh") == "--activation: only the built-in networks have it, mine is none; leave it out");
  CHECK(refused(" --model vgg") == "--model vgg: give mlp, lenet, resnet18, mine, smooth, given, three, ten, computed, root or FILE.onnx");
  CHECK(refused(" --model resnet18 --features 1") == "--features: resnet18 has none; give --filters and --blocks");
  CHECK_THAT(refused(" --memory 40M"), ContainsSubstring("--memory: 8 images take"));
  box.good(own + "compute_ntk --out L --quiet" + on_images);
  CHECK(box.refused("train_ntk --ntk L --index 0 --out T") == "--model mine: give mlp, lenet, resnet18 or FILE.onnx");
  CHECK_THAT(box.refused(own + "train_ntk --model smooth --ntk L --index 0 --out T"), ContainsSubstring("has mine; leave it out"));
  CHECK_THAT(box.refused(own + "compute_ntk --out K --model given" + on_images), ContainsSubstring("the network takes [16,5]"));
}
