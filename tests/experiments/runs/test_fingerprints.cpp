// What a run was made from is told in its run.json and compared by whoever goes on in its folder or builds on it: images, labels, weights
// or kernels that were replaced are refused, never used.
#include <cmath>
#include <set>

#include "data/hash.h"
#include "experiments/common/run/config.h"
#include "tests/experiments/trainings.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::string mlp = " --model mlp --features 3,1 --quiet";

void write_images(const Sandbox& box, const std::string& name, double frequency) {
  Tensor<double> images({10, 4, 4, 1});
  for (Index i = 0; i < images.size(); ++i) images[i] = std::sin(frequency * static_cast<double>(i));
  data::save_npy(box / name, images);
}
void write_labels(const Sandbox& box, const std::string& name, int odd) {
  std::vector<int> labels;
  for (int i = 0; i < 10; ++i) labels.push_back((i * i / 3 + odd) % 2);
  data::save_npy(box / name, labels);
}
/// One of a run's fingerprints; empty if it has none of that name.
std::string fingerprint_in(const Sandbox& box, const std::string& folder, const std::string& name) {
  const auto record = box.record(folder);
  const auto& all = record.at("fingerprints");
  return all.contains(name) ? all.at(name).get<std::string>() : "";
}
void begin_again(const Sandbox& box, const std::string& folder) { box.write(folder + "/.unfinished", ""); }

void replace(const Sandbox& box, const std::string& name, const std::string& by) {
  fs::copy_file(box / by, box / name, fs::copy_options::overwrite_existing);
}

}  // namespace

TEST_CASE("fingerprints: run.json tells what a run was made from") {
  const Sandbox box;
  write_images(box, "x.npy", 3);
  write_labels(box, "y.npy", 0);
  box.good("compute_ntk" + mlp + " --data x.npy --num-train 8 --save-ntk --out K");
  const auto inputs_of = [&](const std::string& folder) { return box.record(folder).at("inputs"); };
  const std::string x = test::bytes_of(box / "x.npy"), k = test::bytes_of(box / "K/ntk.npy"), v = test::bytes_of(box / "K/eigvecs.npy");
  // All images are used, as they stand in the file.
  const auto hash = [](const std::string& bytes) { return data::hexadecimal(data::Hash64().add(bytes).value()); };
  CHECK(fingerprint_in(box, "K", "images") == hash(x));
  CHECK(fingerprint_in(box, "K", "kernel") == hash(k));
  CHECK(fingerprint_in(box, "K", "eigenvectors") == hash(v));
  CHECK(inputs_of("K").size() == 1);
  CHECK(inputs_of("K").at(0).at("name").get<std::string>().ends_with("x.npy"));
  CHECK(inputs_of("K").at(0).at("bytes").get<std::size_t>() == x.size());
  box.good("train_ntk" + mlp + " --data x.npy --num-train 8 --labels y.npy --init K/init.npz --batch 4 --epochs 1 --out T");
  for (const char* same : {"images", "weights"}) CHECK(fingerprint_in(box, "T", same) == fingerprint_in(box, "K", same));
  CHECK(fingerprint_in(box, "T", "labels").size() == 16);
  CHECK(inputs_of("T").size() == 3);
  // The same weights in float64 have the same digits first.
  box.good("train_ntk" + mlp + " --ntk K --index 1 --dtype float64 --batch 4 --epochs 1 --out D");
  CHECK(fingerprint_in(box, "D", "weights").size() == 32);
  CHECK(fingerprint_in(box, "D", "weights").starts_with(fingerprint_in(box, "K", "weights")));
  // Of the kernel's folder what is read: ntk.npy by a training in function space alone.
  const auto names_of = [&](const std::string& folder) {
    std::set<std::string> names;
    for (const auto& input : inputs_of(folder)) names.insert(fs::path(input.at("name").get<std::string>()).filename());
    return names;
  };
  const std::set<std::string> without{"x.npy", "eigvecs.npy", "init.npz"}, with{"x.npy", "eigvecs.npy", "init.npz", "ntk.npy"};
  CHECK(names_of("D") == without);
  box.good("train_ntk" + mlp + " --ntk K --index 1 --batch 4 --epochs 1 --linearize --space function --out F");
  CHECK(names_of("F") == with);
  box.good("pretrained_ntk_comparison" + mlp + " --ntk K --index 1 --batch 4 --epochs 1 --out P");
  CHECK(names_of("P") == without);
  // Generated images are known by their content too.
  const std::string generated = "compute_ntk" + mlp + " --num-train 6 --num-test 2";
  box.good(generated + " --out G0");
  box.good(generated + " --seed 1 --out G1");
  box.good(generated + " --data-seed 1 --out G2");
  CHECK(fingerprint_in(box, "G0", "images") == fingerprint_in(box, "G1", "images"));
  CHECK(fingerprint_in(box, "G0", "images") != fingerprint_in(box, "G2", "images"));
}

