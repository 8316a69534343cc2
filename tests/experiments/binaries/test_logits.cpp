// Logits without training, and their comparison with another framework's: what is right is said to be, and the usual mistakes are named.
#include "autodiff/random.h"
#include "experiments/common/subject/logits.h"
#include "tests/experiments/run_binary.h"
#include "tests/golden.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::string on_golden = " --init G/init.npz --data G/images.npy --quiet";
using Arrays = std::map<std::string, Tensor<double>>;

Arrays read(const fs::path& path) {
  const auto list = data::load_npz<double>(path);
  return {list.begin(), list.end()};
}
void write(const fs::path& path, const Arrays& arrays) { data::save_npz<double>(path, {arrays.begin(), arrays.end()}); }
Tensor<double> golden_logits(const std::string& name) { return golden::load<double>(name)["logits"]; }

/// A check that fails; its text, behind it the one line on standard error.
std::string differs(const Sandbox& box, const std::string& command) {
  const auto before = box.listing();
  const auto end = box.run(command);
  INFO(command << "\n" << end.err << end.out);
  CHECK(end.status == 1);
  CHECK(std::count(end.err.begin(), end.err.end(), '\n') == 1);
  CHECK_THAT(end.err, ContainsSubstring("--check-logits") && ContainsSubstring("would be rounding"));
  CHECK(test::differing(box.listing(), before) == "");
  return end.out + end.err;
}

/// [a, b] -> [b, a]
Tensor<double> transposed(const Tensor<double>& t) {
  const Index a = t.shape()[0], b = t.shape()[1];
  Tensor<double> r({b, a});
  for (Index i = 0; i < a; ++i)
    for (Index j = 0; j < b; ++j) r[j * a + i] = t[i * b + j];
  return r;
}

/// Rows of a weight [positions channels, width], which stand at (p channels + c), at (c positions + p).
Tensor<double> channels_first(const Tensor<double>& w, Index positions, Index channels) {
  Tensor<double> r(w.shape());
  const Index width = w.shape()[1];
  for (Index p = 0; p < positions; ++p)
    for (Index c = 0; c < channels; ++c) std::copy_n(w.data() + (p * channels + c) * width, width, r.data() + (c * positions + p) * width);
  return r;
}

}  // namespace

TEST_CASE("logits: --save-logits writes the network's logits and nothing else") {
  for (const std::string name : {"mlp", "lenet", "resnet_perturbed"}) {
    const Sandbox box(name);
    const auto command = "compute_ntk --dtype float64 --save-logits logits.npy" + test::network_options(name) + on_golden;
    CHECK_THAT(box.good(command), ContainsSubstring("logits.npy"));
    CHECK(box.listing().size() == 2);  // and G
    const auto logits = box.array("logits.npy");
    const auto expected = golden_logits(name);
    REQUIRE(logits.shape() == Shape{expected.size(), 1});
    check::same(logits.reshaped({expected.size()}), expected, 1e-12);

    // flax's own logits agree, as [N] and as [N, 1], in both precisions, and those of float with those of double.
    data::save_npy(box / "flax.npy", expected);
    CHECK_THAT(box.good(command + " --check-logits flax.npy"), ContainsSubstring("images agree with"));
    CHECK_THAT(box.good("compute_ntk --check-logits logits.npy" + test::network_options(name) + on_golden), ContainsSubstring("agree"));
    data::save_npy(box / "single.npy", cast<float>(expected));
    CHECK_THAT(box.good("compute_ntk --dtype float64 --check-logits single.npy" + test::network_options(name) + on_golden),
               ContainsSubstring("agree"));
  }
}

TEST_CASE("logits: --check-logits of a network from a file, with several logits") {
  for (const std::string name : {"resnet_small", "mlp_vectors", "one_logit"}) {
    const Sandbox box("onnx/" + name);
    const auto right = *data::find(data::load_npz<double>(box / "G/expected.npz"), "logits");
    const std::string command = "compute_ntk --model G/model.onnx --data G/images.npy --dtype float64 --quiet";
    data::save_npy(box / "right.npy", right);
    CHECK_THAT(box.good(command + " --save-logits ours.npy --check-logits right.npy"), ContainsSubstring("images agree with"));
    CHECK(box.array("ours.npy").shape() == right.shape());
    auto wrong = right.clone();
    std::rotate(wrong.data(), wrong.data() + 1, wrong.data() + wrong.size());
    data::save_npy(box / "wrong.npy", wrong);
    const std::string said = differs(box, command + " --check-logits wrong.npy");
    CHECK((said.find(", output ") != std::string::npos) == (right.shape()[1] > 1));
    data::save_npy(box / "flat.npy", right.reshaped({right.size()}));
    if (right.shape()[1] > 1)
      CHECK_THAT(box.refused(command + " --check-logits flat.npy"),
                 ContainsSubstring(fmt::format("the network has {} logits", right.shape())));
  }
}

