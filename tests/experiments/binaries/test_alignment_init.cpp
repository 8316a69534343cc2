// alignment_init.npy: the alignment of the kernel with its eigenvectors before training, once for all targets.
#include "tests/experiments/trainings.h"
#include "tests/golden.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::quotient;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

int stages_of(const Sandbox& box, const std::string& folder, const std::string& name) {
  int count = 0;
  const auto record = box.record(folder);
  for (const auto& stage : record["stages"])
    if (stage["name"] == name) {
      ++count;
      CHECK(stage["complete"].get<bool>());
      CHECK(stage["flops"].get<double>() > 0);
    }
  return count;
}

const std::string small = " --model mlp --features 4,3,1 --num-train 14 --num-test 6 --eigen 7 --dtype float64 --quiet";
const std::string recipe = " --batch 7 --epochs 2 --dtype float64 --quiet";

}  // namespace

TEST_CASE("alignment_init: over all images the eigenvalues, over parts the kernel's quotients, once for all targets") {
  for (const auto& name : golden::cases) {
    INFO(name);
    const Sandbox box(name);
    box.good("compute_ntk" + test::network_options(name) +
             " --init G/init.npz --data G/images.npy --num-train 28 --dtype float64 --eigen 20 --save-ntk --quiet --out K");
    box.good("train_ntk --ntk K --index 2,5" + recipe + " --out N");
    const auto start = box.array("N/alignment_init.npy"), kernel = box.array("K/ntk.npy"), values = box.array("K/eigvals.npy"),
               vectors = box.array("K/eigvecs.npy");
    REQUIRE(start.shape() == (Shape{3, 20}));
    for (Index j = 0; j < 20; ++j) {
      const double* v = vectors.data() + j * 40;
      CHECK(std::abs(start[j] - quotient(kernel, v, 0, 28)) <= 1e-12 * values[0]);
      CHECK(std::abs(start[20 + j] - quotient(kernel, v, 28, 40)) <= 1e-12 * values[0]);
      CHECK(std::abs(start[40 + j] - values[j]) <= 1e-12 * values[0]);
    }
    // Of 12 test images each is a piece of its own.
    const auto shares = box.array("N/alignment_init_parts.npy");
    REQUIRE(shares.shape() == (Shape{12, 20}));
    for (Index j = 0; j < 20; ++j) {
      const double* v = vectors.data() + j * 40;
      double squares = 0;
      for (Index i = 28; i < 40; ++i) squares += v[i] * v[i];
      for (Index i = 28; i < 40; ++i) {
        double product = 0;
        for (Index l = 28; l < 40; ++l) product += kernel[i * 40 + l] * v[l];
        check::same(shares[(i - 28) * 20 + j] * start[20 + j] * squares, v[i] * product, 1e-12 * values[0]);
      }
    }
    CHECK(stages_of(box, "N", "alignment before training") == 1);
    CHECK(stages_of(box, "N", "alignment") == 2);
    for (const char* target : {"2", "5"}) {
      CHECK(!fs::exists(box / "N" / target / "alignment_init.npy"));
      CHECK(box.array(std::string("N/") + target + "/alignment.npy")[0] != start[0]);
      CHECK(box.array(std::string("N/") + target + "/alignment_parts.npy").shape() == (Shape{12, 20}));
    }
    box.good("train_ntk --ntk K --labels G/labels.npy" + recipe + " --out one");
    CHECK(test::bytes_of(box / "one/alignment_init.npy") == test::bytes_of(box / "N/alignment_init.npy"));
    const auto record = box.record("N");
    for (const auto& [file, bytes] : record["files"].items())
      if (file == "alignment_init.npy") CHECK(bytes.get<std::uintmax_t>() == fs::file_size(box / "N/alignment_init.npy"));
    CHECK(record["files"].contains("alignment_init.npy"));
  }
}

TEST_CASE("alignment_init: only of a network on eigenfunctions, and in its plan") {
  const Sandbox box;
  box.good("compute_ntk" + small + " --out K");
  box.good("train_ntk --ntk K --index 1 --linearize" + recipe + " --out L");
  CHECK(!fs::exists(box / "L/alignment_init.npy"));
  const std::string stage = "alignment before training";
  CHECK_THAT(box.good("train_ntk --ntk K --index 0:3 --plan" + recipe), ContainsSubstring(stage));
  CHECK_THAT(box.good("train_ntk --ntk K --index 0:3 --linearize --plan" + recipe), !ContainsSubstring(stage));
}

TEST_CASE("alignment_init: a run that goes on takes the one that is there, and refuses a damaged one by name") {
  const Sandbox box;
  box.good("compute_ntk" + small + " --out K");
  const std::string command = "train_ntk --ntk K --index 1,3 --out N" + recipe;
  box.good(command);
  const auto whole = box.results("N");
  const auto unfinish = [&] {
    box.write("N/.unfinished", "");
    fs::remove(box / "N/3/final.npz");
  };
  unfinish();
  const auto kept = fs::last_write_time(box / "N/alignment_init.npy");
  box.good(command);
  CHECK(fs::last_write_time(box / "N/alignment_init.npy") == kept);
  CHECK(test::differing(box.results("N"), whole) == "");

  for (const std::string file : {"N/alignment_init_parts.npy", "N/1/alignment_parts.npy"}) {  // as an older version left it
    unfinish();
    fs::remove(box / file);
    box.good(command);
    CHECK(test::differing(box.results("N"), whole) == "");
    unfinish();
    data::save_npy(box / file, Tensor<double>::zeros({6, 3}));
    CHECK_THAT(box.run(command).err, ContainsSubstring(file + ": ") && ContainsSubstring("delete it to compute it anew"));
    fs::remove(box / file);
    box.good(command);
  }
  for (const std::string file : {"N/alignment_init.npy", "N/1/alignment.npy"}) {  // the second of a target that is finished
    auto spoilt = box.array(file);
    spoilt[0] = NAN;  // where the eigenvector is not 0
    for (const auto& damage : std::vector<Tensor<double>>{spoilt, Tensor<double>::zeros({3, 6}), Tensor<double>::full({3, 7}, INFINITY)}) {
      unfinish();
      data::save_npy(box / file, damage);
      const auto end = box.run(command);
      CHECK(end.status != 0);
      CHECK_THAT(end.err, ContainsSubstring(file + ": ") && ContainsSubstring("delete it to compute it anew"));
    }
    fs::remove(box / file);
    box.good(command);
    CHECK(test::differing(box.results("N"), whole) == "");
  }
}

TEST_CASE("alignment_init: without test images their row is no number, and such a run goes on all the same") {
  const Sandbox box;
  box.good("compute_ntk --model mlp --features 4,3,1 --num-train 14 --num-test 0 --eigen 5 --dtype float64 --quiet --out K");
  const std::string command = "train_ntk --ntk K --index 1 --alignment-every 1 --out N" + recipe;
  box.good(command);
  const auto whole = box.results("N");
  for (const char* file : {"N/alignment_init.npy", "N/alignment.npy"}) {
    const auto rows = box.array(file);
    REQUIRE(rows.shape() == (Shape{3, 5}));
    for (Index j = 0; j < 5; ++j) CHECK((std::isfinite(rows[j]) && std::isnan(rows[5 + j]) && rows[10 + j] == rows[j]));
  }
  box.write("N/.unfinished", "");
  fs::remove(box / "N/final.npz");
  box.good(command);
  CHECK(test::differing(box.results("N"), whole) == "");
}
