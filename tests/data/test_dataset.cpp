// Data sets in their official layouts, a few images each: what is read, in which order, standardised by what, and what is refused.
#include <cmath>

#include "autodiff/cpu/parallel.h"
#include "autodiff/random.h"
#include "data/cifar10.h"
#include "data/dataset.h"
#include "data/mnist.h"
#include "data/npy.h"
#include "tests/catch.h"
#include "tests/data/text.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

using namespace tangentplane;
using namespace tangentplane::data;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string random_bytes(std::size_t n, std::uint64_t index) {
  RandomStream random(3, "bytes", index);
  std::string s(n, '\0');
  for (char& c : s) c = static_cast<char>(random.below(256));
  return s;
}

/// Five batches of 3 records and a test batch of 4: label, then planes.
std::vector<std::string> write_cifar10(const TemporaryFolder& folder, const std::string& inner) {
  std::vector<std::string> records;
  for (int file = 0; file < 6; ++file) {
    std::string bytes;
    for (int i = 0; i < (file < 5 ? 3 : 4); ++i) {
      records.push_back(static_cast<char>(records.size() % 10) + random_bytes(3072, records.size()));
      bytes += records.back();
    }
    folder.write(inner + (file < 5 ? fmt::format("data_batch_{}.bin", file + 1) : "test_batch.bin"), bytes);
  }
  return records;
}

std::string big_endian(std::uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8), static_cast<char>(v)};
}
std::string idx_images(std::uint32_t n) {
  return big_endian(0x803) + big_endian(n) + big_endian(28) + big_endian(28) + random_bytes(n * 784, n);
}
std::string idx_labels(std::uint32_t n) {
  std::string s = big_endian(0x801) + big_endian(n);
  for (std::uint32_t i = 0; i < n; ++i) s += static_cast<char>(i % 10);
  return s;
}

double pixel(char c) { return static_cast<unsigned char>(c); }

template <class S>
void check_standardised(const Tensor<S>& images, double tolerance) {
  const auto s = channel_statistics(images);
  for (double m : s.mean) CHECK(std::abs(m) < tolerance);
  for (double d : s.deviation) CHECK(std::abs(d - 1) < tolerance);
}

Source source(const std::string& name, const std::filesystem::path& directory, std::optional<Index> num_train = {},
              std::optional<Index> num_test = {}) {
  Source s;
  s.name = name;
  s.directory = directory;
  s.num_train = num_train;
  s.num_test = num_test;
  return s;
}

}  // namespace

TEST_CASE("CIFAR-10's planes become NHWC, in file order across the batches") {
  const TemporaryFolder folder;
  const auto records = write_cifar10(folder, "cifar-10-batches-bin/");
  const auto sizes = cifar10_sizes(folder.path());
  CHECK(sizes.num_train == 15);
  CHECK(sizes.num_test == 4);
  CHECK(cifar10_sizes(folder / "cifar-10-batches-bin").num_train == 15);
  for (const PartSizes& part : {PartSizes{15, 4}, {7, 2}, {1, 0}, {6, 4}}) {
    const auto images = load_cifar10(folder.path(), part);
    REQUIRE(images.shape == Shape{part.num_train + part.num_test, 32, 32, 3});
    bool equal = true;
    for (Index i = 0; i < images.shape[0]; ++i) {
      const std::string& record = records[static_cast<std::size_t>(i < part.num_train ? i : 15 + i - part.num_train)];
      CHECK(images.classes[static_cast<std::size_t>(i)] == record[0]);
      for (Index y = 0; y < 32; ++y)
        for (Index x = 0; x < 32; ++x)
          for (Index c = 0; c < 3; ++c)
            equal = equal && images.pixels[static_cast<std::size_t>(((i * 32 + y) * 32 + x) * 3 + c)] ==
                                 static_cast<std::uint8_t>(record[static_cast<std::size_t>(1 + c * 1024 + y * 32 + x)]);
    }
    CHECK(equal);
  }
}