TEST_CASE("images in PyTorch's order are told how to be turned, for a network from a file too") {
  const Sandbox box("onnx/resnet_small");
  const auto images = data::load_npy<double>(box / "G/images.npy");
  REQUIRE(images.shape() == Shape{5, 16, 16, 3});
  Tensor<double> channels_first({5, 3, 16, 16});
  for (Index i = 0; i < 5; ++i)
    for (Index p = 0; p < 256; ++p)
      for (Index c = 0; c < 3; ++c) channels_first[(i * 3 + c) * 256 + p] = images[(i * 256 + p) * 3 + c];
  data::save_npy(box / "nchw.npy", channels_first);
  CHECK_THAT(box.refused("compute_ntk --model G/model.onnx --data nchw.npy --out K"),
             ContainsSubstring("takes images of shape [16,16,3], these have [3,16,16]; give [N,H,W,C], in numpy x.transpose(0, 2, 3, 1)"));
  CHECK_THAT(box.refused("compute_ntk --model lenet --data nchw.npy --out K"),
             ContainsSubstring("nchw.npy: shape [5,3,16,16] looks like [N,C,H,W]; give [N,H,W,C]"));
  CHECK_THAT(box.refused("compute_ntk --model G/model.onnx --out K"),
             ContainsSubstring("takes images of shape [16,16,3], those of --data dead-leaves have [32,32,3]; give --data FILE.npy"));
}

TEST_CASE("logits: --check-logits names the usual mistakes") {
  struct Case {
    std::string golden;
    std::function<void(Arrays&)> mistake;
    std::string named;
  };
  const auto exchange = [](Tensor<double>& w) {  // height and width of a convolution's weight
    const Shape s = w.shape();
    Tensor<double> r(s);
    for (Index i = 0; i < s[0]; ++i)
      for (Index j = 0; j < s[1]; ++j)
        std::copy_n(w.data() + (j * s[1] + i) * s[2] * s[3], s[2] * s[3], r.data() + (i * s[1] + j) * s[2] * s[3]);
    w = r;
  };
  const std::vector<Case> cases{
      {"lenet", [](Arrays& w) { w.at("params/Dense_0/kernel") = channels_first(w.at("params/Dense_0/kernel"), 9, 4); },
       "dense_after_flatten"},
      {"mlp",
       [](Arrays& w) {
         auto& first = w.at("params/Dense_0/kernel");
         const auto images = data::npy_info(fs::path(places::golden()) / "mlp/images.npy").shape;
         first = channels_first(first, images[1] * images[2], images[3]);
       },
       "dense_after_flatten"},
      {"lenet",
       [&](Arrays& w) {
         exchange(w.at("params/Conv_0/kernel"));
         exchange(w.at("params/Conv_1/kernel"));
       },
       "height and width of the convolutions' weights"},
  };
  for (const Case& c : cases) {
    const Sandbox box(c.golden);
    auto weights = read(fs::path(places::golden()) / c.golden / "init.npz");
    data::save_npy(box / "logits.npy", golden_logits(c.golden));
    c.mistake(weights);
    write(box / "wrong.npz", weights);
    const auto said = differs(box, "compute_ntk --dtype float64 --check-logits logits.npy --quiet --init wrong.npz --data G/images.npy" +
                                       test::network_options(c.golden));
    INFO(said);
    CHECK_THAT(said, ContainsSubstring(c.named) && ContainsSubstring("which is rounding"));
  }
}

