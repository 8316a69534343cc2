// compute_ntk from the command line to the files it leaves: against flax's and numpy's values, for every kind of data and of options.
#include "autodiff/random.h"
#include "data/dataset.h"
#include "tests/experiments/run_binary.h"
#include "tests/golden.h"
#include "tests/small.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::string on_golden = " --init G/init.npz --data G/images.npy --quiet";
const std::string small = " --model lenet --features 2,3,7,5,1 --num-train 30 --num-test 9 --quiet";

/// Rows u_j of unit norm, orthogonal, entry of largest magnitude positive, with ||K u_j - theta_j u_j|| as in residuals.npy.
void are_eigenpairs(const Sandbox& box, const std::string& folder, const Tensor<double>& kernel, double tolerance) {
  const auto values = box.array(folder + "/eigvals.npy"), vectors = box.array(folder + "/eigvecs.npy"),
             residuals = box.array(folder + "/residuals.npy");
  const Index k = values.size(), n = kernel.rows();
  REQUIRE(vectors.shape() == (Shape{k, n}));
  REQUIRE(residuals.shape() == (Shape{k}));
  for (Index j = 0; j < k; ++j) {
    const double* u = vectors.data() + j * n;
    CHECK(*std::max_element(u, u + n, [](double a, double b) { return std::abs(a) < std::abs(b); }) > 0);
    for (Index i = 0; i <= j; ++i)
      CHECK(std::abs(std::inner_product(u, u + n, vectors.data() + i * n, 0.0) - (i == j ? 1 : 0)) <= tolerance);
    double square = 0;
    for (Index i = 0; i < n; ++i) square += std::pow(std::inner_product(u, u + n, kernel.data() + i * n, 0.0) - values[j] * u[i], 2);
    CHECK(std::sqrt(square) <= tolerance * values[0]);
    CHECK(std::abs(std::sqrt(square) - residuals[j]) <= tolerance * values[0]);
    if (j > 0) CHECK(values[j] <= values[j - 1]);
  }
}

/// MNIST's files with random pixels, gzipped or plain.
void write_mnist(const Sandbox& box, const std::string& folder, bool gzip) {
  const auto word = [](std::uint32_t v) {
    return std::string{static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8), static_cast<char>(v)};
  };
  const auto write = [&](const std::string& name, const std::string& bytes) {
    gzip ? box.write_gzipped(folder + "/" + name + ".gz", bytes) : box.write(folder + "/" + name, bytes);
  };
  for (const auto& [part, n] : {std::pair<std::string, std::uint32_t>{"train", 13}, {"t10k", 6}}) {
    RandomStream random(n, "idx");
    std::string images = word(0x803) + word(n) + word(28) + word(28), labels = word(0x801) + word(n);
    for (std::uint32_t i = 0; i < n * 784; ++i) images += static_cast<char>(random.below(256));
    for (std::uint32_t i = 0; i < n; ++i) labels += static_cast<char>(random.below(10));
    write(part + "-images-idx3-ubyte", images);
    write(part + "-labels-idx1-ubyte", labels);
  }
}

void write_cifar10(const Sandbox& box, const std::string& folder) {
  RandomStream random(5, "cifar");
  for (const std::string name : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
    std::string bytes;
    for (int i = 0; i < 3 * 3073; ++i) bytes += static_cast<char>(random.below(i % 3073 ? 256 : 10));
    box.write(folder + "/cifar-10-batches-bin/" + name + ".bin", bytes);
  }
}

}  // namespace

TEST_CASE("compute_ntk: kernel and eigenpairs equal neural-tangents' and numpy's for every golden network") {
  for (const auto& name : golden::cases) {
    INFO(name);
    const Sandbox box(name);
    const auto c = golden::load<double>(name);
    const std::string command = "compute_ntk" + test::network_options(name) + on_golden + " --eigen 40";
    box.good(command + " --dtype float64 --save-ntk --out A");
    const auto kernel = box.array("A/ntk.npy");
    close_to(kernel, c["ntk"], 1e-12);
    close_to(box.array("A/eigvals.npy"), c["eigvals"], 1e-10);
    are_eigenpairs(box, "A", kernel, 1e-12);
    const auto init = data::load_npz<double>(box / "A/init.npz"), given = data::load_npz<double>(box / "G/init.npz");
    REQUIRE(init.size() == given.size());
    for (const auto& [key, value] : given) CHECK(std::ranges::equal(data::find(init, key)->span(), value.span()));
    const auto record = box.record("A");
    CHECK(record["finished"] == true);
    CHECK(record["parameters"] == c.init.size());

    Tensor<double> corner({8, 8});  // factors of large images take long
    for (Index i = 0; i < 64; ++i) corner[i] = kernel[i / 8 * 40 + i % 8];
    for (const std::string contraction : {"rows", "factors"}) {
      box.good("compute_ntk" + test::network_options(name) + on_golden +
               " --num-train 5 --num-test 3 --dtype float64 --save-ntk --contraction " + contraction + " --out " + contraction);
      close_to(box.array(contraction + "/ntk.npy"), corner, 1e-12);
    }
    box.good(command + " --out F");
    CHECK(data::npy_info(box / "F/eigvals.npy").type.name() == "float32");
    CHECK(data::npy_info(box / "F/eigvecs.npy").type.name() == "float32");
    close_to(box.array("F/eigvals.npy"), c["eigvals"], 2e-4);
    CHECK(!fs::exists(box / "F/ntk.npy"));
  }
}