TEST_CASE("a named data set is standardised per channel by the training images used, and only those") {
  const TemporaryFolder folder;
  const auto records = write_cifar10(folder, "");
  const auto d = load<double>(source("cifar10", folder.path(), 4, 3));
  CHECK(d.images.shape() == Shape{7, 32, 32, 3});
  CHECK(d.num_train == 4);
  CHECK(d.num_test == 3);
  CHECK(d.num_classes == 10);
  CHECK(d.class_names.at(9) == "truck");
  CHECK(d.classes == std::vector<int>{0, 1, 2, 3, 5, 6, 7});
  check_standardised(d.training_images(), 1e-12);
  check_standardised(load<float>(source("cifar10", folder.path(), 4, 3)).training_images(), 1e-6);
  for (std::size_t c = 0; c < 3; ++c) {  // one test pixel by the definition
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t p = 0; p < 1024; ++p) {
        const double v = pixel(records[i][1 + c * 1024 + p]) / 255;
        mean += v / 4096;
        square += v * v / 4096;
      }
    const double v = pixel(records[15 + 2][1 + c * 1024 + 37]) / 255;
    CHECK(d.images[(6 * 1024 + 37) * 3 + static_cast<Index>(c)] == Approx((v - mean) / std::sqrt(square - mean * mean)).epsilon(1e-10));
  }
  const auto all = load<float>(source("cifar10", folder.path()));
  CHECK(all.num_train == 15);
  CHECK(all.num_test == 4);
  const auto no_test = load<float>(source("cifar10", folder.path(), 5, 0));
  CHECK(no_test.num_test == 0);
  CHECK(no_test.test_images().rows() == 0);
}

TEST_CASE("CIFAR-10 files that are missing, cut or no CIFAR-10 are named") {
  const TemporaryFolder folder;
  CHECK_THAT(thrown([&] { load<float>(source("cifar10", "")); }), ContainsSubstring("--data-dir"));
  CHECK_THAT(thrown([&] { load<float>(source("cifar10", folder / "none")); }), ContainsSubstring("none is not a folder"));
  CHECK_THAT(thrown([&] { load<float>(source("cifar10", folder.path())); }),
             ContainsSubstring("no data_batch_1.bin in") && ContainsSubstring("data/fetch"));
  write_cifar10(folder, "");
  CHECK_THAT(thrown([&] { load<float>(source("cifar10", folder.path(), 16)); }),
             ContainsSubstring("16 training images asked for, there are 15"));
  CHECK_THAT(thrown([&] { load<float>(source("cifar10", folder.path(), 1, 5)); }),
             ContainsSubstring("5 test images asked for, there are 4"));
  CHECK_THAT(thrown([&] { load<float>(source("cifar10", folder.path(), 0)); }), ContainsSubstring("at least 1"));
  CHECK_THAT(thrown([&] { load<float>(source("cifar10", folder.path(), 1, -1)); }), ContainsSubstring("-1 test images"));
  CHECK_THAT(thrown([&] { load_cifar10(folder.path(), {16, 0}); }), ContainsSubstring("there are 15"));
  folder.write("data_batch_2.bin", std::string(3 * 3073 - 1, '\0'));
  CHECK_THAT(thrown([&] { load<float>(source("cifar10", folder.path(), 2)); }),
             ContainsSubstring("data_batch_2.bin") && ContainsSubstring("whole number"));
  folder.write("data_batch_2.bin", std::string(3073, '\1') + std::string(3073, '\12'));
  CHECK_THAT(thrown([&] { load<float>(source("cifar10", folder.path())); }), ContainsSubstring("data_batch_2.bin: record 1 has label 10"));
  CHECK(load<float>(source("cifar10", folder.path(), 4, 1)).num_train == 4);  // what is not used is not read
  std::filesystem::remove(folder / "test_batch.bin");
  CHECK_THAT(thrown([&] { load<float>(source("cifar10", folder.path(), 2)); }), ContainsSubstring("no test_batch.bin"));
}

TEST_CASE("MNIST's idx files are read plain and gzipped") {
  const TemporaryFolder folder;
  for (const std::string inner : {"", "mnist/"})
    for (bool gzip : {false, true}) {
      const auto write = [&](const std::string& name, const std::string& bytes) {
        gzip ? folder.write_gzipped(inner + name + ".gz", bytes) : folder.write(inner + name, bytes);
      };
      const std::string train = idx_images(12), test = idx_images(5);
      write("train-images-idx3-ubyte", train);
      write("train-labels-idx1-ubyte", idx_labels(12));
      write("t10k-images-idx3-ubyte", test);
      write("t10k-labels-idx1-ubyte", idx_labels(5));
      CHECK(mnist_sizes(folder.path()).num_train == 12);
      CHECK(mnist_sizes(folder.path()).num_test == 5);
      for (const PartSizes& part : {PartSizes{12, 5}, {3, 2}, {1, 0}}) {
        const auto images = load_mnist(folder.path(), part);
        CHECK(images.shape == Shape{part.num_train + part.num_test, 28, 28, 1});
        CHECK(std::string(images.pixels.begin(), images.pixels.end()) ==
              train.substr(16, static_cast<std::size_t>(part.num_train) * 784) +
                  test.substr(16, static_cast<std::size_t>(part.num_test) * 784));
        CHECK(images.classes[static_cast<std::size_t>(part.num_train - 1)] == (part.num_train - 1) % 10);
      }
      const auto d = load<double>(source("mnist", folder.path(), 10, 5));
      check_standardised(d.training_images(), 1e-12);
      CHECK(d.classes[10] == 0);
      CHECK(d.class_names.at(7) == "7");
      for (const auto& entry : std::filesystem::directory_iterator(folder.path())) std::filesystem::remove_all(entry);
    }
}

