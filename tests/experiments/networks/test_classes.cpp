// Class labels for networks with several logits: losses and optimizers against plain loops, in the network, its linearization and function
// space; groups of classes; kernels and eigenfunctions of several outputs.
#include "data/dataset.h"
#include "tests/check.h"
#include "tests/experiments/networks/softmax_regression.h"
#include "tests/experiments/trainings.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr Index train_images = 9, all_images = 13, inputs = 4;
const std::string three = " --model three --data x.npy --num-train 9 --dtype float64 --quiet";

const std::vector<int> classes{0, 2, 1, 1, 0, 2, 2, 0, 1, 2, 2, 0, 1};

Tensor<double> rows() {
  Tensor<double> x({all_images, inputs});
  for (Index i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<double>(i * i + 1));
  return x;
}

/// With x.npy, classes.npy and two.npy, in which classes 0 and 2 are 1.
struct Box : Sandbox {
  Box() {
    data::save_npy(*this / "x.npy", rows());
    data::save_npy(*this / "classes.npy", classes);
    std::vector<int> two;
    for (int c : classes) two.push_back(c != 1);
    data::save_npy(*this / "two.npy", two);
  }
};

SoftmaxRegression regression_at(const Sandbox& box, const std::string& init, Index outputs = 3) {
  const auto start = data::load_npz<double>(box / init);
  const auto w = *data::find(start, "params/Dense_0/kernel"), b = *data::find(start, "params/Dense_0/bias");
  return {inputs, outputs, {w.data(), w.data() + w.size()}, {b.data(), b.data() + b.size()}};
}

void same_as(const Sandbox& box, const std::string& folder, const SoftmaxRegression& r, double tolerance) {
  const auto end = data::load_npz<double>(box / folder / "final.npz");
  const auto w = *data::find(end, "params/Dense_0/kernel"), b = *data::find(end, "params/Dense_0/bias");
  check::same(w.reshaped({w.size()}), Tensor<double>::from({w.size()}, r.weights), tolerance);
  check::same(b, Tensor<double>::from({b.size()}, r.biases), tolerance);
}

double sum_of_products(const Tensor<double>& x, Index i, Index j) {
  double s = 0;
  for (Index d = 0; d < inputs; ++d) s += x[i * inputs + d] * x[j * inputs + d];
  return s;
}

}  // namespace

TEST_CASE("classes: every loss and optimizer in every space is what plain loops give") {
  const Box box;
  const auto x = rows();
  for (const std::string loss : {"cross-entropy", "squared"})
    for (const std::string optimizer : {"sgd", "adam"})
      for (const double decay : {0.0, 0.05})
        for (const std::string way : {"", " --linearize", " --linearize --space function"}) {
          if (optimizer == "adam" && way.ends_with("function")) continue;
          INFO(loss << " " << optimizer << " " << decay << way);
          fs::remove_all(box / "T");
          box.good("own_networks train_ntk --labels classes.npy --epochs 4 --batch 9 --learning-rate 0.1 --no-shuffle --out T" + three +
                   way + " --loss " + loss + " --optimizer " + optimizer + fmt::format(" --weight-decay {}", decay));
          auto r = regression_at(box, "T/init.npz");
          r.loss = loss, r.optimizer = optimizer, r.decay = decay;
          const auto history = experiments::load_history(box / "T/history.csv");
          REQUIRE(history.size() == 4);
          for (int step = 0; step < 4; ++step) {
            r.step(x, classes, train_images, 0.1 * (1 - step / 4.0));
            check::same(history[static_cast<std::size_t>(step)].train_loss, r.last_loss, 1e-12);
            CHECK(history[static_cast<std::size_t>(step)].train_accuracy == Approx(r.last_accuracy));
          }
          same_as(box, "T", r, 1e-11);
          const auto logits = box.array("T/test_logits.npy");
          REQUIRE(logits.shape() == (Shape{4, 3}));
          double right = 0, of_class[3] = {0, 0, 0}, there[3] = {0, 0, 0};
          for (Index i = 0; i < 4; ++i) {
            const auto z = r.logits(x.data() + (train_images + i) * inputs);
            for (Index o = 0; o < 3; ++o) check::same(logits[i * 3 + o], z[static_cast<std::size_t>(o)], 1e-11);
            const auto c = classes[static_cast<std::size_t>(train_images + i)];
            const bool hit = std::max_element(z.begin(), z.end()) - z.begin() == c;
            right += hit, of_class[c] += hit, there[c] += 1;
          }
          CHECK(history.back().test_accuracy == Approx(right / 4));
          const auto row = experiments::Csv::read(box / "T/accuracy.csv").rows()[0];
          REQUIRE(row.size() == 6);
          CHECK(std::stod(row[1]) == Approx(5.0 / 13));  // the most frequent class
          double area = 0;
          for (int c = 0; c < 3; ++c) {
            std::vector<double> own;
            std::vector<int> is;
            for (Index i = 0; i < 4; ++i)
              own.push_back(logits[i * 3 + c]), is.push_back(classes[static_cast<std::size_t>(train_images + i)] == c);
            area += share_of_pairs_won(own, is) / 3;
          }
          CHECK(std::stod(row[5]) == Approx(area));
          CHECK(std::stod(row[4]) == Approx((of_class[0] / there[0] + of_class[1] / there[1] + of_class[2] / there[2]) / 3));
        }
  const auto record = box.record("T");
  CHECK(record.at("logits") == 3);
  CHECK(record.at("outputs") == "all");
  const std::string config = bytes_of(box / "T/config.toml");
  CHECK_THAT(config, ContainsSubstring("loss = \"squared\"") && ContainsSubstring("weight-decay = 0.05"));
}

