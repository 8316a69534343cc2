// Several logits on ranks and in parts: the kernel in each layout, its eigenpairs, and trainings on classes in either space.
#include "tests/check.h"
#include "tests/experiments/trainings.h"
#include "tests/mpi/binaries/on_ranks.h"

using namespace tangentplane;
using namespace tangentplane::experiments::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr Index all_images = 53, inputs = 6;
const std::string three = " --model three --data x.npy --num-train 40 --dtype float64 --quiet";

/// With x.npy and classes.npy.
struct Box : Sandbox {
  Box() {
    Tensor<double> x({all_images, inputs});
    for (Index i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<double>(i * i + 1));
    data::save_npy(*this / "x.npy", x);
    std::vector<int> classes;
    for (Index i = 0; i < all_images; ++i) classes.push_back(static_cast<int>(i * i % 7 % 3));
    data::save_npy(*this / "classes.npy", classes);
  }
};

TEST_CASE("kernels of several logits on ranks and from parts are those of one process, in each layout") {
  const Box box;
  for (const std::string outputs : {"1", "sum", "trace", "full"}) {
    INFO(outputs);
    const std::string kernel = "own_networks compute_ntk --save-ntk --eigen 5 --outputs " + outputs + three;
    const Index n = all_images * (outputs == "full" ? 3 : 1);
    box.good(kernel + " --out " + outputs);
    const auto same_as_one = [&](const std::string& out) {
      INFO(out);
      REQUIRE(box.array(out + "/ntk.npy").shape() == (Shape{n, n}));
      check::same(box.array(out + "/ntk.npy"), box.array(outputs + "/ntk.npy"), 1e-12);
      check::same(box.array(out + "/eigvals.npy"), box.array(outputs + "/eigvals.npy"), 1e-10);
      REQUIRE(box.array(out + "/eigvecs.npy").shape() == (Shape{5, n}));
      CHECK(box.record(out).at("outputs") == outputs);
      CHECK(box.record(out).at("logits") == 3);
      CHECK_THAT(bytes_of(box / out / "config.toml"), ContainsSubstring("outputs = "));
    };
    for (int ranks : {2, 3}) {
      const std::string out = fmt::format("{}-on{}", outputs, ranks);
      CHECK_THAT(box.good(on(ranks, kernel + " --out " + out)), ContainsSubstring("(outputs: " + outputs + ")"));
      same_as_one(out);
    }
    // As jobs of an array, which say the same of themselves.
    const std::string parts = outputs + "-parts";
    for (const char* part : {"0/3", "1/3", "2/3"}) box.good(kernel + " --shard " + part + " --out " + parts);
    box.good(kernel + " --out " + parts);
    same_as_one(parts);
  }
  // Parts of another layout are not taken.
  for (const char* part : {"0/2", "1/2"})
    box.good("own_networks compute_ntk --eigen 5 --outputs trace --out other" + three + " --shard " + part);
  CHECK_THAT(box.run("own_networks compute_ntk --eigen 5 --outputs sum --out other" + three).err,
             ContainsSubstring("is of another run (--outputs is trace there and sum here)"));
  CHECK_THAT(box.good("own_networks compute_ntk --eigen 5 --outputs full --plan --ranks 4 --out planned" + three),
             ContainsSubstring("on each of 4 ranks"));
  CHECK_THAT(box.run(on(2, "own_networks compute_ntk --save-logits logits.npy" + three)).err,
             ContainsSubstring("compute_ntk --save-logits: is one process"));
}

TEST_CASE("trainings on classes on ranks are those of one process, by every loss and with weight decay") {
  const Box box;
  const std::string recipe = " --labels classes.npy --batch 8 --epochs 3 --dtype float64 --quiet";
  box.good("own_networks compute_ntk --save-ntk --eigen 5 --outputs full --out full" + three);
  box.good("own_networks compute_ntk --eigen 5 --outputs trace --out trace" + three);
  for (const std::string from : {"full", "trace"})  // whose kernel is read, and one that has to be computed
    for (const std::string how : {"", " --loss squared --weight-decay 0.01"}) {
      const std::string command = "own_networks train_ntk --ntk " + from + " --linearize --space function" + recipe + how,
                        out = from + (how.empty() ? "" : "-decay");
      box.good(command + " --out " + out + "-one");
      for (int ranks : {2, 4}) {
        INFO(out << " on " << ranks);
        const std::string shared = fmt::format("{}-on{}", out, ranks);
        box.good(on(ranks, command + " --out " + shared));
        CHECK(box.record(shared).at("plan").at("kernel") == (from == "full" ? "read from --ntk" : "computed"));
        check::same(box.array(shared + "/test_logits.npy"), box.array(out + "-one/test_logits.npy"), 1e-10);
        same_weights(data::load_npz<double>(box / shared / "final.npz"), data::load_npz<double>(box / (out + "-one") / "final.npz"), 1e-10);
      }
    }
  // Targets that are dealt: eigenfunctions of one logit, with an alignment, by Adam.
  const std::string tasks =
      "own_networks train_ntk --ntk full --outputs 2 --index 0,1,3 --optimizer adam --batch 8 --epochs 2 --dtype float64 --quiet";
  box.good(tasks + " --out tasks-one");
  box.good(on(3, tasks + " --out tasks-on3"));
  for (const std::string file :
       {"accuracy.csv", "alignment_init.npy", "0/alignment.npy", "1/alignment.npy", "3/history.csv", "3/final.npz"})
    CHECK(bytes_of(box / "tasks-one" / file) == bytes_of(box / "tasks-on3" / file));
}

}  // namespace