TEST_CASE("fingerprints: replaced images are refused by a repetition and by what builds on the kernel") {
  const Sandbox box;
  write_images(box, "x.npy", 3);
  write_images(box, "first.npy", 3);
  write_images(box, "other.npy", 5);
  const std::string compute = "compute_ntk" + mlp + " --data x.npy --num-train 8 --save-ntk --out K";
  box.good(compute);
  CHECK_THAT(box.good(compute), ContainsSubstring("is finished, nothing to do"));
  replace(box, "x.npy", "other.npy");
  const auto names_it = [](const std::string& line) {
    CHECK_THAT(line, ContainsSubstring("--data ") && ContainsSubstring("x.npy: its images are not those"));
  };
  const std::string on_kernel = " --quiet --ntk K --index 1 --batch 4 --epochs 1";
  for (int repetition = 0; repetition < 2; ++repetition) {
    names_it(box.refused(compute));
    if (repetition == 1) break;
    for (const char* space : {"", " --linearize", " --linearize --space function"}) names_it(box.refused("train_ntk" + on_kernel + space));
    names_it(box.refused("pretrained_ntk_comparison" + on_kernel));
    begin_again(box, "K");  // the kernel of an unfinished run as well
  }
  fs::remove(box / "K/.unfinished");
  // Forced, the kernel is that of the images there are now: both spaces agree.
  const std::string forced = "train_ntk" + on_kernel + " --dtype float64 --linearize --force --space ";
  box.good(forced + "parameters --out P");
  box.good(forced + "function --out F");
  test::same_training(box, "P", "F", 1e-8);
  replace(box, "x.npy", "first.npy");
  CHECK_THAT(box.good(compute), ContainsSubstring("nothing to do"));
}

TEST_CASE("fingerprints: only the images that are used count") {
  const Sandbox box;
  write_images(box, "x.npy", 3);
  const std::string compute = "compute_ntk" + mlp + " --data x.npy --num-train 6 --num-test 2 --out K";
  box.good(compute);
  auto images = box.array("x.npy");
  images[9 * 16] = 7;
  data::save_npy(box / "x.npy", images);
  CHECK_THAT(box.good(compute), ContainsSubstring("nothing to do"));
  images[8 * 16 - 1] += 1e-12;
  data::save_npy(box / "x.npy", images);
  CHECK_THAT(box.refused(compute), ContainsSubstring("its images are not those from which"));
}

TEST_CASE("fingerprints: replaced labels and weights are refused") {
  const Sandbox box;
  write_images(box, "x.npy", 3);
  write_labels(box, "y.npy", 0);
  write_labels(box, "other.npy", 1);
  box.good("compute_ntk" + mlp + " --data x.npy --num-train 8 --out K");
  box.good("compute_ntk" + mlp + " --data x.npy --num-train 8 --seed 1 --out K1");
  fs::copy(box / "K/init.npz", box / "w.npz");
  const std::string data = mlp + " --data x.npy --num-train 8 --init w.npz", recipe = " --batch 4 --epochs 1";
  const std::string train = "train_ntk" + data + " --labels y.npy" + recipe + " --out T",
                    classes = "train_cifar" + data + " --labels y.npy" + recipe + " --out C", compute = "compute_ntk" + data + " --out A",
                    directions = "compute_nads --shape 4,4,1 --init w.npz" + mlp + " --out N";
  for (const auto& command : {train, classes, compute, directions}) box.good(command);
  fs::copy(box / "y.npy", box / "y0.npy");
  replace(box, "y.npy", "other.npy");
  for (const auto& command : {train, classes})
    CHECK_THAT(box.refused(command), ContainsSubstring("--labels ") && ContainsSubstring("y.npy: its labels are not those from which"));
  replace(box, "y.npy", "y0.npy");
  replace(box, "w.npz", "K1/init.npz");
  for (const auto& command : {train, classes, compute, directions})
    CHECK_THAT(box.refused(command), ContainsSubstring("--init ") && ContainsSubstring("w.npz: its weights are not those from which"));
  // The weights that a folder is built on.
  replace(box, "K/init.npz", "K1/init.npz");
  CHECK_THAT(box.refused("train_ntk --ntk K --index 0" + recipe), ContainsSubstring("init.npz: its weights are not those of the kernel"));
  replace(box, "N/init.npz", "K1/init.npz");
  CHECK_THAT(box.refused("train_nads --nads N --index 0 --num-train 8 --num-test 4" + recipe),
             ContainsSubstring("init.npz: its weights are not those of the directions"));
}