TEST_CASE("classes: what does not go together is refused") {
  const Box box;
  const auto refused = [&](const std::string& options) { return box.refused("own_networks train_ntk --out T" + three + options); };
  std::vector<int> four = classes;
  four[5] = 3;
  data::save_npy(box / "four.npy", four);
  CHECK_THAT(refused(" --labels four.npy --batch 4"),
             ContainsSubstring("four.npy: label 5 is 3; the classes of three with 3 logits are 0 to 2"));
  four[5] = -1;
  data::save_npy(box / "negative.npy", four);
  CHECK_THAT(refused(" --labels negative.npy --batch 4"), ContainsSubstring("label 5 is -1; classes count from 0"));
  CHECK_THAT(refused(" --labels classes.npy --batch 4 --outputs 3"), ContainsSubstring("--outputs 3: three has 3 logits; give 0 to 2"));
  CHECK_THAT(refused(" --labels classes.npy --batch 4 --outputs trace"), ContainsSubstring("a training is of one logit or of their sum"));
  CHECK_THAT(refused(" --labels classes.npy --batch 4 --outputs 1"), ContainsSubstring("label"));  // binary ones are needed
  CHECK_THAT(refused(" --labels classes.npy --batch 4 --linearize --space function --optimizer adam"),
             ContainsSubstring("--optimizer adam: its steps are no linear function of the gradients"));
  CHECK(refused(" --labels classes.npy --batch 4 --optimizer adam --momentum 0.5") == "--momentum: Adam has none; leave it out");
  CHECK_THAT(refused(" --labels classes.npy --batch 4 --save-onnx"), ContainsSubstring("--save-onnx: three is from no ONNX file"));
  CHECK_THAT(refused(" --batch 4 --positive 1"), ContainsSubstring("needs --ntk DIR with --index, or --labels FILE.npy") ||
                                                     ContainsSubstring("--positive: names classes of --labels"));
  CHECK_THAT(box.refused("own_networks compute_nads --model three --shape 4 --out N"),
             ContainsSubstring("--model three: has 3 logits; anisotropy directions are of one logit alone"));
  CHECK_THAT(box.refused("train_cifar --classes all --num-train 20 --out N --model mlp --features 3,1"),
             ContainsSubstring("--classes all: takes a network with a logit for each class, mlp has one"));
  CHECK_THAT(box.refused("own_networks train_cifar --model three --num-train 20 --out N"),
             ContainsSubstring("--classes all: dead-leaves has 10 classes, three 3 logits"));
}