TEST_CASE("MNIST files that are missing, cut or no MNIST are named") {
  const TemporaryFolder folder;
  const auto write_good = [&] {
    folder.write("train-images-idx3-ubyte", idx_images(12));
    folder.write_gzipped("train-labels-idx1-ubyte.gz", idx_labels(12));
    folder.write_gzipped("t10k-images-idx3-ubyte.gz", idx_images(5));
    folder.write("t10k-labels-idx1-ubyte", idx_labels(5));
  };
  const auto refused = [&](const std::string& name, const std::string& bytes) {
    write_good();
    const auto path = folder.write(name, bytes);
    const std::string line = thrown([&] { load<float>(source("mnist", folder.path())); });
    CHECK_THAT(line, ContainsSubstring(path.string()));
    return line;
  };
  CHECK_THAT(thrown([&] { load<float>(source("mnist", folder.path())); }), ContainsSubstring("no train-images-idx3-ubyte[.gz] in"));
  CHECK_THAT(refused("train-images-idx3-ubyte", idx_labels(12)), ContainsSubstring("magic number 0x00000801, not 0x00000803"));
  CHECK_THAT(refused("train-images-idx3-ubyte", idx_images(12).substr(0, 5000)), ContainsSubstring("5000 bytes, not 9424"));
  CHECK_THAT(refused("train-images-idx3-ubyte", idx_images(12) + "x"), ContainsSubstring("9425 bytes, not 9424"));
  CHECK_THAT(refused("train-images-idx3-ubyte", idx_images(11)), ContainsSubstring("11 images, 12 labels"));
  CHECK_THAT(refused("train-images-idx3-ubyte", "\0"), ContainsSubstring("no idx header"));
  CHECK_THAT(refused("train-images-idx3-ubyte", big_endian(0x803) + big_endian(1) + big_endian(1) + big_endian(1) + "x"),
             ContainsSubstring("images of 1 x 1, not 28 x 28"));
  write_good();
  const std::string gz = text(folder / "t10k-images-idx3-ubyte.gz");
  CHECK_THAT(refused("t10k-images-idx3-ubyte.gz", gz.substr(0, gz.size() / 2)), ContainsSubstring("is damaged"));
  std::string flipped = gz;
  flipped[flipped.size() - 6] ^= 1;  // the checksum
  CHECK_THAT(refused("t10k-images-idx3-ubyte.gz", flipped), ContainsSubstring("is damaged"));
  folder.write_gzipped("t10k-images-idx3-ubyte.gz", idx_images(5) + "x");
  CHECK_THAT(thrown([&] { load<float>(source("mnist", folder.path())); }), ContainsSubstring("longer than its 5 items"));
  write_good();
  for (const std::string& surplus :
       {idx_labels(12) + '\1', idx_labels(12) + std::string(1 << 17, '\1')}) {  // within a buffer and beyond it
    folder.write_gzipped("train-labels-idx1-ubyte.gz", surplus);
    CHECK_THAT(thrown([&] { load<float>(source("mnist", folder.path())); }),
               ContainsSubstring("train-labels-idx1-ubyte.gz: is longer than its 12 items"));
    CHECK_THAT(thrown([&] { load<float>(source("mnist", folder.path(), 2, 2)); }), ContainsSubstring("is longer than its 12 items"));
  }
  folder.write_gzipped("train-labels-idx1-ubyte.gz", idx_labels(12).substr(0, 8 + 11));
  CHECK_THAT(thrown([&] { load<float>(source("mnist", folder.path(), 2, 2)); }), ContainsSubstring("is cut short: 1 bytes missing"));
  write_good();
  CHECK_THAT(refused("t10k-labels-idx1-ubyte", idx_labels(5).replace(9, 1, 1, '\x0a')), ContainsSubstring("label 10 of image 1"));
}