TEST_CASE("fingerprints: images, labels and weights may lie elsewhere, in a run that goes on too, and others are refused there") {
  const Sandbox box;
  write_images(box, "x.npy", 3);
  write_images(box, "other.npy", 5);
  write_labels(box, "y.npy", 0);
  box.good("compute_ntk" + mlp + " --data x.npy --num-train 8 --seed 3 --out K");
  fs::copy(box / "K/init.npz", box / "w.npz");
  const std::string recipe = " --quiet --batch 4 --epochs 2";
  const auto train = [&](const std::string& in) {
    return "train_ntk" + mlp + " --num-train 8 --data " + in + "x.npy --labels " + in + "y.npy --init " + in + "w.npz" + recipe +
           " --out T";
  };
  box.good(train(""));
  const auto weights = test::bytes_of(box / "T/final.npz");
  fs::create_directory(box / "in");
  for (const char* name : {"x.npy", "y.npy", "w.npz"}) fs::rename(box / name, box / "in" / name);
  CHECK_THAT(box.good(train("in/")), ContainsSubstring("nothing to do"));
  begin_again(box, "T");
  fs::remove(box / "T/final.npz");
  box.good(train("in/"));
  CHECK(test::bytes_of(box / "T/final.npz") == weights);
  // What builds on a kernel whose images have moved is told where they are.
  const std::string on_kernel = "train_ntk --ntk K --index 1" + recipe;
  CHECK_THAT(box.refused(on_kernel + " --out U"), ContainsSubstring("x.npy: no such file"));
  box.good(on_kernel + " --data in/x.npy --out U");
  CHECK(*Config::read(box / "U/config.toml").find("num-train") == "8");
  CHECK_THAT(box.refused(on_kernel + " --data other.npy --out V"), ContainsSubstring("other.npy: its images are not those of the kernel"));
  fs::rename(box / "other.npy", box / "x.npy");
  CHECK_THAT(box.refused("compute_ntk" + mlp + " --data x.npy --num-train 8 --seed 3 --out K"),
             ContainsSubstring("x.npy: its images are not those from which"));
  // A folder that has no fingerprints knows them by their path alone.
  auto record = box.record("K");
  record.erase("fingerprints");
  box.write("K/run.json", record.dump());
  CHECK_THAT(box.refused("compute_ntk" + mlp + " --data in/x.npy --num-train 8 --seed 3 --out K"),
             ContainsSubstring("holds results of another configuration (--data is "));
}

TEST_CASE("fingerprints: a data set's pixels and their compression") {
  const Sandbox box;
  const auto write_mnist = [&](char pixel) {
    for (const char* part : {"train", "t10k"}) {
      std::string images = std::string("\0\0\x08\x03\0\0\0\4\0\0\0\x1c\0\0\0\x1c", 16);
      for (int i = 0; i < 4 * 784; ++i) images += static_cast<char>(i * i % 251);
      images.back() = pixel;
      box.write(std::string("mnist/") + part + "-images-idx3-ubyte", images);
      box.write(std::string("mnist/") + part + "-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\4\1\2\3\4", 12));
    }
  };
  write_mnist(1);
  const std::string compute = "compute_ntk" + mlp + " --data mnist --data-dir mnist --out K";
  box.good(compute);
  CHECK(box.record("K").at("inputs").size() == 4);
  CHECK_THAT(box.good(compute), ContainsSubstring("nothing to do"));
  // From another folder they are the same, and what builds on the kernel finds them there.
  fs::rename(box / "mnist", box / "elsewhere");
  CHECK_THAT(box.good("compute_ntk" + mlp + " --data mnist --data-dir elsewhere --out K"), ContainsSubstring("nothing to do"));
  box.good("train_ntk --quiet --ntk K --index 1 --batch 4 --epochs 1 --out T");
  fs::rename(box / "elsewhere", box / "mnist");
  write_mnist(2);
  CHECK_THAT(box.refused(compute), ContainsSubstring("--data mnist: its images are not those"));
}