TEST_CASE("logits: --check-logits: square weights that were not transposed, images that were reshaped") {
  const Sandbox box;
  RandomStream random(3, "logits");
  constexpr Index n = 60;  // so many that other logits are not correlated by chance
  Tensor<double> images({n, 6, 5, 3});
  for (double& v : images.span()) v = random.normal();
  data::save_npy(box / "images.npy", images);
  const std::string mlp = "compute_ntk --model mlp --features 7,7,1 --dtype float64 --quiet --seed 2";
  box.good(mlp + " --data images.npy --eigen 1 --out K");
  box.good(mlp + " --data images.npy --save-logits right.npy");
  fs::copy_file(box / "K/init.npz", box / "init.npz");
  fs::remove_all(box / "K");

  auto weights = read(box / "init.npz");
  weights.at("params/Dense_1/kernel") = transposed(weights.at("params/Dense_1/kernel"));
  write(box / "wrong.npz", weights);
  CHECK_THAT(differs(box, mlp + " --data images.npy --init wrong.npz --check-logits right.npy"),
             ContainsSubstring("square dense weights are [out,in]") && ContainsSubstring("which is rounding"));

  // The numbers of [N, C, H, W] under the shape [N, H, W, C].
  Tensor<double> reshaped(images.shape());
  for (Index i = 0; i < n; ++i)
    for (Index p = 0; p < 30; ++p)
      for (Index c = 0; c < 3; ++c) reshaped[i * 90 + c * 30 + p] = images[i * 90 + p * 3 + c];
  data::save_npy(box / "reshaped.npy", reshaped);
  CHECK_THAT(
      differs(box,
              "compute_ntk --model resnet18 --filters 2 --blocks 1 --dtype float64 --quiet --data reshaped.npy --check-logits right.npy"),
      ContainsSubstring("a wrong order of numbers"));  // of another network: nothing explains that
  CHECK_THAT(differs(box, mlp + " --data reshaped.npy --check-logits right.npy"),
             ContainsSubstring("the images were reshaped from [N,C,H,W]"));
}

TEST_CASE("logits: --check-logits says what a difference looks like that no usual mistake explains") {
  const Sandbox box("lenet");
  const auto right = golden_logits("lenet");
  const auto said = [&](const std::function<double(double, Index)>& f) {
    auto theirs = right.clone();
    for (Index i = 0; i < theirs.size(); ++i) theirs[i] = f(right[i], i);
    data::save_npy(box / "theirs.npy", theirs);
    return differs(box, "compute_ntk --dtype float64 --check-logits theirs.npy" + test::network_options("lenet") + on_golden);
  };
  CHECK_THAT(said([](double z, Index) { return 2 * z; }), ContainsSubstring("Theirs are 2 times ours: a last weight or bias differs"));
  CHECK_THAT(said([](double z, Index) { return z - 0.75; }), ContainsSubstring("Theirs are 1 times ours plus -0.75"));
  CHECK_THAT(said([](double z, Index i) { return z * (1 + 1e-3 * std::sin(3. * static_cast<double>(i))); }),
             ContainsSubstring("another GELU"));
  double size = 0;
  for (double z : right.span()) size = std::max(size, std::abs(z));
  CHECK_THAT(said([&](double z, Index i) { return z + 0.1 * size * std::sin(3. * static_cast<double>(i)); }),
             ContainsSubstring("another padding (SAME has the smaller half first"));
  CHECK_THAT(said([&](double, Index i) { return size * std::sin(3. * static_cast<double>(i * i)); }),
             ContainsSubstring("so little to do with each other"));
}

TEST_CASE("logits: of a network from a file it is asked how it was exported") {
  const Sandbox box("onnx/resnet_small");
  const std::string network = "compute_ntk --model G/model.onnx --data G/images.npy --dtype float64";
  box.good(network + " --save-logits right.npy");
  auto theirs = box.array("right.npy");
  double size = 0;
  for (double z : theirs.span()) size = std::max(size, std::abs(z));
  for (Index i = 0; i < theirs.size(); ++i) theirs[i] += 0.1 * size * std::sin(3. * static_cast<double>(i));
  data::save_npy(box / "theirs.npy", theirs);
  const std::string said = differs(box, network + " --check-logits theirs.npy");
  CHECK_THAT(said, ContainsSubstring("exported in the state in which those logits were computed") && !ContainsSubstring("padding"));
}