TEST_CASE("MNIST's files may be compressed whatever they are called") {
  const TemporaryFolder folder;
  std::uint64_t fingerprint = 0;
  for (int zipped = 0; zipped < 16; ++zipped) {
    const auto write = [&](int file, const std::string& name, const std::string& bytes) {
      for (const char* ending : {"", ".gz"}) std::filesystem::remove(folder / (name + ending));
      // All four combinations of content and name.
      const std::string as = name + (zipped >> (3 - file) & 1 ? ".gz" : "");
      if (zipped >> file & 1)
        folder.write_gzipped(as, bytes);
      else
        folder.write(as, bytes);
    };
    write(0, "train-images-idx3-ubyte", idx_images(12));
    write(1, "train-labels-idx1-ubyte", idx_labels(12));
    write(2, "t10k-images-idx3-ubyte", idx_images(5));
    write(3, "t10k-labels-idx1-ubyte", idx_labels(5));
    const auto data = load<float>(source("mnist", folder.path()));
    CHECK(data.images.rows() == 17);
    if (zipped == 0) fingerprint = data.fingerprint;
    CHECK(data.fingerprint == fingerprint);
    CHECK(source_files(source("mnist", folder.path())).size() == 4);
  }
}

TEST_CASE("a .npy file is taken as it is, the first rows train") {
  const TemporaryFolder folder;
  RandomStream random(4, "images");
  Tensor<float> images({9, 2, 3, 1});
  for (float& v : images.span()) v = static_cast<float>(random.normal());
  const std::string file = folder / "images.npy";
  save_npy(file, images);
  const auto all = load<double>(source(file, ""));
  CHECK(all.num_train == 9);
  CHECK(all.num_test == 0);
  CHECK(all.classes.empty());
  CHECK(std::equal(images.data(), images.data() + images.size(), all.images.data()));
  const auto split = load<float>(source(file, "", 6));
  CHECK(split.num_train == 6);
  CHECK(split.num_test == 3);
  CHECK(split.test_images()[0] == images[6 * 6]);
  CHECK(load<float>(source(file, "", 6, 1)).images.rows() == 7);
  CHECK(layout(source(file, "", 6, 1)).image == Shape{2, 3, 1});
  CHECK_THAT(thrown([&] { load<float>(source(file, "", 10)); }), ContainsSubstring("10 training images asked for, there are 9"));
  CHECK_THAT(thrown([&] { load<float>(source(file, "", 7, 3)); }),
             ContainsSubstring("3 test images asked for, 2 follow the 7 training images"));
  CHECK_THAT(thrown([&] { load<float>(source(folder / "none.npy", "")); }), ContainsSubstring("none.npy: no such file"));
  CHECK_THAT(thrown([&] { load<float>(source("cifar100", "")); }), ContainsSubstring("one of dead-leaves, cifar10, mnist or a FILE.npy"));
}

TEST_CASE("statistics are those of the definition, the same for any number of threads, exact far from zero") {
  RandomStream random(5, "statistics");
  Tensor<double> images({131, 3, 5, 2});
  for (Index i = 0; i < images.size(); ++i) images[i] = i % 2 ? 1e8 + random.normal() : 3 * random.normal();
  cpu::set_threads(1);
  const auto one = channel_statistics(images);
  cpu::set_threads(0);
  const auto many = channel_statistics(images);
  CHECK(one.mean == many.mean);
  CHECK(one.deviation == many.deviation);
  for (Index c = 0; c < 2; ++c) {
    long double mean = 0, square = 0;
    const Index pixels = images.size() / 2;
    for (Index p = 0; p < pixels; ++p) mean += images[2 * p + c];
    mean /= pixels;
    for (Index p = 0; p < pixels; ++p) square += (images[2 * p + c] - mean) * (images[2 * p + c] - mean);
    CHECK(one.mean[static_cast<std::size_t>(c)] == Approx(static_cast<double>(mean)).epsilon(1e-12).margin(1e-12));
    CHECK(one.deviation[static_cast<std::size_t>(c)] == Approx(static_cast<double>(std::sqrt(square / pixels))).epsilon(1e-7));
  }
  const auto shared = images;
  const double before = images[7];
  const auto result = standardised("x", images, one);
  CHECK(shared[7] == before);  // what others hold is not written
  check_standardised(result, 1e-7);
  for (Index i = 1; i < images.size(); i += 2) images[i] = 0.25;
  CHECK_THAT(thrown([&] { standardised("x", images, channel_statistics(images)); }),
             ContainsSubstring("x: channel 1 is 0.25 in every training image"));
}