TEST_CASE("fingerprints: a kernel is used only for the weights that it is of") {
  const Sandbox box;
  write_images(box, "x.npy", 3);
  for (const char* seed : {"0", "1"})
    box.good("compute_ntk" + mlp + " --data x.npy --num-train 8 --save-ntk --dtype float64 --seed " + seed + " --out K" + seed);
  const std::string train = "train_ntk --quiet --ntk K0 --index 1 --dtype float64 --batch 4 --epochs 4 --linearize";
  // With the weights of another run, the kernel of --ntk is not theirs.
  box.good(train + " --init K1/init.npz --out P");
  box.good(train + " --init K1/init.npz --space function --out F");
  test::same_training(box, "P", "F", 1e-8);
  CHECK(fingerprint_in(box, "F", "kernel") == "");
  // With the same weights by another name, it is.
  fs::copy(box / "K0/init.npz", box / "w.npz");
  box.good(train + " --init w.npz --space function --out S");
  CHECK(fingerprint_in(box, "S", "kernel") == fingerprint_in(box, "K0", "kernel"));

  // Files that another run wrote, or a user, are taken, with a line each.
  replace(box, "K0/ntk.npy", "K1/ntk.npy");
  const auto end = box.run(train + " --space function --out O");
  CHECK(end.status == 0);
  CHECK_THAT(end.err, ContainsSubstring("K0/ntk.npy: is not the file that its run wrote") && !ContainsSubstring("eigvecs.npy"));
  CHECK_THAT(box.refused(train + " --init w.npz --space function --out S"),
             ContainsSubstring("--ntk ") && ContainsSubstring("its kernel is not that from which"));
  replace(box, "K0/eigvecs.npy", "K1/eigvecs.npy");
  CHECK_THAT(box.run(train + " --out E").err, ContainsSubstring("K0/eigvecs.npy: is not the file that its run wrote"));
  CHECK_THAT(box.refused(train + " --init K1/init.npz --out P"),
             ContainsSubstring("--ntk ") && ContainsSubstring("its labels are not those from which"));
}

TEST_CASE("fingerprints: ntk.npy of an interrupted run is used if it is that run's") {
  const Sandbox box;
  write_images(box, "x.npy", 3);
  const std::string compute = "compute_ntk" + mlp + " --data x.npy --save-ntk --dtype float64 --out ";
  box.good(compute + "K");
  const std::string vectors = test::bytes_of(box / "K/eigvecs.npy"), kernel = test::bytes_of(box / "K/ntk.npy");
  const auto again = [&](bool computed) {
    begin_again(box, "K");
    fs::remove(box / "K/eigvecs.npy");
    box.good(compute + "K");
    CHECK(test::bytes_of(box / "K/eigvecs.npy") == vectors);
    CHECK(test::bytes_of(box / "K/ntk.npy") == kernel);
    std::string names;
    const auto record = box.record("K");
    for (const auto& stage : record["stages"]) names += stage["name"].get<std::string>() + ";";
    CHECK_THAT(names, Catch::Matchers::EndsWith(computed ? "kernel;eigenpairs;" : "eigenpairs;eigenpairs;"));
  };
  again(false);
  box.write("K/ntk.npy", kernel.substr(0, 300));
  again(true);
  auto damaged = box.array("K/ntk.npy");
  damaged[3] = NAN;
  data::save_npy(box / "K/ntk.npy", damaged);
  again(true);
  auto record = box.record("K");
  record.erase("fingerprints");  // of an older version: whose kernel it is cannot be told
  box.write("K/run.json", record.dump());
  again(true);
}

TEST_CASE("fingerprints: a folder of an older version is taken, with a word") {
  const Sandbox box;
  write_images(box, "x.npy", 3);
  box.good("compute_ntk" + mlp + " --data x.npy --num-train 8 --save-ntk --out K");
  auto record = box.record("K");
  record.erase("fingerprints");
  box.write("K/run.json", record.dump());
  const auto end = box.run("train_ntk --quiet --ntk K --index 1 --batch 4 --epochs 1 --linearize --space function --out T");
  CHECK(end.status == 0);
  CHECK_THAT(end.err, ContainsSubstring("/K: an older version made it, without fingerprints"));
  CHECK(std::count(end.err.begin(), end.err.end(), '\n') == 1);
  box.write("K/run.json", "{\"fingerprints\": 3}");
  CHECK_THAT(box.refused("train_ntk --ntk K --index 1 --batch 4 --epochs 1"), ContainsSubstring("run.json: is not the record of a run"));
}

TEST_CASE("fingerprints: directions that were replaced are refused") {
  const Sandbox box;
  for (const char* seed : {"0", "1"}) box.good("compute_nads --shape 3,3,1" + mlp + " --seed " + seed + " --out N" + seed);
  const std::string train = "train_nads --quiet --nads N0 --index 0,2 --num-train 8 --num-test 4 --batch 4 --epochs 1";
  box.good(train + " --out T");
  CHECK_THAT(box.good(train + " --out T"), ContainsSubstring("nothing to do"));
  replace(box, "N0/nads.npy", "N1/nads.npy");
  CHECK_THAT(box.run(train + " --out O").err, ContainsSubstring("nads.npy: is not the file that its run wrote"));
  CHECK_THAT(box.refused(train + " --out T"), ContainsSubstring("--nads ") && ContainsSubstring("its images are not those from which"));
}
