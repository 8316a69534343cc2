// What users get wrong: every case ends with status 2 and one line that names the option or file and what would be right, before any work,
// with nothing left behind (Sandbox::refused checks all that).
#include <zip.h>

#include <cmath>

#include "data/npy_format.h"
#include "tests/experiments/run_binary.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::string mlp = " --model mlp --features 3,1";

/// Images good.npy [8,4,4,1], labels good_labels.npy [8], weights good.npz for mlp 3,1.
void write_good(const Sandbox& box) {
  data::save_npy(box / "good.npy", test::eight_images());
  data::save_npy(box / "good_labels.npy", std::vector<int>{0, 1, 1, 0, 1, 0, 1, 1});
  box.good("compute_ntk" + mlp + " --data good.npy --quiet --out K");
  fs::copy(box / "K/init.npz", box / "good.npz");
}

/// A .npy file of any type, filled with zero bytes.
std::string npy(const std::string& descr, const Shape& shape, Index bytes) {
  return data::npy_header(descr, shape) + std::string(static_cast<std::size_t>(shape.size() * bytes), '\0');
}

}  // namespace

TEST_CASE("bad input: options") {
  const Sandbox box;
  write_good(box);
  const auto compute = [&](const std::string& options) { return box.refused("compute_ntk" + mlp + " --data good.npy" + options); };
  const auto train = [&](const std::string& options) {
    return box.refused("train_ntk" + mlp + " --data good.npy --labels good_labels.npy --batch 4" + options);
  };
  CHECK(compute(" --colour red") == "unknown argument --colour; --help lists the options");
  CHECK(compute(" --eigen") == "--eigen needs a value");
  CHECK(compute(" --eigen 9") == "--eigen 9: there are 8 images; give at most that");
  CHECK(compute(" --eigen 0") == "--eigen 0: give an integer from 1 to 1000000000");
  CHECK(compute(" --num-train 0") == "--num-train 0: give an integer from 1 to 1000000000");
  CHECK_THAT(compute(" --num-train 9"), ContainsSubstring("good.npy: 9 training images asked for, there are 8"));
  CHECK_THAT(compute(" --num-train 6 --num-test 3"), ContainsSubstring("good.npy: 3 test images asked for, 2 follow"));
  CHECK(compute(" --memory little") == "--memory little: give a size such as 4G, 512M or 1.5GiB (K, M, G, T are powers of 1024)");
  CHECK_THAT(compute(" --memory 1K"), ContainsSubstring("--memory: 8 images take") && ContainsSubstring("1.0 KiB are allowed; give more"));
  CHECK_THAT(train(" --memory 1K"), ContainsSubstring("--memory: training on 8 images takes") && ContainsSubstring("give more"));
  CHECK_THAT(train(" --memory 1K --linearize --space function"),
             ContainsSubstring("--memory: training on 8 images takes") && ContainsSubstring("give more"));
  CHECK(compute(" --labels good_labels.npy") == "--labels: a kernel has none; leave it out");
  CHECK_THAT(box.good("compute_ntk --help"), !ContainsSubstring("--labels"));
  CHECK(compute(" --filters 3") == "--filters: mlp has none; give --features");
  CHECK_THAT(compute(" --features 3,2"), ContainsSubstring("--features") && ContainsSubstring("once"));
  CHECK_THAT(box.refused("compute_ntk --model mlp --features 3,2 --data good.npy"),
             ContainsSubstring("--features 3,2: the last width must be 1"));
  CHECK_THAT(box.refused("compute_ntk --model lenet --features 3,1 --data good.npy"),
             ContainsSubstring("--features 3,1: lenet takes five widths"));
  CHECK_THAT(compute(" --method nystrom"), ContainsSubstring("needs --nystrom-points"));
  CHECK_THAT(compute(" --method nystrom --nystrom-points 9"), ContainsSubstring("--nystrom-points 9: there are 8 images"));
  CHECK_THAT(compute(" --method nystrom --nystrom-points 3 --eigen 4"),
             ContainsSubstring("--eigen 4: there are 3 Nystrom points; give at most that"));
  CHECK_THAT(compute(" --nystrom-points 3"), ContainsSubstring("--nystrom-points: only --method nystrom"));
  CHECK_THAT(compute(" --contraction sideways"), ContainsSubstring("--contraction sideways: give auto, rows or factors"));
  CHECK_THAT(compute(" --seed -1"), ContainsSubstring("--seed -1: give an integer >= 0"));
  CHECK_THAT(compute(" --seed 1 --seed 2"), ContainsSubstring("--seed is given more than once; give it once"));
  CHECK_THAT(compute(" surplus"), ContainsSubstring("unknown argument surplus"));
  CHECK_THAT(compute(" --out="), ContainsSubstring("--out"));
  CHECK_THAT(compute(" --dtype float16"), ContainsSubstring("--dtype float16: give float32 or float64"));
  CHECK_THAT(compute(" --threads many"), ContainsSubstring("--threads many: give an integer"));
  CHECK_THAT(box.refused("compute_ntk --data cifar10"), ContainsSubstring("--data cifar10 needs --data-dir"));
  CHECK_THAT(box.refused("compute_ntk --data imagenet"),
             ContainsSubstring("--data imagenet: give dead-leaves, cifar10, mnist or FILE.npy"));

  CHECK(train(" --batch 9").starts_with("--batch is given more than once"));
  CHECK(box.refused("train_ntk" + mlp + " --data good.npy --labels good_labels.npy --batch 9") ==
        "--batch 9: there are 8 training images; give --batch 8 or less");
  CHECK(box.refused("train_ntk" + mlp + " --data good.npy --labels good_labels.npy --num-train 6 --batch 7") ==
        "--batch 7: there are 6 training images; give --batch 6 or less");
  CHECK(train(" --epochs 0") == "--epochs 0: give an integer from 1 to 1000000");
  CHECK(train(" --learning-rate -1") == "--learning-rate -1: give a number from 0 to 1000000000");
  CHECK(train(" --learning-rate nan") == "--learning-rate nan: give a number from 0 to 1000000000");
  CHECK_THAT(train(" --momentum 1"), ContainsSubstring("--momentum 1: give a number below 1"));
  CHECK_THAT(train(" --without-f0"), ContainsSubstring("--without-f0") && ContainsSubstring("give --linearize"));
  CHECK_THAT(train(" --space function"), ContainsSubstring("--space function") && ContainsSubstring("give --linearize"));
  CHECK_THAT(train(" --index 0"), ContainsSubstring("give --index or --labels, not both"));
  CHECK_THAT(box.refused("train_ntk --data good.npy"), ContainsSubstring("needs --ntk DIR with --index, or --labels"));
  CHECK_THAT(box.refused("train_ntk --ntk K"), ContainsSubstring("--ntk needs --index"));
  for (const std::string index : {"8", "0,8", "0:9"})
    CHECK_THAT(box.refused("train_ntk --ntk K --batch 4 --index " + index),
               ContainsSubstring("--index 8: ") && ContainsSubstring("holds eigenvectors 0 to 7"));
  CHECK_THAT(box.refused("train_ntk --ntk K --batch 4 --index -1"), ContainsSubstring("--index"));
  CHECK_THAT(box.refused("train_ntk --ntk K --batch 4 --index first"), ContainsSubstring("--index first: give an integer >= 0"));
  CHECK_THAT(box.refused("train_ntk --ntk K --batch 4 --index 3:3"), ContainsSubstring("--index 3:3: the range is empty"));
  CHECK_THAT(box.refused("train_ntk --ntk K --batch 4 --index 1,1"), ContainsSubstring("index 1 comes twice"));
  CHECK_THAT(box.refused("train_ntk --ntk nowhere --index 0"), ContainsSubstring("--ntk nowhere: no such folder"));
  CHECK_THAT(box.refused("compute_ntk --config nowhere.toml"), ContainsSubstring("--config nowhere.toml: no such file"));
  CHECK_THAT(box.refused("compute_ntk --config /dev/zero"), ContainsSubstring("--config /dev/zero: is not a file"));
  for (const std::string key : {"plan = true", "help = true", "config = \"bad.toml\""}) {
    box.write("bad.toml", key + "\n");
    CHECK(box.refused("compute_ntk --config bad.toml") ==
          "--config: " + key.substr(0, key.find(' ')) + " is for the command line alone; remove it there");
  }
  box.write("bad.toml", "model = \"mlp\"\ncolour = 3\n");
  CHECK(box.refused("compute_ntk --config bad.toml") == "--config: unknown key colour; --help lists the options");
  box.write("bad.toml", "model = mlp\n");
  CHECK_THAT(box.refused("compute_ntk --config bad.toml"), ContainsSubstring("line 1: mlp is no number; a string needs quotes"));
}

