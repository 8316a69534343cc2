#include "tests/experiments/hostile/inputs.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "autodiff/random.h"
#include "data/npy.h"
#include "tests/experiments/hostile/archives.h"
#include "tests/experiments/hostile/child.h"

namespace tangentplane::experiments::hostile {
namespace fs = std::filesystem;

std::vector<std::string> words_of(const std::string& command) {
  std::istringstream text(command);
  return {std::istream_iterator<std::string>(text), {}};
}

std::string bytes_at(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

Inputs::Inputs() : base_(box_ / "base") {
  fs::create_directories(base_);
  arrays();
  data_sets();
  runs();
  study();
}

void Inputs::good(const std::string& command) const {
  auto words = words_of(command);
  words.push_back("--quiet");
  const End end = run_child(words, base_, base_, {});
  if (end.status != 0) throw std::runtime_error("a valid command failed: " + command + ": " + end.err);
}

void Inputs::arrays() const {
  RandomStream random(7, "images");
  const auto normal = [&](const Shape& shape) {
    Tensor<double> t(shape);
    for (double& v : t.span()) v = random.normal();
    return t;
  };
  const auto as_float = [](const Tensor<double>& t) {
    Tensor<float> f(t.shape());
    for (Index i = 0; i < t.size(); ++i) f[i] = static_cast<float>(t[i]);
    return f;
  };
  const Tensor<double> images = normal({12, 6, 6, 1});
  data::save_npy(base_ / "im.npy", as_float(images));
  data::save_npy(base_ / "big.npy", as_float(normal({900, 4, 4, 1})));
  data::save_npy(base_ / "y.npy", std::vector<int>{0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0});
  // Fortran order: the first axis fastest.
  std::string header = data::npy_header("<f8", images.shape()), numbers(static_cast<std::size_t>(images.size()) * 8, '\0');
  header.replace(header.find("False"), 5, "True ");
  const Index n = 12, rest = images.size() / n;
  for (Index i = 0; i < n; ++i)
    for (Index h = 0; h < 6; ++h)
      for (Index w = 0; w < 6; ++w)
        std::memcpy(numbers.data() + 8 * (i + n * (h + 6 * w)), &images.span()[static_cast<std::size_t>(i * rest + 6 * h + w)], 8);
  write_bytes(base_ / "im64.npy", header + numbers);
  std::string pixels;
  for (Index i = 0; i < images.size(); ++i) pixels += static_cast<char>(random.below(256));
  write_bytes(base_ / "im8.npy", data::npy_header("|u1", images.shape()) + pixels);
  write_bytes(base_ / "y8.npy", data::npy_header("|b1", {12}) + std::string("\0\1\1\0\1\0\1\1\0\0\1\0", 12));
}

void Inputs::data_sets() const {
  RandomStream random(7, "data sets");
  const auto noise = [&](std::size_t count) {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(random.below(256));
    return bytes;
  };
  const auto big_endian = [](std::uint32_t v) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(v >> shift);
    return bytes;
  };
  for (const auto& [part, n] : {std::pair{"train", 12u}, std::pair{"t10k", 8u}}) {
    std::string labels = big_endian(0x801) + big_endian(n);
    for (unsigned i = 0; i < n; ++i) labels += static_cast<char>(i % 10);
    const std::string images = big_endian(0x803) + big_endian(n) + big_endian(28) + big_endian(28) + noise(n * 28 * 28), stem = part;
    write_bytes(base_ / "mnist" / (stem + "-images-idx3-ubyte"), images);
    write_bytes(base_ / "mnist" / (stem + "-labels-idx1-ubyte"), labels);
    write_bytes(base_ / "mnistgz" / (stem + "-images-idx3-ubyte.gz"), gzipped(images));
    write_bytes(base_ / "mnistgz" / (stem + "-labels-idx1-ubyte.gz"), gzipped(labels));
  }
  for (const char* batch : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
    std::string records;
    for (int i = 0; i < 3; ++i) records += static_cast<char>(random.below(10)) + noise(3072);
    write_bytes(base_ / "cifar" / (std::string(batch) + ".bin"), records);
  }
}

void Inputs::runs() const {
  good(saved_kernel + " --out K");
  good("compute_ntk" + mlp + " --data im.npy --save-logits z.npy");
  good("compute_ntk" + mlp + " --data im.npy --dtype float64 --save-logits z64.npy");
  good("compute_ntk" + mlp + " --data im64.npy --num-train 8 --dtype float64 --out K64");
  good("compute_ntk" + resnet + " --data im.npy --num-train 8 --out R");
  good("compute_nads" + mlp + " --shape 4,4,1 --out N");
  const Entries weights = entries_of(bytes_at(base_ / "K/init.npz"));
  write_bytes(base_ / "w.npz", zip_of(weights, Packing::stored));
  write_bytes(base_ / "wdeflated.npz", zip_of(weights, Packing::deflated));
  write_bytes(base_ / "wzip64.npz", zip_of(weights, Packing::stored, true));
  write_bytes(base_ / "wdouble.npz", zip_of(entries_of(bytes_at(base_ / "K64/init.npz")), Packing::deflated, true));
  fs::copy(base_ / "R/init.npz", base_ / "resnet.npz");

  // Trainings that ended and could not write what follows, and such that were interrupted after two of five epochs.
  for (const auto& [name, kind] : {std::pair{"", ""}, std::pair{"L", " --linearize"}, std::pair{"F", " --linearize --space function"}}) {
    const std::string ended = std::string("V") + name, between = std::string("U") + name;
    unwritten(training + kind + " --out ", ended);
    unwritten(training + kind + " --out ", between);
    rewind(between, 2);
  }
  good(several + " --out M");
  unfinish("M", {"1/final.npz", "3", "accuracy.csv", "accuracy.svg"});
  good(sizes + " --out C");
  unfinish("C", {"8/final.npz", "8/test_logits.npy", "accuracy.csv", "accuracy.svg"});
  good(three_models + " --out P");
  unfinish("P", {"4/linear_trained", "accuracy.csv", "2/curves.svg"});
  good(directions + " --out D");
  unfinish("D", {"3", "9/final.npz", "accuracy.csv"});
  good(saved_kernel + " --out Q");
  unfinish("Q", {"eigvals.npy", "eigvecs.npy", "residuals.npy", "spectrum.csv", "spectrum.svg"});

  // A kernel on disk, tiles and all, whose run could not write the eigenvalues.
  good(on_disk + " --out T");
  unfinish("T", {"eigvals.npy", "eigvecs.npy", "residuals.npy", "spectrum.csv", "spectrum.svg"});
  fs::create_directory(base_ / "T/eigvals.npy");
  auto words = words_of(on_disk + " --quiet --out T");
  run_child(words, base_, base_, {});
  fs::remove(base_ / "T/eigvals.npy");
  if (!fs::exists(base_ / "T/kernel.tiles")) throw std::runtime_error("the kernel of " + on_disk + " is not on disk");
}

void Inputs::unfinish(const std::string& folder, const std::vector<std::string>& removed) const {
  for (const std::string& name : removed) fs::remove_all(base_ / folder / name);
  write_bytes(base_ / folder / ".unfinished", "");
}

void Inputs::unwritten(const std::string& command, const std::string& folder) const {
  good(command + folder);
  unfinish(folder, {"final.npz", "test_logits.npy", "alignment.npy", "alignment.svg", "alignment.csv", "accuracy.csv", "accuracy.svg"});
  fs::create_directory(base_ / folder / "test_logits.npy");
  auto words = words_of(command + folder + " --quiet");
  run_child(words, base_, base_, {});
  fs::remove(base_ / folder / "test_logits.npy");
  fs::remove(base_ / folder / "final.npz");
  if (!fs::exists(base_ / folder / "last.npz")) throw std::runtime_error(command + folder + " left no last.npz");
}

void Inputs::rewind(const std::string& folder, int epoch) const {
  std::istringstream history(bytes_at(base_ / folder / "history.csv"));
  std::string kept, line;
  for (int i = 0; i <= epoch && std::getline(history, line); ++i) kept += line + "\n";
  write_bytes(base_ / folder / "history.csv", kept);
  Entries state = entries_of(bytes_at(base_ / folder / "last.npz"));
  const auto value = static_cast<float>(epoch);
  for (auto& [name, content] : state)
    if (name == "epoch.npy") std::memcpy(content.data() + content.size() - sizeof value, &value, sizeof value);
  write_bytes(base_ / folder / "last.npz", zip_of(state, Packing::stored));
}

void Inputs::study() const {
  fs::create_directory(base_ / "S");
  good(saved_kernel + " --out S/K");
  const std::string recipe = " --epochs 2 --batch 4", linear = " --linearize --space function";
  good("train_ntk --ntk S/K --index 0,1,3,5" + recipe + " --out S/network");
  good("train_ntk --ntk S/K --index 0,1,3,5" + recipe + linear + " --out S/linear");
  good(sizes + " --out S/classes");
  good(sizes + " --linearize --out S/classes-linear");
  good("compute_nads" + mlp + " --shape 4,4,1 --out S/N");
  const std::string nads = "train_nads --nads S/N --index 0,3,9 --num-train 8 --num-test 4" + recipe;
  good(nads + " --out S/directions");
  good(nads + " --linearize --out S/directions-linear");
  good("pretrained_ntk_comparison --ntk S/K --index 2,4" + recipe + " --out S/trained");
}

void Inputs::copy(const std::vector<std::string>& names, const fs::path& work) const {
  for (const std::string& name : names) fs::copy(base_ / name, work / name, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  for (const auto& entry : fs::recursive_directory_iterator(work)) {
    if (entry.path().filename() != "config.toml") continue;
    std::string text = bytes_at(entry.path());
    const std::string here = base_.string(), there = work.string();
    for (std::size_t at = 0; (at = text.find(here, at)) != std::string::npos; at += there.size()) text.replace(at, here.size(), there);
    write_bytes(entry.path(), text);
  }
}

std::vector<std::string> Inputs::files_of(const std::string& folder) const {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(base_ / folder))
    if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(base_).string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace tangentplane::experiments::hostile