TEST_CASE("classes: one logit is trained by itself, and groups of classes are labels of two") {
  const Box box;
  const auto x = rows();
  const std::string recipe = " --epochs 3 --batch 9 --learning-rate 0.1 --no-shuffle";
  std::vector<int> two;
  for (int c : classes) two.push_back(c != 1);
  for (const std::string way : {"", " --linearize", " --linearize --space function"}) {
    INFO(way);
    for (const std::string out : {"A", "B"}) fs::remove_all(box / out);
    box.good("own_networks train_ntk --labels two.npy --outputs 1 --out A" + three + recipe + way);
    box.good("own_networks train_ntk --labels classes.npy --positive 0,2 --outputs 1 --out B" + three + recipe + way);
    for (const char* name : {"labels.npy", "final.npz", "history.csv", "test_logits.npy"})
      CHECK(bytes_of(box / "A" / name) == bytes_of(box / "B" / name));
    CHECK(box.array("A/test_logits.npy").shape() == (Shape{4}));
    // By hand: the logistic loss of logit 1, whose column alone moves.
    const auto r = regression_at(box, "A/init.npz");
    std::vector<double> w, m(inputs + 1);
    for (Index d = 0; d < inputs; ++d) w.push_back(r.weights[static_cast<std::size_t>(d * 3 + 1)]);
    w.push_back(r.biases[1]);
    for (int step = 0; step < 3; ++step) {
      std::vector<double> g(inputs + 1);
      for (Index i = 0; i < train_images; ++i) {
        double z = w[inputs];
        for (Index d = 0; d < inputs; ++d) z += x[i * inputs + d] * w[static_cast<std::size_t>(d)];
        const double e = 1 / (1 + std::exp(-z)) - two[static_cast<std::size_t>(i)];
        for (Index d = 0; d < inputs; ++d) g[static_cast<std::size_t>(d)] += e * x[i * inputs + d] / train_images;
        g[inputs] += e / train_images;
      }
      for (std::size_t p = 0; p < w.size(); ++p) m[p] = g[p] + 0.9 * m[p], w[p] -= 0.1 * (1 - step / 3.0) * m[p];
    }
    auto moved = r;
    for (Index d = 0; d < inputs; ++d) moved.weights[static_cast<std::size_t>(d * 3 + 1)] = w[static_cast<std::size_t>(d)];
    moved.biases[1] = w[inputs];
    same_as(box, "A", moved, 1e-12);
  }
  // A binary loss that is not the usual one: squared error against -1 and 1.
  box.good("own_networks train_ntk --labels two.npy --outputs 1 --out S --loss squared --epochs 1 --batch 9" + three);
  const auto r = regression_at(box, "S/init.npz");
  double loss = 0;
  for (Index i = 0; i < train_images; ++i) {
    const double wrong = r.logits(x.data() + i * inputs)[1] - (2 * two[static_cast<std::size_t>(i)] - 1);
    loss += wrong * wrong / 2 / train_images;
  }
  check::same(experiments::load_history(box / "S/history.csv")[0].train_loss, loss, 1e-13);
}

TEST_CASE("classes: train_cifar on all of the data's classes, in both spaces, by nested subsets") {
  const Sandbox box;
  const std::string ten = "own_networks train_cifar --model ten --num-train 40,90 --num-test 30 --epochs 2 --dtype float64 --quiet";
  box.good(ten + " --linearize --out L");
  box.good(ten + " --linearize --space function --out F");
  box.good(ten + " --positive 0,1 --outputs sum --out P");
  const auto all = data::load<double>({.directory = {}, .num_train = 2000, .num_test = 500});
  for (const std::string size : {"40", "90"}) {
    INFO(size);
    same_histories(experiments::load_history(box / "F" / size / "history.csv"), experiments::load_history(box / "L" / size / "history.csv"),
                   1e-10);
    same_weights(data::load_npz<double>(box / "F" / size / "final.npz"), data::load_npz<double>(box / "L" / size / "final.npz"), 1e-10);
    const auto rows = data::load_labels_npy(box / "L" / size / "indices.npy"),
               labels = data::load_labels_npy(box / "L" / size / "labels.npy");
    REQUIRE(rows.size() == labels.size());
    for (std::size_t i = 0; i < rows.size(); ++i) CHECK(labels[i] == all.classes[static_cast<std::size_t>(rows[i])]);
    CHECK(box.array("L/" + size + "/test_logits.npy").shape() == (Shape{30, 10}));
  }
  CHECK_THAT(bytes_of(box / "L/config.toml"), ContainsSubstring("classes = \"all\""));
  CHECK(box.array("P/40/test_logits.npy").shape() == (Shape{30}));
  CHECK_THAT(box.good(ten + " --linearize --space function --plan --out Q"), ContainsSubstring("kernel"));
}