TEST_CASE("bad input: images and labels") {
  const Sandbox box;
  write_good(box);
  const std::string good = test::bytes_of(box / "good.npy"), labels = test::bytes_of(box / "good_labels.npy");
  const auto images = [&](const std::string& bytes) {
    box.write("x.npy", bytes);
    const std::string line = box.refused("compute_ntk" + mlp + " --data x.npy");
    CHECK_THAT(line, ContainsSubstring("x.npy: "));
    CHECK(box.refused("train_ntk" + mlp + " --data x.npy --labels good_labels.npy --batch 4") == line);
    return line;
  };
  CHECK_THAT(box.refused("compute_ntk --data nowhere.npy"), ContainsSubstring("--data nowhere.npy: no such file"));
  CHECK_THAT(images(""), ContainsSubstring("too few for a .npy file"));
  CHECK_THAT(images("PK\3\4 this is something else"), ContainsSubstring("is not a .npy file"));
  CHECK_THAT(images(good.substr(0, 70)), ContainsSubstring("is cut short"));
  CHECK_THAT(images(good.substr(0, good.size() - 1)), ContainsSubstring("is cut short"));
  CHECK_THAT(images(good + "x"), ContainsSubstring("1 too many"));
  const Shape shape{8, 4, 4, 1};
  CHECK_THAT(images(npy("|O", shape, 8)), ContainsSubstring("dtype object does not hold plain numbers"));
  CHECK_THAT(images(npy("<c16", shape, 16)), ContainsSubstring("dtype complex128; images are float32, float64 or uint8"));
  CHECK_THAT(images(npy(">f8", shape, 8)), ContainsSubstring("dtype big-endian float64; images are float32, float64 or uint8"));
  CHECK_THAT(images(npy(">f4", shape, 4)), ContainsSubstring("dtype big-endian float32"));
  CHECK_THAT(images(npy("<i4", shape, 4)), ContainsSubstring("dtype int32; images are"));
  CHECK_THAT(images(npy("<f4", {8, 16}, 4)), ContainsSubstring("shape [8,16]; images are [N,H,W,C]"));
  CHECK_THAT(images(npy("<f4", {8, 4, 4}, 4)), ContainsSubstring("images are [N,H,W,C]"));
  CHECK_THAT(images(npy("<f4", {0, 4, 4, 1}, 4)), ContainsSubstring("shape [0,4,4,1] holds no image"));
  box.write("tiny.npy", npy("<f4", {8, 3, 9, 1}, 4));
  CHECK_THAT(box.refused("compute_ntk --model lenet --data tiny.npy"),
             ContainsSubstring("--model lenet: images of 3 x 9 are too small; give at least 4 x 4"));
  CHECK_THAT(images(npy("<f4", {8, 4, 0, 1}, 4)), ContainsSubstring("shape [8,4,0,1] holds no image"));
  for (double bad : {std::nan(""), double(INFINITY)}) {
    std::string bytes = good;
    std::memcpy(bytes.data() + bytes.size() - 8 * 17, &bad, 8);
    CHECK_THAT(images(bytes), ContainsSubstring("image 6 holds") && ContainsSubstring("at [3,3,0]; every number must be finite"));
  }

  const auto targets = [&](const std::string& bytes) {
    box.write("y.npy", bytes);
    const std::string line = box.refused("train_ntk" + mlp + " --data good.npy --labels y.npy --batch 4");
    CHECK_THAT(line, ContainsSubstring("y.npy: "));
    return line;
  };
  CHECK_THAT(box.refused("train_ntk" + mlp + " --data good.npy --labels nowhere.npy"),
             ContainsSubstring("--labels nowhere.npy: no such file"));
  CHECK_THAT(targets(labels.substr(0, labels.size() - 3)), ContainsSubstring("is cut short"));
  CHECK_THAT(targets(npy("<i8", {7}, 8)), ContainsSubstring("has 7 labels, there are 8 images"));
  CHECK_THAT(targets(npy("<i8", {8, 1}, 8)), ContainsSubstring("[8,1]") && ContainsSubstring("[N]"));
  CHECK_THAT(targets(npy("<c8", {8}, 8)), ContainsSubstring("dtype complex64"));
  CHECK_THAT(targets(npy(">i4", {8}, 4)), ContainsSubstring("dtype big-endian int32"));
  std::string two = labels;
  two[two.size() - 16] = 2;
  CHECK_THAT(targets(two), ContainsSubstring("2") && ContainsSubstring("0 or 1"));
  std::string real = npy("<f8", {8}, 8);
  for (double bad : {0.5, std::nan("")}) {
    std::memcpy(real.data() + real.size() - 8, &bad, 8);
    CHECK_THAT(targets(real), ContainsSubstring("entry 7 is"));
  }
}