TEST_CASE("logits: --check-logits and --save-logits refuse what they cannot use, in one line") {
  const Sandbox box("lenet");
  for (const std::string program : {"compute_ntk", "train_ntk"}) {
    INFO(program);
    const auto command = program + test::network_options("lenet") + on_golden;
    data::save_npy(box / "few.npy", Tensor<double>({39}));
    CHECK_THAT(box.refused(command + " --check-logits few.npy"),
               ContainsSubstring("few.npy: shape [39]; the network has [40] or [40,1] logits of these images, training images first"));
    auto bad = Tensor<double>::full({40}, 1);
    bad[7] = std::numeric_limits<double>::quiet_NaN();
    data::save_npy(box / "nan.npy", bad);
    CHECK_THAT(box.refused(command + " --check-logits nan.npy"), ContainsSubstring("row 7 holds nan"));
    CHECK_THAT(box.refused(command + " --check-logits none.npy"), ContainsSubstring("--check-logits none.npy: no such file"));
    CHECK_THAT(box.refused(command + " --save-logits logits.txt"), ContainsSubstring("--save-logits logits.txt: give a .npy file"));
    CHECK_THAT(box.refused(command + " --save-logits logits.npy --plan"), ContainsSubstring("--plan: --save-logits needs none"));
    CHECK_THAT(box.refused(command + " --save-logits nowhere/logits.npy"),
               ContainsSubstring("--save-logits nowhere/logits.npy: there is no folder"));
    // Logits are numbers of either precision; whole ones were made by something else.
    data::save_npy(box / "whole.npy", std::vector<int>(40, 1));
    CHECK_THAT(box.refused(command + " --check-logits whole.npy"),
               ContainsSubstring("whole.npy: dtype int64; logits are float32 or float64"));
    box.write("text.npy", "logits");
    CHECK_THAT(box.refused(command + " --check-logits text.npy"), ContainsSubstring("text.npy: "));
    // What is read is not written over.
    data::save_npy(box / "mine.npy", box.array("G/images.npy"));
    const auto on_mine = program + test::network_options("lenet") + " --init G/init.npz --data mine.npy --quiet";
    CHECK(box.refused(on_mine + " --save-logits ./mine.npy") == "--save-logits ./mine.npy: is read by this run; give another name");
    data::save_npy(box / "theirs.npy", golden_logits("lenet"));
    CHECK_THAT(box.refused(command + " --check-logits theirs.npy --save-logits theirs.npy"), ContainsSubstring("is read by this run"));
  }
}

TEST_CASE("logits: train_ntk compares and writes them too, before any training, from the weights that it would start from") {
  const Sandbox box("lenet");
  const auto expected = golden_logits("lenet");
  data::save_npy(box / "right.npy", expected);
  auto wrong = expected.clone();
  wrong[3] += 1;
  data::save_npy(box / "wrong.npy", wrong);
  box.good("compute_ntk --dtype float64 --num-train 28 --eigen 4 --out K" + test::network_options("lenet") + on_golden);
  const std::string of_file = "train_ntk --dtype float64" + test::network_options("lenet") + on_golden,
                    of_kernel = "train_ntk --dtype float64 --ntk K --quiet";
  const auto before = box.listing();
  for (const std::string& command : {of_file, of_file + " --labels G/labels.npy", of_kernel, of_kernel + " --index 1 --linearize"}) {
    INFO(command);
    CHECK_THAT(box.good(command + " --check-logits right.npy --out T"), ContainsSubstring("The logits of 40 images agree with"));
    CHECK_THAT(differs(box, command + " --check-logits wrong.npy --out T"), ContainsSubstring("(image 3: "));
    CHECK(test::differing(box.listing(), before) == "");
    // Line by line what compute_ntk says, which has no tasks.
    const auto ours = box.run(command + " --check-logits wrong.npy");
    const auto theirs = box.run("compute_ntk --dtype float64 --check-logits wrong.npy" + test::network_options("lenet") + on_golden);
    CHECK(ours.out == theirs.out);
    CHECK(ours.err == "train_ntk" + theirs.err.substr(std::string("compute_ntk").size()));
    box.good(command + " --save-logits ours.npy --out T");
    check::same(box.array("ours.npy").reshaped({40}), expected, 1e-12);
    fs::remove(box / "ours.npy");
  }
  CHECK_THAT(box.refused(of_kernel + " --check-logits right.npy --plan"), ContainsSubstring("--plan: --check-logits needs none"));
  CHECK_THAT(box.refused(of_kernel), ContainsSubstring("--ntk needs --index"));  // a training has tasks
  CHECK_THAT(box.refused("train_ntk --quiet"), ContainsSubstring("train_ntk needs --ntk DIR with --index, or --labels FILE.npy"));
}

TEST_CASE("logits are compared by difference, correlation and line of best fit") {
  const auto of = [](std::vector<double> v) { return Tensor<double>::from({static_cast<Index>(v.size())}, v); };
  const auto d = compare_logits(of({1, 2, 3, 4}), of({5, 7, 9, 11}));
  CHECK(d.largest == 7);
  CHECK(d.at == 3);
  CHECK(d.size == 11);
  CHECK(d.correlation == Approx(1));
  CHECK(d.factor == Approx(2));
  CHECK(d.constant == Approx(3));
  const auto constant = compare_logits(of({2, 2}), of({1, 3}));
  CHECK(constant.correlation == 0);
  CHECK(constant.factor == 1);
  CHECK(compare_logits(of({0, 0}), of({0, 0})).relative() == 0);
  CHECK(test::thrown([&] { compare_logits(of({1}), of({1, 2})); }) != "nothing thrown");
}