TEST_CASE("stratified subsets are nested, in file order, and take the lowest classes for the remainder") {
  std::vector<int> classes;
  RandomStream random(6, "classes");
  for (int i = 0; i < 400; ++i) classes.push_back(static_cast<int>(random.below(7)));
  std::vector<Index> before;
  for (Index n = 1; n <= 280; ++n) {
    const auto rows = stratified_rows(classes, 7, n);
    REQUIRE(static_cast<Index>(rows.size()) == n);
    REQUIRE(std::is_sorted(rows.begin(), rows.end()));
    REQUIRE(std::includes(rows.begin(), rows.end(), before.begin(), before.end()));
    std::vector<Index> count(7);
    for (Index i : rows) {
      const int c = classes[static_cast<std::size_t>(i)];
      // the first of its class: as many of the class before it in the file as in the subset
      REQUIRE(std::count(classes.begin(), classes.begin() + i, c) == count[static_cast<std::size_t>(c)]++);
    }
    for (int c = 0; c < 7; ++c) REQUIRE(count[static_cast<std::size_t>(c)] == n / 7 + (c < n % 7));
    before = rows;
  }
  CHECK(stratified_rows(classes, 7, 400).size() == 400);  // the whole part, though its classes differ in size
  CHECK_THAT(thrown([&] { stratified_rows(classes, 7, 399); }),
             ContainsSubstring("of class") && ContainsSubstring("give at most ") && ContainsSubstring("or all 400"));
  CHECK_THAT(thrown([&] { stratified_rows(classes, 7, 401); }), ContainsSubstring("401 images asked for, there are 400"));
  CHECK_THAT(thrown([&] { stratified_rows(classes, 7, 0); }), ContainsSubstring("0 images asked for"));
}

TEST_CASE("a subset of a data set keeps images and classes together") {
  const TemporaryFolder folder;
  write_cifar10(folder, "");
  const auto d = load<float>(source("cifar10", folder.path()));  // classes 0..9, 0..4 train; 5..8 test
  std::vector<int> expected{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0};
  const auto rows = stratified_rows(d, 11, 0);
  const auto s = select(d, rows, 11);
  CHECK(s.classes == expected);
  CHECK(s.num_train == 11);
  CHECK(s.num_test == 0);
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(s.images[static_cast<Index>(i) * 3072 + 5] == d.images[rows[i] * 3072 + 5]);
  CHECK(stratified_rows(d, 1, 4) == std::vector<Index>{0, 15, 16, 17, 18});
  CHECK_THAT(thrown([&] { select(d, std::vector<Index>{0, 19}, 1); }), ContainsSubstring("row 19"));
  CHECK_THAT(thrown([&] { select(d, std::vector<Index>{0}, 2); }), ContainsSubstring("2 training images of 1 rows"));
  CHECK(thrown([&] { stratified_rows(d, 11, 5); }) == "cifar10: 5 test images (--num-test) asked for, there are 4");
  auto uneven = d;
  std::fill_n(uneven.classes.begin(), 3, 3);  // one image each of the classes 0 to 2 is left
  CHECK(thrown([&] { stratified_rows(uneven, 12, 0); }) ==
        "cifar10: 12 training images (--num-train) take 2 of class 0, there are 1; give at most 10, or all 15");
  Dataset<float> plain{"x.npy", d.images, {}, 19, 0, 0, {}};
  CHECK_THAT(thrown([&] { stratified_rows(plain, 2, 0); }), ContainsSubstring("x.npy: has no classes"));
}

TEST_CASE("binary targets and their balance") {
  const std::vector<int> classes{0, 9, 4, 5, 3};
  const auto targets = binary_targets(classes, 10, std::vector<int>{0, 1, 2, 3, 4});
  CHECK(targets == std::vector<int>{1, 0, 1, 0, 1});
  CHECK(class_balance(targets) == 0.6);
  CHECK(binary_targets(classes, 10, std::vector<int>{9}) == std::vector<int>{0, 1, 0, 0, 0});
  CHECK_THAT(thrown([&] { binary_targets(classes, 10, std::vector<int>{10}); }), ContainsSubstring("10 is not one of 0 to 9"));
  CHECK_THAT(thrown([&] { binary_targets(classes, 10, std::vector<int>{3, 3}); }), ContainsSubstring("(--positive): 3 is given twice"));
  CHECK_THAT(thrown([&] { binary_targets(classes, 10, std::vector<int>{}); }), ContainsSubstring("both labels need"));
  CHECK_THAT(thrown([&] { binary_targets(std::vector<int>{0, 1}, 2, std::vector<int>{0, 1}); }), ContainsSubstring("both labels need"));
  CHECK_THAT(thrown([&] { class_balance({}); }), ContainsSubstring("no targets"));
}