TEST_CASE("bad input: weights") {
  const Sandbox box;
  write_good(box);
  const auto weights = data::load_npz<double>(box / "good.npz");
  const auto refused = [&] {
    const std::string line = box.refused("compute_ntk" + mlp + " --data good.npy --init w.npz");
    CHECK_THAT(line, ContainsSubstring("w.npz: "));
    return line;
  };
  const auto with = [&](const std::function<void(data::NamedTensors<double>&)>& change) {
    data::NamedTensors<double> changed;
    for (const auto& [name, value] : weights) changed.emplace_back(name, value.clone());
    change(changed);
    data::save_npz(box / "w.npz", changed);
    return refused();
  };
  CHECK_THAT(box.refused("compute_ntk --init nowhere.npz"), ContainsSubstring("--init nowhere.npz: no such file"));
  CHECK_THAT(box.refused("compute_ntk --init good.npy"), ContainsSubstring("--init good.npy: give a .npz file"));
  box.write("w.npz", "no archive");
  CHECK_THAT(refused(), ContainsSubstring("is no .npz archive or is damaged"));
  const std::string bytes = test::bytes_of(box / "good.npz");
  box.write("w.npz", bytes.substr(0, bytes.size() / 2));
  CHECK_THAT(refused(), ContainsSubstring("is no .npz archive or is damaged"));
  std::string flipped = bytes;
  flipped[200] ^= 1;  // within the first array's numbers
  box.write("w.npz", flipped);
  CHECK_THAT(refused(), ContainsSubstring("damaged"));
  CHECK_THAT(with([](auto& w) { w.pop_back(); }), ContainsSubstring("params/Dense_1/bias is missing; this network has it with shape [1]"));
  CHECK_THAT(with([](auto& w) { w.emplace_back("params/Dense_2/bias", Tensor<double>::zeros({1})); }),
             ContainsSubstring("params/Dense_2/bias [1] is not part of this network"));
  CHECK_THAT(with([](auto& w) {
               w[2].second = Tensor<double>::zeros({1, 3});
             }),
             ContainsSubstring("has shape [1,3], this network takes [3,1]"));
  CHECK_THAT(with([](auto& w) { w[2].second[1] = std::nan(""); }),
             ContainsSubstring("params/Dense_1/kernel holds nan; all weights must be finite"));
  CHECK_THAT(with([](auto& w) { w[2].second[1] = -INFINITY; }), ContainsSubstring("holds -inf"));
  CHECK_THAT(box.refused("compute_ntk --model mlp --features 4,1 --data good.npy --init good.npz"),
             ContainsSubstring("good.npz: ") && ContainsSubstring("this network takes"));
  // What save_npz never writes: other element types, other files.
  const auto archive = [&](const std::string& name, const std::string& entry) {
    int code = 0;
    zip_t* zip = zip_open((box / "w.npz").c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    REQUIRE(zip);
    zip_file_add(zip, name.c_str(), zip_source_buffer(zip, entry.data(), entry.size(), 0), 0);
    REQUIRE(zip_close(zip) == 0);
    return refused();
  };
  const std::string name = "params/Dense_0/kernel.npy";
  CHECK_THAT(archive(name, npy("<c16", {16, 3}, 16)), ContainsSubstring("params/Dense_0/kernel: dtype complex128, not float32"));
  CHECK_THAT(archive(name, npy(">f4", {16, 3}, 4)), ContainsSubstring("params/Dense_0/kernel: dtype big-endian float32, not float32"));
  CHECK_THAT(archive(name, npy("|O", {16, 3}, 8)), ContainsSubstring("params/Dense_0/kernel: dtype object does not hold plain numbers"));
  CHECK_THAT(archive(name, npy("<f4", {16, 3}, 4).substr(0, 150)), ContainsSubstring("params/Dense_0/kernel: is cut short"));
  CHECK_THAT(archive("params/Dense_0/notes.txt", "weights"), ContainsSubstring("params/Dense_0/notes.txt is not a .npy file"));
  // a value that float64 holds and float32 does not
  CHECK_THAT(with([](auto& w) { w[2].second[1] = 1e300; }), ContainsSubstring("holds inf"));
}

TEST_CASE("bad input: data sets in their own formats") {
  const Sandbox box;
  box.write("cifar/data_batch_1.bin", std::string(3072, '\0'));
  for (const char* name : {"data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"})
    box.write("cifar/" + std::string(name) + ".bin", std::string(3073, '\0'));
  CHECK_THAT(box.refused("compute_ntk --data cifar10 --data-dir cifar"),
             ContainsSubstring("data_batch_1.bin") && ContainsSubstring("whole number"));
  fs::remove(box / "cifar/data_batch_1.bin");
  CHECK_THAT(box.refused("compute_ntk --data cifar10 --data-dir cifar"),
             ContainsSubstring("no data_batch_1.bin in") && ContainsSubstring("data/fetch"));
  CHECK_THAT(box.refused("compute_ntk --data mnist --data-dir cifar"), ContainsSubstring("no train-images-idx3-ubyte[.gz] in"));
  CHECK_THAT(box.refused("compute_ntk --data mnist --data-dir nowhere"), ContainsSubstring("--data-dir nowhere: no such folder"));
  const std::string header{"\0\0\x08\x03\0\0\0\2\0\0\0\x1c\0\0\0\x1c", 16}, label_header{"\0\0\x08\x01\0\0\0\2", 8};
  for (const char* part : {"train", "t10k"}) {
    box.write(std::string("mnist/") + part + "-images-idx3-ubyte", header + std::string(2 * 784, '\7'));
    box.write(std::string("mnist/") + part + "-labels-idx1-ubyte", label_header + std::string(2, '\1'));
  }
  CHECK_THAT(box.refused("compute_ntk --data mnist --data-dir mnist"),
             ContainsSubstring("mnist: channel 0 is") && ContainsSubstring("cannot be standardised"));
  CHECK_THAT(box.refused("compute_ntk --data mnist --data-dir mnist --num-train 3"),
             ContainsSubstring("mnist: 3 training images asked for, there are 2"));
  box.write("mnist/train-images-idx3-ubyte", header + std::string(2 * 784 - 1, '\7'));
  CHECK_THAT(box.refused("compute_ntk --data mnist --data-dir mnist"), ContainsSubstring("train-images-idx3-ubyte: 1583 bytes, not 1584"));
  box.write("mnist/train-images-idx3-ubyte", label_header + std::string(2, '\7'));
  CHECK_THAT(box.refused("compute_ntk --data mnist --data-dir mnist"), ContainsSubstring("magic number"));
}

TEST_CASE("bad input: folders") {
  const Sandbox box;
  write_good(box);
  const std::string compute = "compute_ntk" + mlp + " --data good.npy";
  const std::string train = "train_ntk" + mlp + " --data good.npy --labels good_labels.npy --batch 4";
  box.write("notes/todo.txt", "mine");
  for (const auto& command : {compute, train}) {
    CHECK_THAT(box.refused(command + " --out notes"),
               ContainsSubstring("--out") && ContainsSubstring("the folder holds other files; give a new or an empty one"));
    CHECK_THAT(box.refused(command + " --out good.npy"),
               ContainsSubstring("--out") && ContainsSubstring("good.npy is not a folder; give another name"));
    CHECK_THAT(box.refused(command + " --out good.npy/below/it"), ContainsSubstring("good.npy is not a folder; give another name"));
  }
  CHECK_THAT(box.refused(compute + " --seed 1 --out K"),
             ContainsSubstring("--out") &&
                 ContainsSubstring("holds results of another configuration (--seed is 0 there and 1 here); give another folder"));
  CHECK_THAT(box.refused(train + " --out K"), ContainsSubstring("holds results of another experiment (compute_ntk); give another folder"));

  const std::string on_kernel = "train_ntk --index 0 --batch 4 --ntk ";
  CHECK_THAT(box.refused(on_kernel + "notes"),
             ContainsSubstring("--ntk") && ContainsSubstring("holds no results; give the --out of a finished compute_ntk"));
  box.good(train + " --epochs 1 --quiet --out B");
  CHECK_THAT(box.refused(on_kernel + "B"),
             ContainsSubstring("holds results of another experiment (train_ntk); give the --out of a finished compute_ntk"));
  box.write("K/.unfinished", "");
  CHECK_THAT(box.refused(on_kernel + "K"),
             ContainsSubstring("--ntk") && ContainsSubstring("its run is not finished; repeat the compute_ntk that made it"));
  fs::remove(box / "K/.unfinished");

  const std::string vectors = test::bytes_of(box / "K/eigvecs.npy");
  for (const std::string& command : {on_kernel + "K", std::string("train_ntk --labels good_labels.npy --batch 4 --ntk K")}) {
    box.write("K/eigvecs.npy", vectors.substr(0, vectors.size() - 1));
    CHECK_THAT(box.refused(command), ContainsSubstring("eigvecs.npy: is cut short"));
    box.write("K/eigvecs.npy", npy("<c16", {8, 8}, 16));
    CHECK_THAT(box.refused(command), ContainsSubstring("eigvecs.npy: dtype complex128, not float32 or float64"));
    box.write("K/eigvecs.npy", npy("<f4", {8, 7}, 4));
    CHECK_THAT(box.refused(command), ContainsSubstring("eigvecs.npy: has shape [8,7], these images take [k,8]"));
    fs::remove(box / "K/eigvecs.npy");
    CHECK_THAT(box.refused(command), ContainsSubstring("eigvecs.npy: no such file"));
  }
  box.write("K/eigvecs.npy", vectors);
  const std::string in_function_space = on_kernel + "K --linearize --space function";
  box.write("K/ntk.npy", npy("<f4", {8, 8}, 4).substr(0, 200));
  CHECK_THAT(box.refused(in_function_space), ContainsSubstring("ntk.npy: is cut short"));
  box.write("K/ntk.npy", npy(">f4", {8, 8}, 4));
  CHECK_THAT(box.refused(in_function_space), ContainsSubstring("ntk.npy: dtype big-endian float32, not float32 or float64"));
  box.write("K/ntk.npy", npy("<f4", {8, 9}, 4));
  CHECK_THAT(box.refused(in_function_space), ContainsSubstring("ntk.npy: has shape [8,9], these images take [8,8]"));
  fs::remove(box / "K/ntk.npy");
  fs::remove(box / "K/init.npz");
  CHECK_THAT(box.refused(on_kernel + "K"), ContainsSubstring("init.npz: no such file"));
}