TEST_CASE("outputs: a kernel of several logits in each layout, its eigenpairs, alignment and tasks") {
  const Box box;
  const auto x = rows();
  const std::string kernel = "own_networks compute_ntk --save-ntk --eigen 6" + three;
  for (const std::string outputs : {"0", "sum", "trace", "full"}) {
    INFO(outputs);
    box.good(kernel + " --outputs " + outputs + " --out " + outputs);
    const Index side = outputs == "full" ? 3 : 1, n = all_images * side;
    const auto k = box.array(outputs + "/ntk.npy"), vectors = box.array(outputs + "/eigvecs.npy"),
               values = box.array(outputs + "/eigvals.npy");
    REQUIRE(k.shape() == (Shape{n, n}));
    REQUIRE(vectors.shape() == (Shape{6, n}));
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < n; ++j) {
        const double entry = i % side == j % side ? 1 + sum_of_products(x, i / side, j / side) : 0;
        check::same(k[i * n + j], entry, 1e-12);
      }
    for (Index e = 0; e < 6; ++e) check::same(quotient(k, vectors.data() + e * n, 0, n), values[e], 1e-10);
    CHECK(box.record(outputs).at("outputs") == outputs);
    CHECK(box.record(outputs).at("logits") == 3);
    CHECK_THAT(bytes_of(box / outputs / "config.toml"), ContainsSubstring("outputs = "));

    // Trained on classes, aligned with these eigenvectors; the first alignment is that of the kernel itself.
    box.good("own_networks train_ntk --ntk " + outputs + " --labels classes.npy --epochs 2 --batch 9 --dtype float64 --quiet --out T" +
             outputs);
    const auto before = box.array("T" + outputs + "/alignment_init.npy"), after = box.array("T" + outputs + "/alignment.npy");
    REQUIRE(before.shape() == (Shape{3, 6}));
    for (Index e = 0; e < 6; ++e) {
      check::same(before[12 + e], values[e], 1e-10);
      check::same(before[e], quotient(k, vectors.data() + e * n, 0, train_images * side), 1e-10);
      check::same(after[12 + e], values[e], 1e-10);  // a linear network keeps its kernel
    }
  }
  CHECK(bytes_of(box / "trace/config.toml") != bytes_of(box / "full/config.toml"));
  // Without --outputs it is trace.
  box.good("own_networks compute_ntk --save-ntk --eigen 6 --out default" + three);
  CHECK(bytes_of(box / "default/ntk.npy") == bytes_of(box / "trace/ntk.npy"));

  // Eigenfunctions as tasks: of one function at a time.
  const std::string task = " --epochs 2 --batch 9 --dtype float64 --quiet --index 1 --out ";
  box.good("own_networks train_ntk --ntk 0" + task + "I0");
  CHECK(box.record("I0").at("outputs") == "0");
  box.good("own_networks train_ntk --ntk sum --linearize --space function" + task + "Isum");
  CHECK(box.record("Isum").at("plan").at("kernel") == "read from --ntk");
  box.good("own_networks train_ntk --ntk full --outputs 2" + task + "I2");
  const auto labels = data::load_labels_npy(box / "I2/labels.npy");
  const auto vectors = box.array("full/eigvecs.npy");
  for (Index i = 0; i < all_images; ++i) CHECK(labels[static_cast<std::size_t>(i)] == (vectors[all_images * 3 + i * 3 + 2] > 0 ? 1 : 0));
  CHECK_THAT(box.refused("own_networks train_ntk --ntk trace" + task + "X"),
             ContainsSubstring("--index: the kernel of --ntk is that of all 3 logits (trace)") && ContainsSubstring("give --outputs J"));
  CHECK_THAT(box.refused("own_networks train_ntk --ntk full --outputs sum" + task + "X"), ContainsSubstring("--outputs sum: "));
  CHECK_THAT(box.refused("own_networks compute_ntk --outputs 3 --out X" + three), ContainsSubstring("--outputs 3: three has 3 logits"));
  CHECK_THAT(box.refused("own_networks compute_ntk --outputs some --out X" + three),
             ContainsSubstring("--outputs some: give the number of a logit"));
  CHECK_THAT(box.refused("own_networks compute_ntk --outputs full --eigen 40 --out X" + three),
             ContainsSubstring("--eigen 40: there are 39 rows of the kernel"));
  // Function space on classes takes the full kernel that is there.
  box.good(
      "own_networks train_ntk --ntk full --labels classes.npy --linearize --space function --epochs 2 --batch 9 --dtype float64 --quiet "
      "--out F");
  CHECK(box.record("F").at("plan").at("kernel") == "read from --ntk");
  box.good(
      "own_networks train_ntk --ntk trace --labels classes.npy --linearize --space function --epochs 2 --batch 9 --dtype float64 --quiet "
      "--out C");
  CHECK(box.record("C").at("plan").at("kernel") == "computed");
  same_weights(data::load_npz<double>(box / "F/final.npz"), data::load_npz<double>(box / "C/final.npz"), 1e-12);
}

TEST_CASE("outputs: the full layout from Nystrom's columns and from tiles on disk") {
  const Sandbox box;
  Tensor<double> x({700, 3, 3, 1});
  for (Index i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<double>(i) * 0.37) + std::cos(static_cast<double>(i * i % 1013));
  data::save_npy(box / "x.npy", x);
  const std::string full = "own_networks compute_ntk --model three --data x.npy --outputs full --dtype float64 --quiet";
  box.good(full + " --eigen 9 --method lanczos --save-ntk --out fits");
  box.good(full + " --eigen 9 --method lanczos --save-ntk --memory 78M --out disk");
  CHECK(box.record("disk").contains("kernel_on_disk"));
  check::same(box.array("disk/ntk.npy"), box.array("fits/ntk.npy"), 1e-12);
  check::same(box.array("disk/eigvals.npy"), box.array("fits/eigvals.npy"), 1e-9);
  // The kernel has rank 3 (9 + 1): with enough points Nystrom's eigenvalues are its own.
  box.good(full + " --eigen 9 --method nystrom --nystrom-points 60 --out nystrom");
  check::same(box.array("nystrom/eigvals.npy"), box.array("fits/eigvals.npy"), 1e-4);
}