TEST_CASE("compute_ntk: Lanczos and the full solver agree, Nystrom on every image is the whole kernel, on some its span") {
  const Sandbox box;
  const std::string command = "compute_ntk" + small + " --dtype float64 ";
  box.good(command + "--eigen 5 --save-ntk --method full --out full");
  box.good(command + "--eigen 5 --method lanczos --out lanczos");
  box.good(command + "--eigen 5 --method nystrom --nystrom-points 39 --out nystrom");
  box.good(command + "--eigen 5 --method nystrom --nystrom-points 20 --out some");
  const auto values = box.array("full/eigvals.npy");
  close_to(box.array("lanczos/eigvals.npy"), values, 1e-9);
  close_to(box.array("nystrom/eigvals.npy"), values, 1e-6);
  CHECK(!fs::exists(box / "nystrom/residuals.npy"));
  are_eigenpairs(box, "lanczos", box.array("full/ntk.npy"), 1e-6);
  const auto some = box.array("some/eigvecs.npy"), some_values = box.array("some/eigvals.npy");
  for (Index j = 0; j < 5; ++j) {
    CHECK(some_values[j] <= values[j] * (1 + 1e-9));  // a part of a positive kernel has smaller eigenvalues
    for (Index i = 0; i <= j; ++i)
      CHECK(std::abs(std::inner_product(some.data() + j * 39, some.data() + (j + 1) * 39, some.data() + i * 39, 0.0) - (i == j)) <= 1e-9);
  }
  CHECK(some_values[0] > 0.9 * values[0]);
}

TEST_CASE("compute_ntk: MNIST plain and gzipped and CIFAR-10 give what their standardised images give as .npy") {
  const Sandbox box;
  write_mnist(box, "plain/mnist", false);
  write_mnist(box, "packed", true);
  write_cifar10(box, "cifar");
  const std::string network = " --model lenet --features 2,3,7,5,1 --num-train 10 --num-test 3 --save-ntk --quiet";
  for (const std::string name : {"mnist", "cifar10"}) {
    const std::string folder = name == "mnist" ? "plain" : "cifar";
    data::Source source;
    source.name = name, source.directory = box / folder, source.num_train = 10, source.num_test = 3;
    data::save_npy(box / (name + ".npy"), data::load<float>(source).images);
    box.good("compute_ntk --data " + name + " --data-dir " + folder + network + " --out " + name);
    box.good("compute_ntk --data " + name + ".npy" + network + " --out array");
    for (const char* file : {"/ntk.npy", "/eigvecs.npy", "/init.npz"})
      CHECK(test::bytes_of(box / (name + file)) == test::bytes_of(box / (std::string("array") + file)));
    fs::remove_all(box / "array");
  }
  box.good("compute_ntk --data mnist --data-dir packed" + network + " --out packed_mnist");
  CHECK(test::bytes_of(box / "mnist/ntk.npy") == test::bytes_of(box / "packed_mnist/ntk.npy"));
  CHECK(box.array("mnist/ntk.npy").rows() == 13);
  box.good("compute_ntk --data cifar10 --data-dir cifar --model mlp --features 3,1 --quiet --out all");  // every image, every pair
  CHECK(box.array("all/eigvecs.npy").shape() == (Shape{18, 18}));
}

TEST_CASE("compute_ntk: images in bytes are divided by 255, in Fortran order they are turned") {
  const Sandbox box;
  RandomStream random(8, "images");
  Tensor<double> images({9, 4, 3, 2});
  std::string bytes, columns(9 * 4 * 3 * 2, ' ');
  for (Index i = 0; i < images.size(); ++i) {
    const auto b = static_cast<std::uint8_t>(random.below(256));
    images[i] = b / 255.0;
    bytes += static_cast<char>(b);
    columns[static_cast<std::size_t>(i / 24 + 9 * (i / 6 % 4 + 4 * (i / 2 % 3 + 3 * (i % 2))))] = static_cast<char>(b);
  }
  data::save_npy(box / "real.npy", images);
  std::string header = data::npy_header("|u1", images.shape());
  box.write("bytes.npy", header + bytes);
  header.replace(header.find("False"), 5, "True ");
  box.write("columns.npy", header + columns);
  for (const std::string name : {"real", "bytes", "columns"})
    box.good("compute_ntk --model mlp --features 4,1 --dtype float64 --save-ntk --quiet --data " + name + ".npy --out " + name);
  CHECK(test::bytes_of(box / "bytes/ntk.npy") == test::bytes_of(box / "real/ntk.npy"));
  CHECK(test::bytes_of(box / "columns/ntk.npy") == test::bytes_of(box / "real/ntk.npy"));
}

TEST_CASE("compute_ntk: --plan writes nothing, a finished run says so and touches nothing, the default folder is named") {
  const Sandbox box;
  const std::string plan = box.good("compute_ntk" + small + " --plan");
  for (const char* word : {"features", "kernel", "eigenpairs", "all", "flop", "memory", "disk", "time"})
    CHECK_THAT(plan, ContainsSubstring(word));
  CHECK(box.listing().empty());
  CHECK_THAT(box.good("compute_ntk" + small), ContainsSubstring("39 eigenpairs of 39 images"));
  REQUIRE(fs::exists(box / "results/compute_ntk-lenet-dead-leaves/eigvals.npy"));
  const auto before = box.listing();
  CHECK_THAT(box.good("compute_ntk" + small), ContainsSubstring("is finished, nothing to do"));
  CHECK(test::differing(before, box.listing()) == "");
}

TEST_CASE("compute_ntk: --memory bounds what is resident, and the kernel stays the same") {
  const Sandbox box;
  const std::string command = "compute_ntk --num-train 600 --num-test 0 --eigen 3 --threads 2 --quiet";
  box.good(command + " --out all");
  // The least that is accepted leaves room for some images' features, not for all 600 (10 MB).
  CHECK_THAT(box.refused(command + " --memory 60M"),
             ContainsSubstring("--memory: 600 images take") && ContainsSubstring("60.0 MiB are allowed"));
  int mebibytes = 60;
  while (box.run(fmt::format("{} --memory {}M --plan", command, mebibytes)).status != 0 && mebibytes < 300) mebibytes += 2;
  mebibytes += 2;  // what a pass takes is measured, and differs by a MiB from call to call
  const std::string bounded = fmt::format("{} --memory {}M", command, mebibytes);
  CHECK_THAT(box.good(bounded + " --plan"), ContainsSubstring("features do not fit: computed"));
  box.good(bounded + " --out some");
  close_to(box.array("some/eigvals.npy"), box.array("all/eigvals.npy"), 1e-5);
  const auto record = box.record("some");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose own memory counts too
  CHECK(record["peak_memory"].get<double>() <= mebibytes << 20);
#endif
}

TEST_CASE("compute_ntk: what is rounding is said to be, and what cannot be had can be cured in the same folder") {
  const Sandbox box;
  // Two kinds of images: a kernel of rank two.
  Tensor<float> two({12, 6, 6, 1});
  for (Index i = 0; i < two.size(); ++i) two[i] = static_cast<float>(i / 36 % 2 ? 0.5 : static_cast<double>(i % 36 % 7) / 7);
  data::save_npy(box / "two.npy", two);
  const std::string command = "compute_ntk --model mlp --features 3,1 --data two.npy --num-train 8 --quiet ";
  const std::string noise = "are within rounding of zero, and their eigenfunctions noise; give fewer --eigen, or --dtype float64\n";
  CHECK_THAT(box.good(command + "--eigen 4 --out K"), ContainsSubstring("\n2 of these " + noise));
  CHECK(box.record("K")["eigenvalues_within_rounding"] == 2);
  CHECK_THAT(box.good(command + "--eigen 2 --out L"), !ContainsSubstring("rounding"));
  const auto refused = box.run(command + "--method nystrom --nystrom-points 5 --eigen 3 --out N --dtype float64");
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, ContainsSubstring("nystrom: 3 pairs asked for, 2 have an eigenvalue above rounding; ask for 2"));
  box.good(command + "--method nystrom --nystrom-points 5 --eigen 2 --out N --dtype float64");
  // No number of images, and no method, makes the program smaller.
  CHECK(box.refused(command + "--memory 20M --out M") ==
        "--memory: 12 images take 48.0 MiB, 48.0 MiB of it for the program, 20.0 MiB are allowed; give more");
}
